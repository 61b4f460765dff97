//! Serving, with or without a Postgres of our own, and running jobs.

use std::process::ExitCode;

use actix_web::rt::System;
use db::embedded::Server;
use tokio::signal::unix::{SignalKind, signal};

use super::arguments::ServeArgs;
use super::{CliError, prepare};
use crate::app::{Application, Role};
use crate::config::{Config, Secret};

pub(super) fn serve(mut config: Config, args: &ServeArgs) -> Result<ExitCode, CliError> {
    let embedded = match &args.embedded {
        None => None,
        Some(dir) => {
            let server = Server::start(dir)?;
            config.database.url = Secret::new(server.url("postgres"));
            Some(server)
        }
    };
    prepare::prepare(&config, args.demo)?;
    let role = match args.with_worker {
        Some(false) => Role::Serve,
        Some(true) | None => Role::ServeAndWork,
    };
    run(config, role)?;
    drop(embedded);
    Ok(ExitCode::SUCCESS)
}

/// Runs jobs and nothing else.
pub(super) fn work(config: Config) -> Result<ExitCode, CliError> {
    prepare::prepare(&config, false)?;
    run(config, Role::Work)?;
    Ok(ExitCode::SUCCESS)
}

fn run(config: Config, role: Role) -> Result<(), CliError> {
    System::new().block_on(until_stopped(config, role))?;
    log::info!("stopped");
    Ok(())
}

async fn until_stopped(config: Config, role: Role) -> Result<(), CliError> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let application = Application::build(&config, role)?;
    let address = application.address();
    match role {
        Role::Work => log::info!(address:%; "running jobs; health on http://{address}"),
        Role::Serve | Role::ServeAndWork => log::info!(address:%; "serving on http://{address}"),
    }
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    application.run(stop).await?;
    Ok(())
}
