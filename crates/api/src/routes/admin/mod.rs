//! What staff does to the catalogue, beyond the few documented requests.

pub mod categories;
mod category_bodies;
pub mod category_products;
mod collection_bodies;
pub mod collection_products;
pub mod collections;
pub mod components;
mod custom_field_bodies;
pub mod custom_fields;
pub mod customer_groups;
pub mod export_file;
pub mod exports;
mod hold_bodies;
pub mod holds;
mod import_bodies;
pub mod import_results;
mod import_upload;
pub mod imports;
pub mod levels;
mod list_price_bodies;
pub mod list_prices;
mod location_bodies;
pub mod locations;
pub mod low_stock;
pub mod media;
mod media_bodies;
mod media_upload;
pub mod movements;
pub mod option_translations;
pub mod options;
pub mod permissions;
mod price_bodies;
mod price_list_bodies;
pub mod price_lists;
pub mod prices;
mod product_bodies;
pub(super) mod product_details;
pub mod product_media;
pub mod products;
pub mod related;
pub mod search;
pub mod stock;
mod stock_bodies;
mod transfer_bodies;
pub mod transfers;
mod translation_bodies;
pub mod translations;
mod variant_bodies;
pub mod variants;

use catalog::variants::VariantError;

use super::products::not_found;
use crate::http::{Problem, precondition};

/// What is wrong, with the name of the field. `list` is the field that holds the variants of the
/// request; a request about one variant has none.
fn refuse(error: VariantError, list: Option<&str>) -> Problem {
    let field = |index: Option<usize>, name: &str| match (list, index) {
        (Some(list), Some(index)) => format!("{list}[{index}].{name}"),
        (Some(list), None) => list.to_owned(),
        (None, _) => name.to_owned(),
    };
    match error {
        VariantError::ProductNotFound => not_found(),
        VariantError::NotFound => unknown(),
        VariantError::StaleProduct(_) | VariantError::Stale(_) => precondition::stale(),
        VariantError::OptionInUse(sku) => Problem::conflict(
            "option_in_use",
            "A variant has an option or a value that would go",
        )
        .field(
            "options",
            "in_use",
            format!("`{sku}` has it: change or archive that variant first"),
        ),
        VariantError::NoOptions => {
            Problem::conflict("no_options", "The product has no options to combine")
                .detail("set the options of the product first")
        }
        VariantError::TooMany => Problem::conflict(
            "too_many_variants",
            "The product would have too many variants",
        )
        .detail(error.to_string()),
        VariantError::NoSku(title) => {
            let rule = format!("makes no SKU for `{title}`: 1 to 64 visible characters");
            Problem::invalid("skuPrefix", "no_sku", rule)
        }
        VariantError::GeneratedSkuTaken(sku) => {
            Problem::conflict("sku_taken", "Another variant has an SKU that would be made").field(
                "skuPrefix",
                "taken",
                format!("`{sku}` is taken: choose another prefix"),
            )
        }
        VariantError::SkuTaken(index) => {
            Problem::conflict("sku_taken", "Another variant has this SKU").field(
                field(index, "sku"),
                "taken",
                "choose an SKU that no variant has or had",
            )
        }
        VariantError::ChoicesTaken(index) => {
            Problem::conflict("choices_taken", "Another variant has these choices").field(
                field(index, "choices"),
                "taken",
                "choose a combination that no variant of the product has",
            )
        }
        VariantError::Choices(index, error) => {
            Problem::invalid(field(Some(index), "choices"), "invalid", error.to_string())
        }
        VariantError::Fault(index, fault) => {
            Problem::invalid(field(Some(index), &fault.field), fault.code, fault.message)
        }
        VariantError::IsDefault => Problem::conflict(
            "default_variant",
            "The default variant stands for its product",
        )
        .detail("make another variant the default one first, or archive the product"),
        error @ (VariantError::HasStock
        | VariantError::IsBundle
        | VariantError::IsPart(_)
        | VariantError::UnknownPart(_)
        | VariantError::PartIsBundle(_)
        | VariantError::PartOfItself(_)
        | VariantError::PartTwice(_)) => components::refuse(&error),
        VariantError::Db(error) => error.into(),
    }
}

fn unknown() -> Problem {
    Problem::not_found(
        "variant_not_found",
        "The product has no such variant on sale",
    )
}
