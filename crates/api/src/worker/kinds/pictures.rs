//! Pictures of other servers come into the shop, and to the product that waits for them.

use std::sync::Arc;
use std::time::Duration;

use catalog::editing::EditError;
use catalog::imports;
use catalog::media::products::{self, SetError, Wanted};
use catalog::media::wanted::{self, Image, Problem};
use catalog::media::{MAX_NAME_CHARS, exchange, uploading};
use db::DbError;
use domain::{MediaId, ProductId};
use tempfile::NamedTempFile;

use super::Handled;
use crate::fetching::{FetchError, Limits};
use crate::media::aside::AsideError;
use crate::media::incoming::{self, About, KeepError};
use crate::media::picture::PictureError;
use crate::worker::{Done, JobError, Run};

/// How long one picture may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why a picture is not there.
enum Away {
    /// It may come another time.
    Yet(String),
    /// It never will.
    Forever(String),
    Job(JobError),
}

impl From<JobError> for Away {
    fn from(error: JobError) -> Self {
        Self::Job(error)
    }
}

/// What is said of a picture that was deleted meanwhile.
const GONE: &str = "is gone";

/// Fetches all pictures that a product waits for, and gives it those that came. What was fetched once is not fetched again,
/// so a later attempt goes on where this one ends.
pub(super) async fn fetch(run: Arc<Run>) -> Handled {
    let payload = &run.job.payload;
    let id = payload["productId"].as_i64();
    let id = id.and_then(|id| ProductId::try_from(id).ok());
    let id = id.ok_or_else(|| JobError::Final("the payload has no productId".into()))?;
    let list = payload["list"].as_str().map(str::to_owned);
    let list = list.ok_or_else(|| JobError::Final("the payload has no list".into()))?;
    let name = list.clone();
    let found = read(&run, move |conn| wanted::find(conn, id, Some(&name))).await?;
    // Other pictures were chosen meanwhile.
    let Some(waiting) = found else {
        return Ok(Done::All);
    };
    let is_last = run.job.failures + 1 >= run.job.max_attempts;
    let (mut images, mut problems, mut missing) = (Vec::new(), Vec::new(), None);
    for mut image in waiting.images {
        if run.should_stop() {
            return Ok(Done::Part);
        }
        let why = match bring(&run, &image).await {
            Ok(media) => {
                image.media_id = Some(media.get());
                images.push(image);
                continue;
            }
            // The others are not to go without it for ever.
            Err(Away::Job(JobError::Retry(why))) if is_last => why,
            Err(Away::Job(error)) => return Err(error),
            Err(Away::Forever(why)) => why,
            Err(Away::Yet(why)) => {
                missing = Some(format!("{}: {why}", image.src));
                why
            }
        };
        let (src, message) = (image.src, why);
        problems.push(Problem { src, message });
    }
    match missing {
        Some(missing) if !is_last => return Err(JobError::Retry(missing)),
        _ => {}
    }
    let row = waiting.row;
    let done = run
        .settle(move |conn| {
            // Somebody may have chosen others by now.
            if !wanted::lock(conn, id, &list)? {
                return Ok(());
            }
            problems.extend(give(conn, id, &images)?);
            wanted::forget(conn, id)?;
            let Some(first) = problems.first() else {
                return Ok(());
            };
            wanted::fail(conn, id, &list, &problems)?;
            let message = format!("`{:.200}` {}", first.src, first.message);
            if let Some(row) = row {
                imports::refuse_later(conn, row, ("images", &message))?;
            }
            Ok(())
        })
        .await?;
    run.state.cache.products_changed(&[id]).await;
    Ok(done)
}

/// Gives the product its pictures, and returns those that are gone by now; none, where none came: then it keeps those that it
/// has.
fn give(
    conn: &mut diesel::PgConnection,
    id: ProductId,
    images: &[Image],
) -> Result<Vec<Problem>, JobError> {
    let now = products::list(conn, id)?;
    let mut wanted: Vec<Wanted> = Vec::new();
    for image in images {
        let media = image.media_id.and_then(|id| MediaId::try_from(id).ok());
        let Some(media) = media else { continue };
        // Two addresses of one picture.
        if wanted.iter().all(|known| known.id != media) {
            wanted.push(Wanted {
                id: media,
                alt: image.alt.clone(),
                alts: products::said(&now, media, &image.alts),
                variant_ids: image.variant_ids.clone(),
            });
        }
    }
    let gone = products::leave_out_gone(conn, id, &mut wanted)?;
    let is_gone = |image: &&Image| {
        let is_it = |gone: &MediaId| image.media_id == Some(gone.get());
        gone.iter().any(is_it)
    };
    let problem = |image: &Image| Problem {
        src: image.src.clone(),
        message: GONE.into(),
    };
    let problems = images.iter().filter(is_gone).map(problem).collect();
    if wanted.is_empty() {
        return Ok(problems);
    }
    match products::set(conn, id, &wanted, None, None) {
        // The product is archived: nobody looks at it any more.
        Ok(_) | Err(SetError::Edit(EditError::NotFound)) => Ok(problems),
        Err(SetError::Db(error) | SetError::Edit(EditError::Db(error))) => Err(error.into()),
        Err(other) => Err(JobError::Retry(other.to_string())),
    }
}

/// The picture, fetched where that is still to be done.
async fn bring(run: &Run, image: &Image) -> Result<MediaId, Away> {
    if let Some(known) = image.media_id {
        let gone = || Away::Forever(GONE.into());
        return MediaId::try_from(known).map_err(|_| gone());
    }
    let url = image.src.clone();
    if let Some(known) = read(run, move |conn| wanted::find_fetched(conn, &url)).await? {
        return Ok(known);
    }
    let file = NamedTempFile::new().map_err(|error| JobError::Retry(error.to_string()))?;
    let limits = Limits {
        bytes: run.state.config.media.max_bytes,
        time: PATIENCE,
    };
    let fetched = run
        .state
        .fetcher
        .fetch(&image.src, limits, file.path())
        .await;
    let (source, _) = fetched.map_err(|error| match error {
        FetchError::Refused(why) => Away::Forever(why),
        FetchError::Failed(why) => Away::Yet(why),
    })?;
    let known = read(run, move |conn| exchange::find(conn, source)).await?;
    let (id, stored) = match known {
        Some(known) => (known, None),
        None => {
            let about = About {
                source,
                name: name(&image.src),
                alt: image.alt.clone().unwrap_or_default(),
            };
            let state = &run.state;
            let kept = incoming::keep(&state.media, &state.background, file.path(), about).await;
            let stored = kept.map_err(not_kept)?;
            (stored.id, Some(stored))
        }
    };
    let (url, is_new) = (image.src.clone(), stored.is_some());
    let noted = run
        .fenced(move |conn| {
            if is_new && !uploading::complete(conn, id, None)? {
                return Err(JobError::Retry("the picture took too long".into()));
            }
            Ok(wanted::note_fetched(conn, &url, id)?)
        })
        .await;
    if let (Err(_), Some(stored)) = (&noted, stored) {
        incoming::discard(&run.state.media, &run.state.background, stored).await;
    }
    noted?;
    Ok(id)
}

fn not_kept(error: KeepError) -> Away {
    match error {
        KeepError::Aside(AsideError::Picture(error))
            if !matches!(error, PictureError::Failed(_)) =>
        {
            Away::Forever(error.to_string())
        }
        other => Away::Job(JobError::Retry(other.to_string())),
    }
}

/// The end of an address, by which staff finds the picture.
fn name(url: &str) -> String {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let end = path.trim_end_matches('/').rsplit('/').next();
    end.unwrap_or_default()
        .chars()
        .take(MAX_NAME_CHARS)
        .collect()
}

async fn read<T: Send + 'static>(
    run: &Run,
    look: impl FnOnce(&mut diesel::PgConnection) -> diesel::QueryResult<T> + Send + 'static,
) -> Result<T, JobError> {
    let found = run
        .state
        .background
        .run(move |conn| look(conn).map_err(DbError::from))
        .await;
    Ok(found?)
}
