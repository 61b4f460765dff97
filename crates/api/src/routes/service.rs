//! What operators and load balancers ask.

use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use db::DbError;
use diesel::RunQueryDsl as _;
use serde::Serialize;
use utoipa::ToSchema;

use crate::config::Access;
use crate::relay::lag;
use crate::state::State;

/// Whether this replica can serve.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Readiness)]
pub struct ReadinessBody {
    /// `ready`, `draining` or `unavailable`.
    status: &'static str,
    /// `up` or `down`.
    database: &'static str,
    /// `up`, `off`, or `down`: slower, but serving.
    redis: &'static str,
    /// How long ago the oldest change was made that cannot be found yet; null where that is not known.
    #[schema(required = true)]
    index_lag_ms: Option<u64>,
}

/// The process runs.
#[utoipa::path(tag = "service", responses((status = 200, content_type = "text/plain")))]
#[get("/livez")]
pub async fn livez() -> &'static str {
    "alive\n"
}

/// The replica can serve: it reaches Postgres and is not about to stop.
#[utoipa::path(
    tag = "service",
    responses((status = 200, body = ReadinessBody), (status = 503, body = ReadinessBody))
)]
#[get("/readyz")]
pub async fn readyz(state: Data<State>) -> HttpResponse {
    let ping = state.db.run(|conn| {
        diesel::sql_query("SELECT 1")
            .execute(conn)
            .map_err(DbError::from)?;
        // A detail, which keeps nobody from serving.
        let lag = lag::of_index(conn).ok();
        Ok::<_, DbError>(lag.and_then(|lag| u64::try_from(lag.as_millis()).ok()))
    });
    let (database, redis) = futures_util::future::join(ping, state.cache.shared_is_up()).await;
    let is_up = database.is_ok();
    let status = match (state.is_draining(), is_up) {
        (true, _) => "draining",
        (false, true) => "ready",
        (false, false) => "unavailable",
    };
    let code = if status == "ready" {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    HttpResponse::build(code).json(ReadinessBody {
        status,
        database: if is_up { "up" } else { "down" },
        redis: match redis {
            None => "off",
            Some(true) => "up",
            Some(false) => "down",
        },
        index_lag_ms: database.ok().flatten(),
    })
}

/// A page that shows the shop is up.
#[get("/")]
pub async fn welcome(state: Data<State>) -> HttpResponse {
    let warning = match state.config.access {
        Access::Required => "",
        Access::Open => {
            "<p class=\"warning\">Access is <b>open</b>: anyone who reaches this address can place and \
             read demo orders. Set <code>CARTWRIGHT__ACCESS=required</code> before real customers come.</p>"
        }
    };
    let page = include_str!("welcome.html")
        .replace("{{name}}", &escape_html(&state.config.shop.name))
        .replace("{{version}}", env!("CARGO_PKG_VERSION"))
        .replace("{{warning}}", warning);
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
        .body(page)
}

fn escape_html(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
