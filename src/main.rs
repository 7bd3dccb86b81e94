//! Parse, load, run, exit code.

use std::process::ExitCode;

/// Several workers share it without keeping what each of them freed.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    paystand_sync::cli::main()
}
