//! Walks through the documented API of a running server and checks every field it answers with.
//!
//! The server has open access and the demo products. What the run places it cancels again, so it
//! may be repeated for ever.

mod check;
mod orders;
mod refusals;
mod service;
mod users;

use std::process::ExitCode;

use clap::Parser;
use client::Client;

use check::Check;

/// Checks a running server against the documented API.
#[derive(Parser)]
struct Arguments {
    /// The address of the server.
    #[arg(long, env = "BASE_URL", default_value = "http://localhost:8080")]
    base_url: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments.base_url).await {
        Ok(()) => {
            println!("All smoke tests passed ✅");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("Smoke test failed ❌ {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(base_url: &str) -> Check {
    let shop = Client::builder(base_url)
        .build()
        .map_err(|error| error.to_string())?;
    service::check(&shop).await?;
    let demo = service::check_products(&shop).await?;
    service::check_categories(&shop).await?;
    service::check_collections(&shop).await?;
    service::check_search(&shop).await?;
    let buyer = users::check(&shop).await?;
    orders::check(&shop, buyer, &demo).await?;
    refusals::check(&shop, buyer, &demo).await
}
