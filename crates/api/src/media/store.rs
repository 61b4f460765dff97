//! Where the bytes of pictures are: a directory, or a bucket of an S3-compatible store.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::web::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Name;
use object_store::{
    BackoffConfig, ClientOptions, MultipartUpload, ObjectStore, ObjectStoreExt as _, RetryConfig,
};
use tokio::io::AsyncReadExt as _;

use crate::config::{self, MediaStore};

/// Up to so many bytes are held while a file is stored; the least that S3 takes as a part.
const PART: usize = 5 * 1024 * 1024;
/// How long one exchange with the store may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The bytes of pictures. Those of one picture are together, and are removed together.
pub struct Store {
    config: config::Media,
    opened: Mutex<Option<Arc<dyn ObjectStore>>>,
}

/// Why the store does not do what it is asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("there is nothing of this name")]
    NotFound,
    #[error(transparent)]
    Store(object_store::Error),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl From<object_store::Error> for StoreError {
    fn from(error: object_store::Error) -> Self {
        match error {
            object_store::Error::NotFound { .. } => Self::NotFound,
            other => Self::Store(other),
        }
    }
}

/// Bytes on their way, and how many they are.
pub struct Stream {
    pub bytes: u64,
    pub pieces: BoxStream<'static, Result<Bytes, StoreError>>,
}

impl Store {
    /// A store that is opened when it is first needed.
    #[must_use]
    pub fn new(config: &config::Media) -> Self {
        Self {
            config: config.clone(),
            opened: Mutex::default(),
        }
    }

    /// Stores a file under the name of its picture and its own. When this returns the bytes are on the disk, or the other
    /// store has said that it has them, and nobody ever sees a part of them.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn put(&self, file: &str, name: &str, from: &Path) -> Result<(), StoreError> {
        let (store, path) = (self.open()?, path(file, name));
        let mut from = tokio::fs::File::open(from).await?;
        let length = from.metadata().await?.len();
        if usize::try_from(length).is_ok_and(|length| length <= PART) {
            let mut bytes = Vec::new();
            from.read_to_end(&mut bytes).await?;
            store.put(&path, bytes.into()).await?;
            return Ok(());
        }
        let mut upload = store.put_multipart(&path).await?;
        let stored = put_parts(&mut *upload, from).await;
        if stored.is_err() {
            let _ = upload.abort().await;
        }
        stored
    }

    /// Reads what is under a name.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn get(&self, file: &str, name: &str) -> Result<Stream, StoreError> {
        let found = self.open()?.get(&path(file, name)).await?;
        Ok(Stream {
            bytes: found.meta.size,
            pieces: found.into_stream().map_err(StoreError::from).boxed(),
        })
    }

    /// Removes all of a picture. What is gone already is no error.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    pub async fn remove(&self, file: &str) -> Result<(), StoreError> {
        if self.config.store == MediaStore::Local {
            // With what a process that was killed has left half-written, which is never listed.
            let removed = tokio::fs::remove_dir_all(self.config.directory.join(file)).await;
            return match removed {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
                _ => Ok(()),
            };
        }
        let store = self.open()?;
        let all: Vec<_> = store.list(Some(&Name::from(file))).try_collect().await?;
        for one in all {
            match store.delete(&one.location).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn open(&self) -> Result<Arc<dyn ObjectStore>, StoreError> {
        // Nothing panics while it is held.
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = &*opened {
            return Ok(Arc::clone(store));
        }
        let store: Arc<dyn ObjectStore> = match self.config.store {
            MediaStore::Local => Arc::new(local(&self.config.directory)?),
            MediaStore::S3 => Arc::new(s3(&self.config)?),
        };
        *opened = Some(Arc::clone(&store));
        Ok(store)
    }
}

async fn put_parts(
    upload: &mut dyn MultipartUpload,
    mut from: tokio::fs::File,
) -> Result<(), StoreError> {
    loop {
        let mut part = Vec::with_capacity(PART);
        let limit = u64::try_from(PART).unwrap_or(u64::MAX);
        (&mut from).take(limit).read_to_end(&mut part).await?;
        if part.is_empty() {
            upload.complete().await?;
            return Ok(());
        }
        // One after the other, so that only one is held.
        upload.put_part(part.into()).await?;
    }
}

fn path(file: &str, name: &str) -> Name {
    Name::from_iter([file, name])
}

fn local(directory: &Path) -> Result<LocalFileSystem, StoreError> {
    std::fs::create_dir_all(directory)?;
    Ok(LocalFileSystem::new_with_prefix(directory)?
        .with_fsync(true)
        .with_automatic_cleanup(true))
}

fn s3(config: &config::Media) -> Result<object_store::aws::AmazonS3, StoreError> {
    let options = ClientOptions::new()
        .with_timeout(PATIENCE)
        .with_connect_timeout(Duration::from_secs(5))
        .with_allow_http(config.endpoint.starts_with("http://"));
    let retries = RetryConfig {
        max_retries: 3,
        retry_timeout: PATIENCE,
        backoff: BackoffConfig::default(),
    };
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(&config.bucket)
        .with_region(&config.region)
        .with_access_key_id(config.access_key.reveal())
        .with_secret_access_key(config.secret_key.reveal())
        .with_client_options(options)
        .with_retry(retries);
    if !config.endpoint.is_empty() {
        builder = builder.with_endpoint(&config.endpoint);
    }
    Ok(builder.build()?)
}
