//! Another program than authseal: started by a test, and ended with it, by its
//! handle.

use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    path::Path,
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

/// A script in `tests/real`, for Node.
pub fn node(script: &str) -> Command {
    script_for("node", script)
}

/// A script in `tests/real`, for the Python that has the packages of the tests.
pub fn python(script: &str) -> Command {
    let python = env::var("AUTHSEAL_TEST_PYTHON").expect("use tests/run");
    script_for(&python, script)
}

fn script_for(interpreter: &str, script: &str) -> Command {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real");
    let mut command = Command::new(interpreter);
    command.arg(folder.join(script));
    command
}

/// Runs it to its end with this on its standard input, and returns what it prints.
pub fn output(command: &mut Command, input: &str) -> Vec<u8> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("use tests/run");
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    output.stdout
}

impl OtherProgram {
    /// Starts it, and waits for the first line from which `read` gets something.
    pub async fn start<T>(command: &mut Command, read: impl Fn(&str) -> Option<T>) -> (Self, T) {
        let mut program = Self::spawn(command);
        loop {
            if let Some(found) = read(&program.line().await) {
                return (program, found);
            }
        }
    }

    /// Starts it. Its standard input stays open as long as this lives.
    pub fn spawn(command: &mut Command) -> Self {
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

    /// Gives it this as all its input, and returns what it prints until its end. It must
    /// succeed without a word of complaint.
    pub async fn finish(mut self, input: &str) -> String {
        let mut stdin = self.child.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).unwrap();
        drop(stdin);
        let mut printed = String::new();
        let printing = async {
            while let Some(line) = self.lines.recv().await {
                printed += &line;
            }
        };
        let ended = timeout(PATIENCE, printing).await;
        ended.unwrap_or_else(|_| panic!("{} does not end", self.name));
        let (status, complaints) = (self.child.wait().unwrap(), self.complaints());
        assert!(status.success() && complaints.is_empty(), "{complaints}");
        printed
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
