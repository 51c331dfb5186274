//! The words, labels and edits of errors in calls, apart from the rules that find them.

mod argument;
mod operator;
mod tensor_input;

pub(super) use argument::{ArgumentError, unknown_parameter};
pub(super) use operator::{OperatorError, unknown_word, wrong_setting};
pub(super) use tensor_input::{DimMismatch, TensorInput, TensorInputError};
