//! SIGTERM and SIGINT, which end a command and stop a server, SIGQUIT, which ends both at once,
//! and SIGHUP, which a server must survive before it reloads anything.
//!
//! A thread of its own takes signals, so that they have their effect even if everything
//! else waits for a file system, a name look-up or a pipe that nobody reads.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use nix::sys::signal::{SigSet, Signal};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM},
    iterator::Signals,
    low_level::emulate_default_handler,
};
use tokio_util::sync::CancellationToken;

use super::{CliError, prompt};
use crate::{
    app::{App, LEAVE_WITHIN},
    telemetry,
};

/// Time that the start may still take when the first signal comes.
const START_WITHIN: Duration = Duration::from_secs(3);
/// Time for the answers to the requests in progress after the second signal.
const LAST_ANSWERS_WITHIN: Duration = Duration::from_secs(3);

/// Signals that have handlers, but no effect yet. They wait.
pub(super) struct EarlySignals(Signals);

impl EarlySignals {
    /// Installs the handlers. Call it before anything else: until then SIGHUP and SIGTERM
    /// kill the process, or are ignored where it is number 1 of a container.
    pub(super) fn take_over() -> io::Result<Self> {
        let signals = Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM])?;
        // The kernel may choose a thread whose system call no signal interrupts, and then no
        // other one gets the signal. All threads that start from now on block them too.
        all().thread_block()?;
        Ok(Self(signals))
    }

    /// Runs a command that every signal ends, in a container too.
    pub(super) fn end(
        self,
        command: impl FnOnce() -> Result<(), CliError>,
    ) -> Result<(), CliError> {
        let Self(mut signals) = self;
        in_thread(move || {
            if let Some(signal) = signals.forever().next() {
                end_by(signal);
            }
        })?;
        command()
    }

    /// Has SIGTERM and SIGINT stop a server, and SIGQUIT end it at once.
    pub(super) fn stop_server(self) -> io::Result<StopSignals> {
        let stop = StopSignals::default();
        let (told, Self(mut signals)) = (stop.clone(), self);
        in_thread(move || {
            // The reloader has a handler of its own for SIGHUP.
            let stops = signals.forever().filter(|signal| *signal != SIGHUP);
            for (count, signal) in stops.enumerate() {
                match (signal, count) {
                    (SIGQUIT, _) => end_by(signal),
                    (_, 0) => told.first(signal),
                    (_, 1) => told.second(),
                    _ => std::process::exit(1),
                }
            }
        })?;
        Ok(stop)
    }
}

/// The signals that stop a server.
#[derive(Clone, Default)]
pub(super) struct StopSignals {
    first: CancellationToken,
    second: CancellationToken,
    has_started: Arc<AtomicBool>,
}

impl StopSignals {
    /// Waits for the first signal. Call it when the server has started: until then a signal
    /// ends the process after a few seconds.
    pub(super) async fn asked(&self) {
        self.has_started.store(true, Ordering::SeqCst);
        self.first.cancelled().await;
    }

    /// Stops the app. On another signal, exits as soon as the requests in progress have an
    /// answer, and prints the work that is lost.
    pub(super) async fn stop(self, app: App) {
        let early_end = app.early_end();
        let second = early_end.clone();
        tokio::spawn(async move {
            self.second.cancelled().await;
            let lost = second.unfinished();
            second.answer_requests().await;
            exit_at_once(&format!("second signal: stopping at once. {lost}"));
        });
        app.stop().await;
        if early_end.has_begun() {
            // The task above ends the process.
            std::future::pending::<()>().await;
        }
    }

    fn first(&self, signal: i32) {
        self.first.cancel();
        let has_started = self.has_started.clone();
        self.after(START_WITHIN, move || {
            if !has_started.load(Ordering::SeqCst) {
                end_by(signal);
            }
        });
        self.after(LEAVE_WITHIN, || {
            let limit = LEAVE_WITHIN.as_secs();
            exit_at_once(&format!("the stop took {limit} s: ending at once"));
        });
    }

    fn second(&self) {
        self.second.cancel();
        self.after(LAST_ANSWERS_WITHIN, || {
            exit_at_once("second signal: ending at once, with requests in progress");
        });
    }

    /// Does something later, in a thread that nothing can hold up.
    fn after(&self, pause: Duration, act: impl FnOnce() + Send + 'static) {
        let later = in_thread(move || {
            thread::sleep(pause);
            act();
        });
        if let Err(error) = later {
            tracing::error!("the stop has no time limit: {error}");
        }
    }
}

fn in_thread(work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let thread = thread::Builder::new().name("signals".into());
    let work = || {
        // Without this, only SIGKILL would end the process.
        if let Err(error) = all().thread_unblock() {
            tracing::error!("signals have no effect: {error}");
        }
        work();
    };
    thread.spawn(work).map(drop)
}

fn all() -> SigSet {
    [
        Signal::SIGHUP,
        Signal::SIGINT,
        Signal::SIGQUIT,
        Signal::SIGTERM,
    ]
    .into_iter()
    .collect()
}

fn exit_at_once(line: &str) -> ! {
    telemetry::last_line(line);
    std::process::exit(1)
}

/// Ends the process as the signal does if nobody has taken it over, so that a shell stops
/// its script. The kernel does not do that to process number 1.
fn end_by(signal: i32) {
    prompt::show_again();
    if std::process::id() != 1 {
        let _ = emulate_default_handler(signal);
    }
    std::process::exit(128 + signal)
}
