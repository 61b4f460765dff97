//! Files of the shop that staff asks for, written by a job.

use actix_web::web::{Data, Path};
use actix_web::{get, post};
use catalog::export::{Form, Scope, What};
use catalog::exports::{self, Export};
use chrono::{DateTime, Utc};
use diesel::PgConnection;
use domain::{Cursor, Page, Permission};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::http::{Answer, Body, Caller, Key, Params, Problem, Staff, idempotency, params};
use crate::routes::money::ProblemBody;
use crate::state::State;

/// A file of the shop, as it was at one moment.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Export)]
pub struct ExportBody {
    #[schema(example = 3)]
    id: i64,
    /// `products`, `collections`, `categories` or `options`.
    kind: String,
    /// `csv` or `ndjson`.
    format: String,
    /// Whether what customers do not see is left out.
    on_sale: bool,
    /// `waiting`, `running`, `succeeded` or `failed`.
    #[schema(example = "succeeded")]
    state: String,
    /// The moment that the file tells of.
    #[schema(required = true)]
    as_of: Option<DateTime<Utc>>,
    /// Of the file.
    bytes: i64,
    products: i64,
    variants: i64,
    prices: i64,
    /// Of the file, as an import counts them.
    rows: i64,
    created_at: DateTime<Utc>,
    #[schema(required = true)]
    finished_at: Option<DateTime<Utc>>,
}

impl From<Export> for ExportBody {
    fn from(export: Export) -> Self {
        Self {
            id: export.id,
            kind: export.kind,
            format: export.format,
            on_sale: export.on_sale,
            state: export.state,
            as_of: export.as_of,
            bytes: export.bytes,
            products: export.products,
            variants: export.variants,
            prices: export.prices,
            rows: export.rows,
            created_at: export.created_at,
            finished_at: export.finished_at,
        }
    }
}

/// A page of exports.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ExportPage)]
pub struct ExportPageBody {
    exports: Vec<ExportBody>,
    has_more: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    next_cursor: Option<Cursor>,
}

/// A file to be written.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewExport)]
pub struct NewExportBody {
    /// `products`, `collections`, `categories` or `options`.
    #[schema(example = "products")]
    kind: String,
    /// `csv`, which is what is left out, or `ndjson`.
    format: Option<String>,
    /// Whether to leave out products that customers do not see.
    #[serde(default)]
    on_sale: bool,
}

impl NewExportBody {
    fn checked(&self) -> Result<(What, Form), Problem> {
        let scope = if self.on_sale {
            Scope::OnSale
        } else {
            Scope::All
        };
        let what = What::of(&self.kind, scope).ok_or_else(|| {
            let rule = "must be products, collections, categories or options";
            Problem::invalid("kind", "unknown", rule)
        })?;
        if self.on_sale && !matches!(what, What::Products(_)) {
            let rule = "is for products alone";
            return Err(Problem::invalid("onSale", "invalid", rule));
        }
        let form = match self.format.as_deref() {
            None | Some("csv") => Form::Csv,
            Some("ndjson") => Form::Ndjson,
            Some(_) => {
                return Err(Problem::invalid(
                    "format",
                    "unknown",
                    "must be csv or ndjson",
                ));
            }
        };
        Ok((what, form))
    }
}

/// Has a file of the shop written, as it is when the job begins. Staff only.
#[utoipa::path(
    tag = "exports",
    security(("token" = [])),
    request_body = NewExportBody,
    responses(
        (status = 201, body = ExportBody),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[post("/api/admin/exports")]
pub async fn create(
    state: Data<State>,
    staff: Staff,
    key: Key,
    body: Body<NewExportBody>,
) -> Result<Answer, Problem> {
    let (what, form) = body.value.checked()?;
    needs_for_file(&staff, Some(what))?;
    let actor = staff.0.id;
    let key = key.bind(&Caller::User(staff.0), &body.bytes);
    idempotency::once(&state.db, key, move |conn| {
        let id = exports::begin(conn, what, form, Some(actor))?;
        let body = ExportBody::from(find(conn, id)?);
        Ok(Answer::created(format!("/api/admin/exports/{id}"), &body))
    })
    .await
}

/// A file of products tells the prices and the stock of what is in it.
pub(super) fn needs_for_file(staff: &Staff, what: Option<What>) -> Result<(), Problem> {
    if matches!(
        what,
        Some(What::Collections | What::Categories | What::Options)
    ) {
        return Ok(());
    }
    staff.needs(Permission::PriceRead)?;
    staff.needs(Permission::StockRead)
}

/// Which exports.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExportQuery {
    /// Entries on a page, 1 to 100.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<String>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

/// Lists exports, newest first. Staff only.
#[utoipa::path(
    tag = "exports",
    security(("token" = [])),
    params(ExportQuery),
    responses(
        (status = 200, body = ExportPageBody),
        (status = 400, body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/admin/exports")]
pub async fn list(
    state: Data<State>,
    _staff: Staff,
    query: Params<ExportQuery>,
) -> Result<Answer, Problem> {
    let size = params::page_size(query.0.limit.as_deref())?;
    let before = params::position(query.0.cursor.as_deref())?.unwrap_or(i64::MAX);
    let found = state
        .db
        .run(move |conn| exports::list(conn, before, size.get() + 1).map_err(Problem::from))
        .await?;
    let page = Page::from_overfetched(found, size, |export| export.id);
    Ok(Answer::ok(&ExportPageBody {
        has_more: page.next_cursor.is_some(),
        next_cursor: page.next_cursor,
        exports: page.items.into_iter().map(ExportBody::from).collect(),
    }))
}

/// Reads an export. Staff only.
#[utoipa::path(
    tag = "exports",
    security(("token" = [])),
    params(("id" = i64, Path)),
    responses(
        (status = 200, body = ExportBody),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/admin/exports/{id}")]
pub async fn get(state: Data<State>, _staff: Staff, id: Path<String>) -> Result<Answer, Problem> {
    let id = export_id(&id)?;
    let export = state.db.run(move |conn| find(conn, id)).await?;
    Ok(Answer::ok(&ExportBody::from(export)))
}

pub(super) fn export_id(text: &str) -> Result<i64, Problem> {
    params::path_id(text, "export_not_found", "There is no such export")
}

pub(super) fn find(conn: &mut PgConnection, id: i64) -> Result<Export, Problem> {
    let not_found = || Problem::not_found("export_not_found", "There is no such export");
    exports::find(conn, id)?.ok_or_else(not_found)
}
