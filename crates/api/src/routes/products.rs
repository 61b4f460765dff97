//! Products, read from finished bytes.

use actix_web::http::header::{CACHE_CONTROL, LOCATION};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse, get};
use catalog::prices::Market;
use catalog::products::{self, Product, Start};
use diesel::{PgConnection, QueryResult};
use domain::{Currency, Page, PageSize, ProductId, Slug};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use super::market::market;
use super::money::ProblemBody;
use super::product_bodies::{ProductBody, ProductPageBody, translate};
use crate::cache::Key;
use crate::http::{Params, Problem, finished, params};
use crate::state::State;

/// Which products.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ProductQuery {
    /// Text to find in name, description or at the start of the SKU.
    q: Option<String>,
    /// Number of the page, from 1. Not together with `cursor`.
    #[param(value_type = Option<u32>, minimum = 1)]
    page: Option<String>,
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

/// For whom the prices are.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MarketQuery {
    /// Prices in this currency where there are such; the shop's where it is left out.
    currency: Option<String>,
    /// Where the order is to go (ISO 3166-1), for prices that differ by country.
    country: Option<String>,
    /// The language of texts (BCP 47), where there are translations.
    locale: Option<String>,
}

impl MarketQuery {
    fn market(&self, shop: Currency) -> Result<Market, Problem> {
        market(
            shop,
            self.currency.as_deref(),
            self.country.as_deref(),
            self.locale.as_deref(),
        )
    }
}

/// The last page that can be asked for by number; cursors go further, and faster.
const MAX_PAGE: u32 = 1_000_000;
const MAX_SEARCH_CHARS: usize = 200;

impl ProductQuery {
    fn key(self, shop: Currency) -> Result<Key, Problem> {
        let market = market(
            shop,
            self.currency.as_deref(),
            self.country.as_deref(),
            self.locale.as_deref(),
        )?;
        let size = params::page_size(self.limit.as_deref())?;
        let position = params::position(self.cursor.as_deref())?;
        let page = params::parse::<u32>("page", self.page.as_deref())?;
        let start = match (position, page) {
            (Some(_), Some(_)) => {
                return Err(params::invalid(
                    "page",
                    "page and cursor exclude each other",
                ));
            }
            (Some(position), None) => Start::After(position),
            (None, page) => Start::Page(page.unwrap_or(1)),
        };
        if matches!(start, Start::Page(page) if !(1..=MAX_PAGE).contains(&page)) {
            return Err(params::invalid("page", "must be 1 to 1000000"));
        }
        let search = self
            .q
            .map(|q| q.trim().to_lowercase())
            .filter(|q| !q.is_empty());
        if let Some(search) = &search {
            if search.chars().count() > MAX_SEARCH_CHARS {
                return Err(params::invalid("q", "must have at most 200 characters"));
            }
            if search.chars().any(char::is_control) {
                return Err(params::invalid("q", "must not contain control characters"));
            }
        }
        Ok(Key::ProductList {
            search,
            start,
            size,
            market,
        })
    }
}

/// Lists products on sale.
#[utoipa::path(
    tag = "products",
    params(ProductQuery),
    responses(
        (status = 200, body = ProductPageBody), (status = 304, description = "Unchanged"),
        (status = 400, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/products")]
pub async fn list(
    state: Data<State>,
    request: HttpRequest,
    query: Params<ProductQuery>,
) -> Result<HttpResponse, Problem> {
    let key = query.0.key(state.config.shop.currency)?;
    let load = || async {
        let Key::ProductList {
            search,
            start,
            size,
            market,
        } = key.clone()
        else {
            return Ok(None);
        };
        let read = move |conn: &mut PgConnection| {
            let search = search.as_deref();
            let rows = products::list(conn, search, start, size, market)?;
            let mut page = page_body(rows, start, size);
            translate(conn, &mut page.products, market)?;
            Ok::<_, Problem>(page)
        };
        to_bytes(&state.db.run(read).await?).map(Some)
    };
    let cached = state
        .cache
        .get(key.clone(), load)
        .await?
        .ok_or_else(Problem::internal)?;
    Ok(finished::answer(&request, &cached))
}

fn page_body(rows: Vec<Product>, start: Start, size: PageSize) -> ProductPageBody {
    let page = Page::from_overfetched(rows, size, |product: &Product| product.id.get());
    ProductPageBody {
        page: if let Start::Page(number) = start {
            Some(number)
        } else {
            None
        },
        limit: size.get(),
        has_more: page.next_cursor.is_some(),
        next_cursor: page.next_cursor,
        products: page.items.into_iter().map(Into::into).collect(),
    }
}

/// Reads a product on sale.
#[utoipa::path(
    tag = "products",
    params(("id" = i64, Path), MarketQuery),
    responses(
        (status = 200, body = ProductBody), (status = 304, description = "Unchanged"),
        (status = 400, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/products/{id}")]
pub async fn get(
    state: Data<State>,
    request: HttpRequest,
    id: Path<String>,
    query: Params<MarketQuery>,
) -> Result<HttpResponse, Problem> {
    let id: ProductId = product_id(&id)?;
    let market = query.0.market(state.config.shop.currency)?;
    let load = || state.product_reads.get(id, market);
    let cached = state
        .cache
        .get(Key::Product { id, market }, load)
        .await?
        .ok_or_else(not_found)?;
    Ok(finished::answer(&request, &cached))
}

/// Finds a product on sale by the end of its web address.
///
/// An address it had before leads to the one it has now.
#[utoipa::path(
    tag = "products",
    params(("slug" = String, Path), MarketQuery),
    responses(
        (status = 200, body = ProductBody), (status = 304, description = "Unchanged"),
        (status = 301, description = "It has another slug by now", headers(("Location" = String, description = "Its address"))),
        (status = 400, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
    )
)]
#[get("/api/products/by-slug/{slug}")]
pub async fn get_by_slug(
    state: Data<State>,
    request: HttpRequest,
    slug: Path<String>,
    query: Params<MarketQuery>,
) -> Result<HttpResponse, Problem> {
    let slug: Slug = slug.parse().map_err(|_| not_found())?;
    let market = query.0.market(state.config.shop.currency)?;
    let find = |slug: Slug| {
        state.db.run(move |conn: &mut PgConnection| {
            let found = products::find_by_slug(conn, &slug, market)?;
            Ok::<_, Problem>(shown(conn, found, market)?)
        })
    };
    let load = || async {
        let found = find(slug.clone()).await?;
        let found = found.filter(|(address, _)| address == slug.as_str());
        found.map(|(_, body)| to_bytes(&body)).transpose()
    };
    let key = Key::ProductBySlug {
        slug: slug.clone(),
        market,
    };
    if let Some(cached) = state.cache.get(key, load).await? {
        return Ok(finished::answer(&request, &cached));
    }
    // What an address leads to is not kept: nobody asks for the old one again.
    let (address, body) = find(slug.clone()).await?.ok_or_else(not_found)?;
    if address == slug.as_str() {
        return Ok(HttpResponse::Ok().json(body)); // it came on sale just now
    }
    Ok(HttpResponse::MovedPermanently()
        .insert_header((LOCATION, format!("/api/products/by-slug/{address}")))
        .insert_header((CACHE_CONTROL, "no-cache"))
        .finish())
}

/// The address of a product, and what is shown of it.
fn shown(
    conn: &mut PgConnection,
    found: Option<Product>,
    market: Market,
) -> QueryResult<Option<(String, ProductBody)>> {
    let Some(product) = found else {
        return Ok(None);
    };
    let address = product.address();
    let mut body = ProductBody::of_one(conn, product)?;
    translate(conn, std::slice::from_mut(&mut body), market)?;
    Ok(Some((address, body)))
}

/// An id from the path.
pub(super) fn product_id(text: &str) -> Result<ProductId, Problem> {
    text.parse().map_err(|_| not_found())
}

pub(super) fn not_found() -> Problem {
    Problem::not_found("product_not_found", "There is no such product on sale")
}

pub(super) fn to_bytes(body: &impl Serialize) -> Result<Vec<u8>, Problem> {
    serde_json::to_vec(body).map_err(|error| {
        log::error!(error:% = error; "a read model does not serialise");
        Problem::internal()
    })
}
