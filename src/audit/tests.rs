//! What happens to the file of an audit log, and what verification says of it.

use std::{
    fs::{self, File},
    path::PathBuf,
    sync::Arc,
    thread,
};

use rustix::fs::{FlockOperation, flock};
use serde_json::Value;

use super::{AuditEvent, AuditFile, AuditLog, AuditTarget, LineHash, Verification, Verifier};
use crate::{
    clock::{Clock, Stopwatch},
    telemetry::Metrics,
};

struct Log {
    folder: tempfile::TempDir,
    file: AuditFile,
}

impl Log {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = AuditFile::new(folder.path().join("audit.log"));
        Self { folder, file }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self) -> String {
        fs::read_to_string(self.at("audit.log")).unwrap()
    }

    fn write(&self, text: impl AsRef<[u8]>) {
        fs::write(self.at("audit.log"), text).unwrap();
    }

    /// Appends this many events, one after the other.
    fn append(&self, events: usize) {
        for _ in 0..events {
            let event = AuditEvent::now("login").with("service", "box");
            self.file.append(&[event]).unwrap();
        }
    }

    fn events(&self) -> Vec<String> {
        let text = self.text();
        let lines = text.lines().filter_map(|line| {
            let line: Value = serde_json::from_str(line).ok()?;
            Some(line["event"].as_str()?.to_owned())
        });
        lines.collect()
    }

    /// Verifies these files, with the note beside the last.
    fn verify(&self, names: &[&str]) -> Verification {
        let last = AuditFile::new(self.at(names.last().unwrap())).last_written();
        let mut verifier = Verifier::default();
        for name in names {
            verifier.read(name, &fs::read(self.at(name)).unwrap());
        }
        verifier.compare_with_note(last);
        verifier.finish(&[])
    }

    fn broken(&self) -> String {
        let found = self.verify(&["audit.log"]);
        found
            .broken
            .map_or(String::new(), |broken| broken.to_string())
    }
}

#[test]
fn a_log_begins_a_chain_and_goes_on_after_a_restart() {
    let log = Log::new();
    log.append(2);
    // Another process, and one that finds no note.
    log.append(1);
    fs::remove_file(log.at("audit.log.chain")).unwrap();
    log.append(1);
    let found = log.verify(&["audit.log"]);
    assert!(
        found.broken.is_none() && found.notes.is_empty(),
        "{found:?}"
    );
    assert_eq!(found.lines, 5);
    assert_eq!(log.events()[..2], ["chain_begun", "login"]);
}

#[test]
fn each_damage_is_found_where_it_is() {
    let log = Log::new();
    log.append(5);
    let whole = log.text();
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    let changed = |line: usize| {
        let mut lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
        lines[line] = lines[line].replace("box", "bux");
        lines.concat()
    };
    for (text, says) in [
        (
            changed(2),
            "audit.log line 4: number 3 before it was changed",
        ),
        (
            changed(5),
            "audit.log line 6: number 6 is not the line that was written",
        ),
        (
            lines[..5].concat(),
            "the end is cut off: it ends with number 5, and number 6",
        ),
        (
            [&lines[..2], &lines[3..]].concat().concat(),
            "line 3: number 3 is missing before",
        ),
        (
            [&lines[..2], &lines[4..]].concat().concat(),
            "line 3: numbers 3 to 4 are missing",
        ),
        (
            [lines[0], lines[2], lines[1]].concat(),
            "line 2: number 2 is missing",
        ),
        (
            [lines[0], lines[1], lines[1]].concat(),
            "line 3: number 2 stands behind number 2",
        ),
        (
            [lines[0], "x\n", lines[1]].concat(),
            "line 2: this is no line of an audit log",
        ),
        (
            whole.replace(r#""event":"chain_begun","#, ""),
            "line 1: this is no line",
        ),
    ] {
        log.write(&text);
        let broken = log.broken();
        assert!(broken.contains(says), "{broken}\n{text}");
    }
    // The lines before the first that is left.
    log.write(lines[2..].concat());
    let found = log.verify(&["audit.log"]);
    assert!(found.broken.is_none());
    assert!(
        found.notes[0].contains("line 1: the file does not begin"),
        "{found:?}"
    );
    assert_eq!(found.first.unwrap().1.number, 2);
}

#[test]
fn a_file_that_was_written_anew_or_emptied_is_not_the_one_that_was_noted() {
    let (log, other) = (Log::new(), Log::new());
    log.append(3);
    other.append(5);
    log.write(other.text());
    let broken = log.broken();
    assert!(
        broken.contains("number 4 is not the line that was written"),
        "{broken}"
    );
    log.write("");
    let found = log.verify(&["audit.log"]);
    assert!(found.notes[0].contains("number 4 was written"), "{found:?}");
}

#[test]
fn a_long_text_and_a_long_end_of_zeros_hide_no_last_line() {
    let log = Log::new();
    log.append(1);
    let event = AuditEvent::now("revoked").with("note", "x".repeat(100_000));
    log.file.append(&[event]).unwrap();
    log.append(1);
    let mut bytes = fs::read(log.at("audit.log")).unwrap();
    assert!(bytes.len() < 4_000);
    bytes.extend(vec![0; 100_000]);
    log.write(bytes);
    log.append(1);
    let found = log.verify(&["audit.log"]);
    assert!(found.broken.is_none(), "{found:?}");
    assert_eq!(found.lines, 6);
}

#[test]
fn a_kept_hash_must_be_there() {
    let log = Log::new();
    log.append(2);
    let kept = log.verify(&["audit.log"]).last.unwrap().link.hash;
    log.append(2);
    let verify = |kept| {
        let mut verifier = Verifier::default();
        verifier.read("audit.log", log.text().as_bytes());
        verifier.finish(&[kept])
    };
    assert!(verify(kept).broken.is_none());
    let broken = verify(LineHash::of(b"another")).broken.unwrap();
    assert!(broken.what.contains("which was kept"), "{broken}");
}

#[test]
fn a_line_that_a_crash_cut_short_is_told_and_the_chain_goes_on() {
    let whole = {
        let log = Log::new();
        log.append(2);
        log.text()
    };
    for length in 1..whole.len() {
        let log = Log::new();
        log.write(&whole[..length]);
        log.append(1);
        let found = log.verify(&["audit.log"]);
        assert!(
            found.broken.is_none(),
            "{length}: {found:?}\n{}",
            log.text()
        );
        // A line that lacks its line break alone is whole.
        let lacks_break = whole[length..].starts_with('\n');
        let is_torn = !lacks_break && !whole[..length].ends_with('\n');
        assert_eq!(
            found.notes.len(),
            usize::from(is_torn),
            "{length}: {found:?}"
        );
        // What was cut short cannot be taken out afterwards.
        if is_torn {
            assert!(log.events().contains(&"torn_line".to_owned()));
            let fragment = whole[..length].rsplit('\n').next().unwrap();
            log.write(log.text().replacen(&format!("{fragment}\n"), "", 1));
            let broken = log.broken();
            assert!(broken.contains("a crash had left"), "{length}: {broken}");
        }
    }
}

#[test]
fn the_next_file_names_the_last_line_of_the_one_before() {
    let log = Log::new();
    log.append(2);
    fs::rename(log.at("audit.log"), log.at("audit.log.2")).unwrap();
    log.append(2);
    // `copytruncate` leaves the file, without content.
    fs::copy(log.at("audit.log"), log.at("audit.log.1")).unwrap();
    log.write("");
    log.append(1);
    assert_eq!(log.events(), ["file_begun", "login"]);
    let found = log.verify(&["audit.log.2", "audit.log.1", "audit.log"]);
    assert!(
        found.broken.is_none() && found.notes.is_empty(),
        "{found:?}"
    );
    assert_eq!((found.lines, found.first.unwrap().1.number), (8, 0));
    let broken = log.verify(&["audit.log.2", "audit.log"]).broken.unwrap();
    assert_eq!(
        broken.to_string(),
        "audit.log line 1: numbers 4 to 6 are missing before this line"
    );
}

#[test]
fn a_log_whose_end_was_cut_off_says_so_in_its_next_line() {
    let log = Log::new();
    log.append(4);
    let text = log.text();
    log.write(text.split_inclusive('\n').take(3).collect::<String>());
    log.append(1);
    assert_eq!(log.events()[3..], ["lines_missing", "login"]);
    let broken = log.broken();
    assert!(
        broken.contains("line 4: numbers 4 to 5 are missing"),
        "{broken}"
    );
}

#[test]
fn writers_at_the_same_time_make_one_chain() {
    let log = Log::new();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| log.append(25));
        }
    });
    let found = log.verify(&["audit.log"]);
    assert!(found.broken.is_none(), "{found:?}");
    assert_eq!(found.lines, 101);
}

#[test]
fn events_that_find_no_room_are_counted_and_told_and_the_others_are_written() {
    let log = Log::new();
    log.append(1);
    let held = File::open(log.at("audit.log.chain")).unwrap();
    flock(&held, FlockOperation::LockExclusive).unwrap();
    let target = AuditTarget::File(log.at("audit.log"));
    let recorder = AuditLog::start(Some(target), Clock::system(), Arc::new(Metrics::new()));
    let recorder = recorder.unwrap();
    const EVENTS: usize = 25_000;
    for _ in 0..EVENTS {
        recorder.record(|| AuditEvent::now("renewed"));
    }
    drop(held);
    let started = Stopwatch::start();
    loop {
        let events = log.events();
        let written = events.iter().filter(|event| *event == "renewed").count();
        let lost: Vec<Value> = log
            .text()
            .lines()
            .filter(|line| line.contains(r#""event":"lost""#))
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let lost: u64 = lost
            .iter()
            .map(|line| line["count"].as_u64().unwrap())
            .sum();
        if written as u64 + lost == EVENTS as u64 {
            assert!(written >= 10_000 && lost > 0, "{written} {lost}");
            break;
        }
        assert!(started.elapsed().as_secs() < 60, "{written} {lost}");
        thread::yield_now();
    }
    assert_eq!(log.broken(), "");
}

#[test]
fn a_file_that_is_no_audit_log_is_left_alone() {
    let log = Log::new();
    log.write("127.0.0.1 localhost\n");
    let error = log.file.append(&[AuditEvent::now("login")]).unwrap_err();
    assert!(error.to_string().contains("another content"), "{error}");
    assert_eq!(log.text(), "127.0.0.1 localhost\n");
    let (target, link) = (log.at("target"), log.at("link"));
    fs::write(&target, "").unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    for (path, says) in [
        (link, "is a link"),
        (log.at(""), "Is a directory"),
        (log.at("none/audit.log"), "there is no folder"),
    ] {
        let error = AuditFile::new(path).check().unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}
