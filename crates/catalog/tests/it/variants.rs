use std::collections::BTreeMap;
use std::sync::Barrier;
use std::thread;

use catalog::editing as products_editing;
use catalog::variants::choosing::{self, MAX_GENERATED, Matrix};
use catalog::variants::editing::{
    self, MAX_VARIANTS, NewVariant, TraitChanges, Traits, VariantChanges, VariantError,
};
use catalog::variants::{self, Variant};
use diesel::prelude::*;
use domain::{InvalidChoices, Money, Options, PageSize, ProductId, ProductOption, VariantId};

use catalog::quotes::Wanted;

use crate::{USD, conn, count, create, database, product, quote, sku, unexplained};

fn options(pairs: &[(&str, &[&str])]) -> Options {
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

fn variant(text: &str, size: &str) -> NewVariant {
    NewVariant {
        sku: sku(text),
        choices: choices(&[("Size", size)]),
        price: Money::new(1_200, USD),
        on_hand: 3,
        traits: Traits::default(),
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

#[test]
fn a_matrix_adds_what_is_missing_and_gives_the_only_variant_the_first_place() {
    let conn = &mut conn();
    let id = create(conn, product("TEE"));
    let two = options(&[("Size", &["S", "M"]), ("Colour", &["red", "off-white"])]);
    choosing::set_options(conn, id, &two, None, None).unwrap();

    let added = choosing::generate(conn, id, &matrix("TEE"), None).unwrap();

    assert_eq!((added.variant_ids.len(), added.has_more), (3, false));
    let all = list(conn, id);
    let shown: Vec<(&str, &str, i64, i64)> = all
        .iter()
        .map(|v| (v.sku.as_str(), v.title.as_str(), v.price_minor, v.on_hand))
        .collect();
    let expected = [
        ("TEE", "S / red", 950, 10),
        ("TEE-S-OFFWHITE", "S / off-white", 1_990, 2),
        ("TEE-M-RED", "M / red", 1_990, 2),
        ("TEE-M-OFFWHITE", "M / off-white", 1_990, 2),
    ];
    assert_eq!(shown, expected);
    assert!(all[0].is_default && all[1..].iter().all(|v| !v.is_default));
    assert_eq!(version(conn, id), (3, 3, 4));

    let again = choosing::generate(conn, id, &matrix("TEE"), None).unwrap();
    assert_eq!(again.variant_ids, []);
    assert_eq!(version(conn, id), (3, 3, 4), "nothing changed");
    assert_eq!((titles(conn, id).len(), miscounted(conn)), (4, 0));
    assert_eq!(unexplained(conn), [""; 0]);
}

#[test]
fn a_matrix_needs_options_and_has_an_end() {
    let conn = &mut conn();
    let id = create(conn, product("TEE"));
    let none = choosing::generate(conn, id, &matrix("TEE"), None);
    assert!(matches!(none, Err(VariantError::NoOptions)));

    let values: Vec<String> = (0..101).map(|n| n.to_string()).collect();
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    let many = options(&[("A", &values), ("B", &values)]);
    choosing::set_options(conn, id, &many, None, None).unwrap();
    let too_many = choosing::generate(conn, id, &matrix("TEE"), None);
    assert!(matches!(too_many, Err(VariantError::TooMany)));

    let long = "x".repeat(60);
    choosing::set_options(conn, id, &options(&[("A", &["plain", &long])]), None, None).unwrap();
    let no_sku = choosing::generate(conn, id, &matrix("A-PREFIX"), None);
    assert!(matches!(no_sku, Err(VariantError::NoSku(title)) if title == long));
}

#[test]
fn a_large_matrix_is_made_in_parts_and_values_that_look_alike_get_numbers() {
    let db = database();
    let conn = &mut db.connect();
    let id = create(conn, product("TEE"));
    let values: Vec<String> = (0..599)
        .map(|n| n.to_string())
        .chain(["1.5".into(), "1,5".into()])
        .collect();
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    let all = options(&[("A", &values), ("B", &["x", "y"])]);
    choosing::set_options(conn, id, &all, None, None).unwrap();
    let mut generate = || {
        conn.transaction(|conn| choosing::generate(conn, id, &matrix("M"), None))
            .unwrap()
    };

    let first = generate();
    assert_eq!(
        (first.variant_ids.len(), first.has_more),
        (MAX_GENERATED - 1, true)
    );
    let rest = generate();
    assert_eq!(
        (rest.variant_ids.len(), rest.has_more),
        (2 * 601 - MAX_GENERATED, false)
    );

    assert_eq!(version(conn, id).2, 2 * 601);
    assert_eq!(miscounted(conn), 0);
    assert_eq!(count(conn, "catalog.variants WHERE sku = 'M-15-X-2'"), 1);
}

#[test]
fn a_sku_that_a_matrix_would_make_and_somebody_has_is_named() {
    let conn = &mut conn();
    let id = tee(conn);
    create(conn, product("TEE-M"));
    let refused = choosing::generate(conn, id, &matrix("TEE"), None);
    assert!(matches!(refused, Err(VariantError::GeneratedSkuTaken(sku)) if sku == "TEE-M"));
}

#[test]
fn choices_may_be_longer_than_a_row_of_an_index() {
    let conn = &mut conn();
    let id = create(conn, product("TEE"));
    // Characters that do not repeat, so that nothing makes them shorter.
    let long = |n: u32| -> String {
        (0..100)
            .filter_map(|i| char::from_u32(0x4E00 + n * 100 + i))
            .collect()
    };
    let texts: Vec<(String, String)> = (0..10).map(|n| (long(2 * n), long(2 * n + 1))).collect();
    let values: Vec<[&str; 1]> = texts.iter().map(|(_, value)| [value.as_str()]).collect();
    let pairs: Vec<(&str, &[&str])> = texts
        .iter()
        .zip(&values)
        .map(|((name, _), v)| (name.as_str(), &v[..]))
        .collect();
    choosing::set_options(conn, id, &options(&pairs), None, None).unwrap();
    let choices = texts.iter().cloned().collect();
    let added = editing::create_all(
        conn,
        id,
        &[NewVariant {
            choices,
            ..variant("LONG", "")
        }],
        None,
    );
    assert_eq!(added.unwrap().len(), 1);
}

#[test]
fn a_price_and_a_default_that_others_set_are_changes_of_the_variant_too() {
    let conn = &mut conn();
    let id = tee(conn);
    let small = editing::create_all(conn, id, &[variant("S", "S")], None).unwrap()[0];
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
fn variants_are_added_all_or_none_and_the_one_at_fault_is_named() {
    let conn = &mut conn();
    let id = tee(conn);
    create(conn, product("OTHER"));
    let added = editing::create_all(conn, id, &[variant("S", "S"), variant("M", "M")], None);
    assert_eq!(added.unwrap().len(), 2);
    let before = version(conn, id);

    let mut refused = |new: &[NewVariant]| editing::create_all(conn, id, new, None).unwrap_err();

    let taken = refused(&[variant("L", "L"), variant("OTHER", "L")]);
    assert!(
        matches!(taken, VariantError::SkuTaken(Some(1))),
        "{taken:?}"
    );
    let twice = refused(&[variant("L", "L"), variant("L", "L")]);
    assert!(
        matches!(twice, VariantError::SkuTaken(Some(1))),
        "{twice:?}"
    );
    let same = refused(&[variant("L", "L"), variant("L2", "M")]);
    assert!(
        matches!(same, VariantError::ChoicesTaken(Some(1))),
        "{same:?}"
    );
    let unknown = refused(&[variant("L", "L"), variant("XL", "XL")]);
    assert!(
        matches!(
            unknown,
            VariantError::Choices(1, InvalidChoices::UnknownValue { .. })
        ),
        "{unknown:?}"
    );
    let missing = refused(&[NewVariant {
        choices: choices(&[]),
        ..variant("L", "L")
    }]);
    assert!(
        matches!(
            missing,
            VariantError::Choices(0, InvalidChoices::Missing(_))
        ),
        "{missing:?}"
    );
    assert_eq!(version(conn, id), before);
    assert_eq!(miscounted(conn), 0);
}

#[test]
fn without_options_there_is_one_variant() {
    let conn = &mut conn();
    let id = create(conn, product("TEE"));
    let second = NewVariant {
        choices: choices(&[]),
        ..variant("SECOND", "S")
    };
    let refused = editing::create_all(conn, id, &[second], None);
    assert!(matches!(refused, Err(VariantError::ChoicesTaken(Some(0)))));
}

#[test]
fn a_product_has_so_many_variants_and_no_more() {
    let conn = &mut conn();
    let id = tee(conn);
    diesel::sql_query(format!(
        "UPDATE catalog.products SET variant_count = {MAX_VARIANTS}"
    ))
    .execute(conn)
    .unwrap();
    let refused = editing::create_all(conn, id, &[variant("S", "S")], None);
    assert!(matches!(refused, Err(VariantError::TooMany)));
}

#[test]
fn options_that_are_in_use_stay_and_titles_follow_their_order() {
    let conn = &mut conn();
    let id = create(conn, product("TEE"));
    let two = options(&[("Size", &["S", "M"]), ("Colour", &["red"])]);
    choosing::set_options(conn, id, &two, None, None).unwrap();
    choosing::generate(conn, id, &matrix("TEE"), None).unwrap();

    for stranding in [
        options(&[("Size", &["S"]), ("Colour", &["red"])]),
        options(&[("Size", &["S", "M"])]),
        options(&[
            ("Size", &["S", "M"]),
            ("Colour", &["red"]),
            ("Fit", &["slim"]),
        ]),
        options(&[]),
    ] {
        let refused = choosing::set_options(conn, id, &stranding, None, None);
        assert!(
            matches!(refused, Err(VariantError::OptionInUse(_))),
            "{stranding:?}"
        );
    }
    let turned = options(&[("Colour", &["blue", "red"]), ("Size", &["XL", "M", "S"])]);
    choosing::set_options(conn, id, &turned, None, None).unwrap();
    assert_eq!(titles(conn, id), ["red / S", "red / M"]);
    let current = version(conn, id).0;
    let stale = choosing::set_options(conn, id, &turned, Some(current - 1), None);
    assert!(matches!(stale, Err(VariantError::StaleProduct(v)) if v == current));
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
    let small = editing::create_all(conn, id, &[new], None).unwrap()[0];
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
    assert_eq!((moved.on_hand, moved.available), (3, 3));

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
    let ids = editing::create_all(conn, id, &[variant("S", "S"), variant("M", "M")], None).unwrap();
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
    let small = editing::create_all(conn, id, &[variant("S", "S")], None).unwrap()[0];
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
    let again = editing::create_all(conn, id, &[variant("TEE", "M")], None);
    assert!(matches!(again, Err(VariantError::SkuTaken(Some(0)))));
}

#[test]
fn an_order_names_the_variant_it_is_for() {
    let conn = &mut conn();
    let id = tee(conn);
    editing::create_all(conn, id, &[variant("S", "S")], None).unwrap();

    let quoted = quote(conn, &[Wanted::Sku(sku("S")), Wanted::Product(id)], USD);

    let titles: Vec<&str> = quoted
        .iter()
        .map(|(_, quote)| quote.title.as_str())
        .collect();
    assert_eq!(titles, ["Product TEE – S", "Product TEE"]);
    assert_eq!((quoted[0].1.price_minor, quoted[0].1.available), (1_200, 3));
}

#[test]
fn an_archived_product_takes_no_variants() {
    let conn = &mut conn();
    let id = tee(conn);
    products_editing::archive(conn, id, None).unwrap();
    let added = editing::create_all(conn, id, &[variant("S", "S")], None);
    assert!(matches!(added, Err(VariantError::ProductNotFound)));
    assert!(variants::find_options(conn, id).unwrap().is_none());
    assert_eq!(list(conn, id).len(), 0);
}

#[test]
fn those_who_add_the_same_variant_at_once_add_it_once() {
    let db = database();
    let id = tee(&mut db.connect());
    let barrier = Barrier::new(8);
    let add = |number: usize| {
        let mut conn = db.connect();
        barrier.wait();
        let new = [variant(&format!("S-{number}"), "S")];
        conn.transaction(|conn| editing::create_all(conn, id, &new, None))
    };
    let outcomes: Vec<_> = thread::scope(|scope| {
        let racers: Vec<_> = (0..8)
            .map(|number| scope.spawn(move || add(number)))
            .collect();
        racers
            .into_iter()
            .map(|racer| racer.join().unwrap())
            .collect()
    });
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    for refused in outcomes.into_iter().filter_map(Result::err) {
        assert!(
            matches!(refused, VariantError::ChoicesTaken(Some(0))),
            "{refused:?}"
        );
    }
    let conn = &mut db.connect();
    assert_eq!((version(conn, id).2, miscounted(conn)), (2, 0));
}
