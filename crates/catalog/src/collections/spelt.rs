//! Rules as files spell them: what they name has to be found in another shop, so a category is the names on the way to it.

use std::collections::HashMap;

use domain::{CategoryId, Currency, Money};
use serde::{Deserialize, Serialize};

use super::rules::{Condition, MAX_CONDITIONS, Match, PriceRange, Rules};
use crate::categories::MAX_DEPTH;
use crate::categories::paths::Path;

/// Most characters of a category's name.
const MAX_NAME: usize = 300;

/// Rules as a file has them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SpeltRules {
    #[serde(rename = "match")]
    matching: Match,
    conditions: Vec<SpeltCondition>,
}

/// Exactly one of these.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SpeltCondition {
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<Path>,
    #[serde(skip_serializing_if = "Option::is_none")]
    brand: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    price: Option<SpeltRange>,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_stock: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    made_within_days: Option<u32>,
}

/// Decimals.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SpeltRange {
    /// The shop's.
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<Currency>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<String>,
}

impl SpeltRules {
    /// What a file says of these rules; `paths` lead to the categories. One that is gone has no products: where any condition is
    /// enough it is left out beside others, and otherwise it has an empty path, which leads nowhere.
    pub(crate) fn of(rules: &Rules, paths: &HashMap<i64, Path>) -> Self {
        let is_there = |one: &&Condition| match one {
            Condition::Category(id) => paths.contains_key(&id.get()),
            _ => true,
        };
        let mut conditions: Vec<&Condition> = rules.conditions.iter().collect();
        if rules.matching == Match::Any && conditions.iter().any(is_there) {
            conditions.retain(is_there);
        }
        Self {
            matching: rules.matching,
            conditions: conditions
                .into_iter()
                .map(|one| spelt(one, paths))
                .collect(),
        }
    }

    /// Whether so much can be looked up at all: before it is, and before rows are kept for that.
    ///
    /// # Errors
    ///
    /// What is wrong, in words.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.conditions.len() > MAX_CONDITIONS {
            return Err(format!("must have 1 to {MAX_CONDITIONS} conditions"));
        }
        let is_name =
            |name: &String| name.chars().count() <= MAX_NAME && !name.chars().any(char::is_control);
        for (index, condition) in self.conditions.iter().enumerate() {
            let leads =
                |path: &Path| (1..=MAX_DEPTH).contains(&path.len()) && path.iter().all(is_name);
            if !condition.category.as_ref().is_none_or(leads) {
                return Err(format!("conditions[{index}] names no category"));
            }
        }
        Ok(())
    }

    /// The categories that are named.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        let conditions = self.conditions.iter();
        conditions.filter_map(|condition| condition.category.as_ref())
    }

    /// What they mean, where `find` tells the category of each path.
    ///
    /// # Errors
    ///
    /// What is wrong with them, in words.
    pub(crate) fn read(
        &self,
        shop: Currency,
        find: impl Fn(&Path) -> Option<CategoryId>,
    ) -> Result<Rules, String> {
        let conditions = self.conditions.iter().enumerate();
        let conditions = conditions.map(|(index, condition)| {
            let read = condition.read(shop, &find);
            read.map_err(|rule| format!("conditions[{index}] {rule}"))
        });
        let rules = Rules {
            matching: self.matching,
            conditions: conditions.collect::<Result<_, _>>()?,
        };
        let checked = rules.check();
        checked.map_err(|fault| format!("{} {}", fault.place, fault.message))?;
        Ok(rules)
    }
}

impl SpeltCondition {
    fn read(
        &self,
        shop: Currency,
        find: impl Fn(&Path) -> Option<CategoryId>,
    ) -> Result<Condition, String> {
        let category = self.category.as_ref().map(|path| {
            let unknown = || format!("`{:.200}` leads to no category", path.join(" > "));
            find(path).map(Condition::Category).ok_or_else(unknown)
        });
        let price = self.price.as_ref().map(|range| range.read(shop));
        let given = [
            category.transpose()?,
            self.brand.clone().map(Condition::Brand),
            self.tag.clone().map(Condition::Tag),
            price.transpose()?.map(Condition::Price),
            self.in_stock.map(Condition::InStock),
            self.made_within_days.map(Condition::MadeWithinDays),
        ];
        let mut given = given.into_iter().flatten();
        match (given.next(), given.next()) {
            (Some(condition), None) => Ok(condition),
            _ => Err(
                "must have exactly one of category, brand, tag, price, inStock, madeWithinDays"
                    .into(),
            ),
        }
    }
}

impl SpeltRange {
    fn read(&self, shop: Currency) -> Result<PriceRange, String> {
        if self.currency.is_some_and(|currency| currency != shop) {
            return Err(format!("has another currency than {shop}, the shop's"));
        }
        let amount = |text: &Option<String>| {
            let amount = text.as_deref().map(|text| Money::parse_decimal(text, shop));
            let amount = amount.transpose().map_err(|error| error.to_string())?;
            Ok::<_, String>(amount.map(Money::minor))
        };
        Ok(PriceRange {
            currency: shop,
            min: amount(&self.min)?,
            max: amount(&self.max)?,
        })
    }
}

fn spelt(condition: &Condition, paths: &HashMap<i64, Path>) -> SpeltCondition {
    let mut spelt = SpeltCondition::default();
    match condition {
        Condition::Category(id) => {
            spelt.category = Some(paths.get(&id.get()).cloned().unwrap_or_default());
        }
        Condition::Brand(brand) => spelt.brand = Some(brand.clone()),
        Condition::Tag(tag) => spelt.tag = Some(tag.clone()),
        Condition::Price(range) => {
            let decimal = |minor| Money::new(minor, range.currency).to_decimal();
            spelt.price = Some(SpeltRange {
                currency: Some(range.currency),
                min: range.min.map(decimal),
                max: range.max.map(decimal),
            });
        }
        Condition::InStock(is_left) => spelt.in_stock = Some(*is_left),
        Condition::MadeWithinDays(days) => spelt.made_within_days = Some(*days),
    }
    spelt
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_category_that_is_gone_is_told_of_only_where_it_matters() {
        let gone = Condition::Category(CategoryId::try_from(7).unwrap());
        let there = Condition::Category(CategoryId::try_from(8).unwrap());
        let paths = HashMap::from([(8, vec!["Men".to_owned()])]);
        let told = |matching, conditions: &[&Condition]| {
            let conditions = conditions.iter().map(|one| (*one).clone()).collect();
            let rules = Rules {
                matching,
                conditions,
            };
            let told = serde_json::to_string(&SpeltRules::of(&rules, &paths)).unwrap();
            told.split_once("\"conditions\":").unwrap().1.to_owned()
        };
        let both = [&gone, &there];
        assert_eq!(told(Match::Any, &both), r#"[{"category":["Men"]}]}"#);
        let all = r#"[{"category":[]},{"category":["Men"]}]}"#;
        assert_eq!(told(Match::All, &both), all);
        assert_eq!(told(Match::Any, &[&gone]), r#"[{"category":[]}]}"#);
    }
}
