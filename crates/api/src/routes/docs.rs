//! The OpenAPI document and its reference page.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock};

use actix_web::{HttpResponse, get};
use serde::Deserialize;
use serde::de::IgnoredAny;
use utoipa_swagger_ui::Config;

use crate::http::Problem;

/// What [`described::document`](super::described::document) made of the routes: to make it takes megabytes of code and memory, which a
/// replica does without.
pub const DOCUMENT: &str = include_str!("../../openapi.json");

/// Which methods each described path takes, as an `Allow` header has them (RFC 9110, section 10.2.1).
static METHODS: LazyLock<HashMap<&str, String>> = LazyLock::new(|| {
    #[derive(Deserialize)]
    struct Described<'d> {
        #[serde(borrow)]
        paths: HashMap<&'d str, BTreeMap<&'d str, IgnoredAny>>,
    }
    let described = serde_json::from_str::<Described<'_>>(DOCUMENT);
    let paths = described.map_or_else(|_| HashMap::new(), |described| described.paths);
    let allow = |operations: BTreeMap<&str, IgnoredAny>| {
        let methods = operations.into_keys().map(|method| match method {
            "get" => "GET, HEAD".to_owned(),
            method => method.to_uppercase(),
        });
        methods.collect::<Vec<_>>().join(", ")
    };
    let paths = paths.into_iter();
    paths
        .map(|(path, operations)| (path, allow(operations)))
        .collect()
});

/// The methods of a path, separated by commas; what is not described is only read.
#[must_use]
pub fn allowed(pattern: Option<&str>) -> &'static str {
    let described = pattern.and_then(|pattern| METHODS.get(pattern));
    described.map_or("GET, HEAD", String::as_str)
}

/// The OpenAPI 3.1 document.
#[get("/api/openapi.json")]
pub async fn openapi_json() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .body(DOCUMENT)
}

/// The reference page; what it loads lies below this address.
#[get("/api/docs")]
pub async fn reference() -> Result<HttpResponse, Problem> {
    let config = Arc::new(Config::from("/api/openapi.json"));
    let page = utoipa_swagger_ui::serve("index.html", config)
        .ok()
        .flatten();
    let html = page.and_then(|page| String::from_utf8(page.bytes.into_owned()).ok());
    // Its relative addresses would be looked up beside `docs`, not below it.
    let html = html
        .ok_or_else(Problem::internal)?
        .replace("\"./", "\"/api/docs/")
        .replace("\"index.css", "\"/api/docs/index.css");
    Ok(HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .body(html))
}
