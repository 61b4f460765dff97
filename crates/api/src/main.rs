//! The server binary: one program, a subcommand per role.

use std::process::ExitCode;

use api::cli::{self, Cli};
use api::logging;
use clap::Parser as _;

/// One heap for all threads, which gives back what is not used. With a heap for each thread a replica keeps the most that each
/// of its connections to Postgres ever needed.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

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
/// holds. The allocator does not ask for them, but some kernels give them to everybody.
fn keep_pages_small() {
    // A kernel without huge pages knows no such setting, and needs none.
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}
