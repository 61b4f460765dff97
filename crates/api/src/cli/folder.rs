//! A folder of pictures beside a file of products.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use catalog::import::{Brought, ImportError};
use catalog::media::{Hash, MAX_NAME_CHARS, exchange, uploading};
use db::{Db, DbError, PoolConfig};
use diesel::prelude::*;
use domain::MediaId;
use futures_util::StreamExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::runtime::Runtime;

use super::CliError;
use crate::config::Config;
use crate::media::Media;
use crate::media::aside::AsideError;
use crate::media::incoming::{self, About, KeepError};
use crate::routes::media_files::original_name;

/// Pictures that are written at a time.
const PAGE: i64 = 100;

/// A folder, and the store that its pictures go to or come from.
pub(super) struct Folder {
    /// Without any links on the way to it.
    root: PathBuf,
    max_bytes: u64,
    media: Media,
    db: Db,
    runtime: Runtime,
}

impl Folder {
    pub(super) fn open(config: &Config, folder: &Path) -> Result<Self, CliError> {
        let named = |error: io::Error| format!("{}: {error}", folder.display());
        let root = folder.canonicalize().map_err(named)?;
        if !root.is_dir() {
            return Err(format!("{}: is not a folder", folder.display()).into());
        }
        let pool = PoolConfig {
            size: 2,
            ..config.pool()
        };
        Ok(Self {
            root,
            max_bytes: config.media.max_bytes,
            media: Media::new(&config.media),
            db: Db::new(&pool)?,
            runtime: tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()?,
        })
    }

    /// Stores a picture of the folder, unless the shop has it; `dry_run` only looks whether there is one.
    pub(super) fn bring(&self, path: &str, dry_run: bool) -> Result<Brought, ImportError> {
        let from = match self.find(path) {
            Ok(from) => from,
            Err(why) => return Ok(Brought::Refused(why)),
        };
        if dry_run {
            return Ok(Brought::Imagined);
        }
        match self.runtime.block_on(self.keep(path, &from)) {
            Ok(Some(id)) => Ok(Brought::Kept(id)),
            Ok(None) => Err(ImportError::Ended("a picture took too long".into())),
            Err(KeepError::Aside(AsideError::Picture(error))) => {
                Ok(Brought::Refused(error.to_string()))
            }
            Err(other) => Err(ImportError::Ended(other.into())),
        }
    }

    /// A file within the folder, wherever links lead.
    fn find(&self, path: &str) -> Result<PathBuf, String> {
        let joined = self.root.join(path);
        let found = joined.canonicalize().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => "is not in the folder of pictures".to_owned(),
            _ => format!("cannot be read: {error}"),
        })?;
        if !found.starts_with(&self.root) {
            return Err("leads out of the folder of pictures".into());
        }
        let about = fs::metadata(&found).map_err(|error| format!("cannot be read: {error}"))?;
        if !about.is_file() {
            return Err("is not a file".into());
        }
        if about.len() > self.max_bytes {
            return Err(format!("has more than {} bytes", self.max_bytes));
        }
        Ok(found)
    }

    /// `None` where its row was given up meanwhile, as of an upload that broke off.
    async fn keep(&self, path: &str, from: &Path) -> Result<Option<MediaId>, KeepError> {
        let source = match exchange::source_of_name(path) {
            Some(source) => source,
            None => incoming::digest(from).await?.0,
        };
        let found = self
            .db
            .run(move |conn| exchange::find(conn, source).map_err(DbError::from))
            .await?;
        if let Some(known) = found {
            return Ok(Some(known));
        }
        let name = path.rsplit('/').next().unwrap_or(path);
        let about = About {
            source,
            name: name.chars().take(MAX_NAME_CHARS).collect(),
            alt: String::new(),
        };
        let stored = incoming::keep(&self.media, &self.db, from, about).await?;
        let id = stored.id;
        let completed = self.db.run(move |conn| {
            conn.transaction(|conn| uploading::complete(conn, id, None))
                .map_err(DbError::from)
        });
        let completed = completed.await;
        if !matches!(completed, Ok(true)) {
            incoming::discard(&self.media, &self.db, stored).await;
        }
        Ok(completed?.then_some(id))
    }

    /// Writes the pictures of all products that are exported, and returns how many there are.
    pub(super) fn fill(&self, conn: &mut PgConnection, on_sale: bool) -> Result<u64, CliError> {
        let (mut after, mut count) = (0, 0);
        loop {
            let page = exchange::list(conn, on_sale, after, PAGE)?;
            let Some(last) = page.last() else {
                return Ok(count);
            };
            after = last.id;
            for picture in page {
                self.runtime.block_on(self.write(&picture))?;
                count += 1;
            }
        }
    }

    /// What is there already is the same, for its name says what it is.
    async fn write(&self, picture: &exchange::Carried) -> Result<(), CliError> {
        let source = Hash::try_from(picture.source.clone())?;
        let name = exchange::name_of_source(source, &picture.content_type);
        let to = self.root.join(&name);
        if to.exists() {
            return Ok(());
        }
        let original = original_name(&picture.content_type);
        let found = self.media.store.get(&picture.file, &original).await;
        let mut stream = found.map_err(|error| format!("picture {}: {error}", picture.id))?;
        let part = self.root.join(format!(".{name}.part"));
        let mut file = tokio::fs::File::create(&part).await?;
        while let Some(piece) = stream.pieces.next().await {
            file.write_all(&piece?).await?;
        }
        file.flush().await?;
        drop(file);
        Ok(fs::rename(part, to)?)
    }
}
