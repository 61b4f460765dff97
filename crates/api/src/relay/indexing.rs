//! Keeps what can be found what there is.
//!
//! A consumer marks the products that events make stale, in the transaction of its position. Every replica looks for marks,
//! and for prices whose moment has come, and writes those documents anew.

use std::sync::Arc;

use catalog::search::following;
use db::DbError;
use db::consumers::Start;
use tokio::sync::watch;

use super::{Consumer, Effect, LOOK_EVERY, REST, Reading};
use crate::state::State;

/// What was there before is read when the index is built.
pub(super) const REGISTRATION: (&str, Start) = ("search", Start::End);

pub(super) fn consumer() -> Consumer {
    let (name, start) = REGISTRATION;
    Consumer {
        name,
        start,
        passes_over: super::OF_CUSTOMERS,
        lease: super::LEASE,
        reading: Reading::default(),
        effect: Effect::InTransaction(Arc::new(|conn, events| {
            following::mark(conn, events)?;
            Ok(())
        })),
    }
}

/// Writes documents until it is told to stop.
pub(super) async fn keep_fresh(state: Arc<State>, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        let refreshed = state
            .background
            .run(|conn| following::refresh(conn).map_err(DbError::from))
            .await;
        let pause = match refreshed {
            Ok(0) => LOOK_EVERY,
            Ok(count) => {
                state.cache.search_changed().await;
                if count >= following::BATCH {
                    continue;
                }
                LOOK_EVERY
            }
            Err(error) => {
                log::warn!(error:% = error; "the search index is behind, trying again");
                REST
            }
        };
        if super::is_stopped_within(&mut stop, pause).await {
            return;
        }
    }
}
