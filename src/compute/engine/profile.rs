//! Where the time of a network goes: each node's share of its forward and backward calls.
//!
//! Knows names, durations and multiply-accumulates, and neither tensors nor kernels. Whoever walks the steps of a plan
//! tells how long each took; times of several calls add up.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// A step of the plan. Times are sums over all calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeTime {
    /// Dotted, as in the graph.
    pub path: String,
    pub op: String,
    pub forward_ns: u64,
    pub backward_ns: u64,
    /// Multiply-accumulates of one forward call, for the whole batch.
    pub macs: u64,
}

impl NodeTime {
    pub fn new(path: impl Into<String>, op: impl Into<String>, macs: u64) -> Self {
        Self { path: path.into(), op: op.into(), forward_ns: 0, backward_ns: 0, macs }
    }

    pub fn total_ns(&self) -> u64 {
        self.forward_ns.saturating_add(self.backward_ns)
    }
}

/// One entry for each step, in the order of the plan. A step that is computed as a part of another keeps a time of zero.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    nodes: Vec<NodeTime>,
    calls: usize,
    whole_ns: u64,
}

impl Profile {
    pub fn new(nodes: Vec<NodeTime>) -> Self {
        Self { nodes, calls: 0, whole_ns: 0 }
    }

    /// Adds to the forward time of a step.
    ///
    /// # Panics
    /// Where there is no such step, as [`Profile::backward`] does.
    pub fn forward(&mut self, step: usize, elapsed: Duration) {
        let node = &mut self.nodes[step];
        node.forward_ns = node.forward_ns.saturating_add(nanoseconds(elapsed));
    }

    /// Adds to the backward time of a step.
    pub fn backward(&mut self, step: usize, elapsed: Duration) {
        let node = &mut self.nodes[step];
        node.backward_ns = node.backward_ns.saturating_add(nanoseconds(elapsed));
    }

    /// A whole call, forward or forward and backward, has been told of.
    pub fn end_call(&mut self) {
        self.calls += 1;
    }

    /// What all calls took from outside, loss and optimiser included.
    pub fn took(&mut self, whole: Duration) {
        self.whole_ns = self.whole_ns.saturating_add(nanoseconds(whole));
    }

    /// Milliseconds of a call that belong to no step: copies, and in training loss and optimiser.
    pub fn outside_ms(&self) -> f64 {
        (self.whole_ns as f64 / 1e6 / self.calls.max(1) as f64 - self.total_ms()).max(0.0)
    }

    pub fn nodes(&self) -> &[NodeTime] {
        &self.nodes
    }

    pub fn calls(&self) -> usize {
        self.calls
    }

    /// Forward and backward milliseconds of a step in one call, the mean of all.
    pub fn per_call_ms(&self, node: &NodeTime) -> [f64; 2] {
        let calls = self.calls.max(1) as f64;
        [node.forward_ns, node.backward_ns].map(|ns| ns as f64 / 1e6 / calls)
    }

    /// Whether any backward time was told.
    pub fn has_backward(&self) -> bool {
        self.nodes.iter().any(|n| n.backward_ns > 0)
    }

    /// All steps with_team, in one call: milliseconds.
    pub fn total_ms(&self) -> f64 {
        self.nodes.iter().flat_map(|n| self.per_call_ms(n)).sum()
    }

    /// 10^9 floating-point operations a second: two for each multiply-accumulate, and where the backward pass was timed
    /// three times as many, for the gradients of inputs and weights cost a forward pass each. `None` for a step that
    /// multiplies nothing or took no time.
    pub fn gflops(&self, node: &NodeTime) -> Option<f64> {
        let passes = if node.backward_ns > 0 { 3.0 } else { 1.0 };
        let ns = node.total_ns() as f64;
        let operations = 2.0 * passes * node.macs as f64 * self.calls as f64;
        (node.macs > 0 && ns > 0.0).then(|| operations / ns)
    }
}

/// Where the passes of an engine tell their times, as long as somebody asks. Clones are one.
#[derive(Debug, Clone, Default)]
pub struct Recorder(Arc<Mutex<Option<Profile>>>);

impl Recorder {
    pub fn start(&self, profile: Profile) {
        *self.lock() = Some(profile);
    }

    /// What was told since the start; `None` without one.
    pub fn stop(&self) -> Option<Profile> {
        self.lock().take()
    }

    fn tell(&self, f: impl FnOnce(&mut Profile)) {
        if let Some(profile) = self.lock().as_mut() {
            f(profile);
        }
    }

    /// Runs a step forward.
    pub fn forward<R>(&self, step: usize, run: impl FnOnce() -> R) -> R {
        let mut watch = Stopwatch::start();
        let made = run();
        self.tell(|profile| profile.forward(step, watch.lap()));
        made
    }

    /// Runs a step backward.
    pub fn backward<R>(&self, step: usize, run: impl FnOnce() -> R) -> R {
        let mut watch = Stopwatch::start();
        let made = run();
        self.tell(|profile| profile.backward(step, watch.lap()));
        made
    }

    pub fn end_call(&self) {
        self.tell(Profile::end_call);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Profile>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Times one step after another: `lap` is the time since the last one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn lap(&mut self) -> Duration {
        let now = Instant::now();
        let elapsed = now - self.0;
        self.0 = now;
        elapsed
    }
}

fn nanoseconds(elapsed: Duration) -> u64 {
    u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_add_up_and_are_told_per_call() {
        let mut profile =
            Profile::new(vec![NodeTime::new("a.conv", "conv", 500_000), NodeTime::new("a.relu", "relu", 0)]);
        for _ in 0..2 {
            profile.forward(0, Duration::from_micros(100));
            profile.forward(1, Duration::from_micros(50));
            profile.end_call();
        }
        let [conv, relu] = [0, 1].map(|i| profile.nodes()[i].clone());
        assert_eq!(profile.per_call_ms(&conv), [0.1, 0.0]);
        assert!((profile.total_ms() - 0.15).abs() < 1e-12);
        // A million operations in 100 microseconds.
        assert_eq!(profile.gflops(&conv), Some(10.0));
        assert_eq!(profile.gflops(&relu), None);
        assert!(!profile.has_backward());
        assert_eq!(profile.outside_ms(), 0.0);
        profile.took(Duration::from_micros(500));
        assert!((profile.outside_ms() - 0.1).abs() < 1e-12);
        profile.backward(0, Duration::from_micros(400));
        // Three passes: 6 million operations in 600 microseconds of two calls.
        assert_eq!(profile.gflops(&profile.nodes()[0]), Some(10.0));
        assert_eq!(profile.per_call_ms(&profile.nodes()[0]), [0.1, 0.2]);
    }

    #[test]
    fn nothing_measured_divides_nothing() {
        let profile = Profile::new(vec![NodeTime::new("conv", "conv", 7)]);
        assert_eq!(profile.total_ms(), 0.0);
        assert_eq!(profile.gflops(&profile.nodes()[0]), None);
    }
}
