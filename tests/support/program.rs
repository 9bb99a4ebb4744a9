//! The `authseal` program itself, as a child process with an environment of its own.

use std::process::{ExitStatus, Output, Stdio};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{Child, Command},
    sync::watch,
    task::JoinHandle,
    time::timeout,
};

use super::PATIENCE;

/// A running `authseal`. It is killed when this is dropped.
pub struct Program {
    child: Child,
    output: watch::Receiver<String>,
    reads: watch::Sender<bool>,
    readers: Vec<JoinHandle<()>>,
}

impl Program {
    pub fn start(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        Self::of(command(arguments, environment))
    }

    /// Starts a shell's script that ends in `exec "$AUTHSEAL" serve`.
    pub fn of_script(script: &str, environment: &[(&str, &str)]) -> Self {
        Self::of(shell_command(script, environment))
    }

    fn of(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (written, output) = watch::channel(String::new());
        let (reads, may_read) = watch::channel(true);
        let readers = vec![
            tokio::spawn(collect(
                child.stdout.take().unwrap(),
                written.clone(),
                may_read.clone(),
            )),
            tokio::spawn(collect(child.stderr.take().unwrap(), written, may_read)),
        ];
        Self {
            child,
            output,
            reads,
            readers,
        }
    }

    /// Waits until its output has `text` and, after it, the end of that line.
    /// Returns the rest of the line.
    pub async fn says(&self, text: &str) -> String {
        let rest = |output: &str| {
            let (_, rest) = output.split_once(text)?;
            let (line, _) = rest.split_once('\n')?;
            Some(line.to_owned())
        };
        let mut output = self.output.clone();
        let said = output.wait_for(|output| rest(output).is_some());
        match timeout(PATIENCE, said).await {
            Ok(Ok(output)) => rest(&output).unwrap(),
            _ => panic!("it does not say {text:?}: {}", self.so_far()),
        }
    }

    /// What it has printed, standard output and error together.
    pub fn so_far(&self) -> String {
        self.output.borrow().clone()
    }

    /// Ends it as a crash or the lack of memory would: with SIGKILL.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Leaves what it prints in its pipes, or reads on.
    pub fn read_output(&self, reads: bool) {
        self.reads.send_replace(reads);
    }

    /// Sends SIGTERM.
    pub async fn terminate(&self) {
        self.signal("TERM").await;
    }

    /// Sends SIGINT, as Ctrl-C does.
    pub async fn interrupt(&self) {
        self.signal("INT").await;
    }

    /// Stops it, and everything in it, until [`Program::thaw`]. Returns when all of its threads
    /// stand still: on a busy machine they go on for a while after the signal.
    pub async fn freeze(&self) {
        self.signal("STOP").await;
        let threads = format!("/proc/{}/task", self.pid());
        super::eventually("it stands still", async || {
            let mut threads = std::fs::read_dir(&threads).unwrap();
            let stands_still = threads.all(|thread| {
                let stat = std::fs::read_to_string(thread.unwrap().path().join("stat"));
                // The state follows the name, which is in brackets (proc_pid_stat(5)).
                stat.is_ok_and(|stat| stat.rsplit_once(") ").unwrap().1.starts_with('T'))
            });
            stands_still.then_some(())
        })
        .await;
    }

    pub async fn thaw(&self) {
        self.signal("CONT").await;
    }

    /// Sends SIGHUP.
    pub async fn hang_up(&self) {
        self.signal("HUP").await;
    }

    pub fn pid(&self) -> u32 {
        self.child.id().expect("it still runs")
    }

    async fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        let kill = Command::new("sh")
            .args(["-c", "kill -\"$1\" \"$2\"", "sh", name, &pid])
            .status();
        assert!(kill.await.unwrap().success());
    }

    /// Waits for its end, whether its output is read or not.
    pub async fn wait(mut self) -> ExitStatus {
        let end = timeout(PATIENCE, self.child.wait()).await;
        end.expect("it does not end").unwrap()
    }

    /// Waits for its end, and returns all that it printed.
    pub async fn end(mut self) -> (ExitStatus, String) {
        let end = timeout(PATIENCE, self.child.wait()).await;
        let status = end.expect("it does not end").unwrap();
        for reader in self.readers {
            reader.await.unwrap();
        }
        (status, self.output.borrow().clone())
    }
}

/// Runs `authseal` to its end.
pub async fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    command(arguments, environment).output().await.unwrap()
}

/// The same with this on its standard input.
pub async fn run_with_input(
    arguments: &[&str],
    environment: &[(&str, &str)],
    input: &str,
) -> Output {
    let mut child = command(arguments, environment)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // Whoever ends without reading it is judged by what it says.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    child.wait_with_output().await.unwrap()
}

/// Runs a shell's script, in which `$AUTHSEAL` is the program.
pub async fn shell(script: &str, environment: &[(&str, &str)]) -> Output {
    shell_command(script, environment).output().await.unwrap()
}

fn shell_command(script: &str, environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", script])
        .env_clear()
        // Programs of the system, such as unshare.
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .envs(environment.iter().copied())
        .env("AUTHSEAL", env!("CARGO_BIN_EXE_authseal"))
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

/// `authseal`, to be started by a test that ends it in its own way.
pub fn std_command(arguments: &[&str], environment: &[(&str, &str)]) -> std::process::Command {
    let mut command = command(arguments, environment).into_std();
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// A port that was free a moment ago, below those that port 0 gives. Whoever
/// uses it tries another when it was taken meanwhile.
pub fn free_port() -> u16 {
    use std::sync::atomic::{AtomicU16, Ordering};
    static NEXT: AtomicU16 = AtomicU16::new(0);
    loop {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let start = (std::process::id() as u16).wrapping_mul(37);
        let port = 20_000 + start.wrapping_add(step) % 10_000;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

fn command(arguments: &[&str], environment: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_authseal"));
    command
        .args(arguments)
        .env_clear()
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

async fn collect(
    mut from: impl AsyncRead + Unpin,
    written: watch::Sender<String>,
    mut may_read: watch::Receiver<bool>,
) {
    let mut buffer = vec![0; 8 * 1024];
    loop {
        // The sender is gone when the program has ended: read what is left.
        let _ = may_read.wait_for(|may_read| *may_read).await;
        match from.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(length) => {
                let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
                written.send_modify(|output| output.push_str(&text));
            }
        }
    }
}
