//! Protection of this process's memory, which has the keys, against dumps.

use crate::{config::is_dumpable, environment::Environment};

/// Forbids core dumps, and debuggers of the same user, unless AUTHSEAL_DUMPABLE allows them.
/// Call it before any key is read.
pub(super) fn forbid() {
    if is_dumpable(&Environment::of_process()) {
        return;
    }
    // Other systems have nothing like it. On Linux it cannot fail with these arguments.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}
