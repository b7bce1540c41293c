//! The emulator as a process of its own: the binary, and an unmodified boto3 against it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod binary;
mod boto3;
mod emulator;
