//! Products beside a product, read from finished bytes.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get};
use catalog::products::{self, related};
use diesel::PgConnection;
use domain::ProductRelation;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::market::market;
use super::money::ProblemBody;
use super::product_bodies::{ProductBody, translate};
use super::products::{not_found, product_id, to_bytes};
use crate::cache::Key;
use crate::http::{Params, Problem, finished, params};
use crate::state::State;

/// Products that are shown beside one.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RelatedProducts)]
pub struct RelatedBody {
    /// Those on sale, in the order that staff gave them.
    products: Vec<ProductBody>,
}

/// Which ones, and for whom the prices are.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RelatedQuery {
    /// `related` where it is left out, `up_sell` or `cross_sell`.
    relation: Option<String>,
    /// Prices in this currency where there are such; the shop's where it is left out.
    currency: Option<String>,
    /// Where the order is to go (ISO 3166-1), for prices that differ by country.
    country: Option<String>,
    /// The language of texts (BCP 47), where there are translations.
    locale: Option<String>,
}

/// Lists the products on sale that are shown beside a product on sale.
#[utoipa::path(
    tag = "products",
    params(("id" = i64, Path), RelatedQuery),
    responses(
        (status = 200, body = RelatedBody), (status = 304, description = "Unchanged"),
        (status = 400, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/products/{id}/related")]
pub async fn list(
    state: Data<State>,
    request: HttpRequest,
    id: Path<String>,
    query: Params<RelatedQuery>,
) -> Result<HttpResponse, Problem> {
    let product = product_id(&id)?;
    let query = query.0;
    let market = market(
        state.config.shop.currency,
        query.currency.as_deref(),
        query.country.as_deref(),
        query.locale.as_deref(),
    )?;
    let relation = params::parse("relation", query.relation.as_deref())?;
    let relation = relation.unwrap_or(ProductRelation::Related);
    let load = || async {
        let read = move |conn: &mut PgConnection| {
            if products::find(conn, product, market)?.is_none() {
                return Ok(None);
            }
            let rows = related::list(conn, product, relation, market)?;
            let mut products: Vec<ProductBody> = rows.into_iter().map(Into::into).collect();
            translate(conn, &mut products, market)?;
            Ok::<_, Problem>(Some(RelatedBody { products }))
        };
        let found = state.db.run(read).await?;
        found.map(|body| to_bytes(&body)).transpose()
    };
    let key = Key::Related {
        product,
        relation,
        market,
    };
    let cached = state.cache.get(key, load).await?.ok_or_else(not_found)?;
    Ok(finished::answer(&request, &cached))
}
