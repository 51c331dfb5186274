//! Every code, its name, its severity and what it means. One variant per kind of message.

use super::severity::Severity;

macro_rules! codes {
    ($($id:ident $severity:ident $title:literal $explanation:literal)*) => {
        /// The stable identity of a kind of message.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code { $(#[doc = $title] #[doc = ""] #[doc = $explanation] $id,)* }

        impl Code {
            /// Every code there is; those of one subject stand together.
            pub const ALL: &'static [Code] = &[$(Code::$id,)*];

            /// `E0301`
            pub fn id(self) -> &'static str {
                match self { $(Code::$id => stringify!($id),)* }
            }

            /// Gives the severity that a message of this code has where nothing else is said: `--deny` makes errors of
            /// warnings.
            pub fn severity(self) -> Severity {
                match self { $(Code::$id => Severity::$severity,)* }
            }

            /// Gives a few words for the kind of message, the same for every message of it: `shape mismatch`.
            pub fn title(self) -> &'static str {
                match self { $(Code::$id => $title,)* }
            }

            /// A paragraph: what the message means and how it is usually fixed.
            pub fn explanation(self) -> &'static str {
                match self { $(Code::$id => $explanation,)* }
            }
        }
    };
}

codes! {
    E0101 Error "syntax error"
        "The text does not follow the grammar at this place. The message names what could stand there instead."
    E0102 Error "unsupported edition"
        "The file says `npc N` with an edition that this npc does not know. This npc reads edition 1."
    E0103 Error "missing edition line"
        "A model file starts with the line `npc 1`, so that the syntax can change later without breaking old files."
    E0104 Error "nested too deeply"
        "Expressions and bodies may be nested 64 levels deep. Give inner parts a name with `let`."
    E0105 Error "number out of range"
        "Integers are 64 bit signed; floats are 64 bit."
    E0106 Error "unreadable file"
        "The file cannot be read, is not UTF-8, or is larger than 4 MiB."

    E0201 Error "unknown name"
        "No node, hyper-parameter, dimension, block, operator or item of this name is visible here."
    E0202 Error "duplicate name"
        "Items share one name space in a file; parameters and nodes share one in a block. Each name is bound once."
    E0203 Error "recursive blocks"
        "A block may not use itself, directly or through others: elaboration would never end."
    E0204 Error "wrong argument"
        "The callee has no such argument, has it already, or a required one is missing. Positional are tensors, the first hyper-parameter, and after it those without a default, in order."
    E0205 Error "unknown key"
        "A `data` or `train` block takes only the keys of its schema."
    E0206 Error "wrong value"
        "The value does not have the type, range or case that this key or hyper-parameter asks for."
    E0207 Error "missing key"
        "A `data` or `train` block lacks a key without a default."
    E0208 Error "variants in a circle"
        "A variant may name a model or another variant, but not itself through others."

    E0209 Error "import that cannot be followed"
        "An import is a path relative to the file it stands in, inside the folder of the file that is checked, or `std`."
    E0210 Error "imports in a circle"
        "Files may not import each other in a circle. Move what both need into a third file."

    E0301 Error "shape mismatch"
        "Tensors that meet at an operator do not fit: concat needs equal height and width, `+` and `*` need equal shapes or `[c, 1, 1]` or `[1, h, w]` beside `[c, h, w]`."
    E0302 Error "broken shape promise"
        "The shape written after `->` or for a tensor input is not the shape that arrives. A block that no model uses is tried with sample arguments, which a note names."
    E0303 Error "operator refuses its input"
        "The operator cannot work on an input of this shape or with these settings, for example channels that groups do not divide, or a window larger than the padded input."
    E0304 Error "type mismatch"
        "A value of one kind stands where another is needed: a tensor for an integer, a list for a tensor, a stage for a value."
    E0305 Error "inexact division"
        "`a / b` on integers must leave no remainder. Write `ceil(a / b)` or `floor(a / b)` to say which way to round."
    E0306 Error "requirement not met"
        "A `require` of this block does not hold for the values it was given."
    E0307 Error "index out of range"
        "A list has no element, or no node was bound, at this index."
    E0308 Error "node bound twice"
        "Each node is assigned once. Inside a loop give it an index: `let s[i + 1] = ...`."
    E0309 Error "no case matches"
        "A `match` has no arm for this value, or names a case that the enum lacks."
    E0310 Error "arithmetic error"
        "Division by zero, or a result that does not fit in 64 bits."
    E0311 Error "limit exceeded"
        "Elaboration stops at 150,000 nodes, 2,000,000 evaluation steps (50,000,000 for all models of a file, where each node adds 50 and each model 1,000), 64 nested block calls, tensors of 2^40 numbers and 2^63 MACs, so that every file is safe to open."
    E0312 Error "pool indices do not fit"
        "`unpool` needs the indices of a max pool whose output has the shape of its input."
    E0313 Error "hole left open"
        "A hyper-parameter written as `?` has no value yet. Give one with `--with name=value`."
    E0314 Error "result missing or misplaced"
        "A body ends with its one `return`, or is written `= expression`."

    W0401 Warning "class count differs"
        "The model's channel count at the output differs from the number of classes of the data block."
    W0402 Warning "batch norm over one value"
        "Batch norm on a 1x1 map with batch size 1 sees one value per channel and cannot be trained."
    W0403 Warning "nothing to learn"
        "The model has no parameters."
    W0404 Warning "taps in the padding"
        "At this input size a convolution reads zeros with more than half of its taps: its dilation reaches beyond the map on most sides, or the map is smaller than the kernel. Taps that never read a pixel keep the weights that they started with. Use smaller rates, less downsampling before them, or a larger image."
    W0405 Warning "gridding"
        "Dilated convolutions one behind the other, with rates that share a factor, read a lattice of pixels: no pixel of the result sees those between, so neighbours of a result come from different pixels. Use rates such as 1, 2, 3 (Wang et al. 2018), or a convolution without dilation before, beside or behind them."
    W0406 Warning "receptive field far beyond the image"
        "The receptive field of a result is more than eight times the image. The outer part of it is always padding, and layers that only widen it add cost and no context. Use a larger image, fewer levels or smaller dilations."
    W0407 Warning "bias without effect"
        "Batch norm, instance norm and group norm with one channel a group subtract the mean of each channel, and with it any bias that was added just before. The bias has no gradient in training. Write `bias = false`."
    W0408 Warning "checkerboard risk"
        "A transposed convolution whose kernel the stride does not divide adds up more products in some pixels than in their neighbours, which shows as a checkerboard (Odena et al. 2016). Use a kernel that is a multiple of the stride, or upsampling and a convolution."
    W0409 Warning "node that nothing reads"
        "A layer with parameters is part of the model and no result depends on it: it is counted and saved, and gets no gradient."
    W0410 Warning "softmax over one channel"
        "Softmax divides by the sum over channels; over a single channel it gives 1 whatever the input is. Use `sigmoid`."
    W0411 Warning "pixels that nothing reads"
        "Every reader of a map has a stride larger than its kernel, so some pixels of the map are computed for nothing. Use a kernel as large as the stride, or put the stride into the layer that makes the map."

    W0413 Warning "unused parameter"
        "A block or model has a parameter that its body does not use: a value given for it changes nothing. A name that begins with `_` is unused on purpose."
    W0414 Warning "unused binding"
        "A `let` binds a name that nothing uses. Its node is still part of the network if it has weights. A name that begins with `_` is unused on purpose."
    W0415 Warning "unused import"
        "No name of the imported file is used. Files that bring data, runs or models are never reported: the command line can name those."
    W0416 Warning "variant equal to its base"
        "The variant builds exactly the network that its base builds: its arguments make no difference, or it has none."
    W0417 Warning "allow that silences nothing"
        "The name after `allow` is that of a warning that does not come up here. Told when a file is checked as a whole, for items that its models use."

    E0501 Error "unknown model, run or data set"
        "The command names an item that the file does not hold."
    E0502 Error "no input size"
        "The model's height and width are symbols; `--size HxW`, `--on DATA` or a `train` block binds them."
    E0503 Error "bad command-line value"
        "The value after an option does not have the form that the option asks for."

    E0601 Error "claim does not hold"
        "An `expect` says something about a model that is not so. Where a source is known to be wrong, keep its number and write `refuted \"reason\"` behind the claim."
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
    E0712 Error "image and mask differ in size"
        "An image and its mask must have the same number of pixels, and volumes the same grid (orientation, spacing, origin). Resample the mask to the grid of its image."
    E0713 Error "mask value without a label"
        "A mask holds a value that `labels` does not list. List every value that masks may hold, or correct the mask."
    E0714 Error "invalid volume or series"
        "A volume or DICOM series is not a regular grid: slices are missing or repeated, belong to several series, or have different sizes, spacings or orientations."
    E0715 Error "split that cannot be made"
        "The cases cannot be divided into training, validation and test set as the data block asks: too few cases or groups, a case in two parts (data leakage), or an unknown part."
    E0716 Error "invalid setting of a data block"
        "A value of a data block contradicts another value, the images, or the network."
    E0717 Error "invalid setting of a run"
        "A value of a `train` block or of `settings.yaml` is out of range, or contradicts another value, the network or the data: for example a supervised result that the network does not have, or class weights of another number than the classes."
    E0720 Error "weights do not fit the network"
        "Tensors in a file of weights are missing, unknown, or have other shapes than the network. The message lists the first of them. The file belongs to another network, or the model file was changed after training."
    E0721 Error "invalid run folder"
        "The folder lacks a file that `npc train` or `npc eval` writes, or holds one that belongs to other settings or another version."
    E0722 Error "run folder in use"
        "Another process trains into this folder. Two processes would overwrite each other's checkpoints."
    E0723 Error "run differs from the one to resume"
        "A run is resumed with the settings and the network it was started with. Use the same values, or start another run with `--out DIR`."
    E0730 Error "device not available"
        "The device that `--device` names does not exist, lacks a driver, or is not part of this build."
    E0731 Error "not enough memory"
        "The run needs more memory than the device has free (out of memory). Reduce the batch size or the image size."
    E0732 Error "training diverged"
        "A loss, gradient or weight became NaN or infinite. The message names the step and the first layer. A lower learning rate, warm-up, gradient clipping, or a look at the data usually helps."
    E0733 Error "results differ between devices"
        "Two devices computed results that differ by more than rounding."
    E0740 Error "scores cannot be compared"
        "Two runs or tables of scores lack common images, classes or metrics."
    E0741 Error "nothing to score"
        "The part of the split holds no case with a mask, or a metric needs what the data does not have (for example `spacing` for distances in millimetres)."
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
        "This part of the file follows the grammar and is passed over: a hole that says no values to try, or has no claim to be fitted to."
}

impl Code {
    /// The name by which a file silences this warning; `None` for what cannot be silenced.
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
            _ => return None,
        })
    }
}
