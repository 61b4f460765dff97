//! Adding variants, all or none.

use std::sync::Barrier;
use std::thread;

use catalog::editing as products_editing;
use catalog::variants::adding::{self, NewVariant};
use catalog::variants::choosing;
use catalog::variants::{self, MAX_VARIANTS, VariantError};
use diesel::prelude::*;
use domain::InvalidChoices;

use super::{choices, list, miscounted, options, tee, variant, version};
use crate::{conn, create, database, product};

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
    let added = adding::create_all(
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
fn variants_are_added_all_or_none_and_the_one_at_fault_is_named() {
    let conn = &mut conn();
    let id = tee(conn);
    create(conn, product("OTHER"));
    let added = adding::create_all(conn, id, &[variant("S", "S"), variant("M", "M")], None);
    assert_eq!(added.unwrap().len(), 2);
    let before = version(conn, id);

    let mut refused = |new: &[NewVariant]| adding::create_all(conn, id, new, None).unwrap_err();

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
    let refused = adding::create_all(conn, id, &[second], None);
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
    let refused = adding::create_all(conn, id, &[variant("S", "S")], None);
    assert!(matches!(refused, Err(VariantError::TooMany)));
}

#[test]
fn an_archived_product_takes_no_variants() {
    let conn = &mut conn();
    let id = tee(conn);
    products_editing::archive(conn, id, None, None).unwrap();
    let added = adding::create_all(conn, id, &[variant("S", "S")], None);
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
        conn.transaction(|conn| adding::create_all(conn, id, &new, None))
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
