//! The OpenAPI document and its reference page.

use std::sync::Arc;

use actix_web::web::{Bytes, Data};
use actix_web::{HttpResponse, get};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_swagger_ui::Config;

use crate::http::Problem;

/// What is not said at a route.
#[derive(OpenApi)]
#[openapi(
    info(title = "Cartwright", description = "A self-hosted commerce backend.", license(name = "MIT OR Apache-2.0")),
    tags(
        (name = "products", description = "What is sold"), (name = "categories", description = "Where it is looked for"), (name = "stock", description = "How much of it there is"),
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
