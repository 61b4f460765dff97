//! When the clock alone changes what was read of products.
//!
//! Products come and go, and prices come into force, at moments that were set before. The next one is the same for all
//! answers, so it is asked for once and remembered, not read with each of them. Whoever sets an earlier one changes a
//! product, and then the lists of products have another generation.

use std::time::{Duration, Instant};

use catalog::products;
use db::Db;
use tokio::sync::Mutex;

use crate::http::Problem;

/// The next moment, as far as this replica knows.
pub(super) struct Moments {
    db: Db,
    known: Mutex<Option<Known>>,
    /// How long it is believed: the clock of the database may be set.
    trust: Duration,
}

struct Known {
    /// That of the product lists when it was asked for.
    generation: u64,
    asked: Instant,
    next: Option<Instant>,
}

impl Moments {
    pub(super) fn new(db: Db, trust: Duration) -> Self {
        let known = Mutex::new(None);
        Self { db, known, trust }
    }

    /// Until when what is read after this holds, if nobody changes a product; `generation` is that of the product lists.
    ///
    /// Never later than the clock of the database has it.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub(super) async fn next(&self, generation: u64) -> Result<Option<Instant>, Problem> {
        let mut known = self.known.lock().await;
        let asked = Instant::now();
        if let Some(known) = known.as_ref()
            && known.generation == generation
            && asked < known.asked + self.trust
            && known.next.is_none_or(|next| asked < next)
        {
            return Ok(known.next);
        }
        let within = self
            .db
            .run(|conn| products::next_change(conn).map_err(Problem::from))
            .await?;
        let next = within.and_then(|within| asked.checked_add(within));
        *known = Some(Known {
            generation,
            asked,
            next,
        });
        Ok(next)
    }
}
