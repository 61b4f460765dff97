//! When the clock alone changes what was read of products.
//!
//! Products come and go, and prices come into force, at moments that were set before. The next one is the same for all
//! answers, so it is asked for once and remembered, not read with each of them. Whoever sets an earlier one changes a
//! product, and then the lists of products have another generation.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use catalog::products;
use db::Db;

use crate::http::Problem;

/// The next moment, as far as this replica knows.
pub(super) struct Moments {
    db: Db,
    known: Mutex<Option<Known>>,
    /// How long it is believed: the clock of the database may be set.
    trust: Duration,
}

#[derive(Clone, Copy)]
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
        let asked = Instant::now();
        if let Some(known) = self.known(generation, asked) {
            return Ok(known.next);
        }
        // Several may ask at once. To let one ask for all would have them wait in a row where nobody answers.
        let within = self
            .db
            .run(|conn| products::next_change(conn).map_err(Problem::from))
            .await?;
        let next = within.and_then(|within| asked.checked_add(within));
        let known = Known {
            generation,
            asked,
            next,
        };
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(known);
        Ok(next)
    }

    fn known(&self, generation: u64, now: Instant) -> Option<Known> {
        let known = *self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.filter(|known| {
            known.generation == generation
                && now < known.asked + self.trust
                && known.next.is_none_or(|next| now < next)
        })
    }
}
