//! The file of an export, from any byte on.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_RANGE, ETAG, IF_RANGE, RANGE,
};
use actix_web::web::{Bytes, Data, Path};
use actix_web::{HttpRequest, HttpResponse, get};
use catalog::exports::{self, PART};
use futures_util::stream;

use super::exports::{export_id, find, needs_for_file};
use crate::http::{Problem, Staff};
use crate::routes::money::ProblemBody;
use crate::state::State;

/// Fetches the file of an export that has succeeded, or what of it a `Range` asks for: a download that broke off goes on
/// with `Range: bytes=N-` and `If-Range` with the ETag. Staff only.
#[utoipa::path(
    tag = "exports",
    security(("token" = [])),
    params(
        ("id" = i64, Path),
        ("Range" = Option<String>, Header, description = "`bytes=N-`; others are not looked at"),
        ("If-Range" = Option<String>, Header, description = "The ETag of the file whose rest is wanted"),
    ),
    responses(
        (status = 200, description = "The file", content((String = "text/csv"), (String = "application/x-ndjson"))),
        (status = 206, description = "The rest of the file", content(
            (String = "text/csv"), (String = "application/x-ndjson"),
        )),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"),
        (status = 416, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/admin/exports/{id}/file")]
pub async fn file(
    state: Data<State>,
    staff: Staff,
    id: Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let id = export_id(&id)?;
    let export = state.db.run(move |conn| find(conn, id)).await?;
    needs_for_file(&staff, export.what())?;
    let Some(attempt) = export.attempt.filter(|_| export.state == "succeeded") else {
        return Err(Problem::conflict("no_file", "The export has no file")
            .detail(format!("it is {}", export.state)));
    };
    let etag = format!("\"{id}-{attempt}\"");
    let header = |name| request.headers().get(name).and_then(|v| v.to_str().ok());
    let is_same = header(IF_RANGE).is_none_or(|known| known == etag);
    let start = header(RANGE).filter(|_| is_same).and_then(start_of);
    let bytes = u64::try_from(export.bytes).unwrap_or_default();
    if start.is_some_and(|start| start >= bytes) {
        return Err(Problem::new(
            StatusCode::RANGE_NOT_SATISFIABLE,
            "range_not_satisfiable",
            "The file ends before",
        )
        .detail(format!("it has {bytes} bytes")));
    }
    let mut response = match start {
        None => HttpResponse::Ok(),
        Some(start) => {
            let mut response = HttpResponse::PartialContent();
            let range = format!("bytes {start}-{}/{bytes}", bytes - 1);
            response.insert_header((CONTENT_RANGE, range));
            response
        }
    };
    let (kind, name) = match export.format.as_str() {
        "ndjson" => ("application/x-ndjson", "ndjson"),
        _ => ("text/csv; charset=utf-8", "csv"),
    };
    response
        .insert_header((ETAG, etag))
        .insert_header((ACCEPT_RANGES, "bytes"))
        .insert_header((
            CONTENT_DISPOSITION,
            format!("attachment; filename=\"{}-{id}.{name}\"", export.kind),
        ))
        .content_type(kind);
    Ok(response.streaming(parts(state.into_inner(), id, start.unwrap_or(0))))
}

/// The first byte that a client wants; `None` for what is no such wish, which is then not looked at (RFC 9110, 14.2).
fn start_of(range: &str) -> Option<u64> {
    range
        .strip_prefix("bytes=")?
        .strip_suffix('-')?
        .parse()
        .ok()
}

/// The file from a byte on, a part at a time and as fast as they are taken; an error breaks the answer off.
fn parts(
    state: Arc<State>,
    id: i64,
    start: u64,
) -> impl futures_util::Stream<Item = Result<Bytes, Problem>> {
    let part = u64::try_from(PART).unwrap_or(u64::MAX);
    let number = i64::try_from(start / part).unwrap_or(i64::MAX);
    let skip = usize::try_from(start % part).unwrap_or_default();
    stream::try_unfold(
        (state, number, skip),
        move |(state, number, skip)| async move {
            let read = move |conn: &mut diesel::PgConnection| {
                exports::part(conn, id, number).map_err(Problem::from)
            };
            let found = state.db.run(read).await?;
            Ok(found.map(|bytes| {
                let bytes = Bytes::from(bytes);
                (bytes.slice(skip.min(bytes.len())..), (state, number + 1, 0))
            }))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::start_of;

    #[test]
    fn only_the_rest_of_a_file_can_be_asked_for() {
        assert_eq!(start_of("bytes=0-"), Some(0));
        assert_eq!(start_of("bytes=262145-"), Some(262_145));
        for other in [
            "",
            "bytes=",
            "bytes=-5",
            "bytes=1-5",
            "bytes=1-,9-",
            "lines=1-",
            "bytes=x-",
        ] {
            assert_eq!(start_of(other), None, "{other}");
        }
    }
}
