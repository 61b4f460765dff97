//! Search: words, facets, prices and orders, answered from an index that is derived from the catalogue.
//!
//! The index has a document for each product that the clock may put on sale, in each language of the shop: with the texts that a reader of
//! that language is shown. It is read and
//! written by SQL functions, which the migrations explain; what is on sale by the clock is decided when it is read.
//!
//! - [`find`]: a page of what is found, and what it can be narrowed by
//! - [`facets`]: what is counted
//! - [`fields`]: values and ranges of custom fields
//! - [`following`]: how the index hears of changes, and how far it is behind
//! - [`rebuilding`]: all of it anew, beside the one that is read

pub mod facets;
pub mod fields;
pub mod following;
pub mod rebuilding;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Jsonb, Nullable, Text};
use domain::{CategoryId, Facet, Page, PageSize, PairCursor, SearchSort};
use serde_json::{Value, json};

use self::facets::Facets;
use crate::prices::Market;
use crate::products::{self, Product};

/// The languages whose stems Postgres knows; texts of any other one are compared letter by letter.
pub const STEMMED: [&str; 22] = [
    "ar", "da", "de", "el", "en", "es", "fi", "fr", "ga", "hu", "id", "it", "lt", "nb", "ne", "nl",
    "pt", "ro", "ru", "sv", "ta", "tr",
];

/// What is looked for. Equal ones find the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Search {
    /// Words that all have to be there; `None` for everything.
    pub text: Option<String>,
    /// The language of the words; one that the index does not have is taken for its first.
    pub locale: String,
    /// What prices are compared, sorted, counted and shown in, and for which country.
    pub market: Market,
    pub selection: Selection,
    pub sort: SearchSort,
    pub size: PageSize,
    /// The number and the id behind which the page begins; `None` for the first one.
    pub after: Option<(i64, i64)>,
    /// What is counted, on the first page.
    pub facets: Vec<Facet>,
}

impl Search {
    /// All of it in one form, as `catalog.search` reads it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let selection = &self.selection;
        let options = selection.options.iter();
        let options: Vec<Value> = options
            .map(|(name, value)| json!({"name": name, "value": value}))
            .collect();
        let categories = selection.categories.iter();
        let categories: Vec<String> = categories.map(ToString::to_string).collect();
        let facets: Vec<&str> = self.facets.iter().map(|facet| facet.code()).collect();
        json!({
            "text": self.text, "locale": self.locale, "currency": self.market.currency.code(), "country": self.market.country_code(),
            "brands": selection.brands, "tags": selection.tags, "categories": categories,
            "options": options, "inStock": selection.in_stock,
            "fields": selection.fields, "ranges": [],
            "minPrice": selection.min_price, "maxPrice": selection.max_price,
            "sort": self.sort.code(), "limit": self.size.get() + 1,
            "after": self.after.map(|(number, id)| [number, id]), "facets": facets,
        })
    }
}

/// What is found is narrowed to this. Values of one facet are alternatives, and what is empty narrows nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Selection {
    pub brands: Vec<String>,
    pub tags: Vec<String>,
    /// Products of the categories below are among them.
    pub categories: Vec<CategoryId>,
    /// Names and values of options; those of one name are alternatives.
    pub options: Vec<(String, String)>,
    /// Keys of custom fields, and values or ranges (`10..20`) of them; those of one key are alternatives.
    pub fields: Vec<(String, String)>,
    pub in_stock: Option<bool>,
    /// Minor units, inclusive.
    pub min_price: Option<i64>,
    /// Minor units, inclusive.
    pub max_price: Option<i64>,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Found {
    pub products: Page<Product, PairCursor>,
    /// How many there are, and what they can be narrowed by; `None` on a later page.
    pub facets: Option<Facets>,
    /// What the words were taken for, where one of them is not in any product.
    pub did_you_mean: Option<String>,
}

/// Why nothing was looked for.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// The products of a shop that has just learnt to search are still being read.
    #[error("the search index is being built for the first time")]
    NotBuilt,
    #[error("`{0}` is no custom field by which products are found")]
    UnknownField(String),
    #[error("the range of `{0}` {1}")]
    InvalidRange(String, &'static str),
    #[error("there are more than {} ranges", fields::MAX_RANGES)]
    TooManyRanges,
    #[error(transparent)]
    Db(#[from] diesel::result::Error),
}

type FoundRow = (
    Bool,
    Nullable<Array<BigInt>>,
    Nullable<Array<BigInt>>,
    Nullable<Text>,
    Nullable<Jsonb>,
);

db::statement! {
    struct FindProducts { request: Value => Jsonb } -> FoundRow =
    "SELECT i.built_at IS NOT NULL, f.product_ids, f.sort_keys, f.did_you_mean, f.stats \
       FROM catalog.search_index i LEFT JOIN LATERAL catalog.search($1) f ON i.built_at IS NOT NULL"
}

/// Finds a page of products that are on sale, in two statements however many there are, and one more each where
/// custom fields narrow it, and where any are counted.
///
/// One that was taken off sale a moment ago may still be counted, but is not shown, so a page may be short of it.
///
/// # Errors
///
/// [`SearchError`].
pub fn find(conn: &mut PgConnection, search: &Search) -> Result<Found, SearchError> {
    type Row = (
        bool,
        Option<Vec<i64>>,
        Option<Vec<i64>>,
        Option<String>,
        Option<Value>,
    );
    let mut request = search.to_json();
    fields::narrow(conn, &search.selection.fields, &mut request)?;
    let (is_built, ids, keys, did_you_mean, stats): Row =
        FindProducts { request }.get_result(conn)?;
    if !is_built {
        return Err(SearchError::NotBuilt);
    }
    let keys = keys.unwrap_or_default().into_iter();
    let placed = keys.zip(ids.unwrap_or_default()).collect();
    let page = Page::from_overfetched_pairs(placed, search.size, |placed| *placed);
    let ids = page.items.iter().map(|(_, id)| *id).collect();
    let mut facets = stats.map(|stats| Facets::new(&stats, search.market.currency));
    if let Some(counted) = facets.as_mut().and_then(|facets| facets.fields.as_mut()) {
        fields::retain_filters(conn, counted)?;
    }
    Ok(Found {
        products: Page {
            items: products::find_all(conn, ids, search.market)?,
            next_cursor: page.next_cursor,
        },
        facets,
        did_you_mean,
    })
}
