//! Options of the linker, and the commit that `--version` tells.

use std::{env, process::Command};

/// The first that can load a program with packed relocations.
const GLIBC_WITH_RELR: (u32, u32) = (2, 36);

/// Commit and date of this build, with a blank and brackets around, or nothing where they are
/// unknown. Only released programs say it: a debug build would be built anew at every commit.
fn build() -> String {
    println!("cargo::rerun-if-env-changed=AUTHSEAL_REVISION");
    if env::var("PROFILE").as_deref() != Ok("release") {
        return String::new();
    }
    // Where there is no repository, as in an image's build.
    if let Some(given) = env::var("AUTHSEAL_REVISION")
        .ok()
        .filter(|text| !text.is_empty())
    {
        return format!(" ({given})");
    }
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned())
    };
    // Another program's repository around this folder says nothing of it.
    if git(&["rev-parse", "--show-prefix"]).is_none_or(|prefix| !prefix.is_empty()) {
        return String::new();
    }
    if let Some(head) = git(&["rev-parse", "--git-path", "logs/HEAD"]) {
        println!("cargo::rerun-if-changed={head}");
    }
    git(&["log", "-1", "--format=(%h %cs)"]).map_or_else(String::new, |build| format!(" {build}"))
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
