//! A client that checks every answer against the contract.

use std::sync::Once;
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::{contract, somebody};

/// Somebody who talks to a shop. Cloning is cheap and shares connections.
#[derive(Clone)]
pub struct Shop {
    base: String,
    http: reqwest::Client,
    token: Option<String>,
}

/// A request that is being put together.
pub struct Request {
    method: Method,
    path: String,
    builder: RequestBuilder,
}

/// An answer, checked.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Shop {
    pub fn new(base: String) -> Self {
        static PROVIDER: Once = Once::new();
        PROVIDER.call_once(|| {
            let _ = rustls::crypto::ring::default_provider().install_default();
        });
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(15))
            .build();
        Self {
            base,
            http: http.expect("a client"),
            token: None,
        }
    }

    /// The same shop, seen by the bearer of a token.
    pub fn with_token(&self, token: &str) -> Self {
        Self {
            token: Some(token.to_owned()),
            ..self.clone()
        }
    }

    pub fn get(&self, path: &str) -> Request {
        self.request("GET", path)
    }

    pub fn post(&self, path: &str, body: &Value) -> Request {
        self.request("POST", path).json(body)
    }

    pub fn put(&self, path: &str, body: &Value) -> Request {
        self.request("PUT", path).json(body)
    }

    pub fn patch(&self, path: &str, body: &Value) -> Request {
        self.request("PATCH", path).json(body)
    }

    pub fn delete(&self, path: &str) -> Request {
        self.request("DELETE", path)
    }

    pub fn request(&self, method: &str, path: &str) -> Request {
        let method: Method = method.parse().expect("a method");
        let mut builder = self
            .http
            .request(method.clone(), format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            builder = builder.bearer_auth(token);
        }
        Request {
            method,
            path: path.to_owned(),
            builder,
        }
    }

    /// Registers somebody new and returns the id.
    pub async fn register(&self) -> i64 {
        let answer = self.post("/api/users", &somebody()).send().await;
        answer.expect(201)["id"].as_i64().expect("an id")
    }

    pub async fn log_in(&self, email: &str, password: &str) -> String {
        let body = json!({"email": email, "password": password});
        let session = self.post("/api/sessions", &body).send().await.expect(201);
        session["token"].as_str().expect("a token").to_owned()
    }

    /// Makes a product for 9.50 USD, as staff, and returns its id.
    pub async fn product(&self, sku: &str, on_hand: i64) -> i64 {
        self.product_for(sku, "9.50", on_hand).await
    }

    pub async fn product_for(&self, sku: &str, price: &str, on_hand: i64) -> i64 {
        let body = json!({"name": sku, "sku": sku, "price": price, "onHand": on_hand});
        let answer = self.post("/api/products", &body).send().await;
        answer.expect(201)["id"].as_i64().expect("an id")
    }
}

impl Request {
    pub fn json(self, body: &Value) -> Self {
        self.raw("application/json", body.to_string().into_bytes())
    }

    pub fn raw(mut self, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        let builder = self.builder.header("content-type", kind);
        self.builder = builder.body(body.into());
        self
    }

    pub fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.builder = self.builder.header(name, value);
        self
    }

    /// Sends it; that there is no answer at all fails the test.
    pub async fn send(self) -> Answer {
        let what = format!("{} {}", self.method, self.path);
        let answer = self.try_send().await;
        answer.unwrap_or_else(|error| panic!("{what}: {error:?}"))
    }

    /// Sends it where there may be no answer.
    pub async fn try_send(self) -> Result<Answer, reqwest::Error> {
        let response = self.builder.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await?.to_vec();
        let answer = Answer {
            status,
            headers,
            body,
        };
        let kind = answer.header("content-type").unwrap_or_default();
        contract::check(self.method.as_str(), &self.path, status, kind, &answer.body);
        assert!(answer.header("x-request-id").is_some(), "no X-Request-Id");
        Ok(answer)
    }
}

impl Answer {
    /// The body, when the status is this one.
    pub fn expect(self, status: u16) -> Value {
        let body = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status, status, "{body}");
        if self.body.is_empty() {
            return Value::Null;
        }
        serde_json::from_str(&body).expect("JSON")
    }

    /// The problem, when status and code are these.
    pub fn refused(self, status: u16, code: &str) -> Value {
        let problem = self.expect(status);
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status, "{problem}");
        problem
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}
