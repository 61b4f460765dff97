//! The catalogue of dotnet/eShop: an array of products, none of which has variants or a SKU.

use std::io::Read;

use domain::Currency;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{array, paths};
use crate::import::row::{Cells, refuse};
use crate::import::{ImportError, Sink};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Item {
    id: u64,
    name: String,
    #[serde(default)]
    brand: String,
    /// Bags, climbing and so on.
    #[serde(default)]
    r#type: String,
    #[serde(default)]
    description: String,
    /// As it is written: a float would not be exact.
    price: Box<RawValue>,
}

pub(super) fn read(source: impl Read, currency: Currency, sink: Sink) -> Result<(), ImportError> {
    array::read(source, |number, element| {
        let item: Item = match serde_json::from_str(element.get()) {
            Ok(item) => item,
            Err(error) => {
                return sink(
                    number,
                    Cells::default(),
                    Err(refuse("row", error.to_string())),
                );
            }
        };
        let cells = Cells {
            sku: format!("ESHOP-{}", item.id),
            name: item.name,
            brand: item.brand,
            categories: paths(&item.r#type, '\n', "\n"),
            description: item.description,
            price: item.price.get().to_owned(),
            currency: currency.code().to_owned(),
            ..Cells::default()
        };
        sink(number, cells, Ok(()))
    })
}
