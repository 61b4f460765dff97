//! What a search asks for, strictly.

use std::future::{Ready, ready};
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use catalog::search::{Search, Selection};
use domain::{Currency, Locale, Money, PairCursor, SearchSort};
use utoipa::IntoParams;

use super::market::market;
use crate::config::Config;
use crate::http::{Problem, params};

/// What is looked for. Unlike other queries it may repeat `brand`, `tag`, `category`, `option` and
/// `field`.
#[derive(Debug, Default, IntoParams)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub struct SearchQuery {
    /// Words that all have to be there, in any form; up to 200 characters.
    q: Option<String>,
    /// One of these brands; repeat it for more than one.
    #[param(style = Form, explode)]
    brand: Vec<String>,
    /// One of these tags.
    #[param(style = Form, explode)]
    tag: Vec<String>,
    /// In one of these categories or below it, by id.
    #[param(style = Form, explode, value_type = Vec<i64>)]
    category: Vec<String>,
    /// One of these values of an option, as `Colour:red`; options of different names all have to match.
    #[param(style = Form, explode)]
    option: Vec<String>,
    /// One of these values of a custom field, as `material:wool`, or a range of numbers or dates, as `weight:10..20`,
    /// `weight:10..` or `weight:..20`; fields of different keys all have to match.
    #[param(style = Form, explode)]
    field: Vec<String>,
    /// Whether any is left.
    #[param(value_type = Option<bool>)]
    in_stock: Option<String>,
    /// The lowest price, such as `19.90`.
    min_price: Option<String>,
    /// The highest price.
    max_price: Option<String>,
    /// What prices are compared, sorted and shown in; the shop's where it is left out.
    #[param(example = "USD")]
    currency: Option<String>,
    /// Where the order is to go (ISO 3166-1): prices that differ by country are compared, sorted, counted and shown as they are there.
    country: Option<String>,
    /// The language of `q` and of texts: one of the shop's, or one that is understood as one of them, as `de-AT` is as `de`. Where it is
    /// left out, `q` is in the first of them.
    #[param(example = "en")]
    locale: Option<String>,
    /// What is counted, with commas between: `brand`, `tag`, `category`, `options`, `fields`, `price`, `inStock`. On the
    /// first page.
    facets: Option<String>,
    /// `relevance`, `newest`, `price`, `-price`, `name` or `best_selling`.
    sort: Option<String>,
    /// Products on a page, 1 to 100.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<String>,
    /// `nextCursor` of the page before, with the same search.
    cursor: Option<String>,
}

/// Most characters of `q`, and of any other value.
const MAX_TEXT: usize = 200;
const MAX_VALUE: usize = 250;
/// Most values of all facets together.
const MAX_VALUES: usize = 100;

enum Place<'a> {
    One(&'a mut Option<String>),
    Many(&'a mut Vec<String>),
}

impl FromRequest for SearchQuery {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::read(request.query_string()))
    }
}

impl SearchQuery {
    fn read(query: &str) -> Result<Self, Problem> {
        let malformed = |detail: String| {
            Problem::bad_request("invalid_query", "A query parameter is not valid").detail(detail)
        };
        let pairs = web::Query::<Vec<(String, String)>>::from_query(query)
            .map_err(|error| malformed(error.to_string()))?;
        let mut read = Self::default();
        for (name, value) in pairs.into_inner() {
            let Some((name, place)) = read.place(&name) else {
                return Err(malformed(format!("unknown parameter `{name}`")));
            };
            if value.chars().any(char::is_control) {
                return Err(params::invalid(name, "must not contain control characters"));
            }
            if value.chars().count() > MAX_VALUE {
                return Err(params::invalid(name, "is too long"));
            }
            match place {
                Place::One(Some(_)) => return Err(params::invalid(name, "is there twice")),
                Place::One(place) => *place = Some(value),
                Place::Many(_) if value.is_empty() => {
                    return Err(params::invalid(name, "must not be empty"));
                }
                Place::Many(values) => values.push(value),
            }
        }
        Ok(read)
    }

    /// Where the value of a parameter goes; `None` for one that nobody knows.
    fn place(&mut self, name: &str) -> Option<(&'static str, Place<'_>)> {
        Some(match name {
            "q" => ("q", Place::One(&mut self.q)),
            "brand" => ("brand", Place::Many(&mut self.brand)),
            "tag" => ("tag", Place::Many(&mut self.tag)),
            "category" => ("category", Place::Many(&mut self.category)),
            "option" => ("option", Place::Many(&mut self.option)),
            "field" => ("field", Place::Many(&mut self.field)),
            "inStock" => ("inStock", Place::One(&mut self.in_stock)),
            "minPrice" => ("minPrice", Place::One(&mut self.min_price)),
            "maxPrice" => ("maxPrice", Place::One(&mut self.max_price)),
            "currency" => ("currency", Place::One(&mut self.currency)),
            "country" => ("country", Place::One(&mut self.country)),
            "locale" => ("locale", Place::One(&mut self.locale)),
            "facets" => ("facets", Place::One(&mut self.facets)),
            "sort" => ("sort", Place::One(&mut self.sort)),
            "limit" => ("limit", Place::One(&mut self.limit)),
            "cursor" => ("cursor", Place::One(&mut self.cursor)),
            _ => return None,
        })
    }

    /// The search, in a form that is the same for all that find the same.
    pub fn checked(self, config: &Config) -> Result<Search, Problem> {
        let market = market(
            config.shop.currency,
            self.currency.as_deref(),
            self.country.as_deref(),
            self.locale.as_deref(),
        )?;
        let currency = market.currency;
        let values = [
            &self.brand,
            &self.tag,
            &self.category,
            &self.option,
            &self.field,
        ]
        .map(Vec::len);
        if values.iter().sum::<usize>() > MAX_VALUES {
            return Err(params::invalid(
                "option",
                "there are more than 100 values of facets",
            ));
        }
        let selection = Selection {
            brands: sorted(self.brand),
            tags: sorted(self.tag),
            categories: all("category", self.category.iter())?,
            options: pairs("option", &sorted(self.option), "Colour:red")?,
            fields: pairs("field", &sorted(self.field), "material:wool")?,
            in_stock: params::parse("inStock", self.in_stock.as_deref())?,
            min_price: price("minPrice", self.min_price.as_deref(), currency)?,
            max_price: price("maxPrice", self.max_price.as_deref(), currency)?,
        };
        if let (Some(min), Some(max)) = (selection.min_price, selection.max_price)
            && min > max
        {
            return Err(params::invalid("minPrice", "must not be above maxPrice"));
        }
        let facets = self.facets.as_deref().unwrap_or_default();
        let cursor: Option<PairCursor> = params::parse("cursor", self.cursor.as_deref())?;
        Ok(Search {
            text: text(self.q.as_deref())?,
            locale: locale(market.locale, &config.search.locales)?,
            market,
            selection,
            sort: params::parse("sort", self.sort.as_deref())?.unwrap_or(SearchSort::Relevance),
            size: params::page_size(self.limit.as_deref())?,
            after: cursor.map(PairCursor::position),
            facets: all("facets", facets.split(',').filter(|name| !name.is_empty()))?,
        })
    }
}

fn text(q: Option<&str>) -> Result<Option<String>, Problem> {
    let text = q.map(|q| q.trim().to_lowercase());
    if text.as_ref().is_some_and(|q| q.chars().count() > MAX_TEXT) {
        return Err(params::invalid("q", "must have at most 200 characters"));
    }
    Ok(text.filter(|text| !text.is_empty()))
}

/// The language of the index that is nearest to the wanted one.
fn locale(wanted: Option<Locale>, known: &[String]) -> Result<String, Problem> {
    let Some(wanted) = wanted else {
        return Ok(known.first().cloned().unwrap_or_default());
    };
    let mut understood = wanted.with_fallbacks().map(String::from);
    understood
        .find(|locale| known.contains(locale))
        .ok_or_else(|| {
            let rule = format!("must be one of {}", known.join(", "));
            params::invalid("locale", &rule)
        })
}

/// Minor units.
fn price(
    name: &'static str,
    text: Option<&str>,
    currency: Currency,
) -> Result<Option<i64>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let price = Money::parse_decimal(text, currency)
        .map_err(|error| params::invalid(name, &error.to_string()))?;
    if price.is_negative() {
        return Err(params::invalid(name, "must not be negative"));
    }
    Ok(Some(price.minor()))
}

/// Names and values, which the first colon parts.
fn pairs(
    parameter: &'static str,
    values: &[String],
    example: &str,
) -> Result<Vec<(String, String)>, Problem> {
    let pair = |text: &String| {
        let (name, value) = text.split_once(':')?;
        let is_whole = !name.is_empty() && !value.is_empty();
        is_whole.then(|| (name.to_owned(), value.to_owned()))
    };
    let pairs = values.iter().map(pair).collect::<Option<Vec<_>>>();
    pairs.ok_or_else(|| {
        let rule = format!("is a name and a value with a colon between, such as {example}");
        params::invalid(parameter, &rule)
    })
}

/// Each of them once, in an order of their own.
fn all<T, S>(name: &'static str, texts: impl Iterator<Item = S>) -> Result<Vec<T>, Problem>
where
    T: FromStr,
    T::Err: std::fmt::Display,
    S: AsRef<str>,
{
    let texts = sorted(texts.map(|text| text.as_ref().to_owned()).collect());
    let values = texts.iter().map(|text| {
        text.parse()
            .map_err(|error: T::Err| params::invalid(name, &error.to_string()))
    });
    values.collect()
}

fn sorted(mut values: Vec<String>) -> Vec<String> {
    values.sort_unstable();
    values.dedup();
    values
}
