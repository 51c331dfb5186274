//! Weights to scores: windows over large images, and what a prediction is for.

mod window;
