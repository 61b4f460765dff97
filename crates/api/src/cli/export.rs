//! `cartwright export`: what the shop has, as a file.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use catalog::export::{self, Form, Scope, Summary, What};
use diesel::connection::SimpleConnection as _;

use super::folder::Folder;
use super::{CliError, database_url};
use crate::config::Config;

pub(super) fn write(
    config: &Config,
    (what, form): (What, Form),
    (to, media): (Option<&Path>, Option<&Path>),
) -> Result<ExitCode, CliError> {
    let mut conn = db::connect(database_url(config)?)?;
    // Whoever reads the file page by page takes as long as they like, and nobody waits for a snapshot.
    conn.batch_execute("SET idle_in_transaction_session_timeout = 0")?;
    if let Some(folder) = media {
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    let folder = media.map(|media| Folder::open(config, media)).transpose()?;
    let file: Box<dyn Write> = match to {
        Some(path) => {
            let file = File::create(path);
            Box::new(file.map_err(|error| format!("{}: {error}", path.display()))?)
        }
        None => Box::new(io::stdout().lock()),
    };
    let Summary {
        products,
        variants,
        prices,
        rows,
        ..
    } = export::write(&mut conn, what, form, BufWriter::new(file))?;
    // Not to standard output, which may be the file.
    match what {
        What::Products(_) => {
            eprintln!("{products} products, {variants} variants, {prices} prices");
        }
        What::Collections | What::Categories | What::Options => eprintln!("{rows} rows"),
    }
    if let Some(folder) = folder {
        let pictures = folder.fill(&mut conn, what == What::Products(Scope::OnSale))?;
        eprintln!("{pictures} pictures");
    }
    Ok(ExitCode::SUCCESS)
}
