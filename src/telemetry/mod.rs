//! Logs: who writes them, where, and what they can never hold. And the numbers
//! that an administrator watches.

mod edge;
mod metrics;
mod store;

use std::{
    io::{self, IsTerminal},
    str::FromStr,
};

use thiserror::Error;
use tracing::{Metadata, level_filters::LevelFilter};
use tracing_subscriber::{EnvFilter, Layer, filter, layer::SubscriberExt, util::SubscriberInitExt};

pub use edge::{ConnectionMetrics, LaneMetrics};
pub use metrics::{KeyNumbers, Metrics};
pub use store::Unsaved;

/// How a log line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for collectors.
    Json,
}

/// The filter text is not one that `tracing-subscriber` understands.
#[derive(Debug, Error)]
#[error("is not a log filter; write error, warn, info, debug or trace, or target=level pairs")]
pub struct FilterError;

/// A parsed log filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFilter(String);

impl LogFilter {
    /// Reads a `tracing-subscriber` filter such as `info` or `authseal=debug`.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        // A word that is no level would be taken for a module's name, and nothing
        // else be logged.
        let is_directive =
            |part: &str| part.contains('=') || LevelFilter::from_str(part.trim()).is_ok();
        if !text.split(',').all(is_directive) || env_filter(text).is_err() {
            return Err(FilterError);
        }
        Ok(Self(text.to_owned()))
    }
}

/// A field's value is compared as it is written: as a regular expression, a hundred
/// characters can take gigabytes.
fn env_filter(text: &str) -> Result<EnvFilter, filter::ParseError> {
    EnvFilter::builder().with_regex(false).parse(text)
}

/// Starts logging to standard error. A second call in one process changes
/// nothing.
pub fn start(LogFilter(filter): &LogFilter, format: LogFormat) {
    let filter = env_filter(filter).expect("it was parsed before");
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    let layer = match format {
        LogFormat::Text => layer.with_target(false).boxed(),
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    };
    let layer = layer
        .with_filter(filter)
        .with_filter(filter::filter_fn(cannot_hold_a_token));
    let _ = tracing_subscriber::registry().with(layer).try_init();
}

/// Our own lines are written to hold no secret. A dependency's are not: HTTP
/// and TLS libraries print headers and frames below `info`, so no filter can
/// switch those on.
fn cannot_hold_a_token(metadata: &Metadata<'_>) -> bool {
    // The file watcher tells every second of a folder that is away; we say it once.
    if metadata.target().starts_with("notify") {
        return false;
    }
    metadata.target().starts_with("authseal") || *metadata.level() <= tracing::Level::INFO
}
