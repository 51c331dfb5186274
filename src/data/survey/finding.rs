//! What a survey finds.

use crate::base::error::RunError;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SurveySeverity {
    /// Training would stop at it, or learn from what is wrong.
    Error,
    Warning,
}

impl SurveySeverity {
    /// As text and JSON call it.
    pub fn name(self) -> &'static str {
        match self {
            SurveySeverity::Error => "error",
            SurveySeverity::Warning => "warning",
        }
    }
}

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SurveyTopic {
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

impl SurveyTopic {
    pub fn name(self) -> &'static str {
        match self {
            SurveyTopic::Files => "files",
            SurveyTopic::Image => "image",
            SurveyTopic::Mask => "mask",
            SurveyTopic::Sizes => "sizes",
            SurveyTopic::Model => "model",
            SurveyTopic::Balance => "balance",
            SurveyTopic::Duplicates => "duplicates",
            SurveyTopic::Window => "window",
        }
    }
}

/// Something wrong or doubtful.
#[derive(Debug, Clone)]
pub struct SurveyFinding {
    pub severity: SurveySeverity,
    pub kind: SurveyTopic,
    /// One line, with the file that it is about.
    pub message: String,
    pub help: Vec<String>,
    /// The stems that it is about.
    pub stems: Vec<String>,
}

impl SurveyFinding {
    pub fn error(kind: SurveyTopic, error: &RunError) -> SurveyFinding {
        let message = match &error.path {
            Some(path) => format!("{}: {}", path.display(), error.message),
            None => error.message.clone(),
        };
        SurveyFinding { severity: SurveySeverity::Error, kind, message, help: error.help.clone(), stems: Vec::new() }
    }

    pub fn warning(kind: SurveyTopic, message: impl Into<String>) -> SurveyFinding {
        let message = message.into();
        SurveyFinding { severity: SurveySeverity::Warning, kind, message, help: Vec::new(), stems: Vec::new() }
    }

    pub fn help(mut self, text: impl Into<String>) -> SurveyFinding {
        self.help.push(text.into());
        self
    }

    pub fn about(mut self, stems: impl IntoIterator<Item = String>) -> SurveyFinding {
        self.stems.extend(stems);
        self
    }
}
