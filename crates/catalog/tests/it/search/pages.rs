//! Orders, and pages that follow each other.

use diesel::prelude::*;
use domain::{Facet, PageSize, SearchSort};

use super::{everything, find, ids, index_all, named, words};
use crate::{EUR, conn, statements};
use catalog::search::{Search, Selection};
use diesel::connection::SimpleConnection as _;

/// Three products, of which the second has no price in USD.
fn shop(conn: &mut PgConnection) -> [i64; 3] {
    let ids = [("P-1", "beta"), ("P-2", "Alpha"), ("P-3", "Älpler")]
        .map(|(sku, name)| named(conn, sku, name).get());
    conn.batch_execute(&format!(
        "UPDATE catalog.prices SET amount_minor = 1500 WHERE variant_id IN (SELECT id FROM catalog.variants WHERE product_id = {}); \
         UPDATE catalog.prices SET currency = 'EUR' WHERE variant_id IN (SELECT id FROM catalog.variants WHERE product_id = {})",
        ids[0], ids[1]
    ))
    .unwrap();
    index_all(conn);
    ids
}

fn sorted(sort: SearchSort) -> Search {
    Search {
        sort,
        ..everything()
    }
}

#[test]
fn each_order_is_kept() {
    let conn = &mut conn();
    let [beta, alpha, aelpler] = shop(conn);
    conn.batch_execute(&format!(
        "INSERT INTO catalog.product_sales VALUES ({alpha}, 9), ({beta}, 2)"
    ))
    .unwrap();
    for (sort, expected) in [
        (SearchSort::Relevance, [aelpler, alpha, beta]),
        (SearchSort::Newest, [aelpler, alpha, beta]),
        (SearchSort::Cheapest, [aelpler, beta, alpha]),
        (SearchSort::Dearest, [beta, aelpler, alpha]),
        (SearchSort::Name, [alpha, aelpler, beta]),
        (SearchSort::BestSelling, [alpha, beta, aelpler]),
    ] {
        assert_eq!(ids(conn, &sorted(sort)), expected, "{sort}");
    }
    let mut in_euros = sorted(SearchSort::Cheapest);
    in_euros.market = EUR.into();
    assert_eq!(ids(conn, &in_euros), [alpha, beta, aelpler]);
    assert_eq!(find(conn, &in_euros).products.items[0].currency, EUR);
}

#[test]
fn pages_follow_each_other_in_any_order_and_what_comes_between_shifts_nothing() {
    let conn = &mut conn();
    for n in 1..=7 {
        named(conn, &format!("N-{n}"), &format!("Lamp {}", n % 3));
    }
    let mut searches: Vec<Search> = SearchSort::ALL.map(sorted).to_vec();
    searches.push(words("lamp"));
    for (number, search) in searches.into_iter().enumerate() {
        let whole = ids(conn, &search);
        let mut seen = Vec::new();
        let mut page = Search {
            size: PageSize::try_from(2).unwrap(),
            ..search
        };
        loop {
            let found = find(conn, &page);
            assert_eq!(found.facets.is_some(), page.after.is_none());
            seen.extend(found.products.items.iter().map(|product| product.id.get()));
            let Some(cursor) = found.products.next_cursor else {
                break;
            };
            page.after = Some(cursor.position());
            // It is before all others in every order but by name, where it comes last.
            named(conn, &format!("M-{number}-{}", seen.len()), "Zebra");
        }
        seen.retain(|id| whole.contains(id));
        assert_eq!(seen, whole, "{:?}", page.sort);
    }
}

#[test]
fn what_was_archived_a_moment_ago_is_not_shown_and_the_pages_go_on() {
    let conn = &mut conn();
    let [first, second, third] = ["G-1", "G-2", "G-3"].map(|sku| named(conn, sku, "Glass"));
    catalog::editing::archive(conn, second, None, None).unwrap();
    let mut page = words("glass");
    page.size = PageSize::try_from(2).unwrap();

    let found = find(conn, &page);
    assert_eq!(found.products.items.len(), 1);
    assert_eq!(found.products.items[0].id, third);
    page.after = found.products.next_cursor.map(|cursor| cursor.position());
    assert_eq!(ids(conn, &page), [first.get()]);

    index_all(conn);
    let found = find(conn, &words("glass"));
    assert_eq!(found.facets.unwrap().total, 2);
}

#[test]
fn a_search_takes_two_statements_however_much_is_found_and_counted() {
    let conn = &mut conn();
    let few = named(conn, "H-0", "Harp").get();
    for n in 1..=40 {
        named(conn, &format!("H-{n}"), "Horn");
    }
    conn.batch_execute(&format!(
        "UPDATE catalog.products SET brand = 'B' || id, tags = ARRAY['t' || id, 'all'] WHERE id <> {few}"
    ))
    .unwrap();
    index_all(conn);
    let counted = Search {
        facets: Facet::ALL.to_vec(),
        selection: Selection {
            brands: vec!["B1".to_owned(), "B2".to_owned()],
            tags: vec!["all".to_owned()],
            ..Selection::default()
        },
        ..everything()
    };
    for search in [words("harp"), words("horn"), words("hormn"), counted] {
        let sent = statements(conn, |conn| {
            find(conn, &search);
        });
        assert_eq!(sent, 2, "{search:?}");
    }
}
