//! Weights to scores: windows over large images, and the images that a prediction is for.

mod window;
