//! Logs and metrics. Logs can never contain a secret.

mod edge;
mod log;
mod log_output;
mod metrics;
mod process;
mod prometheus_text;
mod refreshes;
mod registration;
mod store;

pub(crate) use edge::{ConnectionMetrics, LaneMetrics};
pub use log::{FilterError, LogFilter, LogFormat, start};
pub(crate) use log_output::{finish, last_line};
pub use metrics::Metrics;
pub(crate) use metrics::{Exposition, FolderNumbers, KeyNumbers};
