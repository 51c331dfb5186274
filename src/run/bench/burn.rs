//! A network on Burn's own operations.

use super::{Span, Work, repeat};
use crate::check::Checked;
use crate::engine::profile::{Profile, Stopwatch};
use crate::recipe::Optimizer;
use crate::run::agree::Sample;
use crate::run::error::{Result, RunError};
use crate::run::loss::cross_entropy;
use crate::run::lower::lower;
use crate::run::network::Network;
use crate::run::optim::{Accumulated, OptimState};
use burn::module::Module;
use burn::tensor::{Device, Tensor};

pub struct Plain {
    device: Device,
    sample: Sample,
    evaluated: Network,
    training: Option<Training>,
}

struct Training {
    network: Network,
    optim: OptimState,
}

impl Plain {
    pub fn new(checked: &Checked, device: &Device, batch: usize, train: bool) -> Result<Self> {
        let sample = if train { Sample::new(checked, batch)? } else { Sample::without_targets(checked, batch)? };
        let network = lower(checked, device, 0);
        let evaluated = network.valid();
        let training =
            train.then(|| Training { network: network.train(), optim: OptimState::new(Optimizer::default()) });
        Ok(Self { device: device.clone(), sample, evaluated, training })
    }

    fn images(&self) -> Tensor<4> {
        self.sample.images(&self.device)
    }
}

fn finish(device: &Device) -> Result<()> {
    device.sync().map_err(|e| RunError::new(format!("the device failed: {e:?}")))
}

impl Work for Plain {
    fn forward(&mut self) -> Result<()> {
        drop(self.evaluated.forward(self.images()));
        finish(&self.device)
    }

    fn train_step(&mut self) -> Result<()> {
        let images = self.images();
        let Some(Training { network, optim }) = &mut self.training else { return Ok(()) };
        let logits = network.forward(images).remove(0);
        let gradients = cross_entropy(logits, self.sample.targets(network.device())).backward();
        let gradients = Accumulated::of(network, gradients);
        *network = optim.step(network.clone(), gradients, optim.optimizer.lr());
        finish(&self.device)
    }

    /// Forward passes only, with `train` those of training mode: what Burn does backward belongs to no step.
    fn profile(&mut self, train: bool, span: Span, profile: &mut Profile) -> Result<()> {
        let network = match &self.training {
            Some(training) if train => &training.network,
            Some(_) | None => &self.evaluated,
        };
        let mut warm = Profile::new(profile.nodes().to_vec());
        let pass = |profile: &mut Profile| {
            let images = self.images();
            let (mut watch, mut step, mut failed) = (Stopwatch::start(), 0, Ok(()));
            network.walk(images, |_, _| {
                let synced = finish(&self.device);
                if failed.is_ok() {
                    failed = synced;
                }
                profile.forward(step, watch.lap());
                step += 1;
            });
            profile.end_call();
            failed
        };
        pass(&mut warm)?;
        repeat(span, &mut || pass(profile)).map(drop)
    }
}
