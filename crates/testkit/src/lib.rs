//! Towns and people: a whole server in the test, and those who use it.
