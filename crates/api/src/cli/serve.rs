//! Serving, with or without a Postgres of our own.

use std::process::ExitCode;

use actix_web::rt::System;
use db::embedded::Server;
use tokio::signal::unix::{SignalKind, signal};

use super::{CliError, ServeArgs, prepare};
use crate::app::Application;
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
    System::new().block_on(until_stopped(config))?;
    log::info!("stopped");
    drop(embedded);
    Ok(ExitCode::SUCCESS)
}

async fn until_stopped(config: Config) -> Result<(), CliError> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let application = Application::build(&config)?;
    log::info!(address:% = application.address(); "serving on http://{}", application.address());
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    application.run(stop).await?;
    Ok(())
}
