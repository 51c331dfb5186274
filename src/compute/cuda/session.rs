//! A program on a GPU: memory once, kernels once, then passes that only copy batches and replay graphs.

mod device_session;
mod device_state;
mod input_feed;
mod pass_results;
mod resources;
mod session_cache;
mod staged_copy;

pub use device_session::{DeviceSession, SessionOptions};
pub use device_state::DeviceState;
pub use pass_results::PassTicket;
pub(super) use session_cache::SessionCache;
