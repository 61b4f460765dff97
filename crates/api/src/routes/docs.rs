//! The OpenAPI document and its reference page.

use actix_web::web::{Bytes, Data};
use actix_web::{HttpResponse, get};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};

/// What is not said at a route.
#[derive(OpenApi)]
#[openapi(
    info(title = "Cartwright", description = "A self-hosted commerce backend.", license(name = "MIT OR Apache-2.0")),
    tags(
        (name = "products", description = "What is sold"), (name = "stock", description = "How much of it there is"),
        (name = "users", description = "Who is who"), (name = "sessions", description = "Logging in and out"),
        (name = "orders", description = "What was bought"), (name = "service", description = "For operators"),
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

/// The reference without its slash.
#[get("/api/docs")]
pub async fn redirect() -> HttpResponse {
    HttpResponse::PermanentRedirect()
        .insert_header(("Location", "/api/docs/"))
        .finish()
}
