//! The Palabre server: command line, configuration, wiring, start and stop.
