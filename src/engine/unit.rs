//! What the steps of a program compute, one family a file.
