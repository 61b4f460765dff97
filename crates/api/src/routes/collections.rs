//! Collections, read from finished bytes.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get};
use catalog::collections::{self, Collection};
use diesel::{PgConnection, QueryResult};
use domain::{CollectionId, PageSize, Slug};
use serde::Deserialize;
use utoipa::IntoParams;

use super::collection_bodies::{CollectionBody, CollectionPageBody};
use super::money::ProblemBody;
use super::products::to_bytes;
use crate::cache::{Key, Which};
use crate::http::{Params, Problem, finished, params};
use crate::state::State;

/// Which part of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CollectionQuery {
    /// Collections on a page, 1 to 100.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<String>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

impl CollectionQuery {
    /// The page size, and the id behind which the page begins.
    pub(super) fn part(&self) -> Result<(PageSize, i64), Problem> {
        let size = params::page_size(self.limit.as_deref())?;
        let after = params::position(self.cursor.as_deref())?;
        Ok((size, after.unwrap_or(0)))
    }
}

/// Lists collections, oldest first.
#[utoipa::path(
    tag = "collections",
    params(CollectionQuery),
    responses(
        (status = 200, body = CollectionPageBody), (status = 304, description = "Unchanged"),
        (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/collections")]
pub async fn list(
    state: Data<State>,
    request: HttpRequest,
    query: Params<CollectionQuery>,
) -> Result<HttpResponse, Problem> {
    let (size, after) = query.0.part()?;
    let load = || async {
        let read = move |conn: &mut PgConnection| {
            collections::list(conn, after, size).map_err(Problem::from)
        };
        let rows = state.db.run(read).await?;
        to_bytes(&CollectionPageBody::new(rows, size, false)).map(Some)
    };
    let cached = state.cache.get(Key::Collections { after, size }, load);
    let cached = cached.await?.ok_or_else(Problem::internal)?;
    Ok(finished::answer(&request, &cached))
}

/// Reads a collection by its id or its slug.
#[utoipa::path(
    tag = "collections",
    params(("id" = String, Path, description = "An id or a slug, which has a letter")),
    responses(
        (status = 200, body = CollectionBody), (status = 304, description = "Unchanged"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/collections/{id}")]
pub async fn get(
    state: Data<State>,
    request: HttpRequest,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    let which = which(&id)?;
    let load = || async {
        let which = which.clone();
        let read = move |conn: &mut PgConnection| find(conn, &which).map_err(Problem::from);
        let found = state.db.run(read).await?;
        let body = found.map(|collection| CollectionBody::new(collection, false));
        body.map(|body| to_bytes(&body)).transpose()
    };
    let cached = state.cache.get(Key::Collection(which.clone()), load);
    let cached = cached.await?.ok_or_else(not_found)?;
    Ok(finished::answer(&request, &cached))
}

pub(super) fn find(conn: &mut PgConnection, which: &Which) -> QueryResult<Option<Collection>> {
    match which {
        Which::Id(id) => collections::find(conn, *id),
        Which::Named(slug) => collections::find_by_slug(conn, slug),
    }
}

/// The collection of an address. A slug has a letter, and an id has none.
pub(super) fn which(text: &str) -> Result<Which, Problem> {
    if text.bytes().any(|byte| byte.is_ascii_lowercase()) {
        return text
            .parse::<Slug>()
            .map(Which::Named)
            .map_err(|_| not_found());
    }
    collection_id(text).map(Which::Id)
}

/// An id from the path.
pub(super) fn collection_id(text: &str) -> Result<CollectionId, Problem> {
    text.parse().map_err(|_| not_found())
}

pub(super) fn not_found() -> Problem {
    Problem::not_found("collection_not_found", "There is no such collection")
}
