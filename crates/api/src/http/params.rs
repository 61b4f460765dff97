//! Query parameters and ids in paths, strictly.

use std::future::{Ready, ready};
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use domain::{Cursor, PageSize};
use serde::de::DeserializeOwned;

use super::Problem;

/// The query parameters of a route; an unknown or repeated one is a 400.
#[derive(Debug)]
pub struct Params<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Params<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(
            web::Query::<T>::from_query(request.query_string())
                .map(|query| Self(query.into_inner()))
                .map_err(|error| {
                    let message = error.to_string();
                    let message = message.rsplit(": ").next().unwrap_or_default().to_owned();
                    Problem::bad_request("invalid_query", "A query parameter is not valid")
                        .detail(message)
                }),
        )
    }
}

/// A parameter's value, or a 400 that names it.
///
/// # Errors
///
/// 400 `invalid_query`.
pub fn parse<T>(name: &'static str, text: Option<&str>) -> Result<Option<T>, Problem>
where
    T: FromStr,
    T::Err: std::fmt::Display,
{
    text.map(|text| {
        text.parse::<T>()
            .map_err(|error| invalid(name, &error.to_string()))
    })
    .transpose()
}

/// A page size from `limit`.
///
/// # Errors
///
/// 400 `invalid_query`.
pub fn page_size(limit: Option<&str>) -> Result<PageSize, Problem> {
    match parse::<i64>("limit", limit)? {
        None => Ok(PageSize::default()),
        Some(limit) => {
            PageSize::try_from(limit).map_err(|error| invalid("limit", &error.to_string()))
        }
    }
}

/// The position of `cursor`.
///
/// # Errors
///
/// 400 `invalid_query`.
pub fn position(cursor: Option<&str>) -> Result<Option<i64>, Problem> {
    Ok(parse::<Cursor>("cursor", cursor)?.map(Cursor::position))
}

/// An id in a path. Anything that is not one cannot be found.
///
/// # Errors
///
/// 404 with `code`.
pub fn path_id<T: FromStr>(
    text: &str,
    code: &'static str,
    title: &'static str,
) -> Result<T, Problem> {
    text.parse().map_err(|_| Problem::not_found(code, title))
}

/// 400 for one query parameter.
#[must_use]
pub fn invalid(name: &'static str, message: &str) -> Problem {
    Problem::bad_request("invalid_query", "A query parameter is not valid")
        .detail(format!("{name}: {message}"))
        .field(name, "invalid", message)
}
