//! Events: what happened, for whoever keeps something in step with the shop.

use actix_web::get;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use chrono::{DateTime, Utc};
use db::outbox::{Position, Recorded, log as event_log};
use domain::Event;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::money::ProblemBody;
use crate::http::{Answer, Params, Problem, Staff, params};
use crate::state::State;

/// Something that happened.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Event)]
pub struct EventBody {
    /// The same however often it is delivered: what was seen before is a repetition.
    #[schema(example = "evt_0199b3a0c0de7000800000000000002a")]
    id: String,
    #[serde(rename = "type")]
    #[schema(example = "order.placed")]
    kind: String,
    /// The version of the form of `data`.
    version: i16,
    resource: ResourceBody,
    /// Counts the events of the resource from 1; null for those of releases that did not count.
    #[schema(required = true)]
    sequence: Option<i64>,
    occurred_at: DateTime<Utc>,
    /// The user who caused it; null for the system and for callers without a token.
    #[schema(required = true)]
    actor_id: Option<i64>,
    /// The request that caused it; null where there was none.
    #[schema(required = true)]
    request_id: Option<String>,
    #[schema(value_type = Object)]
    data: serde_json::Value,
}

/// What something happened to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EventResource)]
pub struct ResourceBody {
    #[serde(rename = "type")]
    #[schema(example = "order")]
    kind: String,
    #[schema(example = 17)]
    id: i64,
}

/// A part of the log.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EventPage)]
pub struct EventPageBody {
    events: Vec<EventBody>,
    /// Whether more is there already.
    has_more: bool,
    /// Where to go on, now or later; always there.
    next_cursor: String,
}

impl From<Recorded> for EventBody {
    fn from(event: Recorded) -> Self {
        Self {
            id: event.public_id(),
            kind: event.kind,
            version: event.version,
            resource: ResourceBody {
                kind: event.resource_type,
                id: event.resource_id,
            },
            sequence: event.sequence,
            occurred_at: event.occurred_at,
            actor_id: event.actor_id,
            request_id: event.request_id,
            data: event.payload,
        }
    }
}

/// Which part of the log.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EventQuery {
    /// `nextCursor` of the answer before; left out, the oldest events that are kept.
    after: Option<String>,
    /// Events in an answer, 1 to 100.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<String>,
    /// Only events of this type.
    #[serde(rename = "type")]
    #[param(example = "order.placed")]
    kind: Option<String>,
}

/// Reads events in the order in which they are delivered. Staff only.
///
/// Nothing is ever inserted before a cursor that was handed out, so whoever goes on from the last
/// one misses nothing. Events of one resource come in their order. An answer may be empty although
/// `hasMore` is true, where only one type was asked for.
#[utoipa::path(
    tag = "events",
    security(("token" = [])),
    params(EventQuery),
    responses(
        (status = 200, body = EventPageBody),
        (status = 400, body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 410, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/events")]
pub async fn list(
    state: Data<State>,
    _staff: Staff,
    query: Params<EventQuery>,
) -> Result<Answer, Problem> {
    let EventQuery { after, limit, kind } = query.0;
    let size = params::page_size(limit.as_deref())?;
    let after = params::parse::<Position>("after", after.as_deref())?;
    if let Some(kind) = &kind
        && !Event::KINDS.contains(&kind.as_str())
    {
        let known = format!("must be one of {}", Event::KINDS.join(", "));
        return Err(params::invalid("type", &known));
    }
    let slice = state
        .db
        .run(move |conn| {
            let from = match after {
                None => event_log::start(conn)?,
                Some(after) => after,
            };
            let slice = event_log::page(conn, from, kind.as_deref(), size.get())?;
            // Only now, so that what was pruned before the page was read is noticed.
            match after {
                Some(after) if event_log::is_lost(conn, after)? => Err(lost()),
                _ => Ok(slice),
            }
        })
        .await?;
    Ok(Answer::ok(&EventPageBody {
        events: slice.events.into_iter().map(Into::into).collect(),
        has_more: slice.has_more,
        next_cursor: slice.end.to_string(),
    }))
}

/// Better than to go on as if nothing had been missed.
fn lost() -> Problem {
    Problem::new(
        StatusCode::GONE,
        "cursor_expired",
        "Events behind this cursor are gone",
    )
    .detail("they are kept for 30 days; begin again without `after`, and read anew what you mirror")
}
