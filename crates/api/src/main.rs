//! The server binary: one program, a subcommand per role.

use std::process::ExitCode;

use api::cli::{self, Cli};
use api::logging;
use clap::Parser as _;

/// Small and fast under many threads; the system's allocator keeps more than it gives back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let ended = cli::run(Cli::parse());
    logging::flush();
    match ended {
        Ok(code) => code,
        Err(error) => {
            eprintln!("cartwright: {error}");
            ExitCode::FAILURE
        }
    }
}
