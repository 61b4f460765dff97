//! Answers that are finished bytes, and the short way to those that were given before.
//!
//! To find the route, read the parameters and look into the cache takes longer than to send what
//! is found. So each worker remembers what it answered to which words, and [`find`] gives it again
//! for as long as it is current: the generation and the expiry of the cached bytes decide, here as
//! in the cache itself.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use actix_web::dev::{RequestHead, ServiceRequest};
use actix_web::http::Method;
use actix_web::http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};

use super::precondition;
use crate::cache::Cached;
use crate::config;
use crate::state::State;

/// What one worker has answered. Made where the worker's application is made.
pub struct Given(RefCell<Answers>);

struct Answers {
    by_target: HashMap<Box<str>, Answer>,
    bytes: usize,
    max_bytes: usize,
}

struct Answer {
    cached: Arc<Cached>,
    route: Rc<str>,
}

/// What all workers remember at most before they start anew. Most of it are bytes that the cache holds
/// anyway; where that may hold less, so may they.
const MAX_BYTES: u64 = 8 * 1024 * 1024;

impl Given {
    /// Nothing yet, for one of so many workers.
    #[must_use]
    pub fn to_one_of(workers: usize, cache: &config::Cache) -> Self {
        let max_bytes = usize::try_from(cache.max_bytes.min(MAX_BYTES)).unwrap_or(0);
        Self(RefCell::new(Answers {
            by_target: HashMap::new(),
            bytes: 0,
            max_bytes: max_bytes / workers.max(1),
        }))
    }
}

/// Answers with finished bytes, and remembers them. 304 when the client has them already.
pub fn answer(request: &HttpRequest, cached: &Arc<Cached>) -> HttpResponse {
    if let (Some(given), Some(target)) = (
        request.app_data::<Rc<Given>>(),
        plain_target(request.head()),
    ) {
        let route = request.match_pattern().unwrap_or_default();
        given.0.borrow_mut().remember(target, cached, &route);
    }
    respond(request.headers(), cached)
}

/// The answer to a request that was answered before, and the route that gave it, as long as
/// routing it again would give the same.
pub fn find(request: &ServiceRequest, now: Instant) -> Option<(HttpResponse, Rc<str>)> {
    let given = request.app_data::<Rc<Given>>()?;
    let target = plain_target(request.head())?;
    let mut answers = given.0.borrow_mut();
    let answer = answers.by_target.get(target)?;
    let state = request.app_data::<Data<State>>()?;
    if !state.cache.is_current(&answer.cached, now) {
        answers.forget(target);
        return None;
    }
    let response = respond(request.headers(), &answer.cached);
    Some((response, Rc::clone(&answer.route)))
}

/// The words of a request whose answer depends on nothing else.
fn plain_target(head: &RequestHead) -> Option<&str> {
    let is_plain = head.method == Method::GET && !head.headers.contains_key(ACCEPT_ENCODING);
    head.uri
        .path_and_query()
        .filter(|_| is_plain)
        .map(|target| target.as_str())
}

impl Answers {
    fn remember(&mut self, target: &str, cached: &Arc<Cached>, route: &str) {
        self.forget(target);
        let size = size(target, cached);
        if size > self.max_bytes {
            return;
        }
        if self.bytes + size > self.max_bytes {
            self.by_target = HashMap::new();
            self.bytes = 0;
        }
        self.bytes += size;
        let answer = Answer {
            cached: Arc::clone(cached),
            route: route.into(),
        };
        self.by_target.insert(target.into(), answer);
    }

    fn forget(&mut self, target: &str) {
        if let Some(answer) = self.by_target.remove(target) {
            self.bytes -= size(target, &answer.cached);
        }
    }
}

/// Bytes that an answer holds, with what holding it takes.
fn size(target: &str, cached: &Cached) -> usize {
    cached.body.len() + target.len() + 200
}

fn respond(headers: &HeaderMap, cached: &Cached) -> HttpResponse {
    let etag = cached.etag.to_str().unwrap_or_default();
    let is_known = precondition::is_known(headers, etag);
    let mut response = if is_known {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    response.insert_header((ETAG, cached.etag.clone()));
    // A shared cache may keep it, but has to ask: a change is visible at once.
    response.insert_header((CACHE_CONTROL, "public, no-cache"));
    if is_known {
        return response.finish();
    }
    response.insert_header((CONTENT_TYPE, "application/json"));
    response.body(cached.body.clone())
}
