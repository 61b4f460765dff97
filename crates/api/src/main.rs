//! The server binary: one program, a subcommand per role.

use std::process::ExitCode;

use api::cli::{self, Cli};
use api::logging;
use clap::Parser as _;

/// Small and fast under many threads; the system's allocator keeps more than it gives back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    keep_pages_small();
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

/// Refuses huge pages of memory, for this process and those it starts. With them 2 MiB are taken where
/// a few KiB are used, and a heap that several threads fill and empty keeps more than twice of what it
/// holds. A kernel that gives them only to those who ask is set so by the allocator's feature `no_thp`,
/// which counts before `main`; one that gives them to everybody listens to this alone.
fn keep_pages_small() {
    // A kernel without huge pages knows no such setting, and needs none.
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}
