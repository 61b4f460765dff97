//! What can be derived again, derived again.

use std::process::ExitCode;

use super::{CliError, database_url};
use crate::config::Config;
use crate::worker::kinds::rebuilding;
use crate::workflows::selling;

/// Enqueues the job; a replica does it.
pub(super) fn search(config: &Config) -> Result<ExitCode, CliError> {
    let mut conn = db::connect(database_url(config)?)?;
    let job = rebuilding::enqueue(&mut conn)?;
    println!("Job {} builds the search index anew.", job.id);
    Ok(ExitCode::SUCCESS)
}

/// Forgets what was counted; the replicas count it anew.
pub(super) fn sales(config: &Config) -> Result<ExitCode, CliError> {
    let mut conn = db::connect(database_url(config)?)?;
    selling::count_anew(&mut conn)?;
    println!("What sells is counted anew.");
    Ok(ExitCode::SUCCESS)
}
