//! Pictures that staff sends.

use actix_web::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, delete, get, patch, post};
use catalog::media::{self, MAX_ALT_CHARS, MAX_NAME_CHARS, MediaError, editing, uploading};
use diesel::PgConnection;
use domain::{MediaId, Page};
use serde::Deserialize;
use utoipa::IntoParams;

use super::import_bodies::not_understood;
use super::locations::PartQuery;
use super::media_bodies::{MediaBody, MediaChangesBody, MediaPageBody};
use super::media_upload;
use crate::http::{
    Answer, Body, Caller, Change, Key, Params, Problem, Staff, idempotency, params, precondition,
    text,
};
use crate::media::incoming;
use crate::routes::money::ProblemBody;
use crate::state::State;

/// What a form of a web page sends.
const FORM: &str = "application/x-www-form-urlencoded";

/// What is said of a picture.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct NewMediaQuery {
    /// What staff finds it by.
    #[param(max_length = 200)]
    name: Option<String>,
    /// What is said for those who do not see it.
    #[param(max_length = 1000)]
    alt: Option<String>,
}

/// Takes a picture (JPEG, PNG or WebP) or another file, which its bytes tell. Staff only.
///
/// A picture is kept without metadata, upright and in sRGB, and a job makes it smaller then. Other files are kept as they are:
/// PDF, ZIP, documents of Office and OpenDocument, EPUB, MP3, MP4 and WebM.
#[utoipa::path(
    tag = "media",
    security(("token" = [])),
    params(NewMediaQuery),
    request_body(content((Vec<u8> = "image/jpeg"), (Vec<u8> = "image/png"), (Vec<u8> = "image/webp"), (Vec<u8> = "application/pdf"), (Vec<u8> = "application/octet-stream"))),
    responses(
        (status = 201, body = MediaBody),
        (status = 400, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 408, body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[post("/api/admin/media")]
pub async fn create(
    state: Data<State>,
    staff: Staff,
    key: Key,
    query: Params<NewMediaQuery>,
    request: HttpRequest,
    mut payload: Payload,
) -> Result<Answer, Problem> {
    check_type(&request)?;
    let name = text("name", query.0.name.unwrap_or_default(), 0, MAX_NAME_CHARS)?;
    let alt = text("alt", query.0.alt.unwrap_or_default(), 0, MAX_ALT_CHARS)?;
    let limits = &state.config.media;
    let limit = limits.max_bytes.max(limits.max_file_bytes);
    let received = media_upload::receive(&mut payload, limit).await?;
    let actor = staff.0.id;
    let request_key = key.bind(&Caller::User(staff.0), &received.digest);
    // To decode it again would be for nothing.
    if let Some(answer) = idempotency::find_answer(&state.db, request_key.clone()).await? {
        return Ok(answer);
    }
    let stored = media_upload::store(&state, &received, name, alt).await?;
    let id = stored.id;
    let answer = idempotency::once(&state.db, request_key, move |conn| {
        if !uploading::complete(conn, id, Some(actor))? {
            return Err(Problem::unavailable(
                "upload_lost",
                "The upload took too long",
            ));
        }
        let media = media::find(conn, id)?.ok_or_else(not_found)?;
        let (version, path) = (media.version, format!("/api/admin/media/{id}"));
        Ok(Answer::created(path, &MediaBody::from(media)).with_version(version))
    })
    .await;
    // Where another request with this key was faster, these bytes are some too many.
    incoming::discard(&state.media, &state.db, stored).await;
    answer
}

/// The type that is claimed decides nothing but that somebody meant to send a file, as no form of a web page does.
fn check_type(request: &HttpRequest) -> Result<(), Problem> {
    let header = |name| request.headers().get(name).and_then(|v| v.to_str().ok());
    if header(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return Err(not_understood("send the file as it is, not compressed"));
    }
    let content_type = header(CONTENT_TYPE)
        .unwrap_or_default()
        .to_ascii_lowercase();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    let is_of_no_form = ["image/", "audio/", "video/", "application/"]
        .iter()
        .any(|kind| essence.starts_with(kind));
    if is_of_no_form && !["application/json", FORM].contains(&essence) {
        return Ok(());
    }
    Err(not_understood(
        "send the bytes of a file as they are, as `Content-Type: image/jpeg`, `application/pdf` or whatever it is",
    ))
}

/// Lists pictures and other files, newest first. Staff only.
#[utoipa::path(
    tag = "media",
    security(("token" = [])),
    params(PartQuery),
    responses(
        (status = 200, body = MediaPageBody),
        (status = 400, body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/admin/media")]
pub async fn list(
    state: Data<State>,
    _staff: Staff,
    query: Params<PartQuery>,
) -> Result<Answer, Problem> {
    let (size, before) = query.0.part(i64::MAX)?;
    let found = state
        .db
        .run(move |conn| media::list(conn, before, size.get() + 1).map_err(Problem::from))
        .await?;
    let page = Page::from_overfetched(found, size, |media| media.id.get());
    Ok(Answer::ok(&MediaPageBody::from((page, size))))
}

/// Reads what is known of a picture; the ETag counts its changes. Staff only.
#[utoipa::path(
    tag = "media",
    security(("token" = [])),
    params(("id" = i64, Path)),
    responses(
        (status = 200, body = MediaBody),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/admin/media/{id}")]
pub async fn get(state: Data<State>, _staff: Staff, id: Path<String>) -> Result<Answer, Problem> {
    let id = media_id(&id)?;
    state.db.run(move |conn| read(conn, id)).await
}

/// Changes what is said of a picture. Products keep what they say of it. Staff only.
#[utoipa::path(
    tag = "media",
    security(("token" = [])),
    params(("id" = i64, Path), ("If-Match" = Option<String>, Header, description = "The ETag that was read")),
    request_body = MediaChangesBody,
    responses(
        (status = 200, body = MediaBody),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[patch("/api/admin/media/{id}")]
pub async fn update(
    state: Data<State>,
    change: Change,
    id: Path<String>,
    body: Body<MediaChangesBody>,
) -> Result<Answer, Problem> {
    let id = media_id(&id)?;
    let (actor, expected, request_key) = change.bind(&body.bytes);
    let changes = body.value.checked()?;
    let is_renamed = changes.name.is_some();
    let answer = idempotency::once(&state.db, request_key, move |conn| {
        editing::update(conn, id, changes, expected, Some(actor)).map_err(refuse)?;
        read(conn, id)
    })
    .await?;
    // A file is shown by its name with whatever names it.
    if is_renamed {
        state.cache.many_products_changed().await;
    }
    Ok(answer)
}

/// Deletes a picture or another file that no product has, and no value of a custom field names. Staff only.
#[utoipa::path(
    tag = "media",
    security(("token" = [])),
    params(("id" = i64, Path), ("If-Match" = Option<String>, Header, description = "The ETag that was read")),
    responses(
        (status = 204),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[delete("/api/admin/media/{id}")]
pub async fn delete(
    state: Data<State>,
    change: Change,
    id: Path<String>,
) -> Result<Answer, Problem> {
    let id = media_id(&id)?;
    let (actor, expected, request_key) = change.bind(&[]);
    idempotency::once(&state.db, request_key, move |conn| {
        editing::delete(conn, id, expected, Some(actor)).map_err(refuse)?;
        Ok(Answer::no_content())
    })
    .await
}

fn read(conn: &mut PgConnection, id: MediaId) -> Result<Answer, Problem> {
    let media = media::find(conn, id)?.ok_or_else(not_found)?;
    let version = media.version;
    Ok(Answer::ok(&MediaBody::from(media)).with_version(version))
}

fn media_id(text: &str) -> Result<MediaId, Problem> {
    params::path_id(text, "media_not_found", "There is no such picture")
}

fn not_found() -> Problem {
    Problem::not_found("media_not_found", "There is no such picture")
}

fn refuse(error: MediaError) -> Problem {
    match error {
        MediaError::NotFound => not_found(),
        MediaError::Stale(_) => precondition::stale(),
        MediaError::InUse => Problem::conflict("media_in_use", "It is in use")
            .detail("take it first from the products that have it, and from the custom fields whose values name it"),
        MediaError::TooManyLocales => Problem::invalid("alts", "length", error.to_string()),
        MediaError::Db(error) => error.into(),
    }
}
