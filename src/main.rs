//! The `authseal` program.

/// glibc's took an eighth of a cached refresh (docs/performance.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    authseal::cli::main()
}
