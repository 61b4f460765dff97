//! What happened in the shop.

use chrono::{DateTime, Utc};
use domain::UserId;
use reqwest::Method;
use serde::Deserialize;

use crate::{Answer, Client, Error, Request};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// The same however often the event comes; begins with `evt_`.
    pub id: String,
    /// What kind of thing it was: `order.placed`, `product.changed` and others.
    #[serde(rename = "type")]
    pub kind: String,
    /// The version of the form of `data`.
    pub version: i16,
    /// What it happened to.
    pub resource: EventResource,
    /// Counts the events of the resource from 1; `None` for those of an old release.
    pub sequence: Option<i64>,
    /// When.
    pub occurred_at: DateTime<Utc>,
    /// Who caused it; `None` is the system, or a caller without a token.
    pub actor_id: Option<UserId>,
    /// Which request caused it, where there was one.
    pub request_id: Option<String>,
    /// What there is to know, depending on `kind`.
    pub data: serde_json::Value,
}

/// What something happened to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
pub struct EventResource {
    /// `order`, `product`, `category`, `collection`, `variant` or `user`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Which of them.
    pub id: i64,
}

/// A part of the log of events.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventPage {
    /// Oldest first; those of one resource in their order.
    pub events: Vec<Event>,
    /// Whether more is there already; also true for an empty page of one kind.
    pub has_more: bool,
    /// Where to go on, now or later.
    pub next_cursor: String,
}

/// Which part of the log to read.
#[derive(Debug, Clone, Default)]
pub struct EventQuery {
    /// The `next_cursor` of the answer before; `None`: the oldest events that are kept.
    pub after: Option<String>,
    /// 1 to 100; 20 when `None`.
    pub limit: Option<u32>,
    /// Only events of this kind.
    pub kind: Option<String>,
}

impl Client {
    /// Reads events, oldest first. Staff only.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 403 for somebody who is not staff, and with the code
    /// `cursor_expired` when events behind the cursor are gone.
    pub async fn list_events(&self, query: &EventQuery) -> Result<Answer<EventPage>, Error> {
        let request = Request::new(Method::GET, "/api/events")
            .query_if("after", query.after.as_ref())
            .query_if("limit", query.limit.as_ref())
            .query_if("type", query.kind.as_ref());
        self.fetch(request).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::test_server::{Reply, TestServer};

    #[tokio::test]
    async fn events_are_read_on_from_the_cursor() {
        let page = json!({
            "events": [{
                "id": "evt_0199b3a0c0de7000800000000000002a", "type": "order.placed", "version": 1,
                "resource": {"type": "order", "id": 17}, "sequence": 1,
                "occurredAt": "2026-03-01T12:00:00Z", "actorId": null,
                "requestId": "0123456789abcdef", "data": {"orderId": 17}
            }],
            "hasMore": false, "nextCursor": "e00000000000002e40000000000000011"
        });
        let server = TestServer::start(vec![Reply::With("200 OK", &[], page.to_string())]).await;
        let client = server.client().build().unwrap();
        let query = EventQuery {
            after: Some("e0".into()),
            limit: Some(1),
            kind: Some("order.placed".into()),
        };

        let answer = client.list_events(&query).await.unwrap();

        let event = &answer.body.events[0];
        assert_eq!((event.resource.id, event.sequence), (17, Some(1)));
        assert_eq!((event.actor_id, &event.data["orderId"]), (None, &json!(17)));
        let asked = &server.heard()[0];
        let path = "GET /api/events?after=e0&limit=1&type=order.placed ";
        assert!(asked.starts_with(path), "{asked}");
    }
}
