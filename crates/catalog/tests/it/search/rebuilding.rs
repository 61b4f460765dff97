//! All of the index anew, while the shop goes on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use catalog::search::{self, SearchError, rebuilding};
use chrono::Utc;
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use domain::ProductId;

use super::{everything, find, findings, follow, ids, index_all, names, rename, turn, words};
use crate::{EUR, USD, conn, count, create, database, product};

fn english() -> Vec<String> {
    vec!["en".to_owned()]
}

fn rebuild(conn: &mut PgConnection) {
    rebuilding::begin(conn, &english(), USD).unwrap();
    while rebuilding::build(conn).unwrap() == rebuilding::BATCH {}
    rebuilding::analyse(conn).unwrap();
    conn.transaction(rebuilding::swap).unwrap();
}

fn total(conn: &mut PgConnection) -> i64 {
    find(conn, &everything()).facets.unwrap().total
}

fn id(number: i64) -> ProductId {
    number.try_into().unwrap()
}

/// So many products, as an import makes them.
fn fill(conn: &mut PgConnection, products: usize) {
    let new: Vec<_> = (1..=products)
        .map(|n| product(&format!("F-{n:04}")))
        .collect();
    catalog::editing::create_all(conn, &new, None).unwrap();
}

#[test]
fn a_shop_that_has_just_learnt_to_search_reads_its_products() {
    let conn = &mut conn();
    create(conn, product("OLD-1"));
    conn.batch_execute("UPDATE catalog.search_index SET built_at = NULL")
        .unwrap();
    assert!(!rebuilding::is_suitable(conn, &english(), USD).unwrap());
    let refused = search::find(conn, &everything());
    assert!(matches!(refused, Err(SearchError::NotBuilt)), "{refused:?}");

    rebuild(conn);

    assert!(rebuilding::is_suitable(conn, &english(), USD).unwrap());
    assert_eq!(names(conn, "old"), ["Product OLD-1"]);
}

#[test]
fn an_empty_shop_has_the_index_that_it_wants() {
    let conn = &mut conn();
    let german = vec!["de".to_owned()];
    assert!(rebuilding::is_suitable(conn, &german, EUR).unwrap());
    assert!(rebuilding::is_suitable(conn, &english(), USD).unwrap());
    create(conn, product("ONE"));
    assert!(!rebuilding::is_suitable(conn, &german, USD).unwrap());
    assert!(!rebuilding::is_suitable(conn, &english(), EUR).unwrap());
}

#[test]
fn what_changes_meanwhile_is_in_the_new_index_too() {
    let conn = &mut database().connect();
    fill(conn, 450);
    follow(conn);
    assert_eq!(total(conn), 450);
    rebuilding::begin(conn, &english(), USD).unwrap();
    assert_eq!(rebuilding::build(conn).unwrap(), rebuilding::BATCH);
    assert_eq!(rebuilding::progress(conn).unwrap(), (200, 450));

    // One that was read already, one that was not, one that goes and one that comes.
    rename(conn, id(1), "Early bird");
    rename(conn, id(440), "Late owl");
    catalog::editing::archive(conn, id(2), None, None).unwrap();
    create(conn, product("F-9999"));
    follow(conn);
    assert_eq!(
        names(conn, "bird"),
        ["Early bird"],
        "in the one that is read"
    );
    while rebuilding::build(conn).unwrap() == rebuilding::BATCH {}
    conn.transaction(rebuilding::swap).unwrap();

    assert_eq!(total(conn), 450);
    assert_eq!(names(conn, "bird"), ["Early bird"]);
    assert_eq!(names(conn, "owl"), ["Late owl"]);
    assert_eq!(names(conn, "9999"), ["Product F-9999"]);
    assert_eq!(findings(conn), [""; 0]);

    rebuilding::clear(conn).unwrap();
    assert_eq!(count(conn, "catalog.search_documents_0"), 0);
    assert_eq!(total(conn), 450);
}

/// A job that was cut off behind its swap does not build all of it once more; and what is empty is nobody's to wait for.
#[test]
fn what_was_swapped_since_is_known_and_a_reader_holds_up_no_beginning() {
    let database = database();
    let conn = &mut database.connect();
    fill(conn, 3);
    let before = Utc::now() - Duration::from_secs(1);
    assert!(!rebuilding::is_swapped_since(conn, before).unwrap());
    let reader = &mut database.connect();
    reader
        .batch_execute("BEGIN; LOCK TABLE catalog.search_documents_1 IN ACCESS SHARE MODE")
        .unwrap();
    conn.batch_execute("SET lock_timeout = '500ms'").unwrap();
    rebuilding::begin(conn, &english(), USD).unwrap();
    assert!(!rebuilding::is_swapped_since(conn, before).unwrap());
    while rebuilding::build(conn).unwrap() == rebuilding::BATCH {}
    conn.transaction(rebuilding::swap).unwrap();
    assert!(rebuilding::is_swapped_since(conn, before).unwrap());
    let later = Utc::now() + Duration::from_secs(1);
    assert!(!rebuilding::is_swapped_since(conn, later).unwrap());
}

#[test]
fn it_goes_on_where_it_stopped_unless_something_else_is_wanted() {
    let conn = &mut conn();
    fill(conn, 250);
    rebuilding::begin(conn, &english(), USD).unwrap();
    assert_eq!(rebuilding::build(conn).unwrap(), rebuilding::BATCH);

    rebuilding::begin(conn, &english(), USD).unwrap();
    assert_eq!(rebuilding::progress(conn).unwrap(), (200, 250));
    rebuilding::begin(conn, &english(), EUR).unwrap();
    assert_eq!(rebuilding::progress(conn).unwrap(), (0, 250));
    assert_eq!(count(conn, "catalog.search_documents_1"), 0);
}

/// Writers, a reader and whoever follows changes go on while the index is built anew.
#[test]
fn readers_and_writers_do_not_notice() {
    let database = database();
    let conn = &mut database.connect();
    fill(conn, 450);
    follow(conn);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let conn = &mut database.connect();
            while !is_over.load(Ordering::Acquire) {
                turn(conn);
            }
        });
        scope.spawn(|| {
            let conn = &mut database.connect();
            while !is_over.load(Ordering::Acquire) {
                assert_eq!(total(conn), 450);
                assert_eq!(ids(conn, &words("product")).len(), 100);
            }
        });
        scope.spawn(|| {
            let conn = &mut database.connect();
            for round in 0_i64.. {
                if is_over.load(Ordering::Acquire) {
                    return;
                }
                rename(
                    conn,
                    id(round % 450 + 1),
                    &format!("Product of round {round}"),
                );
            }
        });
        rebuild(conn);
        is_over.store(true, Ordering::Release);
    });
    follow(conn);

    assert_eq!(findings(conn), [""; 0]);
    assert_eq!(total(conn), 450);
}

#[test]
fn the_doctor_finds_what_is_wrong_and_writes_it_anew() {
    let conn = &mut database().connect();
    fill(conn, 4);
    catalog::editing::archive(conn, id(3), None, None).unwrap();
    follow(conn);
    assert_eq!(findings(conn), [""; 0]);
    conn.batch_execute(
        "UPDATE catalog.products SET name = 'Behind our back' WHERE id = 1; \
         UPDATE catalog.stock_levels SET on_hand = 0 WHERE variant_id = 2; \
         UPDATE catalog.products SET archived_at = NULL WHERE id = 3; \
         UPDATE catalog.products SET archived_at = now() WHERE id = 4",
    )
    .unwrap();

    assert_eq!(
        findings(conn),
        [
            "product 1 is found as it was once in en",
            "product 2 is found as it was once in en",
            "product 3 cannot be found in en",
            "product 4 is in the index though nobody may find it in en",
        ]
    );
    let checks = catalog::doctor::checks().into_iter();
    let mut about = checks.filter(|check| check.id == "S13");
    let repair = about.find_map(|check| check.repair).unwrap();
    assert_eq!(repair(conn).unwrap().len(), 4);
    assert_eq!(findings(conn), [""; 0]);
    assert_eq!(names(conn, "behind"), ["Behind our back"]);

    conn.batch_execute("DELETE FROM catalog.search_documents_0 WHERE product_id = 2")
        .unwrap();
    assert_eq!(
        findings(conn)[1..],
        ["value -1 is said to be in 3 products, and is in 2"]
    );
    for repair in catalog::doctor::checks()
        .into_iter()
        .filter_map(|check| check.repair)
    {
        repair(conn).unwrap();
    }
    assert_eq!(findings(conn), [""; 0]);

    // What is on its way is not wrong.
    rename(conn, id(1), "Known");
    assert_eq!(findings(conn), [""; 0]);
    follow(conn);
    index_all(conn);
    assert_eq!(findings(conn), [""; 0]);
}
