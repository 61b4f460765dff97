//! Pictures and other files: their bytes, what is made of them, and where they are.
//!
//! What staff sends as a picture is never what is served. A picture is decoded, turned upright, brought to sRGB and encoded anew, so
//! that neither metadata nor anything that hides in a file gets through. That happens in a process of its own
//! ([`aside`]), one at a time: it takes hundreds of MiB for a moment, which a replica never has, and a decoder that is
//! fooled is alone with nothing.
//!
//! - [`picture`]: decoding, cleaning, making smaller
//! - [`files`]: what is no picture, and is served as it came, to be saved and not to be shown
//! - [`aside`]: the same in a process of its own
//! - [`incoming`]: from a file into the store
//! - [`store`]: where bytes are

pub mod aside;
pub mod files;
pub mod incoming;
pub mod picture;
pub mod store;

use std::sync::Arc;
use std::time::Duration;

use catalog::media::{Hash, Stored};
use tokio::sync::{Semaphore, SemaphorePermit};

use self::store::Store;
use crate::config;

/// The widths of renditions, in pixels, as far as they are smaller than the original.
pub const WIDTHS: [u32; 4] = [160, 320, 640, 1280];

/// How long a picture waits for those before it.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long what is where is remembered. What is deleted may be shown for so long.
const REMEMBERED: Duration = Duration::from_secs(5);
const MAX_REMEMBERED: u64 = 10_000;

/// What a replica has for pictures.
pub struct Media {
    pub store: Store,
    pub max_pixels: u64,
    turns: Semaphore,
    /// Where the bytes with a hash are, once all of them are there.
    pub known: moka::future::Cache<Hash, Arc<Stored>>,
}

impl Media {
    #[must_use]
    pub fn new(config: &config::Media) -> Self {
        Self {
            store: Store::new(config),
            max_pixels: config.max_pixels,
            turns: Semaphore::new(1),
            known: moka::future::Cache::builder()
                .max_capacity(MAX_REMEMBERED)
                .time_to_live(REMEMBERED)
                .build(),
        }
    }

    /// Waits until no other picture is worked on here; `None` where that takes too long.
    async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        let turn = tokio::time::timeout(PATIENCE, self.turns.acquire()).await;
        turn.ok()?.ok()
    }
}
