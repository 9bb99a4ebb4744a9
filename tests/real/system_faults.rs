//! A fault at the system calls of every command that writes: six errors and a kill, each at
//! one call, injected by strace. Nothing is half, lost or claimed, and a second run repairs.
//!
//! Some calls of each command are tried; `AUTHSEAL_FAULTS=all` tries all of them, which
//! takes some twenty minutes.

mod commands;
mod strace;

use std::{
    collections::BTreeMap,
    os::unix::process::ExitStatusExt,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    process::Output,
    sync::Mutex,
    thread,
};

use authseal::{
    keyring::{CurrentKeys, KeySource, Keyring, Passphrase},
    secret::Secret,
};
use commands::{Case, PASSPHRASE, Scene, cases};
use strace::{Call, calls, traced};

/// Errors that a disk, a file system or a limit gives, and `KILL`.
const FAULTS: [&str; 7] = [
    "EIO", "ENOSPC", "EACCES", "EINTR", "EROFS", "EMFILE", "KILL",
];

/// Number of faults of each command without `AUTHSEAL_FAULTS=all`.
const SAMPLE: usize = 6;

/// Words of an error of a command whose work is done all the same.
const ADMITS: [&str; 4] = [
    "servers follow that",
    "was made and seals from",
    "the keys are protected, but",
    "the command is done, but",
];

fn keys(folder: &Path) -> CurrentKeys {
    let passphrase = Passphrase::new(Secret::new(PASSPHRASE));
    let source = KeySource::Folder(folder.to_owned());
    let keyring = Keyring::load_protected(source, Some(passphrase));
    let keyring = keyring.unwrap_or_else(|error| panic!("the folder does not load: {error}"));
    keyring.current()
}

/// A fault at one call of a command.
struct Fault<'c> {
    case: &'c Case,
    call: Call,
    name: &'static str,
}

impl Fault<'_> {
    fn injection(&self) -> String {
        let Call { name, number, .. } = &self.call;
        match self.name {
            "KILL" => format!("{name}:signal=KILL:when={number}"),
            error => format!("{name}:error={error}:when={number}"),
        }
    }

    fn describe(&self, output: &Output) -> String {
        format!(
            "{} with {} at {}\nstatus {}\nstdout {}\nstderr {}",
            self.case.name,
            self.injection(),
            self.call.line,
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )
    }

    /// Runs the command with the fault and then without.
    fn try_it(&self) {
        let scene = Scene::new(self.case);
        let before = keys(&scene.folder);
        let inject = self.injection();
        let output = traced(&scene, self.case, Some(&inject)).output;
        let what = self.describe(&output);
        let killed = output.status.signal() == Some(9);
        assert!(
            killed || matches!(output.status.code(), Some(0 | 1 | 74)),
            "{what}"
        );

        let after = keys(&scene.folder);
        assert_nothing_is_lost(self.case, &before, &after, &what);
        assert_nothing_is_half(&scene.folder, &what);
        let is_done = (self.case.is_done)(&scene, &after, &output);
        let said = String::from_utf8_lossy(&output.stderr);
        let admits = ADMITS.iter().any(|words| said.contains(words));
        match output.status.code() {
            Some(0) => {
                assert!(is_done, "claimed: {what}");
                let is_unsynced =
                    self.call.name == "fsync" && !["EINTR", "KILL"].contains(&self.name);
                assert!(
                    !is_unsynced || self.is_only_noted(),
                    "claimed unsynced: {what}"
                );
            }
            // What it should have printed is the work.
            Some(74) if !self.case.changes => {}
            Some(_) => assert_eq!(admits, is_done, "said otherwise than it is: {what}"),
            None => {}
        }
        let again = traced(&scene, self.case, None);
        let what = format!("{what}\nAGAIN {:?}\n{}", again.output, again.trace);
        assert_eq!(again.output.status.code(), Some(0), "{what}");
        let after = keys(&scene.folder);
        assert!(
            (self.case.is_done)(&scene, &after, &again.output),
            "not repaired: {what}"
        );
        if self.case.changes {
            // No `)` behind it: where another thread makes a call meanwhile, strace cuts the line.
            let folder = format!("<{}>", scene.folder.display());
            let is_synced = |line: &str| line.contains("fsync(") && line.contains(&folder);
            assert!(again.trace.lines().any(is_synced), "not synced: {what}");
        }
    }

    /// A new key is good without its line in the history: the next `serve` writes it.
    fn is_only_noted(&self) -> bool {
        self.case.key_syncs > 0 && self.call.number > self.case.key_syncs
    }
}

fn assert_nothing_is_lost(case: &Case, before: &CurrentKeys, after: &CurrentKeys, what: &str) {
    for key in before.iter() {
        let same = after.iter().find(|other| other.kid == key.kid);
        match same {
            Some(same) => assert_eq!(same.bytes(), key.bytes(), "{what}"),
            None => assert!(case.removes, "{} is lost: {what}", key.kid),
        }
    }
}

/// Unfinished files have names that nothing reads.
fn assert_nothing_is_half(folder: &Path, what: &str) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let is_known = name.ends_with(".jwk") || name.starts_with(".new-");
        let is_text = ["revoked.txt", "history.txt"].contains(&name.as_str());
        assert!(is_known || is_text, "{name}: {what}");
        if name == "revoked.txt" {
            let text = std::fs::read_to_string(folder.join(&name)).unwrap();
            assert!(text.ends_with('\n'), "half a line: {what}");
        }
    }
}

/// Every n-th, so that each call and each fault comes up.
fn sampled<T>(all: Vec<T>, most: usize) -> Vec<T> {
    if std::env::var("AUTHSEAL_FAULTS").is_ok_and(|which| which == "all") || all.len() <= most {
        return all;
    }
    // No multiple of the number of faults, or it would always be the same one.
    let mut step = all.len().div_ceil(most);
    step += usize::from(step.is_multiple_of(FAULTS.len()));
    all.into_iter().step_by(step).collect()
}

#[test]
fn a_fault_at_any_system_call_leaves_nothing_half_lost_or_claimed() {
    let cases = cases();
    let mut faults = Vec::new();
    for case in &cases {
        let scene = Scene::new(case);
        let trace = traced(&scene, case, None).trace;
        let found = calls(&trace, &scene.folder);
        assert!(!found.is_empty(), "{}: {trace}", case.name);
        let of_case = found.into_iter().flat_map(|call| {
            FAULTS.map(|name| Fault {
                case,
                call: call.clone(),
                name,
            })
        });
        faults.extend(sampled(of_case.collect(), SAMPLE));
    }
    let mut tried: BTreeMap<&str, usize> = BTreeMap::new();
    for fault in &faults {
        *tried.entry(fault.case.name).or_default() += 1;
    }
    println!("faults by command: {tried:?}");
    let faults = Mutex::new(faults.into_iter());
    let failed = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                while let Some(fault) = next(&faults) {
                    // The panic is printed, and the others are tried all the same.
                    if catch_unwind(AssertUnwindSafe(|| fault.try_it())).is_err() {
                        let what = format!("{}: {}", fault.case.name, fault.injection());
                        failed.lock().unwrap().push(what);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{failed:#?}");
}

fn next<'c>(faults: &Mutex<impl Iterator<Item = Fault<'c>>>) -> Option<Fault<'c>> {
    faults.lock().unwrap().next()
}

#[test]
fn dumps_are_forbidden_before_any_key_is_read() {
    let cases = cases();
    let case = &cases[0];
    let scene = Scene::new(case);
    for (is_dumpable, forbids) in [("false", true), ("true", false)] {
        let trace = strace::with_dumps(&scene, case, is_dumpable);
        let at = trace.find("prctl(PR_SET_DUMPABLE, SUID_DUMP_DISABLE) = 0");
        assert_eq!(at.is_some(), forbids, "{trace}");
        let key = trace.find(".jwk").expect("keys are read");
        assert!(at.is_none_or(|at| at < key), "{trace}");
    }
}
