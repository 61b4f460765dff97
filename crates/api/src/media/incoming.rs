//! A picture that came as a file: through the decoder, into the store.

use std::io;
use std::path::Path;

use catalog::media::Hash;
use catalog::media::uploading::{self, NewMedia};
use db::{Db, DbError};
use domain::MediaId;
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;
use tokio::io::AsyncReadExt as _;

use super::aside::{self, AsideError};
use super::picture::Picture;
use super::store::StoreError;
use super::{Media, WIDTHS};
use crate::routes::media_files::original_name;

/// What is known of a picture before anybody has looked at it.
#[derive(Clone, Debug)]
pub struct About {
    /// Names it wherever it is carried to: of the file that it once came as.
    pub source: Hash,
    pub name: String,
    pub alt: String,
}

/// Why a picture is not kept.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// The file is at fault, or nobody could look at it.
    #[error(transparent)]
    Aside(#[from] AsideError),
    #[error("the picture cannot be stored: {0}")]
    Store(#[from] StoreError),
    #[error("the picture cannot be held on the disk: {0}")]
    Disk(#[from] io::Error),
    #[error(transparent)]
    Db(#[from] DbError),
}

/// A picture whose bytes are stored, and whose row does not count yet.
#[derive(Debug)]
pub struct Stored {
    pub id: MediaId,
    file: String,
}

/// Cleans a picture and stores it under a row that does not count yet.
///
/// # Errors
///
/// [`KeepError`].
pub async fn keep(media: &Media, db: &Db, from: &Path, about: About) -> Result<Stored, KeepError> {
    let cleaned = NamedTempFile::new()?;
    let picture = aside::clean(media, from, cleaned.path()).await?;
    let (hash, bytes) = digest(cleaned.path()).await?;
    let new = described(picture, hash, bytes, about);
    put(media, db, new, cleaned.path()).await
}

/// Stores what is no picture as it came, under a row that does not count yet.
///
/// # Errors
///
/// [`KeepError`].
pub async fn keep_file(
    media: &Media,
    db: &Db,
    from: &Path,
    content_type: &'static str,
    about: About,
) -> Result<Stored, KeepError> {
    let (hash, bytes) = digest(from).await?;
    let new = NewMedia {
        hash,
        source: about.source,
        content_type,
        bytes,
        width: 0,
        height: 0,
        widths: Vec::new(),
        name: about.name,
        alt: about.alt,
    };
    put(media, db, new, from).await
}

async fn put(media: &Media, db: &Db, new: NewMedia, from: &Path) -> Result<Stored, KeepError> {
    let name = original_name(new.content_type);
    let (id, file) = db
        .run(move |conn| uploading::begin(conn, new).map_err(DbError::from))
        .await?;
    let stored = Stored { id, file };
    if let Err(error) = media.store.put(&stored.file, &name, from).await {
        log::error!(media:% = id, error:% = error; "a file cannot be stored");
        discard(media, db, stored).await;
        return Err(error.into());
    }
    Ok(stored)
}

/// Forgets a picture, unless it counts by now. What cannot be forgotten now is removed later, as long as a row knows of it:
/// an upload that was frozen may have lost its own.
pub async fn discard(media: &Media, db: &Db, stored: Stored) {
    let Stored { id, file } = stored;
    let discarded = db
        .run(move |conn| uploading::discard(conn, id).map_err(DbError::from))
        .await;
    let left = match discarded {
        Ok(true) => return,
        Ok(false) => {
            let removed = media.store.remove(&file).await;
            removed.err().map(|error| error.to_string())
        }
        Err(error) => Some(error.to_string()),
    };
    if let Some(error) = left {
        log::warn!(media:% = id, file = file.as_str(), error = error.as_str(); "an upload is left behind");
    }
}

/// SHA-256 of a file, and how many bytes it has.
///
/// # Errors
///
/// Those of the disk.
pub async fn digest(path: &Path) -> io::Result<(Hash, i64)> {
    let mut file = tokio::fs::File::open(path).await?;
    let (mut digest, mut bytes) = (Sha256::new(), 0);
    let mut piece = vec![0; 64 * 1024];
    loop {
        let length = file.read(&mut piece).await?;
        if length == 0 {
            return Ok((Hash(digest.finalize().into()), bytes));
        }
        digest.update(&piece[..length]);
        bytes += i64::try_from(length).unwrap_or_default();
    }
}

fn described(picture: Picture, hash: Hash, bytes: i64, about: About) -> NewMedia {
    let pixels = |side: u32| i32::try_from(side).unwrap_or(i32::MAX);
    NewMedia {
        hash,
        source: about.source,
        content_type: picture.kind.content_type(),
        bytes,
        width: pixels(picture.width),
        height: pixels(picture.height),
        widths: WIDTHS
            .into_iter()
            .filter(|width| *width < picture.width)
            .map(pixels)
            .collect(),
        name: about.name,
        alt: about.alt,
    }
}
