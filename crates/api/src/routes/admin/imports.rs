//! Files that staff sends, to be read into the shop by a job.

use actix_web::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, delete, get, post};
use catalog::import::Form;
use catalog::imports::{self, EndError, NewImport, fetching, uploading};
use diesel::PgConnection;
use domain::{Page, Permission};
use futures_util::StreamExt as _;
use serde::Deserialize;
use utoipa::IntoParams;

use super::import_bodies::{ImportBody, ImportPageBody, NewImportQuery, not_understood};
use super::import_upload::Upload;
use crate::http::{Answer, Caller, Key, Params, Problem, Staff, idempotency, params};
use crate::routes::money::ProblemBody;
use crate::state::State;

/// The most characters of an address.
const MAX_URL_CHARS: usize = 2_000;

/// Keeps a file and enqueues the job that reads it. Staff only.
///
/// The type says what the file is: `text/csv` or `application/x-ndjson` of the shop's own form, and what its profile
/// asks for, which may be `application/json`, of another system's. With `url`, the body is empty and a job fetches the file
/// that is there.
#[utoipa::path(
    tag = "imports",
    security(("token" = [])),
    params(NewImportQuery),
    request_body(content((String = "text/csv"), (String = "application/x-ndjson"), (String = "application/json"))),
    responses(
        (status = 201, body = ImportBody),
        (status = 400, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 408, body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[post("/api/admin/imports")]
pub async fn create(
    state: Data<State>,
    staff: Staff,
    key: Key,
    query: Params<NewImportQuery>,
    request: HttpRequest,
    mut payload: Payload,
) -> Result<Answer, Problem> {
    let header = |name| request.headers().get(name).and_then(|v| v.to_str().ok());
    let content_type = header(CONTENT_TYPE).unwrap_or_default();
    if header(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return Err(not_understood("send the file as it is, not compressed"));
    }
    let shop = state.config.shop.currency;
    let (form, how) = query.0.checked(content_type, shop)?;
    let of_catalogue = form.is_of_catalogue();
    if !of_catalogue && !matches!(form, Form::Stock) {
        staff.needs(Permission::PriceWrite)?;
    }
    if !of_catalogue && !matches!(form, Form::Prices) {
        staff.needs(Permission::StockWrite)?;
    }
    let limit = state.config.imports.max_bytes;
    let new = NewImport {
        form,
        how,
        actor: Some(staff.0.id),
    };
    if let Some(url) = query.0.url {
        let key = key.bind(&Caller::User(staff.0), &[]);
        return fetch(&state, key, new, url, &mut payload).await;
    }
    let upload = Upload::begin(state.clone().into_inner(), new).await?;
    let file = match upload.receive(&mut payload, limit).await {
        Ok(file) => file,
        Err(problem) => {
            upload.refuse(&mut payload).await;
            return Err(problem);
        }
    };
    let id = upload.id();
    let request_key = key.bind(&Caller::User(staff.0), &file.digest);
    let answer = idempotency::once(&state.db, request_key, move |conn| {
        if !uploading::complete(conn, id, file.bytes)? {
            return Err(Problem::conflict("import_over", "The import was cancelled"));
        }
        let body = read(conn, id)?;
        Ok(Answer::created(format!("/api/admin/imports/{id}"), &body))
    })
    .await;
    // Where another request with this key was faster, this file is one too many.
    upload.discard().await;
    answer
}

/// Has the file fetched from where it is.
async fn fetch(
    state: &State,
    key: Option<db::idempotency::RequestKey>,
    new: NewImport,
    url: String,
    payload: &mut Payload,
) -> Result<Answer, Problem> {
    if url.chars().count() > MAX_URL_CHARS || url.contains(char::is_control) {
        let rule = format!("must have at most {MAX_URL_CHARS} characters, none of which controls");
        return Err(params::invalid("url", &rule));
    }
    let checked = state.fetcher.check(&url);
    checked.map_err(|error| params::invalid("url", &error.to_string()))?;
    while let Some(piece) = payload.next().await {
        if piece.is_ok_and(|piece| !piece.is_empty()) {
            return Err(params::invalid("url", "excludes a body"));
        }
    }
    idempotency::once(&state.db, key, move |conn| {
        let id = fetching::begin(conn, &new, &url)?;
        let body = read(conn, id)?;
        Ok(Answer::created(format!("/api/admin/imports/{id}"), &body))
    })
    .await
}

/// Which imports.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ImportQuery {
    /// Entries on a page, 1 to 100.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<String>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

/// Lists imports, newest first. Staff only.
#[utoipa::path(
    tag = "imports",
    security(("token" = [])),
    params(ImportQuery),
    responses(
        (status = 200, body = ImportPageBody),
        (status = 400, body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/admin/imports")]
pub async fn list(
    state: Data<State>,
    _staff: Staff,
    query: Params<ImportQuery>,
) -> Result<Answer, Problem> {
    let size = params::page_size(query.0.limit.as_deref())?;
    let before = params::position(query.0.cursor.as_deref())?.unwrap_or(i64::MAX);
    let found = state
        .db
        .run(move |conn| imports::list(conn, before, size.get() + 1).map_err(Problem::from))
        .await?;
    let page = Page::from_overfetched(found, size, |import| import.id);
    Ok(Answer::ok(&ImportPageBody {
        has_more: page.next_cursor.is_some(),
        next_cursor: page.next_cursor,
        imports: page.items.into_iter().map(ImportBody::from).collect(),
    }))
}

/// Reads an import: how far it is, and what became of its rows. Staff only.
#[utoipa::path(
    tag = "imports",
    security(("token" = [])),
    params(("id" = i64, Path)),
    responses(
        (status = 200, body = ImportBody),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/admin/imports/{id}")]
pub async fn get(state: Data<State>, _staff: Staff, id: Path<String>) -> Result<Answer, Problem> {
    let id = import_id(&id)?;
    let body = state.db.run(move |conn| read(conn, id)).await?;
    Ok(Answer::ok(&body))
}

/// Ends an import that is not over. What is written of it stays. Staff only.
#[utoipa::path(
    tag = "imports",
    security(("token" = [])),
    params(("id" = i64, Path)),
    responses(
        (status = 200, body = ImportBody),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[post("/api/admin/imports/{id}/cancel")]
pub async fn cancel(
    state: Data<State>,
    staff: Staff,
    key: Key,
    id: Path<String>,
) -> Result<Answer, Problem> {
    let id = import_id(&id)?;
    let key = key.bind(&Caller::User(staff.0), &[]);
    idempotency::once(&state.db, key, move |conn| {
        imports::cancel(conn, id).map_err(refuse)?;
        Ok(Answer::ok(&read(conn, id)?))
    })
    .await
}

/// Forgets an import that is over, with its results. Staff only.
#[utoipa::path(
    tag = "imports",
    security(("token" = [])),
    params(("id" = i64, Path)),
    responses(
        (status = 204),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[delete("/api/admin/imports/{id}")]
pub async fn delete(
    state: Data<State>,
    staff: Staff,
    key: Key,
    id: Path<String>,
) -> Result<Answer, Problem> {
    let id = import_id(&id)?;
    let key = key.bind(&Caller::User(staff.0), &[]);
    idempotency::once(&state.db, key, move |conn| {
        imports::delete(conn, id).map_err(refuse)?;
        Ok(Answer::no_content())
    })
    .await
}

pub(super) fn import_id(text: &str) -> Result<i64, Problem> {
    params::path_id(text, "import_not_found", "There is no such import")
}

pub(super) fn not_found() -> Problem {
    Problem::not_found("import_not_found", "There is no such import")
}

fn read(conn: &mut PgConnection, id: i64) -> Result<ImportBody, Problem> {
    let import = imports::find(conn, id)?.ok_or_else(not_found)?;
    Ok(import.into())
}

fn refuse(error: EndError) -> Problem {
    match error {
        EndError::NotFound => not_found(),
        EndError::Is(state) if state.is_final() => {
            Problem::conflict("import_over", "The import is over").detail(error.to_string())
        }
        EndError::Is(_) => Problem::conflict("import_unfinished", "The import is not over")
            .detail("cancel it first, or wait for its end"),
        EndError::Db(error) => error.into(),
    }
}
