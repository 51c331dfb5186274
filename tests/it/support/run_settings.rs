//! Settings of a run, for run folders that tests write without training.

/// `settings.yaml` of 3 epochs of a model `Net` on files that do not exist, as an earlier npc wrote it: fields that were added since
/// then have defaults.
pub const SETTINGS: &str = "\
format: 1
versions: {npc: 0.1.0}
model_file: model.model
data_root: /nowhere
device: cpu
train:
  name: t
  model: Net
  args: {}
  data: d
  epochs: 3
  batch: 2
  seed: 0
  optimizer: {adam: {lr: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1.0e-8, weight_decay: 0.0}}
  loss: cross_entropy
  metrics: [iou, dice]
  keep: [{best: dice}, last]
data:
  name: d
  source: {files: {images: 'i/*.png', masks: 'm/*.png'}}
  size: [8, 8]
  classes: [background, lung]
  labels: [0, 255]
  mask_rule: threshold
  split: {random: {train: 0.8, val: 0.0, test: 0.2, seed: 0}}
  window: null
  decode: value
  mean: [0.0]
  std: [1.0]
  cache_mb: 64
";
