//! `--split`: which images a command is about.

use crate::data::Role;
use clap::ValueEnum;

#[derive(Clone, Copy, ValueEnum)]
pub enum Split {
    Train,
    Val,
    Test,
}

impl Split {
    #[cfg(feature = "run")]
    pub fn of(role: Role) -> Split {
        match role {
            Role::Train => Split::Train,
            Role::Val => Split::Val,
            Role::Test => Split::Test,
        }
    }

    #[cfg_attr(not(feature = "run"), allow(dead_code, reason = "scoring takes tensors"))]
    pub fn role(self) -> Role {
        match self {
            Split::Train => Role::Train,
            Split::Val => Role::Val,
            Split::Test => Role::Test,
        }
    }

    /// `cases.csv` for the test images, `cases_train.csv` for the others.
    pub fn file(self, name: &str, extension: &str) -> String {
        match self {
            Split::Test => format!("{name}.{extension}"),
            Split::Train | Split::Val => format!("{name}_{}.{extension}", self.name()),
        }
    }

    /// What a command takes to mean this split and not the test images.
    pub fn option(self) -> String {
        match self {
            Split::Test => String::new(),
            Split::Train | Split::Val => format!(" --split {}", self.name()),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Split::Train => "train",
            Split::Val => "val",
            Split::Test => "test",
        }
    }
}
