//! The `palabre` program.

use std::process::ExitCode;

#[cfg(all(feature = "mutants", not(debug_assertions)))]
compile_error!("the feature `mutants` makes a server that breaks its promises: it must never be released");

/// The system's allocator keeps what thousands of clients needed who came back at once: see docs/benchmarks.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    #[cfg(feature = "mutants")]
    if let Err(problem) = palabre::choose_mutant() {
        eprintln!("{problem}");
        return ExitCode::from(2);
    }
    palabre::commands::main()
}
