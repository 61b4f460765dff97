//! The bytes of pictures and other files, at addresses that never change what they lead to.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, get};
use catalog::media::{self, Hash, Stored};
use tokio::time::timeout;

use super::money::ProblemBody;
use crate::http::{Problem, precondition};
use crate::media::files;
use crate::media::picture::Kind;
use crate::media::store::StoreError;
use crate::state::State;

/// What is asked for once is never asked for again.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// What may be called something else by then: a file that is no picture.
const FOR_MINUTES: &str = "public, max-age=300";
/// The original in place of what is not made yet.
const FOR_A_MOMENT: &str = "public, max-age=5";

/// How long the store may take: less than the request may, so that it is said what is away.
const PATIENCE: Duration = Duration::from_secs(2);

/// What an original is called in the store and at its address.
pub fn original_name(content_type: &str) -> String {
    // What a later release has kept is not sent by this one.
    let extension = files::extension(content_type).unwrap_or("bin");
    format!("original.{extension}")
}

/// The address of an original.
pub fn url(hash: Hash, content_type: &str) -> String {
    format!("/media/{hash}/{}", original_name(content_type))
}

/// Sends a picture: `original.jpg`, `.png` or `.webp`, or `{width}.webp` in one of its widths; or another file, to be saved.
///
/// As long as a picture was not made smaller yet, the original is sent instead, for a few seconds.
#[utoipa::path(
    tag = "media",
    params(
        ("hash" = String, Path, description = "SHA-256 of the original"),
        ("name" = String, Path, example = "320.webp"),
    ),
    responses(
        (status = 200, description = "The picture", content(
            (Vec<u8> = "image/webp"), (Vec<u8> = "image/jpeg"), (Vec<u8> = "image/png"), (Vec<u8> = "application/pdf"),
            (Vec<u8> = "application/zip"), (Vec<u8> = "application/octet-stream"),
        )),
        (status = 304, description = "Unchanged"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/media/{hash}/{name}")]
pub async fn get(
    state: Data<State>,
    request: HttpRequest,
    path: Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    let (hash, name) = path.into_inner();
    let hash: Hash = hash.parse().map_err(|_| not_found())?;
    if let Some(sent) = look(&state, &request, hash, &name).await? {
        return Ok(sent);
    }
    // What was remembered was deleted a moment ago. Another picture may have the same bytes.
    state.media.known.invalidate(&hash).await;
    let sent = look(&state, &request, hash, &name).await?;
    sent.ok_or_else(not_found)
}

/// The answer; `None` where the bytes are not where they should be.
async fn look(
    state: &State,
    request: &HttpRequest,
    hash: Hash,
    name: &str,
) -> Result<Option<HttpResponse>, Problem> {
    let stored = find(state, hash).await?.ok_or_else(not_found)?;
    let content_type = stored.content_type.as_str();
    files::extension(content_type).ok_or_else(not_found)?;
    let original = original_name(content_type);
    let is_width = |width: &i32| name == format!("{width}.webp");
    if name == original {
        let sent = (hash, name, content_type);
        let is_picture = Kind::of_content_type(content_type).is_some();
        let cached = if is_picture { FOR_EVER } else { FOR_MINUTES };
        return send(state, request, &stored, sent, cached).await;
    }
    if !stored.widths.iter().any(is_width) {
        return Err(not_found());
    }
    if stored.is_rendered {
        let sent = (hash, name, Kind::Webp.content_type());
        return send(state, request, &stored, sent, FOR_EVER).await;
    }
    let sent = (hash, &original[..], content_type);
    send(state, request, &stored, sent, FOR_A_MOMENT).await
}

async fn find(state: &State, hash: Hash) -> Result<Option<Arc<Stored>>, Problem> {
    if let Some(known) = state.media.known.get(&hash).await {
        return Ok(Some(known));
    }
    let find = move |conn: &mut diesel::PgConnection| media::find_stored(conn, hash);
    let found = state
        .db
        .run(move |conn| find(conn).map_err(Problem::from))
        .await?;
    let found = found.map(Arc::new);
    if let Some(found) = found.as_ref().filter(|found| found.is_rendered) {
        state.media.known.insert(hash, Arc::clone(found)).await;
    }
    Ok(found)
}

async fn send(
    state: &State,
    request: &HttpRequest,
    stored: &Stored,
    (hash, name, content_type): (Hash, &str, &str),
    cache_control: &str,
) -> Result<Option<HttpResponse>, Problem> {
    let etag = format!("\"{hash}/{name}\"");
    let describe = |mut response: HttpResponseBuilder| {
        response
            .insert_header((ETAG, etag.as_str()))
            .insert_header((CACHE_CONTROL, cache_control))
            .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"));
        if Kind::of_content_type(content_type).is_none() {
            // Whatever a browser makes of it, it is nothing of this site.
            response
                .insert_header((CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox"))
                .insert_header(files::to_be_saved(&stored.name, name));
        }
        response
    };
    if precondition::is_known(request.headers(), &etag) {
        return Ok(Some(describe(HttpResponse::NotModified()).finish()));
    }
    let stream = timeout(PATIENCE, state.media.store.get(&stored.file, name)).await;
    let stream = match stream {
        Ok(Ok(stream)) => stream,
        Ok(Err(StoreError::NotFound)) => return Ok(None),
        Ok(Err(error)) => {
            log::error!(file = stored.file.as_str(), error:% = error; "a picture cannot be read");
            return Err(unavailable());
        }
        Err(_) => {
            log::error!(file = stored.file.as_str(); "the store of pictures takes too long");
            return Err(unavailable());
        }
    };
    let response = describe(HttpResponse::Ok())
        .insert_header((CONTENT_TYPE, content_type))
        .no_chunking(stream.bytes)
        .streaming(stream.pieces);
    Ok(Some(response))
}

fn unavailable() -> Problem {
    Problem::unavailable(
        "store_unavailable",
        "The store of pictures is not available",
    )
}

fn not_found() -> Problem {
    Problem::not_found("media_not_found", "There is no such picture")
}
