//! The shop as customers and staff reach it; every request is noted before it is sent.

use std::sync::Arc;
use std::time::Duration;

use client::{Client, Error, Request};
use reqwest::Method;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::answers;
use crate::history::{Action, Completion, Invocation, Kind, Phase, Seen, Writer};
use crate::{Fallible, doing};

/// How long one request may take; nginx gives up before that.
const TRY: Duration = Duration::from_secs(10);
/// How long an intent is pursued with the same key before it is left to the end of the run.
const INTENT: Duration = Duration::from_secs(25);

/// Connections to nginx and to each replica.
#[derive(Clone, Debug)]
pub struct Shop {
    door: Client,
    replicas: Vec<Client>,
    history: Arc<Writer>,
}

/// One intent of somebody.
#[derive(Clone, Debug)]
pub struct Ask {
    pub process: u64,
    pub action: Action,
    pub phase: Phase,
    pub due_ns: u64,
    pub key: Option<String>,
    pub replica: Option<usize>,
}

/// The outcome, and the bytes that came with it.
pub type Answer = (Completion, Vec<u8>);

impl Shop {
    /// Logs staff in at a replica: nginx slows logins down.
    pub async fn open(
        door: &str,
        replicas: &[String],
        history: Arc<Writer>,
        (email, password): (&str, &str),
    ) -> Fallible<Self> {
        let build = |url: &str| {
            let client = Client::builder(url)
                .retries(0)
                .timeout(TRY)
                .deadline(TRY)
                .build();
            client.map_err(doing(url))
        };
        let clients: Vec<Client> = replicas
            .iter()
            .map(|url| build(url))
            .collect::<Fallible<_>>()?;
        let first = clients.first().ok_or("a shop has a replica")?;
        let body = json!({"email": email, "password": password});
        let login = Request::new(Method::POST, "/api/sessions")
            .json(&body)
            .map_err(doing("login"))?;
        let session = first.send(login).await.map_err(doing("login"))?;
        let session: serde_json::Value =
            serde_json::from_slice(&session.body).map_err(doing("login"))?;
        let token = session["token"]
            .as_str()
            .ok_or_else(|| format!("login: {session}"))?;
        let staff = |client: &Client| client.with_token(token.to_owned().into());
        Ok(Self {
            door: staff(&build(door)?),
            replicas: clients.iter().map(staff).collect(),
            history,
        })
    }

    /// How many replicas can be asked directly.
    #[must_use]
    pub fn replicas(&self) -> usize {
        self.replicas.len()
    }

    /// The time of the run.
    #[must_use]
    pub fn now_ns(&self) -> u64 {
        self.history.clock().now_ns()
    }

    /// The history all requests are noted in.
    #[must_use]
    pub fn history(&self) -> &Arc<Writer> {
        &self.history
    }

    /// Makes something before the run, which is not part of the history, and returns its id.
    pub async fn prepare(&self, path: &str, body: &serde_json::Value) -> Fallible<i64> {
        let json = self.set(Method::POST, path, Some(body)).await?;
        json["id"].as_i64().ok_or_else(|| format!("{path}: {json}"))
    }

    /// Asks for something before the run, which is not part of the history, and returns the answer.
    pub async fn set(
        &self,
        method: Method,
        path: &str,
        body: Option<&serde_json::Value>,
    ) -> Fallible<serde_json::Value> {
        let mut request = Request::new(method, path);
        if let Some(body) = body {
            request = request.json(body).map_err(doing(path))?;
        }
        let answer = self.door.send(request).await.map_err(doing(path))?;
        serde_json::from_slice(&answer.body).map_err(doing(path))
    }

    /// Asks each replica for more at once than it does at once. Not part of the history.
    pub async fn crowd(&self) -> Fallible<()> {
        const AT_ONCE: usize = 128;
        let mut visitors = JoinSet::new();
        for replica in self.replicas.iter().cycle().take(AT_ONCE * self.replicas()) {
            let replica = replica.clone();
            visitors.spawn(async move {
                let events = Request::new(Method::GET, "/api/events").query("limit", &100);
                replica.send(events).await.map_err(doing("a crowd"))
            });
        }
        while let Some(visitor) = visitors.join_next().await {
            visitor.map_err(doing("a crowd"))??;
        }
        Ok(())
    }

    /// Sends a request once.
    pub async fn ask(&self, ask: &Ask, cursor: Option<&str>) -> Fallible<Answer> {
        let request = request(&ask.action, ask.key.as_deref(), cursor)?;
        let client = ask.replica.map_or(&self.door, |replica| {
            &self.replicas[replica % self.replicas.len()]
        });
        let of = self.history.invoke(&Invocation {
            process: ask.process,
            action: &ask.action,
            phase: ask.phase,
            due_ns: ask.due_ns,
            key: ask.key.as_deref(),
            replica: ask.replica,
        })?;
        let (completion, body) = match client.send(request).await {
            Ok(answer) => {
                let request_id = answer.headers.get("x-request-id");
                let request_id = request_id
                    .and_then(|id| id.to_str().ok())
                    .map(str::to_owned);
                let completion = Completion {
                    kind: kind(answer.status),
                    status: Some(answer.status),
                    seen: answers::read(&ask.action, answer.status, &answer.body),
                    hash: ask.key.as_ref().map(|_| hash(answer.status, &answer.body)),
                    req_id: request_id,
                };
                (completion, answer.body)
            }
            Err(error) => (unknown(&error), Vec::new()),
        };
        self.history.complete(ask.process, of, &completion)?;
        Ok((completion, body))
    }

    /// Sends a keyed request until its outcome is known, or its time is up.
    pub async fn insist(&self, mut ask: Ask) -> Fallible<Answer> {
        let deadline = Instant::now() + INTENT;
        // The provider that is scripted to be away stays away.
        let mut tries = if ask.action.is_unpayable() {
            2
        } else {
            u32::MAX
        };
        // Growing pauses: clients that come back at once would be the next fault.
        let mut pause = Duration::from_millis(150 + ask.process % 150);
        loop {
            let answer = self.ask(&ask, None).await?;
            tries -= 1;
            if answer.0.kind != Kind::Info || tries == 0 || Instant::now() + pause > deadline {
                return Ok(answer);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(4));
            ask.due_ns = self.now_ns();
        }
    }
}

/// Only an answer that proves there was no effect is a failure.
fn kind(status: u16) -> Kind {
    match status {
        200..300 => Kind::Ok,
        408 | 500.. => Kind::Info,
        _ => Kind::Fail,
    }
}

fn unknown(error: &Error) -> Completion {
    let problem = error.problem();
    let seen = match problem {
        Some(problem) => Seen::Refused {
            code: problem.code.clone(),
        },
        None => Seen::Other {
            note: error.to_string().chars().take(200).collect(),
        },
    };
    Completion {
        kind: Kind::Info,
        status: problem.map(|problem| problem.status),
        seen,
        hash: None,
        req_id: problem.and_then(|problem| problem.request_id.clone()),
    }
}

/// The start of SHA-256 over status and body.
fn hash(status: u16, body: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(status.to_be_bytes());
    hash.update(body);
    hash.finalize()
        .iter()
        .take(12)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn request(action: &Action, key: Option<&str>, cursor: Option<&str>) -> Fallible<Request> {
    let get = |path: String| Request::new(Method::GET, path);
    let with = |method: Method, path: String, body: serde_json::Value| {
        Request::new(method, path)
            .json(&body)
            .map_err(doing("a request"))
    };
    let lines = |lines: &[(i64, i64)]| -> Vec<serde_json::Value> {
        let line =
            |(product, quantity): &(i64, i64)| json!({"productId": product, "quantity": quantity});
        lines.iter().map(line).collect()
    };
    let request = match action {
        Action::Order {
            user,
            lines: wanted,
            payment,
            token,
            shipping,
        } => {
            // The address names the key, so that every stored order can be led back to its intent.
            let mut body = json!({
                "userId": user, "lines": lines(wanted), "address": key, "payment": payment, "shipping": shipping,
            });
            if let Some(token) = token {
                body["paymentToken"] = json!(token);
            }
            with(Method::POST, "/api/orders".into(), body)?
        }
        Action::Reuse { lines: wanted } => {
            let body = json!({
                "userId": 1, "lines": lines(wanted), "address": "another body", "payment": "cod", "shipping": "std",
            });
            with(Method::POST, "/api/orders".into(), body)?
        }
        Action::Cancel { order } => Request::new(Method::DELETE, format!("/api/orders/{order}")),
        Action::Advance { order, to } => with(
            Method::PUT,
            format!("/api/orders/{order}"),
            json!({"status": to}),
        )?,
        Action::Restock {
            product,
            expected,
            on_hand,
        } => {
            let body = json!({"onHand": on_hand, "expectedOnHand": expected});
            with(Method::PUT, format!("/api/products/{product}/stock"), body)?
        }
        Action::Price { product, amount } => {
            let body = json!({"price": answers::decimal(*amount)});
            with(Method::PATCH, format!("/api/products/{product}"), body)?
        }
        Action::ReadOrder { order } => get(format!("/api/orders/{order}")),
        Action::ReadOrders { user } => get("/api/orders".into())
            .query_if("userId", user.as_ref())
            .query("limit", &if user.is_some() { 20 } else { 100 })
            .query_if("cursor", cursor.map(str::to_owned).as_ref()),
        Action::ReadStock { product } => get(format!("/api/products/{product}/stock")),
        Action::ReadProduct { product } => get(format!("/api/products/{product}")),
        Action::ReadProducts => get("/api/products".into()).query("limit", &100),
        Action::ReadEvents { after } => get("/api/events".into())
            .query("limit", &100)
            .query_if("after", after.as_ref()),
        Action::Setup(_) => return Err("the setup is no request".into()),
    };
    match key {
        Some(key) => {
            let key = key.parse().map_err(doing("a key"))?;
            request.key(&key).map_err(doing("a key"))
        }
        None => Ok(request),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_or_late_answer_is_never_a_failure() {
        for status in [408, 500, 502, 503, 504] {
            assert_eq!(kind(status), Kind::Info, "{status}");
        }
        assert_eq!(
            (kind(201), kind(402), kind(409)),
            (Kind::Ok, Kind::Fail, Kind::Fail)
        );
        assert_eq!(unknown(&Error::Invalid("x")).kind, Kind::Info);
    }

    #[test]
    fn an_answer_is_the_same_only_byte_for_byte() {
        assert_eq!(hash(201, b"{}"), hash(201, b"{}"));
        assert_ne!(hash(201, b"{}"), hash(200, b"{}"));
        assert_ne!(hash(201, b"{}"), hash(201, b"{ }"));
    }
}
