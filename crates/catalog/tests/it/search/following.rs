//! The index hears of every change, whoever makes it and however many listen.

use std::sync::atomic::{AtomicBool, Ordering};

use catalog::categories::assigning::{self, Assignment};
use catalog::categories::editing::{self as categories, NewCategory};
use catalog::categories::placing::{self, Parent, Place};
use catalog::custom_fields::attributes::AttributeChanges;
use catalog::locations::{self, LocationChanges};
use catalog::search::{Search, Selection, rebuilding};
use catalog::stock;
use db::outbox::{self, Entry};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use domain::{
    CategoryId, Event, LocationId, Money, OrderId, ProductId, ProductOrder, UserId, VariantId,
};

use super::{everything, findings, follow, hear, ids, index, rename, turn};
use crate::locations::location;
use crate::{USD, count, create, database, product};

fn category(conn: &mut PgConnection, slug: &str) -> CategoryId {
    let new = NewCategory {
        slug: slug.parse().unwrap(),
        name: slug.to_owned(),
        description: String::new(),
        image: String::new(),
        product_order: ProductOrder::Manual,
        place: Place::Root(None),
        attributes: AttributeChanges::default(),
    };
    categories::create(conn, new, None).unwrap()
}

fn put(conn: &mut PgConnection, product_id: ProductId, into: CategoryId) {
    let wanted = Assignment {
        product_id,
        position: None,
    };
    assigning::assign(conn, into, &[wanted], &[], None, None).unwrap();
}

fn in_category(conn: &mut PgConnection, id: CategoryId) -> Vec<i64> {
    let selection = Selection {
        categories: vec![id],
        ..Selection::default()
    };
    ids(
        conn,
        &Search {
            selection,
            ..everything()
        },
    )
}

fn in_stock(conn: &mut PgConnection) -> Vec<i64> {
    let selection = Selection {
        in_stock: Some(true),
        ..Selection::default()
    };
    ids(
        conn,
        &Search {
            selection,
            ..everything()
        },
    )
}

#[test]
fn products_come_change_and_go() {
    let conn = &mut database().connect();
    let id = create(conn, product("E-1"));
    follow(conn);
    assert_eq!(super::names(conn, "E-1"), ["Product E-1"]);

    rename(conn, id, "Bicycle");
    follow(conn);
    assert_eq!(super::names(conn, "bicycles"), ["Bicycle"]);
    assert_eq!(super::names(conn, "product"), [""; 0]);

    catalog::editing::archive(conn, id, None, None).unwrap();
    assert_eq!(ids(conn, &everything()), [0; 0], "at once");
    follow(conn);
    assert_eq!(count(conn, "catalog.search_live"), 0);
    assert_eq!(findings(conn), [""; 0]);
}

#[test]
fn categories_that_move_take_their_products_along() {
    let conn = &mut database().connect();
    let id = create(conn, product("G-1"));
    let [top, middle, leaf] = ["top", "middle", "leaf"].map(|slug| category(conn, slug));
    put(conn, id, leaf);
    follow(conn);
    assert_eq!(in_category(conn, leaf), [id.get()]);
    assert_eq!(in_category(conn, top), [0; 0]);

    for (child, parent) in [(leaf, middle), (middle, top)] {
        let parent = Parent {
            id: parent,
            position: None,
        };
        placing::place(conn, child, &Place::Below(vec![parent]), None, None).unwrap();
    }
    follow(conn);
    assert_eq!(in_category(conn, top), [id.get()]);

    placing::place(conn, middle, &Place::Root(None), None, None).unwrap();
    follow(conn);
    assert_eq!(in_category(conn, top), [0; 0]);
    assert_eq!(in_category(conn, middle), [id.get()]);

    categories::archive(conn, leaf, None, None).unwrap();
    follow(conn);
    assert_eq!(in_category(conn, middle), [0; 0]);
    assigning::assign(conn, middle, &[], &[id], None, None).unwrap();
    follow(conn);
    assert_eq!(findings(conn), [""; 0]);
}

db::statement! {
    struct Reserve { order_id: i64 => BigInt, variant_id: i64 => BigInt, units: i64 => BigInt } -> () =
    "SELECT catalog.reserve_stock(ARRAY[$1], ARRAY[NULL::bigint], ARRAY[$2], ARRAY[$3])"
}

/// As an order does it: with its stock, and its event.
fn order(conn: &mut PgConnection, number: i64, variant: VariantId, units: i64) {
    let order_id = OrderId::try_from(number).unwrap();
    let reserve = Reserve {
        order_id: number,
        variant_id: variant.get(),
        units,
    };
    conn.transaction(|conn| {
        reserve.execute(conn)?;
        let event = Event::OrderPlaced {
            order_id,
            user_id: UserId::try_from(1).unwrap(),
            total: Money::new(1, USD),
        };
        outbox::write(conn, &[Entry::new(event, 1, None)])
    })
    .unwrap();
}

#[test]
fn orders_count_when_they_take_the_last_unit() {
    let conn = &mut database().connect();
    let id = create(conn, product("O-1"));
    let variant = catalog::products::find_default_variant(conn, id)
        .unwrap()
        .unwrap();
    follow(conn);
    assert_eq!(in_stock(conn), [id.get()]);
    let before = crate::text(conn, "(SELECT ctid::text FROM catalog.search_documents_0)");
    order(conn, 1, variant, 9);
    follow(conn);
    let after = crate::text(conn, "(SELECT ctid::text FROM catalog.search_documents_0)");
    assert_eq!(
        after, before,
        "one that takes some of it is not written anew"
    );

    order(conn, 2, variant, 1);
    follow(conn);
    assert_eq!(in_stock(conn), [0; 0]);
    let place = (variant, LocationId::MAIN);
    conn.transaction(|conn| stock::counting::adjust(conn, place, 5, &crate::cause("received")))
        .unwrap();
    follow(conn);
    assert_eq!(in_stock(conn), [id.get()]);
    assert_eq!(findings(conn), [""; 0]);
}

/// Two replicas write documents while products and stock change.
#[test]
fn however_many_write_documents_the_newest_is_what_is_found() {
    let database = database();
    let conn = &mut database.connect();
    let made: Vec<ProductId> = (1..=12)
        .map(|n| create(conn, product(&format!("B-{n}"))))
        .collect();
    follow(conn);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let conn = &mut database.connect();
                while !is_over.load(Ordering::Acquire) {
                    turn(conn);
                }
            });
        }
        for round in 1..=30 {
            for id in &made {
                rename(conn, *id, &format!("Round {round} of {id}"));
            }
        }
        is_over.store(true, Ordering::Release);
    });
    follow(conn);

    assert_eq!(ids(conn, &super::words("round 30")).len(), made.len());
    assert_eq!(count(conn, "catalog.search_live"), 12);
    assert_eq!(index::lag(conn).unwrap(), std::time::Duration::ZERO);
    assert_eq!(findings(conn), [""; 0]);
}

#[test]
fn stock_at_any_location_that_orders_are_served_from_is_stock() {
    let conn = &mut database().connect();
    let id = create(conn, product("ELSEWHERE"));
    let variant = catalog::products::find_default_variant(conn, id)
        .unwrap()
        .unwrap();
    let shop = location(conn, "shop", 1);
    follow(conn);
    order(conn, 1, variant, 10);
    follow(conn);
    assert_eq!(in_stock(conn), [0; 0]);

    conn.transaction(|conn| {
        stock::counting::adjust(conn, (variant, shop), 3, &crate::cause("received"))
    })
    .unwrap();
    follow(conn);
    assert_eq!(in_stock(conn), [id.get()]);
    for (is_active, expected) in [(false, vec![]), (true, vec![id.get()])] {
        let changes = LocationChanges {
            is_active: Some(is_active),
            ..LocationChanges::default()
        };
        conn.transaction(|conn| locations::update(conn, shop, changes, None, None))
            .unwrap();
        follow(conn);
        assert_eq!(in_stock(conn), expected);
    }
    let renamed = LocationChanges {
        name: Some("Another name".into()),
        is_active: Some(true),
        ..LocationChanges::default()
    };
    conn.transaction(|conn| locations::update(conn, shop, renamed, None, None))
        .unwrap();
    hear(conn);
    assert_eq!(count(conn, "catalog.search_stale"), 0);
    assert_eq!(findings(conn), [""; 0]);
}

#[test]
fn stock_that_comes_back_while_an_index_is_built_is_in_that_too() {
    let conn = &mut database().connect();
    let id = create(conn, product("BACK"));
    let variant = catalog::products::find_default_variant(conn, id)
        .unwrap()
        .unwrap();
    follow(conn);
    let adjust = |conn: &mut PgConnection, units: i64| {
        let place = (variant, LocationId::MAIN);
        let cause = crate::cause("correction");
        conn.transaction(|conn| stock::counting::adjust(conn, place, units, &cause))
            .unwrap();
    };
    adjust(conn, -10);
    rebuilding::begin(conn, &["en".to_owned()], USD).unwrap();
    while rebuilding::build(conn).unwrap() == rebuilding::BATCH {}
    adjust(conn, 10);
    follow(conn);
    conn.transaction(rebuilding::swap).unwrap();
    assert_eq!(in_stock(conn), [id.get()]);
    assert_eq!(findings(conn), [""; 0]);
}

#[test]
fn what_changes_by_itself_does_not_wait_for_what_changes_by_thousands() {
    let conn = &mut database().connect();
    let id = create(conn, product("ALONE"));
    follow(conn);
    let bulk = "INSERT INTO catalog.search_stale (product_id, is_bulk) SELECT 1, true FROM generate_series(1, 1500)";
    conn.batch_execute(bulk).unwrap();
    rename(conn, id, "Hurried");
    hear(conn);
    index::refresh(conn).unwrap();
    assert_eq!(super::names(conn, "hurried"), ["Hurried"]);
    assert_eq!(count(conn, "catalog.search_stale WHERE is_bulk"), 1_301);

    let leaf = category(conn, "leaf");
    let many: Vec<_> = (0..1_001).map(|n| product(&format!("MANY-{n}"))).collect();
    for id in catalog::editing::create_all(conn, &many, None).unwrap() {
        put(conn, id, leaf);
    }
    follow(conn);
    let changes = categories::CategoryChanges {
        name: Some("Other leaf".into()),
        ..categories::CategoryChanges::default()
    };
    categories::update(conn, leaf, changes, None, None).unwrap();
    hear(conn);
    assert_eq!(count(conn, "catalog.search_stale WHERE is_bulk"), 1_001);
    follow(conn);
    assert_eq!(findings(conn), [""; 0]);
}
