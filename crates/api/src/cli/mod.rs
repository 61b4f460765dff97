//! The command line: a subcommand per role.

mod admin;
mod doctor;
mod export;
mod folder;
mod healthcheck;
mod import;
mod prepare;
mod progress;
mod rebuild;
mod serve;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use catalog::export::{Scope, What};
use catalog::import::{Form, Profile};
use clap::{Args, Parser, Subcommand, ValueEnum};
use domain::{Currency, Permission};

use crate::config::Config;
use crate::logging;
use crate::media::aside;

/// A self-hosted commerce backend.
#[derive(Debug, Parser)]
#[command(name = "cartwright", version)]
pub struct Cli {
    /// A TOML file with settings; `CARTWRIGHT__…` variables override it.
    #[arg(long, global = true, env = "CARTWRIGHT_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves the API (the default).
    Serve(ServeArgs),
    /// Runs jobs and schedules; of all requests it answers only /livez and /readyz.
    Worker,
    /// Brings the database up to date.
    Migrate,
    /// Brings the database up to date and ensures the administrator.
    Seed {
        /// Also put the demo products into an empty catalogue.
        #[arg(long)]
        demo: bool,
    },
    /// Reads a file into the shop.
    Import {
        #[command(subcommand)]
        what: ImportWhat,
    },
    /// Writes what the shop has to a file.
    Export {
        #[command(subcommand)]
        what: ExportWhat,
    },
    /// Has something that is derived derived again.
    Rebuild {
        #[command(subcommand)]
        what: RebuildWhat,
    },
    /// Manages who runs the shop.
    Admin {
        #[command(subcommand)]
        what: AdminWhat,
    },
    /// Looks whether all data is as it must be; exits with 1 when something is not.
    Doctor(DoctorArgs),
    /// Prints the OpenAPI document.
    Openapi,
    /// Asks a running replica whether it is ready; exits with 1 when it is not.
    Healthcheck,
    /// Works on one picture, for a replica.
    #[command(name = aside::COMMAND, hide = true)]
    Picture {
        what: String,
        from: PathBuf,
        to: PathBuf,
        numbers: String,
    },
}

/// How to serve.
#[derive(Debug, Default, Args)]
struct ServeArgs {
    /// Run a private Postgres with its data in this folder.
    #[arg(long, value_name = "DIR")]
    embedded: Option<PathBuf>,
    /// Put the demo products into an empty catalogue.
    #[arg(long)]
    demo: bool,
    /// Run jobs and schedules in this process too; `--with-worker=false` leaves them to others.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    with_worker: Option<bool>,
}

#[derive(Debug, Subcommand)]
enum ImportWhat {
    /// Products from a CSV or NDJSON file, or from the file of another system; see docs/import-format.md.
    Products(ImportArgs),
    /// Prices of variants that are there, from a CSV file: sku, price, currency, valid_from.
    Prices(FileArgs),
    /// Counted stock of variants that are there, from a CSV file: sku, on_hand.
    Stock(FileArgs),
    /// Collections with the products in them, from a CSV or NDJSON file.
    Collections(SpeltArgs),
    /// Categories and where they stand, from a CSV or NDJSON file.
    Categories(SpeltArgs),
    /// How options and their values are called in other languages, from a CSV or NDJSON file.
    Options(SpeltArgs),
}

/// Which file, and what it looks like.
#[derive(Debug, Args)]
struct SpeltArgs {
    #[command(flatten)]
    file: FileArgs,
    /// What the file looks like; without it, NDJSON where its name ends in .ndjson or .jsonl.
    #[arg(long, value_enum)]
    format: Option<Format>,
}

/// Which products.
#[derive(Debug, Args)]
struct ImportArgs {
    #[command(flatten)]
    file: FileArgs,
    /// What the file looks like; without it, NDJSON where its name ends in .ndjson or .jsonl.
    #[arg(long, value_enum, conflicts_with = "from")]
    format: Option<Format>,
    /// What the file comes from, if it is not of the shop's own form; see docs/import-profiles.md.
    #[arg(long, value_name = "PROFILE")]
    from: Option<Profile>,
    /// The currency of all prices, where a file of this profile does not say it.
    #[arg(long, requires = "from")]
    currency: Option<Currency>,
    /// A folder with the pictures that the file names by their paths.
    #[arg(long, value_name = "DIR")]
    media: Option<PathBuf>,
}

/// Which file, and how to report.
#[derive(Debug, Args)]
struct FileArgs {
    /// The file; `-` for standard input.
    file: PathBuf,
    /// Check everything, write nothing.
    #[arg(long)]
    dry_run: bool,
    /// End at the first row that is refused.
    #[arg(long)]
    stop: bool,
    /// Write what became of each row to this CSV file.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// What a file of the shop's own looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Of products, a row for each price of a variant.
    #[default]
    Csv,
    /// Of products, a JSON object for each.
    Ndjson,
}

impl From<Format> for catalog::export::Form {
    fn from(format: Format) -> Self {
        match format {
            Format::Csv => Self::Csv,
            Format::Ndjson => Self::Ndjson,
        }
    }
}

#[derive(Debug, Subcommand)]
enum ExportWhat {
    /// All products as a file that an import reads, drafts too; see docs/import-format.md.
    Products {
        /// Leave out what customers do not see.
        #[arg(long)]
        on_sale: bool,
        #[arg(long, value_enum, default_value_t)]
        format: Format,
        /// The file to be written; standard output without it.
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
        /// A folder to which the pictures are written that the file names.
        #[arg(long, value_name = "DIR")]
        media: Option<PathBuf>,
    },
    /// All collections with the products in them, as a file that an import reads.
    Collections(ToArgs),
    /// All categories and where they stand, as a file that an import reads.
    Categories(ToArgs),
    /// How options and their values are called in other languages, as a file that an import reads.
    Options(ToArgs),
}

/// Where a file is written, and what it looks like.
#[derive(Debug, Args)]
struct ToArgs {
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// The file to be written; standard output without it.
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum RebuildWhat {
    /// The search index; the one there is is read meanwhile.
    Search,
    /// What sells, from the orders of the last thirty days.
    Sales,
}

/// What to look at, and how to tell.
#[derive(Debug, Args)]
struct DoctorArgs {
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Repair what can be repaired without anybody's judgement, and look again.
    #[arg(long)]
    repair: bool,
    /// Look at these invariants only, as docs/operations.md numbers them.
    #[arg(long, value_name = "I2,I7,…", value_delimiter = ',')]
    only: Vec<String>,
}

#[derive(Debug, Subcommand)]
enum AdminWhat {
    /// Creates a staff user. The password is read from standard input.
    CreateStaff {
        #[arg(long)]
        email: String,
        #[arg(long)]
        name: String,
        /// Make it an administrator.
        #[arg(long)]
        admin: bool,
        /// Let it do this and nothing else, such as catalog:write; may be given several times.
        #[arg(
            long = "permission",
            value_name = "PERMISSION",
            conflicts_with = "admin"
        )]
        permissions: Vec<Permission>,
    },
    /// Says what a staff user may do: all that staff may, or only the permissions that are given.
    SetPermissions {
        #[arg(long)]
        email: String,
        /// Let it do this and nothing else, such as catalog:write; may be given several times.
        #[arg(
            long = "permission",
            value_name = "PERMISSION",
            required_unless_present = "all"
        )]
        permissions: Vec<Permission>,
        /// All that staff may do.
        #[arg(long, conflicts_with = "permissions")]
        all: bool,
    },
    /// Sets a user's password, read from standard input, and closes its sessions.
    SetPassword {
        #[arg(long)]
        email: String,
    },
}

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
