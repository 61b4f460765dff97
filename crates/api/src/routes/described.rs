//! What routes say of themselves, as the OpenAPI document.

use actix_web::App;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_actix_web::AppExt as _;

use super::{common_answers, configure};

/// What is not said at a route.
#[derive(OpenApi)]
#[openapi(
    info(title = "Cartwright", description = "A self-hosted commerce backend.", license(name = "MIT OR Apache-2.0")),
    tags(
        (name = "products", description = "What is sold"), (name = "categories", description = "Where it is looked for"), (name = "collections", description = "What belongs together"), (name = "stock", description = "How much of it there is"), (name = "prices", description = "What it costs"), (name = "translations", description = "What it is called elsewhere"), (name = "variants", description = "What there is to choose"),
        (name = "customFields", description = "What a shop keeps beside what every shop does"),
        (name = "users", description = "Who is who"), (name = "sessions", description = "Logging in and out"),
        (name = "orders", description = "What was bought"), (name = "events", description = "What happened"),
        (name = "jobs", description = "What is done later"),
        (name = "service", description = "For operators"),
    ),
    modifiers(&TokenScheme)
)]
struct Document;

struct TokenScheme;

impl Modify for TokenScheme {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_with(Default::default);
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        components.add_security_scheme("token", scheme);
    }
}

/// The document of all routes, as the repository keeps it.
///
/// # Errors
///
/// When it cannot be written as JSON.
pub fn document() -> Result<String, serde_json::Error> {
    let (_, mut api) = App::new()
        .into_utoipa_app()
        .openapi(Document::openapi())
        .configure(|config| configure(config))
        .split_for_parts();
    common_answers::complete(&mut api);
    Ok(api.to_pretty_json()? + "\n")
}
