//! What the tests and benchmarks of this repository reach besides the public items. It may change at any time.

pub mod base {
    pub mod atomic {
        #[cfg(feature = "data")]
        pub use crate::base::atomic::write_atomic;
    }
    pub mod error {
        pub use crate::base::error::{Result, RunError};
    }
    #[cfg(feature = "run")]
    pub mod machine {
        pub use crate::base::machine::FreeMemory;
    }
}
#[cfg(feature = "data")]
pub mod compute {
    #[cfg(feature = "run")]
    pub mod device {
        pub use crate::compute::device::{DeviceChoice, is_cpu, open};
    }
    pub mod cuda {
        pub use crate::compute::cuda::arena::{place, place_apart, place_for_graph};
        pub use crate::compute::cuda::{
            Arena, BufferPlace, BufferRole, ConvTile, CudaInference, CudaOptions, CudaProgram, CudaTrainer,
            Dependencies, DeviceBuffer, DeviceBufferId, FlatLayout, FlatRegion, FlatTensor, FlatTensors, Gpu, Kernel,
            Launch, PRELUDE, PassReport, PreparedTraining, ProductPrecision, ProgramSection, StepReport, StepScalars,
            TrainingBatch, TrainingStep, dependencies, lower, lower_classes, lower_step,
        };
        pub mod driver {
            pub use crate::compute::cuda::driver::{
                CodeTarget, ComputeCapability, CubinCache, CudaVersion, DeviceAddress, DeviceBlock, DeviceEvent,
                DeviceGraph, DeviceQueue, ENTRY, GpuDriver, GpuProperties, KernelCompiler, KernelLaunch, LibrarySearch,
                LoadedKernel, PinnedBlock, device_problem, kernel_source,
            };
            #[cfg(feature = "cuda")]
            pub use crate::compute::cuda::driver::{CudaDevice, CudaSetup, NvrtcCompiler, NvrtcFinding};
        }
        pub mod session {
            pub use crate::compute::cuda::session::{DeviceSession, DeviceState, PassTicket, SessionOptions};
        }
    }
    pub mod engine {
        pub use crate::compute::engine::{Engine, LayerWeights, RunningStatistics};
        pub mod kernel {
            pub mod conv_region {
                pub use crate::compute::engine::kernel::conv_region::Epilogue;
            }
            pub mod prologue {
                pub use crate::compute::engine::kernel::prologue::ConvInput;
            }
            pub mod team {
                pub use crate::compute::engine::kernel::team::{
                    for_chunks, for_chunks_with, for_each, for_ranges, map, with_team,
                };
            }
        }
        pub mod memory_layout {
            pub use crate::compute::engine::memory_layout::{FeatureMap, MapLayout, MapView, MapViewMut, WriteMode};
        }
        pub mod operators {
            pub use crate::compute::engine::operators::{BackwardArgs, ForwardArgs, OperatorKernel, expect_kernel};
            pub mod conv {
                pub use crate::compute::engine::operators::conv::{
                    ConvKernel, correlate, correlate_transposed, halo, weight_gradient,
                };
            }
            pub mod batch_norm {
                pub use crate::compute::engine::operators::batch_norm::{
                    BatchNormBackward, NormAffine, forward, input_gradient, statistics, weight_gradients,
                };
            }
        }
    }
    pub mod fused {
        pub use crate::compute::fused::{ConvRegion, ConvWindow, PassMode};
    }
    #[cfg(feature = "run")]
    pub mod lower {
        pub use crate::compute::lower::lower;
    }
    #[cfg(feature = "run")]
    pub mod engine_bridge {
        pub use crate::compute::engine_bridge::{BackwardPath, RecordedPass};
    }
    #[cfg(feature = "run")]
    pub mod network {
        pub use crate::compute::network::{Layer, Network};
    }
    #[cfg(feature = "run")]
    pub mod weights {
        pub use crate::compute::weights::{NamedTensor, layout, load, read_safetensors, tensors, write_safetensors};
    }
}
#[cfg(feature = "data")]
pub mod data {
    pub use crate::data::{
        Batch, BatchLoader, Dataset, LastBatch, SplitRole, epoch_order, load_image, load_mask, natural,
    };
    pub mod notice {
        pub use crate::data::notice::{FileNotice, FileRole, MergedNotice, NoticeSet, NoticeTopic};
    }
    pub mod augment {
        pub use crate::data::augment::{
            AffineMap, AugmentPlan, Augmenter, DisplacementField, EdgeMode, Elastic, EpochAugmenter, Gamma,
            OutsideFill, gaussian, warp,
        };
    }
    pub mod prediction_inputs {
        pub use crate::data::prediction_inputs::{InputKind, OutputEndings, find_inputs};
    }
    pub mod phantom {
        pub use crate::data::phantom::{WINDOW, draw, write_phantoms};
    }
    pub mod png {
        pub use crate::data::png::{write_mask_atomic, write_png_atomic};
    }
    pub mod resize {
        pub use crate::data::resize::{argmax, nearest, plane};
    }
    pub mod survey {
        pub use crate::data::survey::{QuickSurvey, SurveyTopic, leakage_warnings, quick_survey, survey};
    }
    pub mod loading_bottleneck {
        pub use crate::data::loading_bottleneck::LoadTimes;
    }
}
pub mod graph {
    pub mod canon {
        pub use crate::graph::canon::{CanonicalGraph, GraphComparison, compare, diff_graphs};
    }
}
#[cfg(feature = "data")]
pub mod learn {
    #[cfg(feature = "run")]
    pub mod device_parity {
        pub use crate::learn::device_parity::RandomBatch;
    }
    #[cfg(feature = "run")]
    pub mod checkpoint {
        pub use crate::learn::checkpoint::{
            BestScore, CheckpointMeta, CheckpointState, LoadedCheckpoint, load, load_weights, save,
        };
    }
    #[cfg(feature = "run")]
    pub mod non_finite {
        pub use crate::learn::non_finite::NodeLocations;
    }
    pub mod run_folder {
        pub use crate::learn::run_folder::{EpochRecord, RunFolder, RunSummary, read_settings};
    }
    #[cfg(feature = "run")]
    pub mod freeze {
        pub use crate::learn::freeze::freeze;
    }
    pub mod history {
        pub use crate::learn::history::History;
    }
    pub mod weights_origin {
        pub use crate::learn::weights_origin::weights_digest;
    }
    #[cfg(feature = "run")]
    pub mod init {
        pub use crate::learn::init::{ExchangeableTensors, InitOutcome, InitReport, init};
    }
    #[cfg(feature = "run")]
    pub mod loss {
        pub use crate::learn::loss::{LossTargets, cross_entropy, total};
    }
    #[cfg(feature = "run")]
    pub mod optim {
        pub use crate::learn::optim::{AccumulatedGradients, OptimState};
    }
    #[cfg(feature = "run")]
    pub mod preflight {
        pub use crate::learn::preflight::{Preflight, PreflightInput, preflight};
    }
    pub mod schedule {
        pub use crate::learn::schedule::rate;
    }
    #[cfg(feature = "run")]
    pub mod train {
        pub use crate::learn::train::{
            ExistingRun, TrainingJob, TrainingObserver, TrainingOutcome, TrainingProgress, train,
        };
    }
}
#[cfg(feature = "data")]
pub mod metric {
    pub use crate::metric::{
        BoxSummary, CaseScore, CaseTable, ConfusionMatrix, ConfusionTally, Evaluation, Intervals, MaskPair,
        MetricScores, PixelCounts, PixelFigures, PixelTally, PrecisionRecallCurve, RunHint, Summary, VolumePair,
        cases_csv, count_pixels, measure, measure_volume,
    };
    pub mod boundary {
        pub use crate::metric::boundary::BoundaryOverlap;
    }
    pub mod calibration {
        pub use crate::metric::calibration::CalibrationTally;
    }
    pub mod distance {
        pub use crate::metric::distance::squared_distances;
    }
    pub mod statistics {
        pub use crate::metric::statistics::{
            Interval, RatioScore, bootstrap, holm_correction, mean_and_deviation, mean_interval, paired_difference,
            paired_mean_difference, quantile, wilcoxon,
        };
    }
    pub mod surface {
        pub use crate::metric::surface::{SurfaceDistances, outline};
    }
}
#[cfg(feature = "data")]
pub mod score {
    pub mod case_columns {
        pub use crate::score::case_columns::{CaseColumns, worst_and_median};
    }
    #[cfg(feature = "run")]
    pub mod eval {
        pub use crate::score::eval::{CheckpointChoice, EvaluateOptions, evaluate};
    }
    #[cfg(feature = "run")]
    pub mod predict {
        pub use crate::score::predict::probabilities;
    }
    pub mod probability {
        pub use crate::score::probability::{ProbabilityFormat, write_probabilities};
    }
    pub mod sliding_window {
        pub use crate::score::sliding_window::{SlidingWindow, gaussian_weights, tile_starts};
    }
}
pub mod show {
    pub mod chart {
        pub use crate::show::chart::{AxisUnit, ChartTheme, ScatterAxis, ScatterChart, ScatterPoint, scatter};
        #[cfg(feature = "data")]
        pub use crate::show::chart::{ChartDrawing, ImageScore, LineChart, LineSeries, distribution, line_chart};
    }
    #[cfg(feature = "data")]
    pub mod figures {
        pub use crate::show::figures::{EvaluationFigure, FigureData};
    }
    #[cfg(feature = "data")]
    pub mod images {
        pub mod gallery {
            pub use crate::show::images::gallery::{OverlayCase, OverlayContent, case_sheet, fitting, legend};
        }
        pub mod overlay {
            pub use crate::show::images::overlay::{
                AGREED, CONFUSED, FAINT, FALSE_NEGATIVE, FALSE_POSITIVE, IGNORED_STRIPE, STRONG, overlay,
            };
        }
        pub mod text_drawing {
            pub use crate::show::images::text_drawing::{Canvas, LETTER, LINE};
        }
    }
    pub mod picture {
        pub use crate::show::picture::{
            BoxEdge, Direction, Flow, FoldState, MAX_BOXES, NotUShaped, PictureLayout, Position, Route, Scene,
            ShapeNotation, TreeItemKind, box_edges, dot, mermaid, page, place, routes, svg,
        };
    }
    #[cfg(feature = "data")]
    pub mod report {
        pub use crate::show::report::{HeadlineFigure, ReportPicture, RunReport, SplitShares, page, value_text};
    }
    pub mod table {
        pub use crate::show::table::{Cell, Column, Table};
    }
    #[cfg(feature = "data")]
    pub mod tensorboard {
        pub use crate::show::tensorboard::{Event, EventFile, EventValue};
        pub mod record {
            pub use crate::show::tensorboard::record::{RecordError, frame, masked, records};
        }
    }
}
pub mod text {
    pub mod config {
        pub mod case_rules {
            pub use crate::text::config::case_rules::{colour_label, label_colour};
        }
        pub mod dataset_layouts {
            pub use crate::text::config::dataset_layouts::LAYOUTS;
        }
    }
}
