//! The `palabre` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(debug_assertions)]
    if let Err(problem) = palabre::choose_mutant() {
        eprintln!("{problem}");
        return ExitCode::from(2);
    }
    palabre::commands::main()
}
