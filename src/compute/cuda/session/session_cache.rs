//! Sessions of one network for batches of several sizes.

use super::device_session::DeviceSession;
use crate::base::error::Result;

/// Sessions by the dims of their batches. The last used ones stay in the GPU's memory.
pub(in super::super) struct SessionCache {
    most: usize,
    /// The last used is the last.
    sessions: Vec<([usize; 4], DeviceSession)>,
}

impl SessionCache {
    /// A cache of at most `most` sessions, 1 or more.
    pub(in super::super) fn new(most: usize) -> Self {
        Self { most, sessions: Vec::new() }
    }

    /// Returns the session of these dims, which `open` opens if it is not there. The one that was not used for the longest time is freed
    /// before, if there are as many as may be.
    pub(in super::super) fn get_or_open(
        &mut self,
        dims: [usize; 4],
        open: impl FnOnce() -> Result<DeviceSession>,
    ) -> Result<&mut DeviceSession> {
        let entry = match self.sessions.iter().position(|(of, _)| *of == dims) {
            Some(at) => self.sessions.remove(at),
            None => {
                if self.sessions.len() >= self.most {
                    self.sessions.remove(0);
                }
                (dims, open()?)
            }
        };
        self.sessions.push(entry);
        let (_, session) = self.sessions.last_mut().expect("pushed just before");
        Ok(session)
    }

    /// Returns the session of these dims, if it is there.
    pub(in super::super) fn find(&self, dims: [usize; 4]) -> Option<&DeviceSession> {
        self.sessions.iter().find(|(of, _)| *of == dims).map(|(_, session)| session)
    }

    /// Returns the session that was used last.
    pub(in super::super) fn last(&self) -> Option<&DeviceSession> {
        self.sessions.last().map(|(_, session)| session)
    }

    /// Returns the bytes of the GPU's memory that the sessions have for themselves.
    pub(in super::super) fn bytes(&self) -> usize {
        self.sessions.iter().map(|(_, session)| session.bytes()).sum()
    }
}
