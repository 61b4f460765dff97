//! Options, and the variants they multiply to.

use catalog::variants::VariantError;
use catalog::variants::choosing::{self, MAX_GENERATED};
use diesel::prelude::*;

use super::{list, matrix, miscounted, options, tee, titles, version};
use crate::{conn, count, create, database, product, unexplained};

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
