//! The `authseal` program.

/// glibc's takes a third of what is spent on a refresh (docs/performance.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    authseal::cli::main()
}
