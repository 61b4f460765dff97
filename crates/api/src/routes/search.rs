//! What customers look for, read from finished bytes.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, get};
use catalog::search::{self, SearchError};
use diesel::PgConnection;

use super::money::ProblemBody;
use super::products::to_bytes;
use super::search_bodies::SearchBody;
use super::search_query::SearchQuery;
use crate::cache::Key;
use crate::http::{Problem, finished, params};
use crate::state::State;

/// Finds products on sale by words, facets and prices.
///
/// Values of one facet are alternatives, between facets all have to match. Words are compared by their stems, without
/// accents; a word of five letters or more that no product has may have one typing error.
#[utoipa::path(
    tag = "products",
    params(SearchQuery),
    responses(
        (status = 200, body = SearchBody), (status = 304, description = "Unchanged"),
        (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/search")]
pub async fn find(
    state: Data<State>,
    request: HttpRequest,
    query: SearchQuery,
) -> Result<HttpResponse, Problem> {
    let search = query.checked(&state.config)?;
    let (size, with_facets) = (search.size, !search.facets.is_empty());
    let load = || async {
        let search = search.clone();
        let read = move |conn: &mut PgConnection| {
            let found = search::find(conn, &search)?;
            let mut body = SearchBody::new(found, size, with_facets);
            body.translate(conn, search.market)?;
            Ok::<_, Problem>(body)
        };
        to_bytes(&state.db.run(read).await?).map(Some)
    };
    let cached = state
        .cache
        .get(Key::Search(Box::new(search.clone())), load)
        .await?
        .ok_or_else(Problem::internal)?;
    Ok(finished::answer(&request, &cached))
}

impl From<SearchError> for Problem {
    fn from(error: SearchError) -> Self {
        match error {
            SearchError::NotBuilt => {
                Self::unavailable("search_not_ready", "The search index is being built")
            }
            SearchError::UnknownField(key) => params::invalid(
                "field",
                &format!("`{key}` is no custom field by which products are found"),
            ),
            error @ (SearchError::InvalidRange(..) | SearchError::TooManyRanges) => {
                params::invalid("field", &error.to_string())
            }
            SearchError::Db(error) => error.into(),
        }
    }
}
