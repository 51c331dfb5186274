//! Times of the nodes of a network, forward and backward.
//!
//! A profile contains names, durations and multiply-accumulates; it does not depend on tensors or kernels. The code
//! that runs the steps of a plan adds the time of each; times of several calls add up.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// Time of a step of the plan, summed over all calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeTime {
    /// Dotted path in the graph.
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

/// One entry for each step, in the order of the plan. The time of a step that is fused into another remains zero.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    nodes: Vec<NodeTime>,
    calls: usize,
    wall_ns: u64,
}

impl Profile {
    pub fn new(nodes: Vec<NodeTime>) -> Self {
        Self { nodes, calls: 0, wall_ns: 0 }
    }

    /// Adds to the forward time of a step.
    ///
    /// # Panics
    /// If there is no such step, as [`Profile::add_backward`].
    pub fn add_forward(&mut self, step: usize, elapsed: Duration) {
        let node = &mut self.nodes[step];
        node.forward_ns = node.forward_ns.saturating_add(nanoseconds(elapsed));
    }

    /// Adds to the backward time of a step.
    pub fn add_backward(&mut self, step: usize, elapsed: Duration) {
        let node = &mut self.nodes[step];
        node.backward_ns = node.backward_ns.saturating_add(nanoseconds(elapsed));
    }

    /// Counts a complete call, forward or forward and backward.
    pub fn end_call(&mut self) {
        self.calls += 1;
    }

    /// Adds the wall time of all calls, loss and optimiser included.
    pub fn add_wall_time(&mut self, wall: Duration) {
        self.wall_ns = self.wall_ns.saturating_add(nanoseconds(wall));
    }

    /// Milliseconds of a call outside all steps: copies, and in training loss and optimiser.
    pub fn outside_ms(&self) -> f64 {
        (self.wall_ns as f64 / 1e6 / self.calls.max(1) as f64 - self.total_ms()).max(0.0)
    }

    pub fn nodes(&self) -> &[NodeTime] {
        &self.nodes
    }

    pub fn calls(&self) -> usize {
        self.calls
    }

    /// Mean milliseconds of a step in one call, forward and backward.
    pub fn per_call_ms(&self, node: &NodeTime) -> [f64; 2] {
        let calls = self.calls.max(1) as f64;
        [node.forward_ns, node.backward_ns].map(|ns| ns as f64 / 1e6 / calls)
    }

    /// Whether the profile has backward times.
    pub fn has_backward(&self) -> bool {
        self.nodes.iter().any(|n| n.backward_ns > 0)
    }

    /// Mean milliseconds of all steps in one call.
    pub fn total_ms(&self) -> f64 {
        self.nodes.iter().flat_map(|n| self.per_call_ms(n)).sum()
    }

    /// Returns 10^9 floating-point operations per second: two per multiply-accumulate, and three times as many if the
    /// backward pass was timed, since the gradients of inputs and weights cost one forward pass each. `None` for a step
    /// without multiply-accumulates or time.
    pub fn gflops(&self, node: &NodeTime) -> Option<f64> {
        let passes = if node.backward_ns > 0 { 3.0 } else { 1.0 };
        let ns = node.total_ns() as f64;
        let operations = 2.0 * passes * node.macs as f64 * self.calls as f64;
        (node.macs > 0 && ns > 0.0).then(|| operations / ns)
    }
}

/// Collects the times of an engine's passes while a profile is active. Clones share one profile.
#[derive(Debug, Clone, Default)]
pub struct Recorder(Arc<Mutex<Option<Profile>>>);

impl Recorder {
    pub fn start(&self, profile: Profile) {
        *self.lock() = Some(profile);
    }

    /// Returns the profile since the start; `None` if none was started.
    pub fn stop(&self) -> Option<Profile> {
        self.lock().take()
    }

    fn record(&self, f: impl FnOnce(&mut Profile)) {
        if let Some(profile) = self.lock().as_mut() {
            f(profile);
        }
    }

    /// Runs a step forward and records its time.
    pub fn forward<R>(&self, step: usize, run: impl FnOnce() -> R) -> R {
        let mut watch = Stopwatch::start();
        let result = run();
        self.record(|profile| profile.add_forward(step, watch.lap()));
        result
    }

    /// Runs a step backward and records its time.
    pub fn backward<R>(&self, step: usize, run: impl FnOnce() -> R) -> R {
        let mut watch = Stopwatch::start();
        let result = run();
        self.record(|profile| profile.add_backward(step, watch.lap()));
        result
    }

    pub fn end_call(&self) {
        self.record(Profile::end_call);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Profile>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Measures one step after another: `lap` returns the time since the last call.
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
    fn times_add_up_and_are_averaged_per_call() {
        let mut profile =
            Profile::new(vec![NodeTime::new("a.conv", "conv", 500_000), NodeTime::new("a.relu", "relu", 0)]);
        for _ in 0..2 {
            profile.add_forward(0, Duration::from_micros(100));
            profile.add_forward(1, Duration::from_micros(50));
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
        profile.add_wall_time(Duration::from_micros(500));
        assert!((profile.outside_ms() - 0.1).abs() < 1e-12);
        profile.add_backward(0, Duration::from_micros(400));
        // Three passes: 6 million operations in 600 microseconds of two calls.
        assert_eq!(profile.gflops(&profile.nodes()[0]), Some(10.0));
        assert_eq!(profile.per_call_ms(&profile.nodes()[0]), [0.1, 0.2]);
    }

    #[test]
    fn a_profile_without_calls_divides_by_no_zero() {
        let profile = Profile::new(vec![NodeTime::new("conv", "conv", 7)]);
        assert_eq!(profile.total_ms(), 0.0);
        assert_eq!(profile.gflops(&profile.nodes()[0]), None);
    }
}
