//! Runs of the program under strace.

use std::{
    collections::HashMap,
    fs,
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
};

use super::commands::{Case, Scene};

/// A system call that a command makes.
#[derive(Clone)]
pub struct Call {
    pub name: String,
    /// Its number among the calls of this name, from 1, as strace counts them.
    pub number: usize,
    pub line: String,
}

pub struct Traced {
    pub output: Output,
    pub trace: String,
}

/// Runs the command of the case. `inject` is in the form of strace's `-e inject=`.
pub fn traced(scene: &Scene, case: &Case, inject: Option<&str>) -> Traced {
    let mut options = vec!["-e".to_owned(), "trace=%file,%desc".to_owned()];
    if let Some(inject) = inject {
        options.extend(["-e".to_owned(), format!("inject={inject}")]);
    }
    run(scene, case, &options, "true")
}

/// Returns a trace with the calls that forbid dumps. Nothing is injected.
pub fn with_dumps(scene: &Scene, case: &Case, is_dumpable: &str) -> String {
    let options = ["-e".to_owned(), "trace=%file,prctl".to_owned()];
    run(scene, case, &options, is_dumpable).trace
}

fn run(scene: &Scene, case: &Case, options: &[String], is_dumpable: &str) -> Traced {
    let trace = scene.folder.with_extension("trace");
    let mut child = Command::new("strace")
        // -y names the file behind each descriptor, which needs a process that may be read.
        .args(["-f", "-y", "--seccomp-bpf", "-s", "200", "-o"])
        .arg(&trace)
        .args(options)
        .arg(env!("CARGO_BIN_EXE_authseal"))
        .args((case.arguments)(scene))
        .env_clear()
        .envs((case.environment)(scene))
        .env("AUTHSEAL_KEYS_DIR", &scene.folder)
        .env("AUTHSEAL_DUMPABLE", is_dumpable)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("strace is installed: tests/run --prepare");
    let input = (case.input)(scene);
    // A command may end before it reads.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    Traced {
        output,
        trace: fs::read_to_string(trace).unwrap_or_default(),
    }
}

/// Returns the calls about files in the folder, and about standard output.
pub fn calls(trace: &str, folder: &Path) -> Vec<Call> {
    let folder = folder.display().to_string();
    let mut counted: HashMap<(String, String), usize> = HashMap::new();
    let mut found = Vec::new();
    for line in trace.lines() {
        let Some((pid, call)) = line.split_once(' ') else {
            continue;
        };
        let call = call.trim_start();
        let Some((name, _)) = call.split_once('(') else {
            continue;
        };
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if !name.bytes().all(is_name) {
            continue;
        }
        let number = counted
            .entry((pid.to_owned(), name.to_owned()))
            .or_default();
        *number += 1;
        // Rust's library panics when closing a folder fails, which no file system does.
        let closes_folder = name == "close" && line.contains(&format!("<{folder}>"));
        let is_ours = line.contains(&folder) && !closes_folder;
        if is_ours || call.starts_with("write(1<") {
            found.push(Call {
                name: name.to_owned(),
                number: *number,
                line: call.to_owned(),
            });
        }
    }
    found
}
