//! Another program than authseal: started by a test, and ended with it, by its
//! handle.

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    thread,
};

use tempfile::NamedTempFile;
use tokio::{sync::mpsc, time::timeout};

use super::support::PATIENCE;

/// A running program, whose standard output is read line by line.
pub struct OtherProgram {
    name: String,
    child: Child,
    lines: mpsc::UnboundedReceiver<String>,
    stderr: NamedTempFile,
}

impl OtherProgram {
    /// Starts it. Its standard input stays open as long as this lives.
    pub fn start(command: &mut Command) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        let stderr = NamedTempFile::new().unwrap();
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr.reopen().unwrap())
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start ({error}); use tests/run"));
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::unbounded_channel();
        thread::spawn(move || {
            // Read to the end even when nobody listens any more: a full pipe
            // would stop the program.
            for line in stdout.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Self {
            name,
            child,
            lines,
            stderr,
        }
    }

    /// The next line that it prints.
    pub async fn line(&mut self) -> String {
        match timeout(PATIENCE, self.lines.recv()).await {
            Ok(Some(line)) => line,
            end => panic!(
                "{} {}. It said:\n{}",
                self.name,
                end.map_or("prints nothing", |_| "ended"),
                self.complaints()
            ),
        }
    }

    /// The first line to come that gives something.
    pub async fn first_line<T>(&mut self, read: impl Fn(&str) -> Option<T>) -> T {
        loop {
            if let Some(found) = read(&self.line().await) {
                return found;
            }
        }
    }

    /// Its standard error so far.
    pub fn complaints(&self) -> String {
        fs::read_to_string(self.stderr.path()).unwrap_or_default()
    }
}

impl Drop for OtherProgram {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
