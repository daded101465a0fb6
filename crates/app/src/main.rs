//! The `palabre` program.

use std::process::ExitCode;

#[cfg(all(feature = "mutants", not(debug_assertions)))]
compile_error!("the feature `mutants` makes a server that breaks its promises: it must never be released");

fn main() -> ExitCode {
    #[cfg(feature = "mutants")]
    if let Err(problem) = palabre::choose_mutant() {
        eprintln!("{problem}");
        return ExitCode::from(2);
    }
    palabre::commands::main()
}
