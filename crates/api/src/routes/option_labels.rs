//! How options are called in another language than the shop's own.

use std::collections::BTreeMap;

use catalog::translations::options::{self, Labels};
use diesel::{PgConnection, QueryResult};
use domain::{Locale, ProductOption};
use serde::Serialize;
use utoipa::ToSchema;

/// How an option is called in a language.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OptionLabels)]
pub struct OptionLabelsBody {
    /// Absent where it is not translated.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "Farbe")]
    pub label: Option<String>,
    /// By the values themselves; what is not translated is not there.
    #[schema(example = json!({"red": "Rot"}))]
    pub values: BTreeMap<String, String>,
}

/// How options are called in a language, by their names; `None` where nothing is translated.
type Translated = Option<BTreeMap<String, OptionLabelsBody>>;

/// How the options of each of these products, as they are stored, are called in a language: in one statement.
pub(super) fn of_all<'s>(
    conn: &mut PgConnection,
    stored: impl Iterator<Item = &'s serde_json::Value>,
    locale: &Locale,
) -> QueryResult<Vec<Translated>> {
    let products: Vec<Vec<ProductOption>> = stored.map(own).collect();
    let pairs = products.iter().flatten().flat_map(|option| {
        let values = option.values.iter();
        values.map(|value| (option.name.as_str(), value.as_str()))
    });
    let labels = options::find_all(conn, pairs, locale)?;
    Ok(products
        .iter()
        .map(|own| translated(own, &labels))
        .collect())
}

fn translated(own: &[ProductOption], labels: &Labels) -> Translated {
    let mut translated = BTreeMap::new();
    for ProductOption { name, values } in own {
        let value = |value: &String| {
            let label = labels.of_value(name, value)?;
            Some((value.clone(), label.to_owned()))
        };
        let body = OptionLabelsBody {
            label: labels.of_option(name).map(str::to_owned),
            values: values.iter().filter_map(value).collect(),
        };
        if body.label.is_some() || !body.values.is_empty() {
            translated.insert(name.clone(), body);
        }
    }
    Some(translated).filter(|translated| !translated.is_empty())
}

/// The names of options as they are stored, in their order.
pub(super) fn names(stored: &serde_json::Value) -> Vec<String> {
    own(stored).into_iter().map(|option| option.name).collect()
}

fn own(stored: &serde_json::Value) -> Vec<ProductOption> {
    serde_json::from_value(stored.clone()).unwrap_or_default()
}
