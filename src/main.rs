//! The `authseal` program.

fn main() -> std::process::ExitCode {
    authseal::cli::main()
}
