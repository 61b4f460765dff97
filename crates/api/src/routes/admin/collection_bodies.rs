//! Collections as staff sends them.

use catalog::collections::Rules;
use catalog::collections::editing::{CollectionChanges, NewCollection};
use catalog::collections::rules::{Condition, Match, PriceRange};
use domain::{Currency, Money, ProductOrder, Slug};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::http::{Problem, text};
use crate::routes::collection_bodies::{ConditionBody, MatchBody, PriceRangeBody, RulesBody};

/// A collection to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewCollection)]
pub struct NewCollectionBody {
    #[schema(min_length = 1, max_length = 300)]
    name: String,
    /// Made from the name where it is left out; it has a letter.
    #[schema(value_type = Option<String>, example = "summer-sale", min_length = 1, max_length = 80)]
    slug: Option<Slug>,
    #[serde(default)]
    #[schema(max_length = 20_000)]
    description: String,
    #[serde(default)]
    #[schema(max_length = 2_000)]
    image: String,
    /// How its products are listed: `manual`, `newest` or `name`. Where it is left out `manual`, and `newest` with rules.
    #[schema(value_type = Option<String>, example = "manual")]
    product_order: Option<ProductOrder>,
    /// What a product has to be; without rules it is a list that somebody writes, and stays one.
    rules: Option<RulesBody>,
}

impl NewCollectionBody {
    /// Checks what can be checked without the catalogue.
    pub fn checked(self, shop: Currency) -> Result<NewCollection, Problem> {
        let name = text("name", self.name, 1, 300)?;
        let slug = self.slug.or_else(|| Slug::from_title(&name));
        let no_slug = || {
            let rule = "the name makes none: choose one of a-z, 0-9";
            Problem::invalid("slug", "missing", rule)
        };
        Ok(NewCollection {
            slug: lettered(slug.ok_or_else(no_slug)?)?,
            name,
            description: text("description", self.description, 0, 20_000)?,
            image: text("image", self.image, 0, 2_000)?,
            product_order: self.product_order,
            rules: self.rules.map(|rules| checked(rules, shop)).transpose()?,
        })
    }
}

/// What is to be different.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = CollectionChanges)]
pub struct CollectionChangesBody {
    #[schema(min_length = 1, max_length = 300)]
    name: Option<String>,
    #[schema(value_type = Option<String>, min_length = 1, max_length = 80)]
    slug: Option<Slug>,
    #[schema(max_length = 20_000)]
    description: Option<String>,
    #[schema(max_length = 2_000)]
    image: Option<String>,
    /// `manual`, `newest` or `name`.
    #[schema(value_type = Option<String>)]
    product_order: Option<ProductOrder>,
    /// In place of the rules it has.
    rules: Option<RulesBody>,
}

impl CollectionChangesBody {
    /// Checks what can be checked without the catalogue.
    pub fn checked(self, shop: Currency) -> Result<CollectionChanges, Problem> {
        let text = |field, given: Option<String>, min, max| {
            given.map(|given| text(field, given, min, max)).transpose()
        };
        Ok(CollectionChanges {
            name: text("name", self.name, 1, 300)?,
            slug: self.slug.map(lettered).transpose()?,
            description: text("description", self.description, 0, 20_000)?,
            image: text("image", self.image, 0, 2_000)?,
            product_order: self.product_order,
            rules: self.rules.map(|rules| checked(rules, shop)).transpose()?,
        })
    }
}

/// A slug that cannot be taken for an id.
fn lettered(slug: Slug) -> Result<Slug, Problem> {
    if slug.as_str().bytes().any(|byte| byte.is_ascii_lowercase()) {
        return Ok(slug);
    }
    let rule = "must have a letter, because it stands where an id may";
    Err(Problem::invalid("slug", "invalid", rule))
}

fn checked(rules: RulesBody, shop: Currency) -> Result<Rules, Problem> {
    let conditions = rules.conditions.into_iter().enumerate();
    let conditions = conditions.map(|(index, body)| {
        let place = format!("rules.conditions[{index}]");
        condition(&place, body, shop)
    });
    let rules = Rules {
        matching: match rules.matching {
            MatchBody::All => Match::All,
            MatchBody::Any => Match::Any,
        },
        conditions: conditions.collect::<Result<_, _>>()?,
    };
    rules.check().map_err(|fault| {
        Problem::invalid(format!("rules.{}", fault.place), fault.code, fault.message)
    })?;
    Ok(rules)
}

fn condition(place: &str, body: ConditionBody, shop: Currency) -> Result<Condition, Problem> {
    let given = [
        body.category.map(Condition::Category),
        body.brand.map(Condition::Brand),
        body.tag.map(Condition::Tag),
        body.price
            .map(|body| price(&format!("{place}.price"), &body, shop))
            .transpose()?,
        body.in_stock.map(Condition::InStock),
        body.made_within_days.map(Condition::MadeWithinDays),
    ];
    let mut given = given.into_iter().flatten();
    let (Some(condition), None) = (given.next(), given.next()) else {
        let rule = "must have exactly one of category, brand, tag, price, inStock, madeWithinDays";
        return Err(Problem::invalid(place, "invalid", rule));
    };
    Ok(condition)
}

fn price(place: &str, body: &PriceRangeBody, shop: Currency) -> Result<Condition, Problem> {
    let field = |name: &str| format!("{place}.{name}");
    if body.currency.is_some_and(|currency| currency != shop) {
        let rule = format!("must be {shop}, the shop's");
        return Err(Problem::invalid(field("currency"), "invalid", rule));
    }
    let amount = |name: &str, text: Option<&str>| {
        let Some(text) = text else {
            return Ok::<_, Problem>(None);
        };
        let price = Money::parse_decimal(text, shop)
            .map_err(|error| Problem::invalid(field(name), "invalid", error.to_string()))?;
        Ok(Some(price.minor()))
    };
    let (min, max) = (
        amount("min", body.min.as_deref())?,
        amount("max", body.max.as_deref())?,
    );
    let currency = shop;
    Ok(Condition::Price(PriceRange { currency, min, max }))
}
