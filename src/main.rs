//! Parse, load, run, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    paystand_sync::cli::main()
}
