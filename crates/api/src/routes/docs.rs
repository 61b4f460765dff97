//! The OpenAPI document and its reference page.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use actix_web::web::{Bytes, Data};
use actix_web::{HttpResponse, get};
use serde::Deserialize;
use serde::de::IgnoredAny;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_swagger_ui::Config;

use crate::http::Problem;

/// What is not said at a route.
#[derive(OpenApi)]
#[openapi(
    info(title = "Cartwright", description = "A self-hosted commerce backend.", license(name = "MIT OR Apache-2.0")),
    tags(
        (name = "products", description = "What is sold"), (name = "categories", description = "Where it is looked for"), (name = "stock", description = "How much of it there is"), (name = "prices", description = "What it costs"), (name = "translations", description = "What it is called elsewhere"), (name = "variants", description = "What there is to choose"),
        (name = "customFields", description = "What a shop keeps beside what every shop does"),
        (name = "users", description = "Who is who"), (name = "sessions", description = "Logging in and out"),
        (name = "orders", description = "What was bought"), (name = "events", description = "What happened"),
        (name = "jobs", description = "What is done later"),
        (name = "service", description = "For operators"),
    ),
    modifiers(&TokenScheme)
)]
pub struct Document;

struct TokenScheme;

impl Modify for TokenScheme {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_with(Default::default);
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        components.add_security_scheme("token", scheme);
    }
}

/// The finished document.
pub struct DocumentBytes(pub Bytes);

/// Which methods each described path takes, as an `Allow` header has them (RFC 9110, section 10.2.1).
#[derive(Default)]
pub struct Methods(HashMap<String, String>);

impl Methods {
    /// Those of a finished document.
    #[must_use]
    pub fn of(document: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Described {
            paths: HashMap<String, BTreeMap<String, IgnoredAny>>,
        }
        let described = serde_json::from_slice::<Described>(document);
        let paths = described.map_or_else(|_| HashMap::new(), |described| described.paths);
        let allow = |operations: BTreeMap<String, IgnoredAny>| {
            let methods = operations.into_keys().map(|method| match &method[..] {
                "get" => "GET, HEAD".to_owned(),
                method => method.to_uppercase(),
            });
            methods.collect::<Vec<_>>().join(", ")
        };
        let paths = paths.into_iter();
        Self(
            paths
                .map(|(path, operations)| (path, allow(operations)))
                .collect(),
        )
    }

    /// The methods of a path; what is not described is only read.
    #[must_use]
    pub fn allowed(&self, pattern: Option<&str>) -> &str {
        let described = pattern.and_then(|pattern| self.0.get(pattern));
        described.map_or("GET, HEAD", String::as_str)
    }
}

/// The OpenAPI 3.1 document.
#[get("/api/openapi.json")]
pub async fn openapi_json(document: Data<DocumentBytes>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .body(document.0.clone())
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
