//! The products of a category, read from finished bytes.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get};
use catalog::categories::{self, listing};
use diesel::PgConnection;
use domain::PageSize;
use serde::Deserialize;
use utoipa::IntoParams;

use super::categories::{category_id, not_found, position};
use super::category_bodies::CategoryProductsBody;
use super::market::market;
use super::money::ProblemBody;
use super::product_bodies::translate;
use super::products::to_bytes;
use crate::cache::Key;
use crate::http::{Params, Problem, finished, params};
use crate::state::State;

/// Which part of a list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Products on a page, 1 to 100.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<String>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

impl PageQuery {
    /// The page size, and the place and the id behind which the page begins.
    pub(super) fn part(&self) -> Result<(PageSize, (i64, i64)), Problem> {
        let size = params::page_size(self.limit.as_deref())?;
        Ok((size, position(self.cursor.as_deref())?))
    }
}

/// Which products.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CategoryProductQuery {
    /// Whether products of all categories below are listed too, each once; a category that is ordered by hand then
    /// has the newest first.
    #[param(value_type = Option<bool>)]
    include_descendants: Option<String>,
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

impl CategoryProductQuery {
    fn with_descendants(&self) -> Result<bool, Problem> {
        let asked = self.include_descendants.as_deref();
        Ok(params::parse::<bool>("includeDescendants", asked)?.unwrap_or(false))
    }

    fn part(&self) -> Result<(PageSize, (i64, i64)), Problem> {
        let size = params::page_size(self.limit.as_deref())?;
        Ok((size, position(self.cursor.as_deref())?))
    }
}

/// Lists products on sale of a category, in the category's order.
#[utoipa::path(
    tag = "categories",
    params(("id" = i64, Path), CategoryProductQuery),
    responses(
        (status = 200, body = CategoryProductsBody), (status = 304, description = "Unchanged"),
        (status = 400, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/categories/{id}/products")]
pub async fn list(
    state: Data<State>,
    request: HttpRequest,
    id: Path<String>,
    query: Params<CategoryProductQuery>,
) -> Result<HttpResponse, Problem> {
    let id = category_id(&id)?;
    let (size, after) = query.0.part()?;
    let with_descendants = query.0.with_descendants()?;
    let market = market(
        state.config.shop.currency,
        query.0.currency.as_deref(),
        query.0.country.as_deref(),
        query.0.locale.as_deref(),
    )?;
    let load = || async {
        let read = move |conn: &mut PgConnection| {
            let Some(category) = categories::find(conn, id)? else {
                return Ok(None);
            };
            let page = listing::page(conn, &category, with_descendants, after, size, market)?;
            let mut body = CategoryProductsBody::new(page, size);
            translate(conn, &mut body.products, market)?;
            Ok::<_, Problem>(Some(body))
        };
        let found = state.db.run(read).await?;
        found.map(|body| to_bytes(&body)).transpose()
    };
    let key = Key::CategoryProducts {
        category: id,
        with_descendants,
        after,
        size,
        market,
    };
    let cached = state.cache.get(key, load).await?.ok_or_else(not_found)?;
    Ok(finished::answer(&request, &cached))
}
