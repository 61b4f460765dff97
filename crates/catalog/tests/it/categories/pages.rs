//! The products of a category in each of its orders, alone and with those below.

use catalog::categories::editing::{self, CategoryChanges};
use catalog::categories::listing;
use catalog::editing::NewProduct;
use diesel::prelude::*;
use domain::{CategoryId, PageSize, ProductId, ProductOrder};

use super::{add, at, child, find, listed, root};
use crate::{USD, conn, create, product, statements};

fn order(conn: &mut PgConnection, id: CategoryId, order: ProductOrder) {
    let changes = CategoryChanges {
        product_order: Some(order),
        ..CategoryChanges::default()
    };
    editing::update(conn, id, changes, None, None).unwrap();
}

fn named(conn: &mut PgConnection, names: &[&str]) -> Vec<ProductId> {
    let new = |(number, name): (usize, &&str)| NewProduct {
        name: (*name).into(),
        ..product(&format!("SKU-{number}"))
    };
    let products = names.iter().enumerate().map(new);
    products.map(|new| create(conn, new)).collect()
}

#[test]
fn each_order_is_followed_from_page_to_page() {
    let conn = &mut conn();
    let id = root(conn, "fruit");
    let names = ["zucchini", "Äpfel", "apple", "Banana", "apple", "Zebra"];
    let all = named(conn, &names);
    let wanted: Vec<_> = (0_i64..)
        .zip(&all)
        .map(|(n, id)| at(*id, Some(n / 2)))
        .collect();
    catalog::categories::assigning::assign(conn, id, &wanted, &[], None, None).unwrap();

    let pick = |numbers: [usize; 6]| numbers.map(|number| all[number]).to_vec();
    assert_eq!(listed(conn, id, false), all, "by place, and then by id");
    order(conn, id, ProductOrder::Newest);
    assert_eq!(listed(conn, id, false), pick([5, 4, 3, 2, 1, 0]));
    order(conn, id, ProductOrder::Name);
    assert_eq!(listed(conn, id, false), pick([1, 2, 4, 3, 5, 0]));
}

#[test]
fn a_page_and_a_change_take_as_many_statements_for_one_as_for_many() {
    let conn = &mut conn();
    let (small, large) = (root(conn, "small"), root(conn, "large"));
    let all: Vec<_> = (0..60)
        .map(|n| create(conn, product(&format!("P-{n}"))))
        .collect();
    for number in 0..30 {
        let below = child(conn, &format!("below-{number}"), &[large]);
        add(conn, below, &all[number..number + 2]);
    }
    let changed = [(small, &all[..1]), (large, &all[..])].map(|(id, products)| {
        statements(conn, |conn| {
            add(conn, id, products);
        })
    });
    assert_eq!(changed[0], changed[1]);
    for with_descendants in [false, true] {
        let read = [small, large].map(|id| {
            let category = find(conn, id);
            statements(conn, |conn| {
                let size = PageSize::MAX;
                listing::page(conn, &category, with_descendants, (0, 0), size, USD).unwrap();
            })
        });
        assert_eq!(read, [2, 2]);
    }
}

#[test]
fn products_below_are_listed_once_whatever_ways_lead_there() {
    let conn = &mut conn();
    let top = root(conn, "top");
    let (left, right) = (child(conn, "left", &[top]), child(conn, "right", &[top]));
    let bottom = child(conn, "bottom", &[left, right]);
    let elsewhere = root(conn, "elsewhere");
    let all = named(conn, &["f", "e", "d", "c", "b", "a"]);
    add(conn, top, &all[..1]);
    add(conn, left, &all[1..3]);
    add(conn, right, &all[2..4]);
    add(conn, bottom, &all[3..5]);
    add(conn, elsewhere, &all[5..]);

    let newest: Vec<_> = all[..5].iter().rev().copied().collect();
    assert_eq!(
        listed(conn, top, true),
        newest,
        "places of several lists say nothing"
    );
    assert_eq!(listed(conn, top, false), all[..1]);
    order(conn, top, ProductOrder::Name);
    assert_eq!(
        listed(conn, top, true),
        newest,
        "a to f, as they were made from f to a"
    );
    order(conn, top, ProductOrder::Newest);
    assert_eq!(listed(conn, top, true), newest);
    assert_eq!(listed(conn, bottom, true), [all[4], all[3]]);
}
