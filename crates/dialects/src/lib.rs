//! How they say it: bytes to commands, replies and events to bytes. Pure; one folder per dialect.
