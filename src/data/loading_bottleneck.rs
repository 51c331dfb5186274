//! Detects whether training waits for image loading, and gives advice.

use crate::base::count::counted;
/// Measurements of loading in an epoch.
#[derive(Debug, Clone, Copy)]
pub struct LoadTimes {
    /// Seconds that training waited for images, out of `seconds`.
    pub waited: f64,
    pub seconds: f64,
    /// Number of samples that were read from files.
    pub decoded: usize,
    /// Number of cached samples at the end, out of `cases`; `bytes` is their size.
    pub cached: usize,
    pub cases: usize,
    pub bytes: usize,
    /// Limit of the cache in MiB.
    pub cache_mb: usize,
    pub augmented: bool,
}

/// Smallest share of an epoch, and smallest number of seconds, that are worth advice.
const MIN_WAIT_SHARE: f64 = 0.2;
const MIN_WAIT_SECONDS: f64 = 1.0;

impl LoadTimes {
    /// Returns advice if loading is the bottleneck.
    pub fn advice(&self) -> Option<String> {
        let share = self.waited / self.seconds;
        // The first epoch reads every file; if all of them fit into the cache, the next epochs read none.
        let filling = self.decoded > 0 && self.cached >= self.cases;
        if !(share >= MIN_WAIT_SHARE && self.waited >= MIN_WAIT_SECONDS) || filling {
            return None;
        }
        let problem = format!(
            "loading images is the bottleneck: training waited for {:.0} % of the epoch",
            100.0 * share.min(1.0)
        );
        Some(match (self.decoded, self.augmented) {
            (0, true) => format!(
                "{problem}; all images are cached, so the time is spent on augmentation: remove its \
                 slowest parts (elastic, blur, noise), or use more cores"
            ),
            (0, false) => format!("{problem}; all images are cached: use more cores"),
            _ => {
                let all = self.bytes as f64 / self.cached.max(1) as f64 * self.cases as f64 / f64::from(1 << 20);
                let held = format!(
                    "the cache holds {} of {} in {} MiB",
                    self.cached,
                    counted(self.cases, "image"),
                    self.cache_mb
                );
                match self.cached {
                    0 => format!("{problem}; {held}: raise `cache_mb`, or store the files smaller"),
                    _ => format!(
                        "{problem}; {held}: to cache all of them, set cache_mb = {:.0}",
                        (all * 1.01).ceil() + 1.0
                    ),
                }
            }
        })
    }
}
