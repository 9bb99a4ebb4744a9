//! Options of the linker, and the commit that `--version` tells.

use std::{env, fs, process::Command};

/// The first that can load a program with packed relocations.
const GLIBC_WITH_RELR: (u32, u32) = (2, 36);

/// Written by `git archive`, and so in every archive of the source: `.gitattributes` has it so.
const ARCHIVED: &str = ".revision";

/// Characters of a commit's name that `--version` shows.
const SHOWN: usize = 10;

/// Commit and date of this build, with a blank and brackets around, or nothing where they are
/// unknown. Only released programs say it: a debug build would be built anew at every commit.
/// The time of the build is no part of it: it would differ between two builds of a commit.
fn build() -> String {
    println!("cargo::rerun-if-env-changed=AUTHSEAL_REVISION");
    println!("cargo::rerun-if-changed={ARCHIVED}");
    if env::var("PROFILE").as_deref() != Ok("release") {
        return String::new();
    }
    // The variable is for an image's build, which has no repository.
    let given = env::var("AUTHSEAL_REVISION").ok();
    let revision = given
        .filter(|text| !text.trim().is_empty())
        .or_else(archived)
        .or_else(of_repository);
    revision.map_or_else(String::new, |text| format!(" ({})", shortened(&text)))
}

/// Commit and date of an archive; `None` in a repository, where the file has no values.
fn archived() -> Option<String> {
    let text = fs::read_to_string(ARCHIVED).ok()?;
    let line = text.lines().find(|line| !line.starts_with('#'))?;
    (!line.contains('$')).then(|| line.to_owned())
}

fn of_repository() -> Option<String> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned())
    };
    // Another program's repository around this folder says nothing of it.
    if !git(&["rev-parse", "--show-prefix"])?.is_empty() {
        return None;
    }
    if let Some(head) = git(&["rev-parse", "--git-path", "logs/HEAD"]) {
        println!("cargo::rerun-if-changed={head}");
    }
    git(&["log", "-1", "--format=%H %cs"])
}

/// `COMMIT DATE` or `COMMIT` with fewer characters of the commit. Git's own short form has as
/// many as its repository needs, and would differ between two of them.
fn shortened(revision: &str) -> String {
    let mut words: Vec<_> = revision.split_whitespace().collect();
    words[0] = words[0].get(..SHOWN).unwrap_or(words[0]);
    words.join(" ")
}

/// Addresses that the loader must adjust take 24 bytes each, or, packed (DT_RELR), a bit
/// or two. It saves 0.8 MB, of the file and of memory (docs/performance.md).
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-env=AUTHSEAL_BUILD={}", build());
    if builds_for_this_machine() && glibc().is_some_and(|version| version >= GLIBC_WITH_RELR) {
        println!("cargo::rustc-link-arg-bin=authseal=-Wl,-z,pack-relative-relocs");
    }
}

fn builds_for_this_machine() -> bool {
    env::var("HOST") == env::var("TARGET")
}

/// This machine's glibc; `None` where there is another C library.
fn glibc() -> Option<(u32, u32)> {
    let answer = Command::new("getconf").arg("GNU_LIBC_VERSION").output();
    let answer = String::from_utf8(answer.ok()?.stdout).ok()?;
    let (major, minor) = answer.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
