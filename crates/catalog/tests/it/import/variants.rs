//! What rows do to products of several variants.

use catalog::variants::choosing::{self, Matrix};
use catalog::variants::editing;
use catalog::variants::{self, Variant};
use diesel::prelude::*;
use domain::{Money, Options, PageSize, ProductId, ProductOption};

use super::{find, import, refusal};
use crate::{USD, conn, create, product};

/// `TEE` in S, by default, and `T-M` in M.
fn tee(conn: &mut PgConnection) -> ProductId {
    let id = create(conn, product("TEE"));
    let size = ProductOption {
        name: "Size".into(),
        values: vec!["S".into(), "M".into()],
    };
    choosing::set_options(conn, id, &Options::new(&[size]).unwrap(), None, None).unwrap();
    let matrix = Matrix {
        sku_prefix: "T".into(),
        price: Money::new(1_200, USD),
        on_hand: 2,
    };
    choosing::generate(conn, id, &matrix, None).unwrap();
    id
}

fn list(conn: &mut PgConnection, id: ProductId) -> Vec<Variant> {
    variants::list(conn, id, 0, PageSize::MAX, USD).unwrap()
}

#[test]
fn the_default_variant_says_what_the_product_is_called_and_the_second_run_changes_nothing() {
    let conn = &mut conn();
    let id = tee(conn);
    let file =
        "sku,name,price,currency,on_hand\nT-M,Tee in M,13.00,USD,5\nTEE,Tee in S,9.00,USD,4\n";

    let (first, _) = import(conn, file);
    let (second, _) = import(conn, file);

    assert_eq!((first.updated, second.unchanged), (2, 2));
    assert_eq!(find(conn, "TEE").name, "Tee in S");
    let all: Vec<_> = list(conn, id)
        .into_iter()
        .map(|v| (v.price_minor, v.on_hand, v.version))
        .collect();
    assert_eq!(all, [(900, 4, 3), (1_300, 5, 2)]);
}

#[test]
fn a_row_of_an_archived_variant_is_refused() {
    let conn = &mut conn();
    let id = tee(conn);
    let medium = list(conn, id)[1].id;
    editing::archive(conn, (id, medium), None, None).unwrap();

    let (field, _) = refusal(conn, "sku,name,price,currency\nT-M,Tee in M,13.00,USD\n");

    assert_eq!(field, "sku");
    assert_eq!(find(conn, "TEE").name, "Product TEE");
}
