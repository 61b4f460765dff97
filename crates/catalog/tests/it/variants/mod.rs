//! What a product is chosen by, and its variants.

mod additions;
mod changes;
mod matrices;
pub(crate) mod meanwhile;

use std::collections::BTreeMap;

use catalog::custom_fields::attributes::AttributeChanges;
use catalog::variants::adding::NewVariant;
use catalog::variants::choosing::{self, Matrix};
use catalog::variants::{self, Traits, Variant};
use diesel::prelude::*;
use domain::{Money, Options, PageSize, ProductId, ProductOption, VariantKind};

use crate::{USD, count, create, product, sku};

pub(crate) fn options(pairs: &[(&str, &[&str])]) -> Options {
    let option = |(name, values): &(&str, &[&str])| ProductOption {
        name: (*name).into(),
        values: values.iter().map(|value| (*value).into()).collect(),
    };
    Options::new(&pairs.iter().map(option).collect::<Vec<_>>()).unwrap()
}

fn choices(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

pub(crate) fn variant(text: &str, size: &str) -> NewVariant {
    NewVariant {
        sku: sku(text),
        choices: choices(&[("Size", size)]),
        price: Money::new(1_200, USD),
        kind: VariantKind::Physical,
        on_hand: 3,
        traits: Traits::default(),
        attributes: AttributeChanges::default(),
    }
}

fn matrix(prefix: &str) -> Matrix {
    Matrix {
        sku_prefix: prefix.into(),
        price: Money::new(1_990, USD),
        on_hand: 2,
    }
}

/// A product with sizes S, M and L, and one variant for none of them.
fn tee(conn: &mut PgConnection) -> ProductId {
    let id = create(conn, product("TEE"));
    choosing::set_options(
        conn,
        id,
        &options(&[("Size", &["S", "M", "L"])]),
        None,
        None,
    )
    .unwrap();
    id
}

fn list(conn: &mut PgConnection, id: ProductId) -> Vec<Variant> {
    variants::list(conn, id, 0, PageSize::MAX, USD).unwrap()
}

fn titles(conn: &mut PgConnection, id: ProductId) -> Vec<String> {
    list(conn, id).into_iter().map(|v| v.title).collect()
}

/// Version of the product, its events, and how many variants it says it has.
fn version(conn: &mut PgConnection, id: ProductId) -> (i64, i64, i32) {
    let events = count(
        conn,
        &format!("platform.outbox WHERE resource_type = 'product' AND resource_id = {id}"),
    );
    let found = variants::find_options(conn, id).unwrap().unwrap();
    (found.product_version, events, found.variant_count)
}

fn miscounted(conn: &mut PgConnection) -> usize {
    let mut checks = catalog::doctor::checks().into_iter();
    let check = checks
        .find(|check| check.name.contains("how many variants"))
        .unwrap();
    db::doctor::examine(conn, check).unwrap().findings.len()
}
