//! What may be written after `cartwright`.

use std::path::PathBuf;

use catalog::export::Form;
use catalog::import::Profile;
use clap::{Args, Parser, Subcommand, ValueEnum};
use domain::{Currency, Permission};

use crate::media::aside;

/// A self-hosted commerce backend.
#[derive(Debug, Parser)]
#[command(name = "cartwright", version)]
pub struct Cli {
    /// A TOML file with settings; `CARTWRIGHT__…` variables override it.
    #[arg(long, global = true, env = "CARTWRIGHT_CONFIG", value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
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
pub(super) struct ServeArgs {
    /// Run a private Postgres with its data in this folder.
    #[arg(long, value_name = "DIR")]
    pub(super) embedded: Option<PathBuf>,
    /// Put the demo products into an empty catalogue.
    #[arg(long)]
    pub(super) demo: bool,
    /// Run jobs and schedules in this process too; `--with-worker=false` leaves them to others.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(super) with_worker: Option<bool>,
}

#[derive(Debug, Subcommand)]
pub(super) enum ImportWhat {
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
pub(super) struct SpeltArgs {
    #[command(flatten)]
    pub(super) file: FileArgs,
    /// What the file looks like; without it, NDJSON where its name ends in .ndjson or .jsonl.
    #[arg(long, value_enum)]
    pub(super) format: Option<Format>,
}

/// Which products.
#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    #[command(flatten)]
    pub(super) file: FileArgs,
    /// What the file looks like; without it, NDJSON where its name ends in .ndjson or .jsonl.
    #[arg(long, value_enum, conflicts_with = "from")]
    pub(super) format: Option<Format>,
    /// What the file comes from, if it is not of the shop's own form; see docs/import-profiles.md.
    #[arg(long, value_name = "PROFILE")]
    pub(super) from: Option<Profile>,
    /// The currency of all prices, where a file of this profile does not say it.
    #[arg(long, requires = "from")]
    pub(super) currency: Option<Currency>,
    /// A folder with the pictures that the file names by their paths.
    #[arg(long, value_name = "DIR")]
    pub(super) media: Option<PathBuf>,
}

/// Which file, and how to report.
#[derive(Debug, Args)]
pub(super) struct FileArgs {
    /// The file; `-` for standard input.
    pub(super) file: PathBuf,
    /// Check everything, write nothing.
    #[arg(long)]
    pub(super) dry_run: bool,
    /// End at the first row that is refused.
    #[arg(long)]
    pub(super) stop: bool,
    /// Write what became of each row to this CSV file.
    #[arg(long, value_name = "FILE")]
    pub(super) report: Option<PathBuf>,
}

/// What a file of the shop's own looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Of products, a row for each price of a variant.
    #[default]
    Csv,
    /// Of products, a JSON object for each.
    Ndjson,
}

impl From<Format> for Form {
    fn from(format: Format) -> Self {
        match format {
            Format::Csv => Self::Csv,
            Format::Ndjson => Self::Ndjson,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum ExportWhat {
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
pub(super) struct ToArgs {
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
    /// The file to be written; standard output without it.
    #[arg(long, value_name = "FILE")]
    pub(super) to: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(super) enum RebuildWhat {
    /// The search index; the one there is is read meanwhile.
    Search,
    /// What sells, from the orders of the last thirty days.
    Sales,
}

/// What to look at, and how to tell.
#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
    /// Repair what can be repaired without anybody's judgement, and look again.
    #[arg(long)]
    pub(super) repair: bool,
    /// Look at these invariants only, as docs/operations.md numbers them.
    #[arg(long, value_name = "I2,I7,…", value_delimiter = ',')]
    pub(super) only: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(super) enum AdminWhat {
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
