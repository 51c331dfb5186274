//! The codes of all messages, each with its severity, title and explanation.

use super::severity::Severity;

macro_rules! codes {
    ($($id:ident $severity:ident $title:literal $explanation:literal)*) => {
        /// The stable identity of a kind of message.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code { $(#[doc = $title] #[doc = ""] #[doc = $explanation] $id,)* }

        impl Code {
            /// All codes, grouped by subject.
            pub const ALL: &'static [Code] = &[$(Code::$id,)*];

            /// Returns the code as it is printed, such as `E0301`.
            pub fn id(self) -> &'static str {
                match self { $(Code::$id => stringify!($id),)* }
            }

            /// Returns the severity of a message with this code, before `--deny` turns warnings into errors.
            pub fn severity(self) -> Severity {
                match self { $(Code::$id => Severity::$severity,)* }
            }

            /// Returns a short name for the kind of message, such as `shape mismatch`.
            pub fn title(self) -> &'static str {
                match self { $(Code::$id => $title,)* }
            }

            /// Returns a paragraph that says what the message means and how to fix the problem.
            pub fn explanation(self) -> &'static str {
                match self { $(Code::$id => $explanation,)* }
            }
        }
    };
}

codes! {
    E0101 Error "syntax error"
        "The text does not follow the grammar at this place. The message lists what the grammar accepts there."
    E0102 Error "unsupported edition"
        "The line `npc N` names an edition of the language that this npc does not support. It reads edition 1: write `npc 1`."
    E0103 Error "missing edition line"
        "A model file must start with the line `npc 1`, so that later editions can change the syntax without breaking old files."
    E0104 Error "nested too deeply"
        "Expressions and bodies can be nested at most 64 levels deep, with at most 256 operators in one expression. Give inner parts a name with `let`."
    E0105 Error "number out of range"
        "An integer must fit in 64 bits with sign, a float in 64 bits."
    E0106 Error "unreadable file"
        "The model file is missing, cannot be read, is not UTF-8, or is larger than 4 MiB."

    E0201 Error "unknown name"
        "No node, hyper-parameter, dimension, block, operator or item with this name is visible here. Check the spelling, or import the file that defines it."
    E0202 Error "duplicate name"
        "Each name can be bound only once. The items of a file share one namespace, the parameters and nodes of a block another. Rename or remove one of them."
    E0203 Error "recursive blocks"
        "A block cannot use itself, directly or through other blocks, because elaboration would never end. Use `repeat(n, stage)` or a `for` loop."
    E0204 Error "wrong argument"
        "A call has an unknown argument, gives one twice, or lacks a required one. Positional arguments are the tensors, the first hyper-parameter, and then the hyper-parameters without a default, in order; all others are given by name."
    E0205 Error "unknown key"
        "A `data` or `train` block, or a value in it, has a key that is not in its schema. The message suggests a similar key or lists the valid ones."
    E0206 Error "wrong value"
        "The value does not have the type or range that this key or hyper-parameter requires, or is not one of its cases."
    E0207 Error "missing key"
        "A `data` or `train` block lacks a required key, which is one without a default. Add it."
    E0208 Error "cyclic variants"
        "A variant must be based on a model, directly or through other variants. These variants are based on each other in a cycle."

    E0209 Error "invalid import"
        "An import is `std` or a path relative to the importing file. The file must exist, inside the folder of the file that is checked. At most 256 files can be imported, directly or through others."
    E0210 Error "cyclic imports"
        "Files cannot import each other in a cycle. Move the definitions that both need into a third file."

    E0301 Error "shape mismatch"
        "The shapes of the operands of an operator do not match. `concat` needs equal height and width. `+` and `*` need equal shapes, or `[c, h, w]` with `[c, 1, 1]` or `[1, h, w]`, which are broadcast."
    E0302 Error "declared shape differs"
        "A tensor does not have the shape that is declared after `->` or for a tensor parameter. A block that no model uses is checked with sample arguments, which a note lists."
    E0303 Error "invalid input of an operator"
        "The operator is not defined for an input of this shape with these settings: for example, the number of channels is not divisible by `groups`, or the kernel is larger than the padded input."
    E0304 Error "type mismatch"
        "A value has another type than this place needs: for example a tensor instead of an integer, a list instead of a tensor, or a stage instead of a value."
    E0305 Error "inexact division"
        "The integer division `a / b` leaves a remainder. Write `ceil(a / b)` or `floor(a / b)` to round up or down."
    E0306 Error "requirement not met"
        "A condition after `require` is false for the arguments of this block. Change the arguments so that it holds."
    E0307 Error "index out of range"
        "A list has no element at this index, or no node is bound at it yet."
    E0308 Error "node bound twice"
        "Each node can be bound only once. Inside a loop, give it an index: `let s[i + 1] = ...`."
    E0309 Error "no case matches"
        "A `match` has no arm for this value, or an arm names a case that the enum does not have. Add an arm, or `_` for all other values."
    E0310 Error "arithmetic error"
        "An expression divides by zero, or its result does not fit in 64 bits."
    E0311 Error "limit exceeded"
        "Elaboration has limits, so that every file is safe to open: 150,000 nodes in a model, 60,000 in the models of a file that are shown together (where each model counts as 40 more), 2,000,000 evaluation steps (50,000,000 for all models of a file, where each node counts as 50 and each model as 1,000), 64 nested block calls, tensors of 2^40 numbers, and 2^63 MACs."
    E0312 Error "pool indices do not fit"
        "`unpool` needs the indices of a max pool, and the output of that pool must have the shape of the input of `unpool`."
    E0313 Error "hyper-parameter without a value"
        "A hyper-parameter is written as `?`, a hole, and has no value. Give it one with `--with name=value`."
    E0314 Error "result missing or misplaced"
        "A body must end with its only `return`, or be written as `= expression`."

    W0401 Warning "class count differs"
        "The number of output channels of the model differs from the number of classes of the data block."
    W0402 Warning "batch norm over one value"
        "Batch norm on a 1x1 map with batch size 1 has one value per channel, so its variance is zero and it cannot be trained. Use a larger batch, or another norm."
    W0403 Warning "model without parameters"
        "The model has no parameters, so training cannot change it."
    W0404 Warning "taps in the padding"
        "At this input size, a convolution reads zero padding with more than half of its taps, because its dilation exceeds the map or the map is smaller than the kernel. The weights of taps that never read a pixel are never trained. Use smaller dilation rates, less downsampling before the convolution, or a larger image."
    W0405 Warning "gridding"
        "Consecutive dilated convolutions whose rates share a factor read only a lattice of pixels (gridding). An output pixel does not depend on the pixels between, so neighbouring outputs depend on different pixels. Use rates such as 1, 2, 3 (Wang et al. 2018), or a convolution without dilation before, after or in parallel to them."
    W0406 Warning "receptive field far beyond the image"
        "The receptive field of a result is more than eight times as large as the image. Its outer part is always padding, so layers that only enlarge it add cost but no context. Use a larger image, fewer levels or smaller dilation rates."
    W0407 Warning "bias without effect"
        "Batch norm, instance norm, and group norm with one channel per group subtract the mean of each channel, which cancels a bias that is added directly before. The gradient of that bias is zero in training. Write `bias = false`."
    W0408 Warning "checkerboard risk"
        "If the kernel size of a transposed convolution is not divisible by its stride, some output pixels sum more products than their neighbours, which causes checkerboard artifacts (Odena et al. 2016). Use a kernel size that is a multiple of the stride, or upsampling followed by a convolution."
    W0409 Warning "unused node"
        "No result of the model depends on this layer with parameters. The layer is counted and saved, but gets no gradient. Use its output or remove it."
    W0410 Warning "softmax over one channel"
        "Softmax normalises over the channels, so over a single channel its output is always 1. Use `sigmoid`."
    W0411 Warning "unread pixels"
        "Every layer that reads this map has a stride larger than its kernel, so some pixels of the map are computed but never used. Use a kernel at least as large as the stride, or move the stride into the layer that computes the map."

    W0413 Warning "unused parameter"
        "The body of a block or model does not use one of its parameters, so its value has no effect. Use it, remove it, or begin its name with `_` if it is unused on purpose."
    W0414 Warning "unused binding"
        "A `let` binds a name that is never used. A node with weights is still part of the network. Use it, remove it, or begin its name with `_` if it is unused on purpose."
    W0415 Warning "unused import"
        "No name of the imported file is used. Files that define data, runs or models are never reported, because the command line can name those."
    W0416 Warning "variant equal to its base"
        "The variant builds exactly the same network as its base, because its arguments have no effect or it has none. Change an argument or remove the variant."
    W0417 Warning "unused allow"
        "The warning named after `allow` does not occur here. This is reported when a file is checked as a whole, for items that its models use. Remove the name."
    W0418 Warning "result beside the image"
        "A result has the size of the image and shows only a part of it, or lies beside it: unpadded convolutions cut off a border, and `resize` stretches what is left over the whole image. Every mask is then displaced. Pad the convolutions or the image, or crop instead of resizing."
    W0419 Warning "joined maps lie apart"
        "A node joins maps of one size that show different parts of the image, by more than their strides explain: one of them lost a border and was resized. Crop the larger one to the smaller, or pad the convolutions before."
    W0420 Warning "mean or std in other units"
        "Pixel values are scaled to 0..1 first, by the window or by the range of their type; then `mean` is subtracted, and they are divided by `std`. A `mean` outside of 0..1 or a `std` above 1 is in other units, often those of 0 to 255, and all inputs become nearly one number. Divide both by 255."

    E0501 Error "unknown model, run or data set"
        "The command names an item that the file does not hold."
    E0502 Error "no input size"
        "The model's height and width are symbols; `--size HxW`, `--on DATA` or a `train` block binds them."
    E0503 Error "bad command-line value"
        "The command line is wrong: an option has a value that it does not take, or options do not fit together. The exit code is 2."
    E0504 Error "no settings to try"
        "`npc fit` tries every combination of the values of a model's holes. Give each hole a list or a range of values, in the file (`fem_out: int = ? in [64, 80, 96]`) or with `--hole NAME=VALUES`; together they may have 2^20 combinations."

    E0601 Error "claim does not hold"
        "An `expect` states something about a model that is not true. If a source is known to be wrong, keep its number and write `refuted \"reason\"` after the claim."
    E0602 Error "refuted claim holds"
        "A claim marked as `refuted` turns out to be true. Take the mark away."
    E0603 Error "unknown quantity"
        "A claim can be about `params`, `buffers`, `macs`, `macs(CONVENTION)`, `params(CONVENTION)`, `receptive_field`, `input`, `output` or `output(RESULT)`. What a sweep keeps can also be about `memory(inference)` and `memory(training)`."

    E0701 Error "file cannot be read"
        "A file or folder does not exist, may not be read, or ends too early. The message repeats the reason of the operating system. Check the path (`--data-root` is put before relative paths of a data block) and the permissions."
    E0702 Error "file cannot be written"
        "A file or folder cannot be created or replaced: no permission, no space left, or the path is used by something else. Files are written whole or not at all, so an older file is still complete."
    E0703 Error "damaged file"
        "The content of a file is cut off, corrupted, or not of the format that its name says. Copy or download it again."
    E0704 Error "unsupported file"
        "The file is intact, and npc does not read this format, compression, pixel type or number of dimensions. Convert it as the help says."
    E0705 Error "invalid table or list"
        "A CSV table or list of cases lacks a column, has a row that does not fit its header, or names no case. The message names the line."
    E0710 Error "images and masks do not pair"
        "Each image of a data set needs exactly one mask. None, several, or a mask without an image were found. Check the patterns `images` and `masks` and the names of the files."
    E0711 Error "image does not fit the data block"
        "Channels, pixel type or value range of an image are not those that the data block and the network expect: for example a 16-bit image without `window`, or a colour image for a network of two channels."
    E0712 Error "image and mask differ in size or place"
        "An image and its mask must have the same number of pixels. The voxels of a volume and of its mask must also be at the same places in the patient, within half a voxel, by the headers of both files (orientation, spacing, origin). Resample the mask to the grid of its image, or write it with the header of its image."
    E0713 Error "mask value without a label"
        "A mask holds a value that `labels` does not list. List every value that masks may hold, or correct the mask."
    E0714 Error "invalid volume or series"
        "A volume or DICOM series is not a regular grid: slices are missing or repeated, belong to several series, or have different sizes, spacings or orientations. Copy the series again, or put each series into a folder of its own."
    E0715 Error "split that cannot be made"
        "The cases cannot be divided into training, validation and test set as the data block asks: too few cases or groups, a case in two parts (data leakage), or an unknown part."
    E0716 Error "invalid setting of a data block"
        "A value of a data block contradicts another value, the images, or the network."
    E0717 Error "invalid setting of a run"
        "A value of a `train` block or of `settings.yaml` is out of range, or contradicts another value, the network or the data: for example a supervised result that the network does not have, or class weights of another number than the classes."
    E0718 Error "orientation not decided"
        "A picture has an orientation tag (EXIF in JPEG, PNG and WebP, tag 274 in TIFF), by which viewers turn it. Programs that draw masks differ in whether they do so too. Write `orientation = apply` in the data block if masks are drawn on what viewers show, or `orientation = stored` if they are drawn on the stored pixels. The same rule holds for images and masks, each by its own tag, and in `npc predict`. For a trained run, write the key into its settings.yaml, or save the picture upright (`magick IN -auto-orient OUT`)."
    E0720 Error "weights do not fit the network"
        "Tensors in a file of weights are missing, unknown, or have other shapes than the network. The message lists the first of them. The file belongs to another network, or the model file was changed after training."
    E0721 Error "invalid run folder"
        "The folder lacks a file that `npc train` or `npc eval` writes, or holds one that belongs to other settings or another version."
    E0722 Error "run folder in use"
        "The folder already contains a run, or another process trains into it. A second run would overwrite the checkpoints of the first. Continue the run with `--resume`, replace it with `--overwrite`, or choose another folder with `--out DIR`."
    E0723 Error "run differs from the one to resume"
        "A run is resumed with the settings and the network it was started with. Use the same values, name the run folder alone (`npc train RUN --resume`), or start another run with `--out DIR`."
    E0724 Error "weights or results that are not finite"
        "A tensor of weights holds NaN, an infinite number or a negative variance, or the network computes such scores from an image. A mask of them would be empty without an error. The message names the tensor or the image."
    E0730 Error "device not available"
        "The device that `--device` names does not exist, lacks a driver, or is not part of this build."
    E0731 Error "not enough memory"
        "The run needs more memory than the device has free (out of memory). Reduce the batch size, the image size or the network."
    E0732 Error "training diverged"
        "A loss, gradient or weight became NaN or infinite. The message names the step and the first layer. A lower learning rate, warm-up, gradient clipping, or a look at the data usually helps."
    E0733 Error "results differ between devices"
        "Two devices computed results that differ by more than rounding."
    E0740 Error "scores cannot be compared"
        "Two runs or tables of scores lack common images, classes or metrics. Train and evaluate both on the same split of the same data."
    E0741 Error "nothing to score"
        "The run is not evaluated yet (`npc eval RUN`), the part of the split holds no case with a mask, or a metric needs what the data does not have (for example `spacing` for distances in millimetres)."
    E0742 Error "images without a prediction"
        "Some images could not be predicted. The problems before this one say why; the other images were predicted and written."
    E0750 Error "external program failed"
        "A program that npc starts, such as git, is missing or ended with an error. The message repeats what it printed."
    E0751 Error "operation not possible on this machine"
        "The operating system refuses something that every run needs, such as a thread."
    E0752 Error "interrupted"
        "Ctrl-C, or the program that calls the library, stopped the work before it was complete. Files that existed before are unchanged."
    E0799 Error "internal error"
        "Something that cannot happen has happened. Please report it with the command and the message."

    N0901 Note "not evaluated"
        "This part of the file is valid but is not evaluated: a hole without values to try, or without a claim that determines its value."
}

impl Code {
    /// Returns the name by which a file silences this warning; `None` if it cannot be silenced.
    pub fn lint(self) -> Option<&'static str> {
        Some(match self {
            Code::W0401 => "class_count",
            Code::W0402 => "norm_of_one",
            Code::W0403 => "nothing_to_train",
            Code::W0404 => "padding_taps",
            Code::W0405 => "gridding",
            Code::W0406 => "field_beyond_input",
            Code::W0407 => "dead_bias",
            Code::W0408 => "checkerboard",
            Code::W0409 => "unused_node",
            Code::W0410 => "one_channel_softmax",
            Code::W0411 => "unread_pixels",
            Code::W0413 => "unused_parameter",
            Code::W0414 => "unused_binding",
            Code::W0415 => "unused_import",
            Code::W0416 => "same_variant",
            Code::W0417 => "unused_allow",
            Code::W0418 => "misplaced_result",
            Code::W0419 => "misplaced_parts",
            Code::W0420 => "value_units",
            _ => return None,
        })
    }
}
