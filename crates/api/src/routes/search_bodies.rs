//! What was found, and what it can be narrowed by.

use catalog::prices::Market;
use catalog::search::Found;
use catalog::search::facets::{Count, Facets, Prices};
use catalog::translations;
use diesel::{PgConnection, QueryResult};
use domain::{CategoryId, Currency, Money, PageSize, PairCursor};
use serde::Serialize;
use utoipa::ToSchema;

use super::product_bodies::{ProductBody, translate};

/// A page of what was found.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SearchPage)]
pub struct SearchBody {
    pub products: Vec<ProductBody>,
    /// How many products there are; not on later pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<i64>,
    /// What was looked for instead, because no product has one of the words.
    #[serde(skip_serializing_if = "Option::is_none")]
    did_you_mean: Option<String>,
    /// What was asked for; not on later pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    facets: Option<FacetsBody>,
    limit: i64,
    has_more: bool,
    /// Where to go on, where there is more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    next_cursor: Option<PairCursor>,
}

/// How many products each choice would find. The counts of a facet obey all others, but not its own selection.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Facets)]
pub struct FacetsBody {
    /// The 100 commonest.
    #[serde(skip_serializing_if = "Option::is_none")]
    brand: Option<Vec<CountBody>>,
    /// The 100 commonest.
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<Vec<CountBody>>,
    /// The 100 commonest; products of the categories below are counted too.
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<Vec<CategoryCountBody>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    options: Option<Vec<OptionCountsBody>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fields: Option<Vec<FieldCountsBody>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    price: Option<PricesBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_stock: Option<StockBody>,
}

/// How many products have a value.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FacetCount)]
pub struct CountBody {
    #[schema(example = "Acme")]
    value: String,
    /// What the value of an option is called in the language that was asked for; absent where that is not translated.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    label: Option<String>,
    count: i64,
}

/// How many products are in a category or below it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FacetCategory)]
pub struct CategoryCountBody {
    #[schema(value_type = i64)]
    id: CategoryId,
    name: String,
    count: i64,
}

/// The values of an option, the 100 commonest.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FacetOption)]
pub struct OptionCountsBody {
    #[schema(example = "Colour")]
    name: String,
    /// What it is called in the language that was asked for; absent where that is not translated.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    label: Option<String>,
    values: Vec<CountBody>,
}

/// The values of a custom field, the 100 commonest.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FacetField)]
pub struct FieldCountsBody {
    #[schema(example = "material")]
    key: String,
    values: Vec<CountBody>,
}

/// How the prices of products are spread.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FacetPrices)]
pub struct PricesBody {
    #[schema(value_type = String, example = "USD")]
    currency: Currency,
    /// The lowest price; null where no product has one in this currency.
    #[schema(required = true)]
    min: Option<String>,
    /// The highest price; null where no product has one in this currency.
    #[schema(required = true)]
    max: Option<String>,
    /// From the lowest to the highest price, up to ten.
    steps: Vec<StepBody>,
}

/// Prices from one to another, both included.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FacetPriceStep)]
pub struct StepBody {
    #[schema(example = "10.00")]
    from: String,
    #[schema(example = "19.99")]
    to: String,
    count: i64,
}

/// How many products can be had.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = FacetStock)]
pub struct StockBody {
    available: i64,
    sold_out: i64,
}

impl SearchBody {
    /// `with_facets`: whether any were asked for.
    pub fn new(found: Found, size: PageSize, with_facets: bool) -> Self {
        let total = found.facets.as_ref().map(|facets| facets.total);
        Self {
            total,
            did_you_mean: found.did_you_mean,
            facets: found.facets.filter(|_| with_facets).map(FacetsBody::from),
            limit: size.get(),
            has_more: found.products.next_cursor.is_some(),
            next_cursor: found.products.next_cursor,
            products: found.products.items.into_iter().map(Into::into).collect(),
        }
    }

    /// Puts products and facets into the language of the market, where they are translated. What choices are made by stays.
    pub fn translate(&mut self, conn: &mut PgConnection, market: Market) -> QueryResult<()> {
        translate(conn, &mut self.products, market)?;
        let (Some(facets), Some(locale)) = (&mut self.facets, market.locale) else {
            return Ok(());
        };
        if let Some(categories) = &mut facets.category {
            let ids = categories
                .iter()
                .map(|category| category.id.get())
                .collect();
            let translated = translations::categories::find_all(conn, ids, &locale)?;
            for category in categories {
                let texts = translated.get(&category.id);
                if let Some(name) = texts.and_then(|texts| texts.name.as_ref()) {
                    category.name.clone_from(name);
                }
            }
        }
        let Some(options) = &mut facets.options else {
            return Ok(());
        };
        let values = |option: &'_ OptionCountsBody| {
            let values = option.values.iter().map(|count| count.value.clone());
            (option.name.clone(), values.collect())
        };
        let wanted: Vec<(String, Vec<String>)> = options.iter().map(values).collect();
        let pairs = wanted.iter().flat_map(|(name, values)| {
            values
                .iter()
                .map(move |value| (name.as_str(), value.as_str()))
        });
        let labels = translations::options::find_all(conn, pairs, &locale)?;
        for option in options {
            option.label = labels.of_option(&option.name).map(str::to_owned);
            for count in &mut option.values {
                count.label = labels
                    .of_value(&option.name, &count.value)
                    .map(str::to_owned);
            }
        }
        Ok(())
    }
}

impl From<Facets> for FacetsBody {
    fn from(facets: Facets) -> Self {
        let category = |count: catalog::search::facets::CategoryCount| CategoryCountBody {
            id: count.id,
            name: count.name,
            count: count.count,
        };
        let option = |(name, values): (String, Vec<Count>)| OptionCountsBody {
            name,
            label: None,
            values: counts(values),
        };
        let field = |(key, values): (String, Vec<Count>)| FieldCountsBody {
            key,
            values: counts(values),
        };
        Self {
            fields: facets
                .fields
                .map(|fields| fields.into_iter().map(field).collect()),
            brand: facets.brands.map(counts),
            tag: facets.tags.map(counts),
            category: facets
                .categories
                .map(|counts| counts.into_iter().map(category).collect()),
            options: facets
                .options
                .map(|options| options.into_iter().map(option).collect()),
            price: facets.prices.map(Into::into),
            in_stock: facets.stock.map(|stock| StockBody {
                available: stock.available,
                sold_out: stock.sold_out,
            }),
        }
    }
}

impl From<Prices> for PricesBody {
    fn from(prices: Prices) -> Self {
        let decimal = |minor: i64| Money::new(minor, prices.currency).to_decimal();
        let steps = prices.steps.iter().map(|step| StepBody {
            from: decimal(step.from),
            to: decimal(step.to),
            count: step.count,
        });
        Self {
            currency: prices.currency,
            min: prices.range.map(|(min, _)| decimal(min)),
            max: prices.range.map(|(_, max)| decimal(max)),
            steps: steps.collect(),
        }
    }
}

fn counts(counts: Vec<Count>) -> Vec<CountBody> {
    let body = |count: Count| CountBody {
        value: count.value,
        label: None,
        count: count.count,
    };
    counts.into_iter().map(body).collect()
}
