//! Panics, which are bugs of authseal, in the log.

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    panic,
};

use super::log_output;

/// From now on a panic is logged as every other error, and is written before the thread
/// goes on, or the process aborts. The standard library would write to standard error
/// itself, and wait for ever if nobody reads it.
pub fn report_panics() {
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        let place = place.unwrap_or_default();
        let payload = panic.payload();
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let message = text.unwrap_or("without a message");
        // RUST_BACKTRACE asks for it.
        let backtrace = Backtrace::capture();
        match backtrace.status() {
            BacktraceStatus::Captured => {
                tracing::error!(
                    "a bug, please report it: panic at {place}: {message}\n{backtrace}"
                );
            }
            _ => tracing::error!("a bug, please report it: panic at {place}: {message}"),
        }
        log_output::write_out();
    }));
}
