use std::sync::Barrier;
use std::thread;

use catalog::editing::{self, EditError, ProductChanges};
use catalog::products;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use domain::{Money, ProductId, UserId};

use crate::{EUR, NewProduct, USD, conn, count, create, database, product, text, unexplained};

fn price(price: Money) -> ProductChanges {
    ProductChanges {
        price: Some(price),
        ..ProductChanges::default()
    }
}

fn name(name: &str) -> ProductChanges {
    ProductChanges {
        name: Some(name.into()),
        ..ProductChanges::default()
    }
}

/// All prices of all variants, oldest first.
fn history(conn: &mut PgConnection) -> String {
    text(
        conn,
        "(SELECT string_agg(currency || amount_minor, ' ' ORDER BY valid_from, id) FROM catalog.prices)",
    )
}

#[test]
fn products_are_created_in_order_with_stock_that_is_explained() {
    let conn = &mut conn();
    let actor = UserId::try_from(7).unwrap();
    let empty = NewProduct {
        on_hand: 0,
        ..product("B")
    };

    let ids = editing::create_all(conn, &[product("C"), empty, product("A")], Some(actor)).unwrap();

    let skus: Vec<_> = ids
        .iter()
        .map(|id| {
            products::find(conn, *id, USD)
                .unwrap()
                .unwrap()
                .sku
                .to_string()
        })
        .collect();
    assert_eq!(skus, ["C", "B", "A"]);
    assert!(ids.is_sorted());
    let explained =
        "catalog.stock_movements WHERE reason = 'initial' AND on_hand_delta = 10 AND actor_id = 7";
    assert_eq!(count(conn, explained), 2);
    assert_eq!(unexplained(conn), [""; 0]);
    assert_eq!(
        count(conn, "platform.outbox WHERE kind = 'product.changed'"),
        3
    );
    assert_eq!(editing::create_all(conn, &[], None).unwrap(), []);
}

#[test]
fn a_sku_is_taken_for_ever() {
    let conn = &mut database().connect();
    let id = create(conn, product("A"));
    editing::archive(conn, id, None, None).unwrap();

    let twice = editing::create_all(conn, &[product("B"), product("B")], None);
    let archived = editing::create_all(conn, &[product("C"), product("A")], None);

    assert!(matches!(twice, Err(EditError::SkuTaken)));
    assert!(matches!(archived, Err(EditError::SkuTaken)));
    assert_eq!(count(conn, "catalog.products"), 1, "all or none");
}

#[test]
fn a_name_that_is_too_long_is_refused_by_the_database() {
    let conn = &mut conn();
    let name = "é".repeat(301);

    let refused = editing::create_all(
        conn,
        &[NewProduct {
            name,
            ..product("A")
        }],
        None,
    );

    let Err(EditError::Db(DieselError::DatabaseError(kind, _))) = refused else {
        panic!("{refused:?}");
    };
    assert!(matches!(kind, DatabaseErrorKind::CheckViolation));
}

#[test]
fn prices_are_added_and_never_changed() {
    let conn = &mut conn();
    let id = create(conn, product("A"));

    for price in [
        Money::new(900, USD),
        Money::new(900, USD),
        Money::new(800, EUR),
        Money::new(950, USD),
    ]
    .map(price)
    {
        editing::update(conn, id, price, None, None).unwrap();
    }

    assert_eq!(
        history(conn),
        "USD950 USD900 EUR800 USD950",
        "an equal price adds nothing"
    );
}

#[test]
fn a_transaction_sees_the_price_it_has_just_set() {
    let conn = &mut database().connect();
    let id = create(conn, product("A"));

    let seen = conn.transaction(|conn| {
        editing::update(conn, id, price(Money::new(800, USD)), None, None)?;
        let seen = products::find(conn, id, USD)?.map(|p| p.price_minor());
        editing::update(conn, id, price(Money::new(950, USD)), None, None)?;
        Ok::<_, EditError>(seen)
    });

    assert_eq!(seen.unwrap(), Some(800));
    let now = products::find(conn, id, USD).unwrap().unwrap();
    assert_eq!(now.price_minor(), 950);
}

#[test]
fn of_two_prices_the_one_whose_writer_came_last_is_in_force() {
    let database = database();
    let (early, late) = (&mut database.connect(), &mut database.connect());
    let id = create(early, product("A"));
    early.batch_execute("BEGIN; SELECT now()").unwrap();
    editing::update(late, id, price(Money::new(800, USD)), None, None).unwrap();

    editing::update(early, id, price(Money::new(950, USD)), None, None).unwrap();
    early.batch_execute("COMMIT").unwrap();

    let found = products::find(late, id, USD).unwrap().unwrap();
    assert_eq!(found.price_minor(), 950);
}

#[test]
fn a_change_leaves_the_rest_as_it_is_and_counts_up() {
    let conn = &mut conn();
    let id = create(
        conn,
        NewProduct {
            image: "a.jpg".into(),
            ..product("A")
        },
    );

    assert_eq!(
        editing::update(conn, id, name("New"), Some(1), None).unwrap(),
        2
    );
    assert_eq!(
        editing::update(conn, id, ProductChanges::default(), None, None).unwrap(),
        3
    );

    let found = products::find(conn, id, USD).unwrap().unwrap();
    assert_eq!(
        (found.name.as_str(), found.image.as_str()),
        ("New", "a.jpg")
    );
    assert_eq!((found.price_minor(), found.version), (950, 3));
    editing::archive(conn, id, None, UserId::try_from(7).ok()).unwrap();
    let told = "(SELECT string_agg(concat_ws(' ', sequence, actor_id), ', ' ORDER BY id) \
                  FROM platform.outbox WHERE kind = 'product.changed')";
    assert_eq!(text(conn, told), "1, 2, 3, 4 7");
}

#[test]
fn a_stale_version_changes_nothing() {
    let conn = &mut conn();
    let id = create(conn, product("A"));
    editing::update(conn, id, name("First"), Some(1), None).unwrap();

    let stale = editing::update(conn, id, name("Second"), Some(1), None);

    assert!(matches!(stale, Err(EditError::Stale(2))), "{stale:?}");
    assert_eq!(
        products::find(conn, id, USD).unwrap().unwrap().name,
        "First"
    );
}

#[test]
fn of_many_changes_to_one_version_one_is_made() {
    let database = database();
    let id = create(&mut database.connect(), product("A"));
    let start = Barrier::new(8);
    let change = || {
        let conn = &mut database.connect();
        start.wait();
        conn.transaction(|conn| editing::update(conn, id, name("Mine"), Some(1), None))
    };

    let changes: Vec<_> = thread::scope(|scope| {
        let changes: Vec<_> = (0..8).map(|_| scope.spawn(change)).collect();
        changes.into_iter().map(|c| c.join().unwrap()).collect()
    });

    let made = changes.iter().filter(|change| matches!(change, Ok(2)));
    let stale = changes
        .iter()
        .filter(|change| matches!(change, Err(EditError::Stale(2))));
    assert_eq!((made.count(), stale.count()), (1, 7), "{changes:?}");
}

#[test]
fn what_is_not_on_sale_is_not_found() {
    let conn = &mut conn();
    let unknown = ProductId::try_from(i64::MAX).unwrap();
    let archived = create(conn, product("A"));
    editing::archive(conn, archived, None, None).unwrap();

    for id in [unknown, archived] {
        let changed = editing::update(conn, id, name("New"), None, None);
        assert!(matches!(changed, Err(EditError::NotFound)));
        assert!(matches!(
            editing::archive(conn, id, None, None),
            Err(EditError::NotFound)
        ));
    }
}
