//! Traces of a panic, a bug of authseal, in the log. No request can cause one, so this test
//! program starts itself, and panics there.

use std::process::{Command, Stdio};

use authseal::telemetry::{self, LogFilter, LogFormat};

/// Names the panic to the program that is started.
const HOW: &str = "AUTHSEAL_TEST_PANIC";

/// Panics while a panic unwinds, which aborts the process.
struct PanicsOnDrop;

impl Drop for PanicsOnDrop {
    fn drop(&mut self) {
        panic!("the second panic");
    }
}

#[test]
#[ignore = "a program that the other tests start"]
fn program_that_panics() {
    let filter = LogFilter::parse("info").unwrap();
    telemetry::start(&filter, LogFormat::Json);
    telemetry::report_panics();
    tracing::info!("the line before");
    match std::env::var(HOW).unwrap().as_str() {
        "while a panic unwinds" => {
            let _guard = PanicsOnDrop;
            panic!("the first panic");
        }
        "in a thread, before an abort" => {
            let thread = std::thread::spawn(|| panic!("the {} panic", "first"));
            assert!(thread.join().is_err());
            std::process::abort();
        }
        "with a log that is not read" => {
            for number in 0..2_000 {
                tracing::info!(
                    number,
                    "a line of a hundred bytes, so that the pipe fills up"
                );
            }
            let thread = std::thread::spawn(|| panic!("the first panic"));
            assert!(thread.join().is_err());
            std::process::exit(7);
        }
        how => unreachable!("{how}"),
    }
}

fn program(how: &str) -> Command {
    let mut program = Command::new(std::env::current_exe().unwrap());
    program
        .args([
            "--exact",
            "panics::program_that_panics",
            "--ignored",
            "--nocapture",
        ])
        .env(HOW, how)
        .env_remove("RUST_BACKTRACE")
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    program
}

#[test]
fn a_panic_is_in_the_log_before_the_process_aborts() {
    for (how, panics) in [
        (
            "while a panic unwinds",
            vec!["the first panic", "the second panic"],
        ),
        ("in a thread, before an abort", vec!["the first panic"]),
    ] {
        let output = program(how).output().unwrap();
        assert_eq!(output.status.code(), None, "{output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        let lines = said.lines().filter(|line| line.starts_with('{'));
        let messages: Vec<String> = lines
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
            .map(|line| line["message"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(messages[0], "the line before", "{said}");
        for (message, panic) in messages[1..].iter().zip(panics) {
            assert!(message.contains("panic at tests/it/panics.rs:"), "{said}");
            assert!(message.ends_with(panic), "{said}");
        }
    }
}

#[test]
fn a_panic_waits_for_nobody_who_reads_the_log() {
    let mut child = program("with a log that is not read").spawn().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(7));
}
