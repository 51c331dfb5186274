//! Whether training waits for its images, and what would help.
//!
//! Knows counts and seconds, no threads.

/// How loading went in an epoch.
#[derive(Debug, Clone, Copy)]
pub struct LoadTimes {
    /// Seconds that the step waited for its images, of `seconds`.
    pub waited: f64,
    pub seconds: f64,
    /// Samples that were read from files.
    pub decoded: usize,
    /// Samples in the cache afterwards, of `cases`, and their size.
    pub cached: usize,
    pub cases: usize,
    pub bytes: usize,
    /// The bound of the cache, in MiB.
    pub cache_mb: usize,
    pub augmented: bool,
}

/// Less than this share of an epoch, or this many seconds, is not worth a word.
const SHARE: f64 = 0.2;
const SECONDS: f64 = 1.0;

impl LoadTimes {
    pub fn advice(&self) -> Option<String> {
        let share = self.waited / self.seconds;
        // The first epoch reads every file; where they all fit into the cache, the next ones will not.
        let filling = self.decoded > 0 && self.cached >= self.cases;
        if !(share >= SHARE && self.waited >= SECONDS) || filling {
            return None;
        }
        let said = format!("loading is the bottleneck: {:.0} % of the epoch waited for images", 100.0 * share.min(1.0));
        Some(match (self.decoded, self.augmented) {
            (0, true) => format!(
                "{said}; all of them are cached, so augmentation takes the time: take out its slowest \
                 parts (elastic, blur, noise), or give it more cores"
            ),
            (0, false) => format!("{said}; all of them are cached: give loading more cores"),
            _ => {
                let all = self.bytes as f64 / self.cached.max(1) as f64 * self.cases as f64 / f64::from(1 << 20);
                let held = format!("the cache holds {} of {} images in {} MiB", self.cached, self.cases, self.cache_mb);
                match self.cached {
                    0 => format!("{said}; {held}: raise `cache_mb`, or store the files smaller"),
                    _ => format!("{said}; {held}: all of them take cache_mb = {:.0}", (all * 1.01).ceil() + 1.0),
                }
            }
        })
    }
}
