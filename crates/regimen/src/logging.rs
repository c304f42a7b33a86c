//! Log lines on standard error, as text or as JSON.

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

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
/// progress of runs in JSON. Who chooses sees how long each span took, too.
pub(crate) fn start(format: LogFormat) {
    let quiet = match format {
        LogFormat::Text => "warn",
        LogFormat::Json => "info",
    };
    let (filter, spans) = match EnvFilter::try_from_default_env() {
        Ok(chosen) => (chosen, FmtSpan::CLOSE),
        Err(_) => (EnvFilter::new(quiet), FmtSpan::NONE),
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_span_events(spans)
        .with_writer(|| crate::drawing::Above)
        .with_ansi(crate::terminal::colours());
    match format {
        LogFormat::Text => builder.init(),
        LogFormat::Json => builder.json().with_span_list(true).init(),
    }
}
