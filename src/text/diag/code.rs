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

            /// A paragraph: what the message means and how it is usually mended.
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
