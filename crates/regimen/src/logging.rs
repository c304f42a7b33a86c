//! Log lines on standard error, as text or as JSON.

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

/// How log lines on standard error look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, with run id, attempt and span.
    Json,
}

impl LogFormat {
    /// The word on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}

/// Starts logging to standard error; `RUST_LOG` chooses what, by default warnings in text and
/// progress of runs in JSON.
pub(crate) fn start(format: LogFormat) {
    let quiet = match format {
        LogFormat::Text => "warn",
        LogFormat::Json => "info",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(quiet));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| crate::drawing::Above)
        .with_ansi(crate::terminal::colours());
    match format {
        LogFormat::Text => builder.init(),
        LogFormat::Json => builder.json().with_span_list(true).init(),
    }
}
