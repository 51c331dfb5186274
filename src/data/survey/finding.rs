//! Errors and warnings of a survey.

use crate::base::code::Code;
use crate::base::error::RunError;
use crate::base::severity::Severity;

/// Topic of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SurveyTopic {
    /// Which files exist, how they are paired and split.
    Files,
    /// An unusable or doubtful image.
    Image,
    /// An unusable or doubtful mask.
    Mask,
    /// Image and mask differ in size.
    Sizes,
    /// The input that the network accepts.
    Model,
    /// Class balance.
    Balance,
    /// Near-duplicate images.
    Duplicates,
    /// Values and the intensity window.
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

/// An error or warning about a data set.
#[derive(Debug, Clone)]
pub struct SurveyFinding {
    pub severity: Severity,
    pub kind: SurveyTopic,
    /// Code of an error, which `npc explain` explains. Warnings have none.
    pub code: Option<Code>,
    /// One line, including the file.
    pub message: String,
    pub help: Vec<String>,
    /// Stems of the cases that it concerns.
    pub stems: Vec<String>,
    /// The problem that an error reports.
    pub cause: Option<Box<RunError>>,
}

impl SurveyFinding {
    pub fn error(kind: SurveyTopic, error: &RunError) -> SurveyFinding {
        SurveyFinding {
            severity: Severity::Error,
            kind,
            code: Some(error.code),
            message: error.headline(),
            help: error.help.clone(),
            stems: Vec::new(),
            cause: Some(Box::new(error.clone())),
        }
    }

    pub fn warning(kind: SurveyTopic, message: impl Into<String>) -> SurveyFinding {
        SurveyFinding {
            severity: Severity::Warning,
            kind,
            code: None,
            message: message.into(),
            help: Vec::new(),
            stems: Vec::new(),
            cause: None,
        }
    }

    /// Returns severity, code and topic as a terminal shows them: `error[E0713, mask]`, `warning[balance]`.
    pub fn heading(&self) -> String {
        let code = self.code.map(|code| format!("{}, ", code.id())).unwrap_or_default();
        format!("{}[{code}{}]", self.severity.as_str(), self.kind.name())
    }

    /// Returns the message, and the help on further lines.
    pub fn to_text(&self) -> String {
        self.help.iter().fold(self.message.clone(), |text, help| format!("{text}\n  help: {help}"))
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
