//! The products of a collection, read from finished bytes.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get};
use catalog::collections::listing;
use diesel::PgConnection;
use serde::Deserialize;
use utoipa::IntoParams;

use super::categories::position;
use super::category_bodies::CategoryProductsBody;
use super::collections::{find, not_found, which};
use super::market::market;
use super::money::ProblemBody;
use super::product_bodies::translate;
use super::products::to_bytes;
use crate::cache::Key;
use crate::http::{Params, Problem, finished, params};
use crate::state::State;

/// Which products.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CollectionProductQuery {
    /// Products on a page, 1 to 100.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<String>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
    /// Prices in this currency where there are such; the shop's where it is left out.
    currency: Option<String>,
    /// Where the order is to go (ISO 3166-1), for prices that differ by country.
    country: Option<String>,
    /// The language of texts (BCP 47), where there are translations.
    locale: Option<String>,
}

/// Lists products on sale of a collection, in its order.
#[utoipa::path(
    tag = "collections",
    params(("id" = String, Path, description = "An id or a slug, which has a letter"), CollectionProductQuery),
    responses(
        (status = 200, body = CategoryProductsBody), (status = 304, description = "Unchanged"),
        (status = 400, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/collections/{id}/products")]
pub async fn list(
    state: Data<State>,
    request: HttpRequest,
    id: Path<String>,
    query: Params<CollectionProductQuery>,
) -> Result<HttpResponse, Problem> {
    let collection = which(&id)?;
    let size = params::page_size(query.0.limit.as_deref())?;
    let after = position(query.0.cursor.as_deref())?;
    let market = market(
        state.config.shop.currency,
        query.0.currency.as_deref(),
        query.0.country.as_deref(),
        query.0.locale.as_deref(),
    )?;
    let load = || async {
        let which = collection.clone();
        let read = move |conn: &mut PgConnection| {
            let Some(collection) = find(conn, &which)? else {
                return Ok(None);
            };
            let page = listing::page(conn, &collection, after, size, market)?;
            let mut body = CategoryProductsBody::new(page, size);
            translate(conn, &mut body.products, market)?;
            Ok::<_, Problem>(Some(body))
        };
        let found = state.db.run(read).await?;
        found.map(|body| to_bytes(&body)).transpose()
    };
    let key = Key::CollectionProducts {
        collection: collection.clone(),
        after,
        size,
        market,
    };
    let cached = state.cache.get(key, load).await?.ok_or_else(not_found)?;
    Ok(finished::answer(&request, &cached))
}
