//! Keeps cached answers honest.
//!
//! Whoever changes a product, an option's translation, a price list, a category or a collection forgets the cached answers itself, at once, and its COMMIT tells the
//! listeners. This is the net below: it holds also for a writer that died right after COMMIT, that
//! knows nothing of caches, or whose word was not heard.

use std::collections::BTreeSet;
use std::sync::Arc;

use catalog::editing::CHANGES_CHANNEL;
use db::DbError;
use db::consumers::Start;
use db::outbox::Recorded;
use domain::ProductId;

use super::{Consumer, Effect, Failure, Reading};
use crate::state::State;

/// Nothing is cached before there is anybody to forget it.
pub(super) const REGISTRATION: (&str, Start) = ("cache", Start::End);

/// From so many products on everything is forgotten instead.
const MANY: usize = 20;

pub(super) fn consumer(state: &Arc<State>) -> Consumer {
    let state = Arc::clone(state);
    let (name, start) = REGISTRATION;
    Consumer {
        name,
        start,
        passes_over: super::OF_CUSTOMERS,
        lease: super::LEASE,
        reading: Reading::default(),
        effect: Effect::PerBatch(Arc::new(move |events| {
            Box::pin(forget(Arc::clone(&state), events))
        })),
    }
}

/// Forgets in both tiers, and tells all replicas on both paths.
async fn forget(state: Arc<State>, events: Arc<[Recorded]>) -> Result<(), Failure> {
    let of_categories = events
        .iter()
        .any(|event| ["category", "collection"].contains(&&event.resource_type[..]));
    let changed: BTreeSet<ProductId> = events
        .iter()
        .filter(|event| event.resource_type == "product")
        .filter_map(|event| event.resource_id.try_into().ok())
        .collect();
    // A list may have prices of any product, a field values, a file may be shown with any, and any
    // may have an option.
    let of_many = events.iter().any(|event| {
        ["priceList", "customField", "option"].contains(&&event.resource_type[..])
            || event.kind == "media.updated"
    });
    if changed.is_empty() && !of_categories && !of_many {
        return Ok(());
    }
    let changed: Vec<ProductId> = changed.into_iter().collect();
    let mut told = if changed.len() < MANY && !of_many {
        state.cache.products_changed(&changed).await;
        changed.iter().map(ToString::to_string).collect()
    } else {
        state.cache.many_products_changed().await;
        vec!["*".to_owned()]
    };
    if of_categories {
        state.cache.categories_changed().await;
        told.push(catalog::categories::CHANGED.to_owned());
    }
    let tell = move |conn: &mut diesel::PgConnection| {
        for payload in told {
            db::listen::notify(conn, CHANGES_CHANNEL, &payload)?;
        }
        Ok::<_, DbError>(())
    };
    Ok(state.background.run(tell).await?)
}
