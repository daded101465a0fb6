//! What a command means: check, then do, in one transaction that records its events.
