//! Results of runs: overlays, the report, TensorBoard's events.

mod figures;
mod overlays;
mod report;
mod report_browser;
mod tensorboard;
