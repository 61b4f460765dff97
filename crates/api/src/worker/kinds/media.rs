//! Pictures are made smaller, and the bytes of those that are gone are removed.

use std::path::Path;
use std::sync::Arc;

use catalog::media::keeping::{self, Original};
use db::DbError;
use domain::MediaId;
use futures_util::StreamExt as _;
use tokio::io::AsyncWriteExt as _;

use super::Handled;
use crate::media::aside::{self, AsideError};
use crate::media::picture::{Kind, PictureError};
use crate::media::store::StoreError;
use crate::routes::media_files::original_name;
use crate::worker::{Done, JobError, Run};

/// Pictures that are removed at a time.
const BATCH: i64 = 20;

impl From<StoreError> for JobError {
    fn from(error: StoreError) -> Self {
        Self::Retry(error.to_string())
    }
}

/// Makes a picture smaller. To do so twice stores the same bytes under the same names.
pub(super) async fn render(run: Arc<Run>) -> Handled {
    let id = run.job.payload["mediaId"].as_i64();
    let id = id.and_then(|id| MediaId::try_from(id).ok());
    let id = id.ok_or_else(|| JobError::Final("the payload has no mediaId".into()))?;
    // A job of an earlier release does not name the bytes.
    let named = run.job.payload["file"].as_str().map(str::to_owned);
    let original = find(&run, id).await?;
    let made = match &original {
        Some(original) => make_and_note(&run, id, original).await,
        // It was deleted meanwhile.
        None => Ok(()),
    };
    // Whatever came of it, and whoever has the job by now: the bytes of a picture that is gone are nobody's. What an
    // attempt leaves that was killed, the next one removes here.
    let file = original.map(|original| original.file).or(named);
    if let Some(file) = file
        && is_gone(&run, id).await?
    {
        run.state.media.store.remove(&file).await?;
        return Ok(Done::All);
    }
    made.map(|()| Done::All)
}

async fn find(run: &Run, id: MediaId) -> Result<Option<Original>, JobError> {
    let find = move |conn: &mut diesel::PgConnection| keeping::find_original(conn, id);
    let found = run
        .state
        .background
        .run(move |conn| find(conn).map_err(DbError::from));
    Ok(found.await?)
}

async fn is_gone(run: &Run, id: MediaId) -> Result<bool, JobError> {
    let look = move |conn: &mut diesel::PgConnection| keeping::is_gone(conn, id);
    let is_gone = run
        .state
        .background
        .run(move |conn| look(conn).map_err(DbError::from));
    Ok(is_gone.await?)
}

async fn make_and_note(run: &Run, id: MediaId, original: &Original) -> Result<(), JobError> {
    make(run, original).await?;
    run.fenced(move |conn| Ok(keeping::note_rendered(conn, id)?))
        .await?;
    Ok(())
}

async fn make(run: &Run, original: &Original) -> Result<(), JobError> {
    let widths = original.widths.iter().copied().map(u32::try_from);
    let widths: Vec<u32> = widths.filter_map(Result::ok).collect();
    if widths.is_empty() {
        return Ok(());
    }
    let media = &run.state.media;
    let failed = |error: std::io::Error| JobError::Retry(error.to_string());
    let dir = tempfile::tempdir().map_err(failed)?;
    let from = dir.path().join("original");
    let is_known = Kind::of_content_type(&original.content_type).is_some();
    if !is_known {
        return Err(JobError::Final("a kind of a later release".into()));
    }
    let name = original_name(&original.content_type);
    fetch(run, &original.file, &name, &from).await?;
    aside::render(media, &from, dir.path(), &widths)
        .await
        .map_err(|error| match error {
            AsideError::Picture(PictureError::Failed(cause)) => JobError::Retry(cause),
            AsideError::Picture(other) => JobError::Final(other.to_string()),
            error @ (AsideError::Busy | AsideError::Unanswered(_)) => {
                JobError::Retry(error.to_string())
            }
        })?;
    for width in widths {
        let name = format!("{width}.webp");
        let smaller = dir.path().join(&name);
        media.store.put(&original.file, &name, &smaller).await?;
    }
    Ok(())
}

async fn fetch(run: &Run, file: &str, name: &str, to: &Path) -> Result<(), JobError> {
    let failed = |error: std::io::Error| JobError::Retry(error.to_string());
    let mut stream = run.state.media.store.get(file, name).await?;
    let mut to = tokio::fs::File::create(to).await.map_err(failed)?;
    while let Some(piece) = stream.pieces.next().await {
        to.write_all(&piece?).await.map_err(failed)?;
    }
    to.flush().await.map_err(failed)
}

/// Removes the bytes of pictures that were deleted, or did not come, and then their rows. The name of their bytes is never
/// given again, so it is harmless to do that twice, or late.
pub(super) async fn collect(run: Arc<Run>) -> Handled {
    let (mut after, mut first_failure) = (0, None);
    loop {
        let condemn = move |conn: &mut diesel::PgConnection| keeping::condemn(conn, after, BATCH);
        let condemned = run
            .state
            .background
            .run(move |conn| condemn(conn).map_err(DbError::from))
            .await?;
        let (found, mut failures) = (condemned.len(), 0);
        for (id, file) in condemned {
            after = id;
            // One that cannot be removed does not keep the others.
            if let Err(error) = remove(&run, id, &file).await {
                log::warn!(media = id, file = file.as_str(), error:% = error; "bytes of a picture stay");
                failures += 1;
                first_failure.get_or_insert(error);
            }
        }
        let is_full = i64::try_from(found).is_ok_and(|found| found == BATCH);
        // Where none of so many can be removed the store is away.
        if !is_full || failures == found {
            return first_failure.map_or(Ok(Done::All), Err);
        }
        if run.should_stop() {
            return Ok(Done::Part);
        }
    }
}

async fn remove(run: &Run, id: i64, file: &str) -> Result<(), JobError> {
    run.state.media.store.remove(file).await?;
    let forget = move |conn: &mut diesel::PgConnection| keeping::forget(conn, id);
    let forgotten = run
        .state
        .background
        .run(move |conn| forget(conn).map_err(DbError::from));
    Ok(forgotten.await?)
}
