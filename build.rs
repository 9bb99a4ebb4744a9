//! What the linker is told.

use std::{env, process::Command};

/// The first that can load a program with packed relocations.
const GLIBC_WITH_RELR: (u32, u32) = (2, 36);

/// Addresses that the loader must adjust take 24 bytes each, or, packed (DT_RELR), a bit
/// or two. It saves 0.8 MB, of the file and of memory (docs/performance.md).
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
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
