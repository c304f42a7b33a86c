//! Errors that end a run, and errors in the values of parameters.

use crate::sink::SinkError;

/// Why a run ended without a result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A value that must be finite was not.
    #[error("diverged: {metric} is {value} at step {step}")]
    Diverged {
        /// Step at which the value was recorded.
        step: u64,
        /// Name of the metric.
        metric: String,
        /// The offending value.
        value: f64,
    },
    /// The driver asked the run to stop; what was checkpointed is kept.
    #[error("interrupted")]
    Interrupted,
    /// A parameter has the right type and an impossible value.
    #[error(transparent)]
    Param(#[from] ParamError),
    /// A data set could not be opened or read.
    #[error("data set {name}")]
    Data {
        /// Name of the data set.
        name: String,
        /// What went wrong.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A stored checkpoint or model does not fit this run.
    #[error("checkpoint: {0}")]
    Checkpoint(String),
    /// A result could not be handed over.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// A program that the run started was killed by a signal that nobody here sent.
    #[error("{context}")]
    Crashed {
        /// Which program, and by what.
        context: String,
        /// What it said last.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The machine lacks what any run would need: the run is not to blame and did not fail.
    #[error("{what}")]
    Machine {
        /// What could not be had, for example `temporary folder /scratch/1`.
        what: String,
        /// Why.
        source: std::io::Error,
    },
    /// Any other error of the experiment itself.
    #[error("{context}")]
    Other {
        /// What was being done.
        context: String,
        /// What went wrong.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    /// Wraps an error of a data set.
    pub fn data(
        name: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Data { name: name.into(), source: source.into() }
    }

    /// An error of the machine.
    pub fn machine(what: impl Into<String>, source: std::io::Error) -> Self {
        Self::Machine { what: what.into(), source }
    }

    /// Wraps any other error, with what was being done.
    pub fn other(
        context: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Other { context: context.into(), source: source.into() }
    }

    /// The message with its chain of sources. A source that begins with a line feed stands on lines
    /// of its own.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(cause) = source {
            let cause_text = cause.to_string();
            text.push_str(if cause_text.starts_with('\n') { ":" } else { ": " });
            text.push_str(&cause_text);
            source = cause.source();
        }
        text
    }
}

/// A parameter whose value is of the right type but makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: wanted {wanted}, found {found}")]
pub struct ParamError {
    /// Dotted path below `params`, for example `optimizer.learning_rate`; a key with a dot stands in
    /// quotes.
    pub path: String,
    /// What would have been right.
    pub wanted: String,
    /// What stood there.
    pub found: String,
    /// Another parameter that it is about, for example one that gives the same name.
    pub other: Option<String>,
}

impl ParamError {
    /// An error about one parameter.
    pub fn new(
        path: impl Into<String>,
        wanted: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self { path: path.into(), wanted: wanted.into(), found: found.into(), other: None }
    }

    /// The error, which is about another parameter as well.
    #[must_use]
    pub fn beside(self, other: impl Into<String>) -> Self {
        Self { other: Some(other.into()), ..self }
    }

    /// `Ok` when `holds`, otherwise an error naming the parameter.
    pub fn check(
        holds: bool,
        path: &str,
        wanted: &str,
        found: impl std::fmt::Display,
    ) -> Result<(), Self> {
        if holds {
            return Ok(());
        }
        Err(Self::new(path, wanted, found.to_string()))
    }
}
