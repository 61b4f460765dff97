//! The command line: a subcommand per role.

mod admin;
mod arguments;
mod doctor;
mod export;
mod folder;
mod healthcheck;
mod import;
mod prepare;
mod progress;
mod rebuild;
mod serve;

use std::path::Path;
use std::process::ExitCode;

use catalog::export::{Scope, What};
use catalog::import::Form;

pub use self::arguments::Cli;
use self::arguments::{AdminWhat, Command, ExportWhat, ImportWhat, RebuildWhat, ServeArgs};
use crate::config::Config;
use crate::logging;
use crate::media::aside;

type CliError = Box<dyn std::error::Error>;

/// Runs a command to its end.
///
/// # Errors
///
/// What went wrong, in words for the terminal.
pub fn run(cli: Cli) -> Result<ExitCode, CliError> {
    let start = || start(cli.config.as_deref());
    match cli
        .command
        .unwrap_or_else(|| Command::Serve(ServeArgs::default()))
    {
        Command::Serve(args) => serve::serve(start()?, &args),
        Command::Worker => serve::work(start()?),
        Command::Migrate => prepare::migrate(&start()?),
        Command::Seed { demo } => prepare::seed(&start()?, demo),
        Command::Import {
            what: ImportWhat::Products(args),
        } => import::run(
            &start()?,
            import::form(&args),
            &args.file,
            args.media.as_deref(),
        ),
        Command::Import {
            what: ImportWhat::Prices(file),
        } => import::run(&start()?, Form::Prices, &file, None),
        Command::Import {
            what: ImportWhat::Stock(file),
        } => import::run(&start()?, Form::Stock, &file, None),
        Command::Import {
            what: ImportWhat::Collections(args),
        } => {
            let config = start()?;
            let form = Form::Collections(import::spelling(&args), config.shop.currency);
            import::run(&config, form, &args.file, None)
        }
        Command::Import {
            what: ImportWhat::Categories(args),
        } => {
            let form = Form::Categories(import::spelling(&args));
            import::run(&start()?, form, &args.file, None)
        }
        Command::Import {
            what: ImportWhat::Options(args),
        } => {
            let form = Form::Options(import::spelling(&args));
            import::run(&start()?, form, &args.file, None)
        }
        Command::Export {
            what:
                ExportWhat::Products {
                    on_sale,
                    format,
                    to,
                    media,
                },
        } => {
            let scope = if on_sale { Scope::OnSale } else { Scope::All };
            let places = (to.as_deref(), media.as_deref());
            export::write(&start()?, (What::Products(scope), format.into()), places)
        }
        Command::Export {
            what: ExportWhat::Collections(args),
        } => export::write(
            &start()?,
            (What::Collections, args.format.into()),
            (args.to.as_deref(), None),
        ),
        Command::Export {
            what: ExportWhat::Categories(args),
        } => export::write(
            &start()?,
            (What::Categories, args.format.into()),
            (args.to.as_deref(), None),
        ),
        Command::Export {
            what: ExportWhat::Options(args),
        } => export::write(
            &start()?,
            (What::Options, args.format.into()),
            (args.to.as_deref(), None),
        ),
        Command::Rebuild {
            what: RebuildWhat::Search,
        } => rebuild::search(&start()?),
        Command::Rebuild {
            what: RebuildWhat::Sales,
        } => rebuild::sales(&start()?),
        Command::Admin {
            what:
                AdminWhat::CreateStaff {
                    email,
                    name,
                    admin,
                    permissions,
                },
        } => admin::create_staff(&start()?, &email, name, admin, permissions),
        Command::Admin {
            what: AdminWhat::SetPermissions {
                email, permissions, ..
            },
        } => admin::set_permissions(&start()?, &email, permissions),
        Command::Admin {
            what: AdminWhat::SetPassword { email },
        } => admin::set_password(&start()?, &email),
        Command::Doctor(args) => Ok(doctor::run(start(), &args)),
        Command::Healthcheck => healthcheck::run(&start()?),
        Command::Picture {
            what,
            from,
            to,
            numbers,
        } => {
            aside::work(&what, &from, &to, &numbers)?;
            Ok(ExitCode::SUCCESS)
        }
        // Needs no settings, so that wrong ones do not hide the document.
        Command::Openapi => {
            print!("{}", crate::routes::docs::DOCUMENT);
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Reads the settings, and prepares the process for work that needs them.
fn start(file: Option<&Path>) -> Result<Config, CliError> {
    let config = Config::load(file)?;
    logging::start(&config.log);
    // rediss:// and https:// need it; it can only be there already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Ok(config)
}

/// The address of the database, or what to do without one.
fn database_url(config: &Config) -> Result<&str, CliError> {
    match config.database.url.reveal() {
        "" => {
            Err("no database: set CARTWRIGHT__DATABASE__URL, or use `serve --embedded DIR`".into())
        }
        url => Ok(url),
    }
}
