//! Files of imports that are at other servers come into the database, where they are read like those that staff sends.

use std::sync::Arc;
use std::time::Duration;

use catalog::import;
use catalog::imports::{self, State, fetching, uploading};
use diesel::PgConnection;
use tempfile::NamedTempFile;
use tokio::io::AsyncReadExt as _;

use super::Handled;
use crate::fetching::{FetchError, Limits};
use crate::worker::{Done, JobError, Run};

/// How long one file may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// Fetches the file of an import. A later attempt begins anew.
pub(super) async fn fetch(run: Arc<Run>) -> Handled {
    let id = run.job.payload["importId"].as_i64();
    let id = id.ok_or_else(|| JobError::Final("the payload has no importId".into()))?;
    let found = run
        .fenced(move |conn| {
            fetching::begin_again(conn, id)?;
            Ok(imports::find(conn, id)?)
        })
        .await?;
    let is_wanted = |import: &imports::Import| import.state == State::Uploading;
    // It was cancelled.
    let Some(import) = found.filter(is_wanted) else {
        return Ok(Done::All);
    };
    let url = import.url.clone();
    let url = url.ok_or_else(|| JobError::Final("the import has no address".into()))?;
    let file = NamedTempFile::new().map_err(|error| JobError::Retry(error.to_string()))?;
    let limits = Limits {
        bytes: run.state.config.imports.max_bytes,
        time: PATIENCE,
    };
    let fetched = tokio::select! {
        fetched = run.state.fetcher.fetch(&url, limits, file.path()) => fetched,
        () = run.stops() => return Ok(Done::Part),
    };
    let is_last = run.job.failures + 1 >= run.job.max_attempts;
    match fetched {
        Ok((_, bytes)) => keep(&run, &import, &file, bytes).await,
        Err(FetchError::Failed(why)) if !is_last => Err(JobError::Retry(why)),
        Err(error) => give_up(&run, id, format!("the file cannot be fetched: it {error}")).await,
    }
}

/// Keeps the file part by part, and enqueues the job that reads it.
async fn keep(run: &Run, import: &imports::Import, file: &NamedTempFile, bytes: u64) -> Handled {
    let id = import.id;
    let failed = |error: std::io::Error| JobError::Retry(error.to_string());
    let mut source = tokio::fs::File::open(file.path()).await.map_err(failed)?;
    let mut number = 0;
    loop {
        let mut part = Vec::with_capacity(uploading::PART);
        let most = u64::try_from(uploading::PART).unwrap_or(u64::MAX);
        let read = (&mut source).take(most).read_to_end(&mut part).await;
        if read.map_err(failed)? == 0 {
            break;
        }
        if number == 0
            && let Err(why) = look(import, &part)
        {
            return give_up(run, id, why).await;
        }
        run.fenced(move |conn| Ok(uploading::add(conn, id, number, part)?))
            .await?;
        number += 1;
    }
    if number == 0 {
        return give_up(run, id, "the file is empty".into()).await;
    }
    let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
    run.settle(move |conn: &mut PgConnection| {
        if !uploading::complete(conn, id, bytes)? {
            fetching::begin_again(conn, id)?;
        }
        Ok(())
    })
    .await
}

/// Refuses what no row of would be read.
fn look(import: &imports::Import, beginning: &[u8]) -> Result<(), String> {
    if beginning.trim_ascii().is_empty() {
        return Err("the file is empty".into());
    }
    let form = import.form().ok_or("no release knows this form")?;
    import::look(beginning, form).map_err(|error| error.to_string())
}

async fn give_up(run: &Run, id: i64, why: String) -> Handled {
    let done = run.settle(move |conn| {
        fetching::give_up(conn, id, &why)?;
        Ok(())
    });
    done.await
}
