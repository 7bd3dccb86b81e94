//! Parse, load, run, exit code.

use std::process::ExitCode;

/// Memory that one worker frees serves the others; what nobody needs goes back soon (`.cargo/config.toml`).
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    paystand_sync::cli::main()
}
