//! Logs and metrics. Logs can never contain a secret.

mod access;
mod access_line;
mod durations;
mod edge;
mod known_family;
mod log;
mod log_output;
mod metrics;
mod panics;
mod process;
mod prometheus_text;
mod refreshes;
mod registration;
mod store;

pub(crate) use access::{write_access, writes_access};
pub(crate) use access_line::{AccessLine, FieldName, field};
pub(crate) use durations::Durations;
pub(crate) use edge::{ConnectionMetrics, LaneMetrics, RefusalMetrics};
pub use log::{FilterError, LogFilter, LogFormat, start};
pub(crate) use log_output::{finish, last_line, write_all};
pub use metrics::Metrics;
pub(crate) use metrics::{Exposition, FolderNumbers, KeyNumbers};
pub use panics::report_panics;
