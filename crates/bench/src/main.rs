//! The tools that `scripts/bench.sh` measures with. Never shipped.
//!
//! They know nothing of the other crates: what is measured is HTTP and Postgres, as anybody sees them.
//!
//! - [`http`]: a client as cheap as can be, so that little of the machine goes to the measuring
//! - [`load`]: requests by a clock (open loop) or one after the other (closed loop)
//! - [`bare`]: an actix handler that does nothing but send finished bytes
//! - [`data`]: a shop of any size, as rows for `COPY`

mod bare;
mod data;
mod http;
mod load;
mod random;

use std::process::ExitCode;

use clap::Parser;

#[derive(Parser)]
#[command(about, version, args_override_self = true)]
enum Cli {
    /// Sends requests and prints what came of them as JSON.
    Load(load::Options),
    /// Serves the answers of another server again, byte for byte, until it is stopped.
    Bare(bare::Options),
    /// Prints the rows of one table for `COPY … FROM STDIN`.
    Data(data::Options),
    /// Prints a catalogue as a file that `cartwright import products` reads.
    File(data::file::Options),
}

fn main() -> ExitCode {
    let done = match Cli::parse() {
        Cli::Load(options) => load::run(options),
        Cli::Bare(options) => bare::run(&options),
        Cli::Data(options) => data::run(&options),
        Cli::File(options) => data::file::run(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}
