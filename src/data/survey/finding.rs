//! What a survey finds.

use crate::base::error::RunError;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Training would stop at it, or learn from what is wrong.
    Error,
    Warning,
}

impl Severity {
    /// As text and JSON call it.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }
}

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Which files there are, how they pair, which split they are in.
    Files,
    /// An image that cannot be used, or is doubtful.
    Image,
    Mask,
    /// Image and mask differ in size.
    Sizes,
    /// What the network takes.
    Model,
    /// How much of each class there is.
    Balance,
    /// Images that are nearly the same.
    Duplicates,
    /// Values and the window that scales them.
    Window,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Files => "files",
            Kind::Image => "image",
            Kind::Mask => "mask",
            Kind::Sizes => "sizes",
            Kind::Model => "model",
            Kind::Balance => "balance",
            Kind::Duplicates => "duplicates",
            Kind::Window => "window",
        }
    }
}

/// Something wrong or doubtful.
#[derive(Debug, Clone)]
pub struct Finding {
    pub severity: Severity,
    pub kind: Kind,
    /// One line, with the file that it is about.
    pub message: String,
    pub help: Vec<String>,
    /// The stems that it is about.
    pub stems: Vec<String>,
}

impl Finding {
    pub fn error(kind: Kind, error: &RunError) -> Finding {
        let message = match &error.path {
            Some(path) => format!("{}: {}", path.display(), error.message),
            None => error.message.clone(),
        };
        Finding { severity: Severity::Error, kind, message, help: error.help.clone(), stems: Vec::new() }
    }

    pub fn warning(kind: Kind, message: impl Into<String>) -> Finding {
        let message = message.into();
        Finding { severity: Severity::Warning, kind, message, help: Vec::new(), stems: Vec::new() }
    }

    pub fn help(mut self, text: impl Into<String>) -> Finding {
        self.help.push(text.into());
        self
    }

    pub fn about(mut self, stems: impl IntoIterator<Item = String>) -> Finding {
        self.stems.extend(stems);
        self
    }
}
