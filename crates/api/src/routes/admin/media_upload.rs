//! A picture comes in: to the disk, through the decoder, into the store. Another file has no need of the decoder.

use std::io;
use std::path::Path;

use actix_web::web::Payload;
use catalog::media::Hash;
use tempfile::NamedTempFile;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::http::Problem;
use crate::http::upload::{Incoming, drain, too_large};
use crate::media::aside::AsideError;
use crate::media::files;
use crate::media::incoming::{self, About, KeepError, Stored};
use crate::media::picture::PictureError;
use crate::state::State;

/// A file that staff has sent, as it came.
pub struct Received {
    file: NamedTempFile,
    /// SHA-256: what a repeat of the request is told apart by.
    pub digest: [u8; 32],
    bytes: u64,
}

/// Takes all of the body, to the disk.
pub async fn receive(payload: &mut Payload, limit: u64) -> Result<Received, Problem> {
    let file = NamedTempFile::new().map_err(|error| no_room(&error))?;
    match write(payload, file.path(), limit).await {
        Ok((digest, bytes)) => Ok(Received {
            file,
            digest,
            bytes,
        }),
        Err(problem) => {
            drain(payload).await;
            Err(problem)
        }
    }
}

async fn write(payload: &mut Payload, to: &Path, limit: u64) -> Result<([u8; 32], u64), Problem> {
    let opened = tokio::fs::File::create(to).await;
    let mut file = opened.map_err(|error| no_room(&error))?;
    let mut incoming = Incoming::new(payload, limit);
    while let Some(piece) = incoming.next().await? {
        let written = file.write_all(&piece).await;
        written.map_err(|error| no_room(&error))?;
    }
    let (digest, bytes) = incoming.end();
    if bytes == 0 {
        return Err(Problem::invalid("file", "empty", "must not be empty"));
    }
    file.flush().await.map_err(|error| no_room(&error))?;
    Ok((digest, bytes))
}

/// Stores what was sent under a row that does not count yet; a picture is cleaned first.
pub async fn store(
    state: &State,
    received: &Received,
    name: String,
    alt: String,
) -> Result<Stored, Problem> {
    let limits = &state.config.media;
    let head = head(received.file.path()).await;
    let head = head.map_err(|error| no_room(&error))?;
    let source = Hash(received.digest);
    let about = About { source, name, alt };
    let (media, db, from) = (&state.media, &state.db, received.file.path());
    let kept = match files::kind(&head) {
        None => {
            within(received, limits.max_bytes)?;
            incoming::keep(media, db, from, about).await
        }
        Some(content_type) => {
            within(received, limits.max_file_bytes)?;
            incoming::keep_file(media, db, from, content_type, about).await
        }
    };
    kept.map_err(|error| match error {
        KeepError::Aside(error) => not_cleaned(error),
        // That was logged already.
        KeepError::Store(_) => unavailable(),
        KeepError::Disk(error) => no_room(&error),
        KeepError::Db(error) => error.into(),
    })
}

fn within(received: &Received, limit: u64) -> Result<(), Problem> {
    if received.bytes > limit {
        return Err(too_large(limit));
    }
    Ok(())
}

/// As much of a file as tells what it is.
async fn head(path: &Path) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let file = tokio::fs::File::open(path).await?;
    file.take(files::HEAD).read_to_end(&mut head).await?;
    Ok(head)
}

fn not_cleaned(error: AsideError) -> Problem {
    match error {
        AsideError::Picture(error) => refuse(&error),
        AsideError::Busy => busy(),
        AsideError::Unanswered(_) => {
            log::warn!(error:% = error; "a picture was not worked on");
            Problem::unavailable(
                "picture_interrupted",
                "The picture could not be worked on now",
            )
        }
    }
}

fn refuse(error: &PictureError) -> Problem {
    let (code, rule) = match error {
        PictureError::Unknown => {
            let others = files::KINDS.map(|(_, extension)| extension).join(", ");
            let rule = format!("must be a JPEG, PNG or WebP, or a file such as {others}");
            ("unknown_kind", rule)
        }
        PictureError::TooLarge { .. } => ("too_many_pixels", error.to_string()),
        PictureError::Broken(_) => ("broken", error.to_string()),
        PictureError::Failed(cause) => {
            log::error!(error = cause.as_str(); "a picture cannot be worked on");
            return Problem::internal();
        }
    };
    Problem::unprocessable("unusable_picture", "The file is none that is kept")
        .field("file", code, rule)
}

fn busy() -> Problem {
    Problem::unavailable("busy", "Too many pictures are worked on right now")
}

fn unavailable() -> Problem {
    Problem::unavailable(
        "store_unavailable",
        "The store of pictures is not available",
    )
}

/// The disk is full, or there is none.
fn no_room(error: &io::Error) -> Problem {
    log::error!(error:% = error; "a picture cannot be held on the disk");
    unavailable()
}
