//! Lists that somebody writes, and what is told of collections.

use catalog::collections::assigning::{self, assign};
use catalog::collections::editing::{self, CollectionChanges};
use catalog::collections::rules::Condition;
use catalog::collections::{self, CollectionError};
use catalog::editing::{self as products, NewProduct, ProductChanges};
use db::testing::count;
use diesel::Connection as _;
use domain::{CategoryId, PageSize, ProductId, ProductOrder};

use super::{add, all, at, find, findings, listed, make, new};
use crate::{conn, create, product, statements};

#[test]
fn each_order_of_a_list_is_followed_from_page_to_page() {
    let conn = &mut conn();
    let names = ["zucchini", "Äpfel", "apple", "Banana", "apple", "Zebra"];
    let fruit = names.iter().enumerate().map(|(number, name)| NewProduct {
        name: (*name).into(),
        ..product(&format!("SKU-{number}"))
    });
    let fruit: Vec<_> = fruit.map(|new| create(conn, new)).collect();
    let id = make(conn, "fruit", None);
    let other = make(conn, "other", None);
    add(conn, other, &fruit);
    let places = (0_i64..).zip(fruit.iter().rev());
    let places: Vec<_> = places.map(|(n, id)| at(*id, Some(n / 2))).collect();
    assign(conn, id, &places, &[], None, None).unwrap();

    let pick = |numbers: [usize; 6]| numbers.map(|number| fruit[number]).to_vec();
    let mut collection = find(conn, id);
    assert_eq!(collection.product_order, ProductOrder::Manual);
    let cases = [
        (ProductOrder::Manual, [4, 5, 2, 3, 0, 1]), // by place, and then by id
        (ProductOrder::Newest, [5, 4, 3, 2, 1, 0]),
        (ProductOrder::Name, [1, 2, 4, 3, 5, 0]),
    ];
    for (order, expected) in cases {
        collection.product_order = order;
        assert_eq!(listed(conn, &collection, 2), pick(expected), "{order}");
    }

    let renamed = ProductChanges {
        name: Some("Aachen".into()),
        ..ProductChanges::default()
    };
    products::update(conn, fruit[0], renamed, None, None).unwrap();
    assert_eq!(listed(conn, &collection, 2), pick([0, 1, 2, 4, 3, 5]));
    products::archive(conn, fruit[1], None, None).unwrap();
    assert_eq!(listed(conn, &collection, 2).len(), 5);
    assert_eq!(findings(conn), [""; 0]);
}

#[test]
fn products_come_at_the_end_are_moved_and_taken_out_and_every_change_is_told_once() {
    let conn = &mut conn();
    let id = make(conn, "tees", None);
    let [a, b, c] = ["A", "B", "C"].map(|sku| create(conn, product(sku)));
    assert_eq!(add(conn, id, &[c, a]).placed.len(), 2);
    add(conn, id, &[b]);
    let collection = find(conn, id);
    assert_eq!(listed(conn, &collection, 1), [c, a, b]);

    // What is there already is no change, and tells nobody of one.
    assert!(add(conn, id, &[a, b]).placed.is_empty());
    let moves = [at(b, Some(0)), at(a, None)];
    let moved = assign(conn, id, &moves, &[c], Some(3), None).unwrap();
    assert_eq!((moved.placed, moved.removed), (vec![b], vec![c]));
    assert_eq!(listed(conn, &collection, 1), [b, a]);
    let places = assigning::list(conn, id, (0, 0), PageSize::MAX).unwrap();
    let places: Vec<_> = places.iter().map(|p| (p.product_id, p.position)).collect();
    assert_eq!(places, [(b, 0), (a, 2)]);

    let stale = assign(conn, id, &[], &[a], Some(3), None);
    assert!(matches!(stale, Err(CollectionError::Stale(4))));
    let nobody = ProductId::try_from(i64::MAX).unwrap();
    let unknown = assign(conn, id, &[at(a, None), at(nobody, None)], &[], None, None);
    assert!(matches!(unknown, Err(CollectionError::UnknownProduct(1))));
    editing::archive(conn, id, Some(4), None).unwrap();
    assert!(collections::find(conn, id).unwrap().is_none());
    let late = assign(conn, id, &[at(a, None)], &[], None, None);
    assert!(matches!(late, Err(CollectionError::NotFound)));
    let told = format!("platform.outbox WHERE kind = 'collection.changed' AND resource_id = {id}");
    assert_eq!(count(conn, &told), 5);
    assert_eq!(findings(conn), [""; 0]);
}

#[test]
fn a_page_and_a_change_take_as_many_statements_for_one_as_for_many() {
    let conn = &mut conn();
    let ids = ["small", "large"].map(|slug| make(conn, slug, None));
    let tees: Vec<_> = (0..40)
        .map(|n| create(conn, product(&format!("P-{n}"))))
        .collect();
    let cases = [(ids[0], 1), (ids[1], 40)];
    let changed = cases.map(|(id, count)| {
        statements(conn, |conn| {
            add(conn, id, &tees[..count]);
        })
    });
    assert_eq!(changed[0], changed[1]);
    let read = ids.map(|id| {
        let collection = find(conn, id);
        statements(conn, |conn| {
            listed(conn, &collection, 100);
        })
    });
    assert_eq!(read, [2, 2]);
}

#[test]
fn a_list_gets_no_rules_and_rules_no_list_nor_places() {
    let conn = &mut conn();
    let tee = create(conn, product("A"));
    let rules = || all(vec![Condition::InStock(true)]);
    let (list, found) = (make(conn, "list", None), make(conn, "found", rules()));
    assert_eq!(find(conn, found).product_order, ProductOrder::Newest);

    let put = assign(conn, found, &[at(tee, None)], &[], None, None);
    assert!(matches!(put, Err(CollectionError::HasRules)));
    let changes = CollectionChanges {
        rules: rules(),
        ..CollectionChanges::default()
    };
    let ruled = editing::update(conn, list, changes, None, None);
    assert!(matches!(ruled, Err(CollectionError::HasNoRules)));
    let by_hand = || CollectionChanges {
        product_order: Some(ProductOrder::Manual),
        ..CollectionChanges::default()
    };
    let placed = editing::update(conn, found, by_hand(), None, None);
    assert!(matches!(placed, Err(CollectionError::ManualOrder)));
    editing::update(conn, list, by_hand(), None, None).unwrap();
    let mut wrong = new("wrong", rules());
    wrong.product_order = Some(ProductOrder::Manual);
    let made = editing::create(conn, wrong, None);
    assert!(matches!(made, Err(CollectionError::ManualOrder)));
    let nowhere = CategoryId::try_from(i64::MAX).unwrap();
    let conditions = vec![Condition::InStock(true), Condition::Category(nowhere)];
    let made = editing::create(conn, new("nowhere", all(conditions)), None);
    assert!(matches!(made, Err(CollectionError::UnknownCategory(1))));
    for slug in ["list", "2026"] {
        let made = conn.transaction(|conn| editing::create(conn, new(slug, None), None));
        assert!(made.is_err(), "{slug}");
    }
}
