//! The events of a run, line by line: always hashed, so that two runs can be compared; printed to inspect one seed.

use std::fmt::Write as _;

/// The lines of a run.
#[derive(Debug)]
pub(crate) struct Trace {
    hash: u64,
    print: bool,
    line: String,
}

impl Trace {
    pub(crate) fn new(print: bool) -> Self {
        Self { hash: 0xcbf2_9ce4_8422_2325, print, line: String::new() }
    }

    pub(crate) fn line(&mut self, at: std::time::Duration, what: std::fmt::Arguments<'_>) {
        self.line.clear();
        // Writing to a string cannot fail.
        let _written = write!(self.line, "{:>10.3} ms  {what}", at.as_secs_f64() * 1_000.0);
        // FNV-1a: the same in every process.
        self.hash = self
            .line
            .bytes()
            .chain([b'\n'])
            .fold(self.hash, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        if self.print {
            println!("{}", self.line);
        }
    }

    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }
}
