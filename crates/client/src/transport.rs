//! Requests and answers without types, and the one loop that sends and retries.

use std::fmt;
use std::time::{Duration, Instant};

use chrono::Utc;
use reqwest::header::{
    AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_MATCH, LOCATION,
};
use reqwest::{Method, StatusCode, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Problem;
use crate::retry::{self, RetryPolicy};
use crate::{ClientBuilder, Error, IdempotencyKey, Secret};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
const DRY_RUN: HeaderName = HeaderName::from_static("dry-run");

/// A connection pool to one server, with or without somebody's token; clones are cheap.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    policy: RetryPolicy,
    token: Option<Secret>,
    is_dry: bool,
}

/// A request, before the client adds token and key.
#[derive(Debug, Clone)]
pub struct Request {
    method: Method,
    path: String,
    query: Vec<(&'static str, String)>,
    headers: HeaderMap,
    body: Option<Vec<u8>>,
    patience: Duration,
}

/// An answer: its body, and what its status and headers say.
#[derive(Debug, Clone)]
pub struct Answer<T> {
    /// What came back.
    pub body: T,
    /// The HTTP status.
    pub status: u16,
    /// How many times the request was sent for it.
    pub tries: u32,
    /// All headers.
    pub headers: HeaderMap,
}

impl Request {
    /// Starts a request to a path such as `/api/products`.
    #[must_use]
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        let (path, headers) = (path.into(), HeaderMap::new());
        Self {
            method,
            path,
            query: Vec::new(),
            headers,
            body: None,
            patience: Duration::ZERO,
        }
    }

    /// Adds a query parameter.
    #[must_use]
    pub fn query(mut self, name: &'static str, value: &impl ToString) -> Self {
        self.query.push((name, value.to_string()));
        self
    }

    /// Adds a query parameter where there is a value for it.
    #[must_use]
    pub fn query_if(self, name: &'static str, value: Option<&impl ToString>) -> Self {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }

    /// Sets the body.
    ///
    /// # Errors
    ///
    /// [`Error::Encode`] when the value has no JSON form.
    pub fn json(mut self, body: &impl Serialize) -> Result<Self, Error> {
        self.body = Some(serde_json::to_vec(body).map_err(Error::Encode)?);
        self.headers
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(self)
    }

    /// Sets a body of any kind.
    #[must_use]
    pub fn raw_body(mut self, content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self.headers
            .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        self
    }

    /// Sets a header.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] when the value has control characters.
    pub fn header(mut self, name: HeaderName, value: &str) -> Result<Self, Error> {
        let value = value
            .parse()
            .map_err(|_| Error::Invalid("the value of a header"))?;
        self.headers.insert(name, value);
        Ok(self)
    }

    /// Has the write refused when the resource is not what it was with this ETag any more; without one it is not.
    ///
    /// # Errors
    ///
    /// As of [`Request::header`].
    pub fn if_match(self, etag: Option<&str>) -> Result<Self, Error> {
        match etag {
            None => Ok(self),
            Some(etag) => self.header(IF_MATCH, etag),
        }
    }

    /// Sets the key of a write; without it, sending makes one.
    ///
    /// # Errors
    ///
    /// None for a key that was parsed; the signature is that of [`Request::header`].
    pub fn key(self, key: &IdempotencyKey) -> Result<Self, Error> {
        self.header(IDEMPOTENCY_KEY, key.as_str())
    }

    /// Lets a try take so long where the client would give up earlier.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    fn is_write(&self) -> bool {
        self.method != Method::GET && self.method != Method::HEAD
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

impl<T> Answer<T> {
    /// Tells whether this is the stored answer to an earlier request with the same key.
    #[must_use]
    pub fn replayed(&self) -> bool {
        self.headers
            .get(IDEMPOTENT_REPLAYED)
            .is_some_and(|value| value == "true")
    }

    /// Tells whether the write was only tried.
    #[must_use]
    pub fn is_dry(&self) -> bool {
        self.headers
            .get(DRY_RUN)
            .is_some_and(|value| value == "true")
    }

    /// Returns the version of what was read, for `If-Match` and `If-None-Match`.
    #[must_use]
    pub fn etag(&self) -> Option<&str> {
        self.headers.get(ETAG)?.to_str().ok()
    }

    /// Returns where the thing that was made can be read.
    #[must_use]
    pub fn location(&self) -> Option<&str> {
        self.headers.get(LOCATION)?.to_str().ok()
    }

    fn map<U>(self, read: impl FnOnce(T) -> Result<U, Error>) -> Result<Answer<U>, Error> {
        let Self {
            body,
            status,
            tries,
            headers,
        } = self;
        Ok(Answer {
            body: read(body)?,
            status,
            tries,
            headers,
        })
    }
}

impl Client {
    /// Starts to describe a client of the server at an address such as `http://localhost:8080`.
    #[must_use]
    pub fn builder(base_url: &str) -> ClientBuilder {
        ClientBuilder::new(base_url)
    }

    pub(crate) fn new(
        http: reqwest::Client,
        base: Url,
        policy: RetryPolicy,
        token: Option<Secret>,
    ) -> Self {
        Self {
            http,
            base,
            policy,
            token,
            is_dry: false,
        }
    }

    /// Returns a client of the same server whose writes are only tried: each answer is what it would be, and nothing
    /// of it is kept. Ids in it are of things that are not there.
    ///
    /// A write that cannot be tried is refused, with the code `dry_run_unsupported`.
    #[must_use]
    pub fn dry_run(&self) -> Self {
        Self {
            is_dry: true,
            ..self.clone()
        }
    }

    /// Returns a client of the same server that acts with a token.
    #[must_use]
    pub fn with_token(&self, token: Secret) -> Self {
        Self {
            token: Some(token),
            ..self.clone()
        }
    }

    /// Sends a request, again where that helps, and returns the answer whatever its status is.
    ///
    /// A write without a key gets a fresh one. All tries carry the same key.
    ///
    /// # Errors
    ///
    /// [`Error::Unknown`] for a write that may have had its effect, [`Error::Transport`] when no
    /// answer came and nothing can have happened, [`Error::NotDry`] from a server that only writes.
    pub async fn send(&self, mut request: Request) -> Result<Answer<Vec<u8>>, Error> {
        let write = request.is_write();
        let dry = write && self.is_dry;
        if dry {
            request = request.query("dryRun", &true);
        }
        if write && !request.headers.contains_key(IDEMPOTENCY_KEY) {
            request = request.key(&IdempotencyKey::fresh()?)?;
        }
        let (timeout, deadline) = self.limits(&request);
        let started = Instant::now();
        let mut may_have_run = false;
        let mut tries = 0;
        loop {
            tries += 1;
            let left = deadline.saturating_sub(started.elapsed());
            let outcome = self.try_once(&request, tries, left.min(timeout)).await;

            let mut asked = None;
            let again = match &outcome {
                Ok(answer) => {
                    let (status, body) = (StatusCode::from_u16(answer.status), &answer.body);
                    let status = status.map_err(|_| Error::Invalid("the status of the answer"))?;
                    asked = retry::retry_after(&answer.headers, Utc::now());
                    // An answer about this key settles what earlier tries have left open.
                    may_have_run &= retry::ignores_earlier_tries(status);
                    may_have_run |= retry::leaves_outcome_open(status, body);
                    retry::is_worth_retrying(status, body)
                }
                Err(error) if error.is_builder() => false,
                Err(error) => {
                    may_have_run |= !error.is_connect();
                    true
                }
            };

            let pause = self
                .policy
                .pause(tries, asked, getrandom::u64().unwrap_or_default());
            let left = deadline.saturating_sub(started.elapsed());
            if again && tries < self.policy.tries && pause < left {
                tokio::time::sleep(pause).await;
            } else if write && may_have_run {
                return Err(unknown(&request, tries, outcome));
            } else {
                return match outcome.map_err(Error::Transport)? {
                    // A server that knows of no dry runs takes no notice of the parameter.
                    done if dry && done.status < 300 && !done.is_dry() => Err(Error::NotDry {
                        request: request.to_string(),
                    }),
                    answer => Ok(answer),
                };
            }
        }
    }

    /// How long a try may take, and all of them together.
    pub(crate) fn limits(&self, request: &Request) -> (Duration, Duration) {
        let timeout = self.policy.timeout.max(request.patience);
        (timeout, self.policy.deadline.max(request.patience))
    }

    /// Sends a request and reads the body of a good answer.
    pub(crate) async fn fetch<T: DeserializeOwned>(
        &self,
        request: Request,
    ) -> Result<Answer<T>, Error> {
        let name = request.to_string();
        let answer = self.send(request).await?;
        read(answer, name)
    }

    /// Sends a request whose good answer has no body, or one that is not JSON.
    pub(crate) async fn accept(&self, request: Request) -> Result<Answer<Vec<u8>>, Error> {
        good(self.send(request).await?)
    }

    async fn try_once(
        &self,
        request: &Request,
        tries: u32,
        timeout: Duration,
    ) -> Result<Answer<Vec<u8>>, reqwest::Error> {
        let mut builder = self
            .http
            .request(request.method.clone(), self.url(request))
            .headers(request.headers.clone())
            .timeout(timeout);
        if let Some(token) = &self.token {
            builder = builder.header(AUTHORIZATION, format!("Bearer {}", token.reveal()));
        }
        if let Some(body) = &request.body {
            builder = builder.body(body.clone());
        }
        let response = builder.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Answer {
            body: response.bytes().await?.into(),
            status,
            tries,
            headers,
        })
    }

    fn url(&self, request: &Request) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!(
            "{}{}",
            self.base.path().trim_end_matches('/'),
            request.path
        ));
        if !request.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&request.query);
        }
        url
    }
}

/// Says that a write may have happened, with what its last try met.
fn unknown(
    request: &Request,
    tries: u32,
    outcome: Result<Answer<Vec<u8>>, reqwest::Error>,
) -> Error {
    let last = match outcome {
        Ok(answer) => Error::Api(Box::new(Problem::read(answer.status, &answer.body))),
        Err(error) => Error::Transport(error),
    };
    let key = request
        .headers
        .get(IDEMPOTENCY_KEY)
        .and_then(|value| value.to_str().ok());
    match key.map(str::parse) {
        Some(Ok(key)) => Error::Unknown {
            key,
            tries,
            last: Box::new(last),
        },
        // Only a caller's own header can be no key; the server refuses such a write.
        _ => last,
    }
}

/// The body of a good answer to the request of this name.
pub(crate) fn read<T: DeserializeOwned>(
    answer: Answer<Vec<u8>>,
    request: String,
) -> Result<Answer<T>, Error> {
    good(answer)?.map(|body| {
        serde_json::from_slice(&body).map_err(|source| Error::Decode { request, source })
    })
}

fn good(answer: Answer<Vec<u8>>) -> Result<Answer<Vec<u8>>, Error> {
    if (200..300).contains(&answer.status) {
        return Ok(answer);
    }
    let problem = Problem::read(answer.status, &answer.body);
    Err(Error::Api(Box::new(problem)))
}

#[cfg(test)]
mod tests;
