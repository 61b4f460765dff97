//! Which products are in a category.

use catalog::categories::assigning::{self, Outcome, assign};
use catalog::categories::{CategoryError, editing};
use catalog::editing::{self as products, ProductChanges};
use domain::{PageSize, ProductId};

use super::{add, at, child, events, find, findings, listed, root};
use crate::{conn, create, product};

#[test]
fn products_come_at_the_end_and_are_moved_and_taken_out() {
    let conn = &mut conn();
    let id = root(conn, "tees");
    let [a, b, c] = ["A", "B", "C"].map(|sku| create(conn, product(sku)));

    let placed = add(conn, id, &[c, a]);
    assert_eq!(placed.placed.len(), 2);
    add(conn, id, &[b]);
    assert_eq!(listed(conn, id, false), [c, a, b]);
    assert_eq!(find(conn, id).version, 3);

    // What is there already is no change, and tells nobody of one.
    assert_eq!(add(conn, id, &[a, b]), Outcome::default());
    assert_eq!(find(conn, id).version, 3);

    let moved = assign(
        conn,
        id,
        &[at(b, Some(0)), at(a, None)],
        &[c],
        Some(3),
        None,
    )
    .unwrap();
    let expected = Outcome {
        placed: vec![b],
        removed: vec![c],
    };
    assert_eq!(moved, expected);
    assert_eq!(listed(conn, id, false), [b, a]);
    assert_eq!(events(conn, id, "category.productsChanged"), 3);
    let stale = assign(conn, id, &[], &[a], Some(3), None);
    assert!(matches!(stale, Err(CategoryError::Stale(4))));
    assert_eq!(findings(conn), [""; 0]);
}

#[test]
fn what_is_not_on_sale_cannot_be_put_into_a_category_and_is_not_listed() {
    let conn = &mut conn();
    let id = root(conn, "tees");
    let [a, b, c] = ["A", "B", "C"].map(|sku| create(conn, product(sku)));
    add(conn, id, &[a, b]);
    products::archive(conn, b, None, None).unwrap();
    products::archive(conn, c, None, None).unwrap();

    let nobody = ProductId::try_from(i64::MAX).unwrap();
    for gone in [c, nobody] {
        let refused = assign(conn, id, &[at(a, None), at(gone, None)], &[], None, None);
        assert!(matches!(refused, Err(CategoryError::UnknownProduct(1))));
    }
    assert_eq!(listed(conn, id, false), [a]);
    assert_eq!(listed(conn, id, true), [a]);
    let all = assigning::list(conn, id, (0, 0), PageSize::MAX).unwrap();
    let all: Vec<_> = all
        .iter()
        .map(|p| (p.product_id, p.position, p.is_on_sale))
        .collect();
    assert_eq!(all, [(a, 1, true), (b, 2, false)]);
    let removed = assign(conn, id, &[], &[b, nobody], None, None).unwrap();
    assert_eq!(removed.removed, [b]);
    editing::archive(conn, id, None, None).unwrap();
    let late = assign(conn, id, &[at(a, None)], &[], None, None);
    assert!(matches!(late, Err(CategoryError::NotFound)));
}

#[test]
fn a_product_that_is_renamed_is_sorted_by_its_new_name_everywhere() {
    let conn = &mut conn();
    let (one, two) = (root(conn, "one"), root(conn, "two"));
    let three = child(conn, "three", &[one]);
    let a = create(conn, product("A"));
    for id in [one, two, three] {
        add(conn, id, &[a]);
    }
    let renamed = ProductChanges {
        name: Some("Zebra".into()),
        ..ProductChanges::default()
    };
    products::update(conn, a, renamed, None, None).unwrap();

    let names = "catalog.category_products WHERE product_name = 'Zebra'";
    assert_eq!(crate::count(conn, names), 3);
    assert_eq!(findings(conn), [""; 0]);
}
