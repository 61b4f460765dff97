//! `If-Match`, a write that holds only for what was read, and `If-None-Match`, a read of what is not there yet (RFC 9110, 13.1).

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap, IF_MATCH, IF_NONE_MATCH};

use super::Problem;

/// The ETag that was read. One that cannot be read is not taken for none, which would write whatever
/// the resource is by now.
///
/// # Errors
///
/// 400 `invalid_if_match`.
pub fn if_match(request: &HttpRequest) -> Result<Option<String>, Problem> {
    let Some(etag) = request.headers().get(IF_MATCH) else {
        return Ok(None);
    };
    let etag = etag.to_str().map_err(|_| {
        Problem::bad_request("invalid_if_match", "If-Match is not an ETag of this shop")
    })?;
    Ok(Some(etag.trim().to_owned()))
}

/// The version that was read of a resource whose ETag is its version; `None` where any will do.
///
/// # Errors
///
/// Those of [`if_match`], and 412 for what never was an ETag of such a resource.
pub fn expected_version(request: &HttpRequest) -> Result<Option<i64>, Problem> {
    let Some(etag) = if_match(request)?.filter(|etag| etag != "*") else {
        return Ok(None);
    };
    let version = etag
        .strip_prefix('"')
        .and_then(|etag| etag.strip_suffix('"'))
        .and_then(|version| version.parse().ok());
    version.map(Some).ok_or_else(stale)
}

/// Whether the client has what has this ETag.
#[must_use]
pub fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    let known = headers.get(IF_NONE_MATCH);
    let is_its = |tag: &str| tag == "*" || tag.trim_start_matches("W/") == etag;
    known
        .and_then(|value| value.to_str().ok())
        .is_some_and(|known| known.split(',').map(str::trim).any(is_its))
}

/// 412: it has changed since it was read.
#[must_use]
pub fn stale() -> Problem {
    Problem::new(
        StatusCode::PRECONDITION_FAILED,
        "precondition_failed",
        "It has changed since it was read",
    )
    .detail("read it again, and send the ETag that comes with it as If-Match")
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn version(if_match: Option<&str>) -> Result<Option<i64>, u64> {
        let mut request = TestRequest::default();
        if let Some(etag) = if_match {
            request = request.insert_header((IF_MATCH, etag));
        }
        expected_version(&request.to_http_request())
            .map_err(|problem| problem.to_json()["status"].as_u64().unwrap_or_default())
    }

    #[test]
    fn a_version_is_read_from_its_etag_and_nothing_else_matches() {
        assert_eq!(version(None), Ok(None));
        assert_eq!(version(Some("*")), Ok(None));
        assert_eq!(version(Some(" \"7\" ")), Ok(Some(7)));
        for other in [
            "7",
            "\"7",
            "W/\"7\"",
            "\"seven\"",
            "\"1\", \"2\"",
            "\"99999999999999999999\"",
        ] {
            assert_eq!(version(Some(other)), Err(412), "{other}");
        }
        assert_eq!(version(Some("\"é\"")), Err(400));
    }

    #[test]
    fn a_client_has_what_it_names_and_with_a_star_all() {
        let has = |tags: &str| {
            let request = TestRequest::default().insert_header((IF_NONE_MATCH, tags));
            is_known(request.to_http_request().headers(), "\"a/b\"")
        };
        for tags in ["\"a/b\"", "*", "\"x\", W/\"a/b\""] {
            assert!(has(tags), "{tags}");
        }
        for tags in ["", "a/b", "\"a\"", "\"é\""] {
            assert!(!has(tags), "{tags}");
        }
        assert!(!is_known(
            TestRequest::default().to_http_request().headers(),
            ""
        ));
    }
}
