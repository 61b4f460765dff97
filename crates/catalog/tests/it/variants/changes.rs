//! Changing and archiving variants, and what orders see of it.

use catalog::editing as products_editing;
use catalog::quotes::Wanted;
use catalog::variants::adding::{self, NewVariant};
use catalog::variants::editing::{self, TraitChanges, VariantChanges};
use catalog::variants::{self, Traits, VariantError};
use diesel::prelude::*;
use domain::{Money, VariantId};

use super::{choices, list, miscounted, tee, titles, variant, version};
use crate::{USD, conn, create, database, product, quote, sku};

#[test]
fn a_price_and_a_default_that_others_set_are_changes_of_the_variant_too() {
    let conn = &mut conn();
    let id = tee(conn);
    let small = adding::create_all(conn, id, &[variant("S", "S")], None).unwrap()[0];
    let first = list(conn, id)[0].id;
    let price = products_editing::ProductChanges {
        price: Some(Money::new(900, USD)),
        ..Default::default()
    };
    products_editing::update(conn, id, price.clone(), None, None).unwrap();
    assert_eq!(list(conn, id)[0].version, 2);
    products_editing::update(conn, id, price, None, None).unwrap();
    assert_eq!(list(conn, id)[0].version, 2, "the same price is no change");

    let takes_over = VariantChanges {
        is_default: Some(true),
        ..VariantChanges::default()
    };
    editing::update(conn, (id, small), takes_over, None, None).unwrap();
    let stale = editing::archive(conn, (id, first), Some(2), None);
    assert!(matches!(stale, Err(VariantError::Stale(3))));
    let ceases = VariantChanges {
        is_default: Some(false),
        ..VariantChanges::default()
    };
    let refused = editing::update(conn, (id, small), ceases, None, None);
    assert!(matches!(refused, Err(VariantError::IsDefault)));
}

#[test]
fn a_variant_changes_only_what_is_said() {
    let conn = &mut conn();
    let id = tee(conn);
    let new = NewVariant {
        traits: Traits {
            weight_grams: Some(180),
            barcode: Some("4006381333931".into()),
            ..Traits::default()
        },
        ..variant("S", "S")
    };
    let small = adding::create_all(conn, id, &[new], None).unwrap()[0];
    let change = |conn: &mut PgConnection, changes| {
        editing::update(conn, (id, small), changes, None, None).unwrap();
        variants::find(conn, (id, small), USD).unwrap().unwrap()
    };

    let repriced = change(
        conn,
        VariantChanges {
            price: Some(Money::new(1_300, USD)),
            ..VariantChanges::default()
        },
    );
    assert_eq!((repriced.price_minor, repriced.version), (1_300, 2));
    assert_eq!(
        (repriced.weight_grams, repriced.barcode.as_deref()),
        (Some(180), Some("4006381333931"))
    );

    let moved = change(
        conn,
        VariantChanges {
            sku: Some(sku("S-NEW")),
            choices: Some(choices(&[("Size", "L")])),
            traits: TraitChanges {
                barcode: Some(None),
                length_mm: Some(Some(700)),
                ..TraitChanges::default()
            },
            ..VariantChanges::default()
        },
    );
    assert_eq!((moved.sku.as_str(), moved.title.as_str()), ("S-NEW", "L"));
    assert_eq!(
        (moved.barcode, moved.weight_grams, moved.length_mm),
        (None, Some(180), Some(700))
    );
    assert_eq!((moved.on_hand, moved.available), (3, Some(3)));

    let stale = editing::update(conn, (id, small), VariantChanges::default(), Some(1), None);
    assert!(matches!(stale, Err(VariantError::Stale(3))));
    let elsewhere = create(conn, product("OTHER"));
    let foreign = editing::update(
        conn,
        (elsewhere, small),
        VariantChanges::default(),
        None,
        None,
    );
    assert!(matches!(foreign, Err(VariantError::NotFound)));
}

#[test]
fn a_taken_sku_and_taken_choices_are_refused_in_a_change() {
    let db = database();
    let conn = &mut db.connect();
    let id = tee(conn);
    let ids = adding::create_all(conn, id, &[variant("S", "S"), variant("M", "M")], None).unwrap();
    let mut refused = |changes| {
        conn.transaction(|conn| editing::update(conn, (id, ids[0]), changes, None, None))
            .unwrap_err()
    };
    let taken = refused(VariantChanges {
        sku: Some(sku("TEE")),
        ..VariantChanges::default()
    });
    assert!(matches!(taken, VariantError::SkuTaken(None)), "{taken:?}");
    let same = refused(VariantChanges {
        choices: Some(choices(&[("Size", "M")])),
        ..VariantChanges::default()
    });
    assert!(matches!(same, VariantError::ChoicesTaken(None)), "{same:?}");
}

#[test]
fn the_default_variant_is_one_and_stays_until_another_takes_its_place() {
    let conn = &mut conn();
    let id = tee(conn);
    let first = list(conn, id)[0].id;
    let small = adding::create_all(conn, id, &[variant("S", "S")], None).unwrap()[0];
    let archive = |conn: &mut PgConnection, variant: VariantId| {
        editing::archive(conn, (id, variant), None, None)
    };
    assert!(matches!(archive(conn, first), Err(VariantError::IsDefault)));

    let takes_over = VariantChanges {
        is_default: Some(true),
        ..VariantChanges::default()
    };
    editing::update(conn, (id, small), takes_over, None, None).unwrap();

    assert_eq!(
        quote(conn, &[Wanted::Product(id)], USD)[0].1.sku.as_str(),
        "S"
    );
    archive(conn, first).unwrap();
    assert!(matches!(archive(conn, first), Err(VariantError::NotFound)));
    assert_eq!(titles(conn, id), ["S"]);
    assert_eq!((version(conn, id).2, miscounted(conn)), (1, 0));
    assert_eq!(quote(conn, &[Wanted::Sku(sku("TEE"))], USD).len(), 0);
    // What was archived may be chosen anew; its SKU is taken for ever.
    let again = adding::create_all(conn, id, &[variant("TEE", "M")], None);
    assert!(matches!(again, Err(VariantError::SkuTaken(Some(0)))));
}

#[test]
fn an_order_names_the_variant_it_is_for() {
    let conn = &mut conn();
    let id = tee(conn);
    adding::create_all(conn, id, &[variant("S", "S")], None).unwrap();

    let quoted = quote(conn, &[Wanted::Sku(sku("S")), Wanted::Product(id)], USD);

    let titles: Vec<&str> = quoted
        .iter()
        .map(|(_, quote)| quote.title.as_str())
        .collect();
    assert_eq!(titles, ["Product TEE – S", "Product TEE"]);
    assert_eq!((quoted[0].1.price_minor, quoted[0].1.available), (1_200, 3));
}
