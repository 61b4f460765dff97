//! Where pictures come from that a file names.

use diesel::prelude::*;
use domain::MediaId;

use super::Image;
use crate::import::row::{Refusal, refuse};
use crate::import::{Follow, ImportError};
use crate::media;

const FIELD: &str = "images";

/// Whether a picture could be brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Brought {
    /// It is in the shop by now.
    Kept(MediaId),
    /// It would be.
    Imagined,
    /// Why it could not.
    Refused(String),
}

impl Brought {
    /// What to say of a path where no folder belongs to the file.
    #[must_use]
    pub fn no_folder() -> Self {
        let why = "is not among the pictures of the shop, and there is no folder to take it from";
        Self::Refused(why.into())
    }
}

/// A picture that is there, or will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Picture {
    Kept(MediaId),
    Imagined,
    /// It is elsewhere.
    Away,
}

/// Refuses what is neither an address nor a path within a folder.
pub(super) fn check(src: &str) -> Result<(), Refusal> {
    if src.is_empty() {
        return Err(refuse(FIELD, "must each have a path"));
    }
    let shown: String = src.chars().take(200).collect();
    if is_address(src) {
        return Ok(());
    }
    let is_step = |step: &str| !matches!(step, "" | "." | "..");
    let is_path = src.split('/').all(is_step) && !src.contains(['\\', ':']);
    if !is_path {
        let rule = "is not a path within a folder, such as shoes/red.jpg";
        return Err(refuse(FIELD, format!("`{shown}` {rule}")));
    }
    Ok(())
}

/// Whether it is at another server. What is wrong with an address is told by whoever fetches it.
fn is_address(src: &str) -> bool {
    let rest = src.strip_prefix("https://");
    let rest = rest.or_else(|| src.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty()) && !src.contains(char::is_whitespace)
}

/// Finds the pictures, and has brought what the shop does not have.
pub(super) fn bring(
    conn: &mut PgConnection,
    images: &[Image],
    follower: &mut impl Follow,
    dry_run: bool,
) -> Result<Result<Vec<Picture>, Refusal>, ImportError> {
    let mut pictures = Vec::with_capacity(images.len());
    for image in images {
        if let Some(known) = find(conn, &image.src)? {
            pictures.push(Picture::Kept(known));
            continue;
        }
        if is_address(&image.src) {
            pictures.push(Picture::Away);
            continue;
        }
        match follower.picture(&image.src, dry_run)? {
            Brought::Kept(id) => pictures.push(Picture::Kept(id)),
            Brought::Imagined => pictures.push(Picture::Imagined),
            Brought::Refused(why) => {
                let shown: String = image.src.chars().take(200).collect();
                return Ok(Err(refuse(FIELD, format!("`{shown}` {why}"))));
            }
        }
    }
    Ok(Ok(pictures))
}

/// A picture that the shop has: by the address that it was fetched from, or by its source, which exports name it by.
fn find(conn: &mut PgConnection, src: &str) -> QueryResult<Option<MediaId>> {
    if is_address(src) {
        return media::wanted::find_fetched(conn, src);
    }
    match media::exchange::source_of_name(src) {
        Some(source) => media::exchange::find(conn, source),
        None => Ok(None),
    }
}
