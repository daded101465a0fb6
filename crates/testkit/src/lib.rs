//! Towns and people: a whole server in the test, and those who use it.

pub mod checker;
pub mod kill;
pub mod process;
