//! The `palabre` program.

use std::process::ExitCode;

/// The system's allocator keeps what thousands of clients needed who came back at once: see docs/benchmarks.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    #[cfg(debug_assertions)]
    if let Err(problem) = palabre::choose_mutant() {
        eprintln!("{problem}");
        return ExitCode::from(2);
    }
    palabre::commands::main()
}
