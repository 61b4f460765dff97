//! Collections as everyone sees them.

use catalog::collections::rules::{Condition, Match, PriceRange};
use catalog::collections::{Collection, Rules};
use chrono::{DateTime, Utc};
use domain::{CategoryId, Currency, Cursor, Money, Page, PageSize};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A collection.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Collection)]
pub struct CollectionBody {
    #[schema(value_type = i64, example = 3)]
    id: domain::CollectionId,
    /// The readable end of its web address; no other collection has or had it.
    #[schema(example = "summer-sale")]
    slug: String,
    #[schema(example = "Summer sale")]
    name: String,
    description: String,
    image: String,
    /// `manual`, a list that somebody writes, or `rules`.
    #[schema(example = "manual")]
    kind: &'static str,
    /// How its products are listed: `manual`, `newest` or `name`.
    #[schema(example = "manual")]
    product_order: &'static str,
    /// What a product has to be, to staff alone; a list that somebody writes has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    rules: Option<RulesBody>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// What a product has to be.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CollectionRules)]
pub struct RulesBody {
    /// Whether all conditions have to hold, or any of them is enough.
    #[serde(rename = "match")]
    pub matching: MatchBody,
    #[schema(min_items = 1, max_items = 20)]
    pub conditions: Vec<ConditionBody>,
}

/// How many conditions have to hold.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CollectionMatch)]
pub enum MatchBody {
    All,
    Any,
}

/// Something that a product is: exactly one of these.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = CollectionCondition)]
pub struct ConditionBody {
    /// In this category, or in one below it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>)]
    pub category: Option<CategoryId>,
    /// Of this brand, letter by letter.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Acme")]
    pub brand: Option<String>,
    /// With this tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// With a price in a range.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<PriceRangeBody>,
    /// Whether any is left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_stock: Option<bool>,
    /// Made so many days ago at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 3650)]
    pub made_within_days: Option<u32>,
}

/// Prices from one to another, both included, of which one may be left out.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CollectionPriceRange)]
pub struct PriceRangeBody {
    /// The shop's, also where it is left out.
    #[schema(value_type = Option<String>, example = "USD")]
    pub currency: Option<Currency>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "10.00")]
    pub min: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "49.99")]
    pub max: Option<String>,
}

impl CollectionBody {
    /// As customers see it, or as staff does.
    pub fn new(collection: Collection, is_for_staff: bool) -> Self {
        Self {
            id: collection.id,
            slug: collection.slug.into(),
            name: collection.name,
            description: collection.description,
            image: collection.image,
            kind: match collection.rules {
                Some(_) => "rules",
                None => "manual",
            },
            product_order: collection.product_order.code(),
            rules: collection
                .rules
                .filter(|_| is_for_staff)
                .map(RulesBody::from),
            created_at: collection.created_at,
            updated_at: collection.updated_at,
        }
    }
}

impl From<Rules> for RulesBody {
    fn from(rules: Rules) -> Self {
        Self {
            matching: match rules.matching {
                Match::All => MatchBody::All,
                Match::Any => MatchBody::Any,
            },
            conditions: rules.conditions.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<Condition> for ConditionBody {
    fn from(condition: Condition) -> Self {
        let mut body = Self::default();
        match condition {
            Condition::Category(id) => body.category = Some(id),
            Condition::Brand(brand) => body.brand = Some(brand),
            Condition::Tag(tag) => body.tag = Some(tag),
            Condition::Price(range) => body.price = Some(range.into()),
            Condition::InStock(is_left) => body.in_stock = Some(is_left),
            Condition::MadeWithinDays(days) => body.made_within_days = Some(days),
        }
        body
    }
}

impl From<PriceRange> for PriceRangeBody {
    fn from(range: PriceRange) -> Self {
        let decimal = |minor| Money::new(minor, range.currency).to_decimal();
        Self {
            currency: Some(range.currency),
            min: range.min.map(decimal),
            max: range.max.map(decimal),
        }
    }
}

/// A page of collections.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CollectionPage)]
pub struct CollectionPageBody {
    collections: Vec<CollectionBody>,
    limit: i64,
    has_more: bool,
    /// Where to go on, where there is more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    next_cursor: Option<Cursor>,
}

impl CollectionPageBody {
    /// Of rows that may be one more than a page has.
    pub fn new(rows: Vec<Collection>, size: PageSize, is_for_staff: bool) -> Self {
        let page = Page::from_overfetched(rows, size, |collection| collection.id.get());
        let body = |collection| CollectionBody::new(collection, is_for_staff);
        Self {
            limit: size.get(),
            has_more: page.next_cursor.is_some(),
            next_cursor: page.next_cursor,
            collections: page.items.into_iter().map(body).collect(),
        }
    }
}
