//! Searching products, by words, facets and prices.

use domain::{CategoryId, Country, Currency, Facet, SearchSort};
use reqwest::Method;
use serde::Deserialize;

use crate::{Answer, Client, Error, Job, Product, Request};

/// What is looked for. Values of one facet are alternatives, between facets all have to match.
#[derive(Debug, Clone, Default)]
pub struct SearchQuery {
    /// Words that all have to be there; everything when `None`.
    pub q: Option<String>,
    /// Brands.
    pub brands: Vec<String>,
    /// Tags.
    pub tags: Vec<String>,
    /// Categories; products of those below are among them.
    pub categories: Vec<CategoryId>,
    /// Names and values of options; those of one name are alternatives. A name has no colon.
    pub options: Vec<(String, String)>,
    /// Keys of custom fields, and values or ranges (`10..20`) of them; those of one key are alternatives.
    pub fields: Vec<(String, String)>,
    /// Whether any is left.
    pub in_stock: Option<bool>,
    /// The lowest price, a decimal number of `currency`.
    pub min_price: Option<String>,
    /// The highest price, a decimal number of `currency`.
    pub max_price: Option<String>,
    /// What prices are compared, sorted and shown in; the shop's when `None`.
    pub currency: Option<Currency>,
    /// Where the order is to go, for prices that differ by country.
    pub country: Option<Country>,
    /// The language of `q` and of texts; `q` is in the shop's first when `None`.
    pub locale: Option<String>,
    /// What is counted, on the first page.
    pub facets: Vec<Facet>,
    /// By relevance when `None`.
    pub sort: Option<SearchSort>,
    /// 1 to 100; 20 when `None`.
    pub limit: Option<u32>,
    /// The `next_cursor` of the answer before.
    pub cursor: Option<String>,
}

/// A page of what was found.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SearchPage {
    /// At most `limit` products.
    pub products: Vec<Product>,
    /// How many there are; on the first page.
    pub total: Option<u64>,
    /// What was looked for instead, because no product has one of the words.
    pub did_you_mean: Option<String>,
    /// What was to be counted; on the first page.
    pub facets: Option<Facets>,
    /// How many products a page has.
    pub limit: u32,
    /// Whether more follow.
    pub has_more: bool,
    /// Where the next page starts.
    pub next_cursor: Option<String>,
}

/// How many products each choice would find; what was not asked for is empty.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Facets {
    /// The commonest first.
    pub brand: Vec<FacetCount>,
    /// The commonest first.
    pub tag: Vec<FacetCount>,
    /// The commonest first; products of the categories below are counted too.
    pub category: Vec<FacetCategory>,
    /// By their names.
    pub options: Vec<FacetOption>,
    /// By their keys.
    pub fields: Vec<FacetField>,
    /// How prices are spread.
    pub price: Option<FacetPrices>,
    /// How many can be had.
    pub in_stock: Option<FacetStock>,
}

/// How many products have a value.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct FacetCount {
    /// The value.
    pub value: String,
    /// What the value of an option is called in the language that was asked for, where that is translated.
    #[serde(default)]
    pub label: Option<String>,
    /// How many products.
    pub count: u64,
}

/// How many products are in a category or below it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct FacetCategory {
    /// Names the category.
    pub id: CategoryId,
    /// What it is called.
    pub name: String,
    /// How many products.
    pub count: u64,
}

/// The values of an option.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct FacetOption {
    /// Of the option, such as `Colour`.
    pub name: String,
    /// What it is called in the language that was asked for, where that is translated.
    #[serde(default)]
    pub label: Option<String>,
    /// The commonest first.
    pub values: Vec<FacetCount>,
}

/// The values of a custom field.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct FacetField {
    /// Of the field, such as `material`.
    pub key: String,
    /// The commonest first.
    pub values: Vec<FacetCount>,
}

/// How the prices of products are spread; prices are decimal numbers of `currency`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct FacetPrices {
    /// What they are in.
    pub currency: Currency,
    /// The lowest one; `None` where there is none in this currency.
    pub min: Option<String>,
    /// The highest one; `None` where there is none in this currency.
    pub max: Option<String>,
    /// From the lowest to the highest one.
    pub steps: Vec<FacetPriceStep>,
}

/// Prices from one to another, both included.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct FacetPriceStep {
    /// The lowest one.
    pub from: String,
    /// The highest one.
    pub to: String,
    /// How many products.
    pub count: u64,
}

/// How many products can be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FacetStock {
    /// Some are left of these.
    pub available: u64,
    /// None are left of these.
    pub sold_out: u64,
}

impl Client {
    /// Finds products on sale.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 400 for what makes no sense, and with the code `search_not_ready` while a shop that was
    /// upgraded builds its index for the first time.
    pub async fn search(&self, query: &SearchQuery) -> Result<Answer<SearchPage>, Error> {
        let facets: Vec<&str> = query.facets.iter().map(|facet| facet.code()).collect();
        let facets = Some(facets.join(",")).filter(|facets| !facets.is_empty());
        let mut request = Request::new(Method::GET, "/api/search")
            .query_if("q", query.q.as_ref())
            .query_if("inStock", query.in_stock.as_ref())
            .query_if("minPrice", query.min_price.as_ref())
            .query_if("maxPrice", query.max_price.as_ref())
            .query_if("currency", query.currency.as_ref())
            .query_if("country", query.country.as_ref())
            .query_if("locale", query.locale.as_ref())
            .query_if("facets", facets.as_ref())
            .query_if("sort", query.sort.as_ref())
            .query_if("limit", query.limit.as_ref())
            .query_if("cursor", query.cursor.as_ref());
        for (name, values) in [("brand", &query.brands), ("tag", &query.tags)] {
            for value in values {
                request = request.query(name, value);
            }
        }
        for category in &query.categories {
            request = request.query("category", category);
        }
        for (name, value) in &query.options {
            request = request.query("option", &format!("{name}:{value}"));
        }
        for (key, value) in &query.fields {
            request = request.query("field", &format!("{key}:{value}"));
        }
        self.fetch(request).await
    }

    /// Has the search index built anew, and returns the job that does it. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 403 for who is not staff.
    pub async fn rebuild_search(&self) -> Result<Answer<Job>, Error> {
        self.fetch(Request::new(Method::POST, "/api/admin/search/rebuild"))
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_server::{Reply, TestServer};

    const PAGE: &str = r#"{"products":[],"total":2,"didYouMean":"lantern","facets":{
        "brand":[{"value":"Acme","count":2}],"category":[{"id":7,"name":"Lamps","count":2}],
        "options":[{"name":"Colour","label":"Farbe","values":[{"value":"red","label":"Rot","count":1}]}],
        "price":{"currency":"USD","min":"9.50","max":"9.50","steps":[{"from":"9.50","to":"9.50","count":2}]},
        "inStock":{"available":1,"soldOut":1}},"limit":20,"hasMore":true,"nextCursor":"p00"}"#;

    #[tokio::test]
    async fn a_search_is_sent_as_the_api_reads_it() {
        let replies = vec![Reply::With("200 OK", &[], PAGE.to_owned())];
        let server = TestServer::start(replies).await;
        let shop = server.client().build().unwrap();
        let query = SearchQuery {
            q: Some("latnern".into()),
            brands: vec!["Acme & Sons".into(), "B".into()],
            categories: vec![7.try_into().unwrap()],
            options: vec![("Colour".into(), "red".into())],
            fields: vec![("weight".into(), "10..".into())],
            in_stock: Some(true),
            facets: vec![Facet::Brand, Facet::InStock],
            sort: Some(SearchSort::Dearest),
            ..SearchQuery::default()
        };

        let page = shop.search(&query).await.unwrap().body;

        let asked = server.heard()[0].split(" HTTP").next().unwrap().to_owned();
        assert_eq!(
            asked,
            "GET /api/search?q=latnern&inStock=true&facets=brand%2CinStock&sort=-price&brand=Acme+%26+Sons&brand=B\
             &category=7&option=Colour%3Ared&field=weight%3A10.."
        );
        assert_eq!(
            (page.total, page.did_you_mean.as_deref()),
            (Some(2), Some("lantern"))
        );
        let facets = page.facets.unwrap();
        assert_eq!((facets.brand[0].count, facets.tag.len()), (2, 0));
        let colour = &facets.options[0];
        assert_eq!(colour.label.as_deref(), Some("Farbe"));
        assert_eq!(colour.values[0].label.as_deref(), Some("Rot"));
        assert_eq!(facets.brand[0].label, None);
        assert_eq!(facets.in_stock.unwrap().sold_out, 1);
    }
}
