//! Events of different resources at the same time, events of one resource in their order.

use std::collections::HashMap;
use std::time::Instant;

use db::outbox::Recorded;
use futures_util::StreamExt as _;
use futures_util::stream;

use super::{EventEffect, Failure};

/// How many resources have an event under way at a time.
const WIDTH: usize = 16;

/// Handles a part of the log, and tells how many events from its beginning are done, and what the
/// next one failed by. After `until` none is begun any more, so that who is slow still gets on.
/// Events of other resources behind the first that is not done may be done too; they come again.
pub(super) async fn handle(
    effect: &EventEffect,
    events: &[Recorded],
    until: Instant,
) -> (usize, Option<Failure>) {
    let mut resources = HashMap::<(&str, i64), Vec<usize>>::new();
    for (index, event) in events.iter().enumerate() {
        let resource = (event.resource_type.as_str(), event.resource_id);
        resources.entry(resource).or_default().push(index);
    }
    let in_order = |of_one: Vec<usize>| async move {
        for index in of_one {
            if index > 0 && Instant::now() > until {
                return Some((index, None));
            }
            if let Err(failure) = effect(events[index].clone()).await {
                return Some((index, Some(failure)));
            }
        }
        None
    };
    let mut waiting: Vec<Vec<usize>> = resources.into_values().collect();
    waiting.sort_unstable(); // those whose first event is older begin
    let first_left = stream::iter(waiting)
        .map(in_order)
        .buffer_unordered(WIDTH)
        .filter_map(std::future::ready)
        .fold(None, |first: Option<(usize, Option<Failure>)>, next| {
            let is_earlier = first.as_ref().is_none_or(|(index, _)| next.0 < *index);
            std::future::ready(if is_earlier { Some(next) } else { first })
        })
        .await;
    first_left.unwrap_or((events.len(), None))
}
