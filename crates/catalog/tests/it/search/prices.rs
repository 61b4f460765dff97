//! Pages by another price than the one that documents have an index of.

use catalog::search::{Search, Selection};
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use domain::{PageSize, SearchSort};

use super::plans::{FILL, index, read};
use super::{everything, findings, ids, index_all, named};
use crate::{database, text};

/// All but the last have a price in euros, and every other one is cheaper in Austria.
const PRICE: &str = "
    INSERT INTO catalog.prices (variant_id, currency, amount_minor)
    SELECT id, 'EUR', 1 + id * 7919 % 4000 FROM catalog.variants WHERE id < 4000;
    INSERT INTO catalog.list_prices (list_id, variant_id, currency, min_quantity, amount_minor, valid_from, scheduled)
    SELECT l.id, v.id, c, 1, v.id * 7 % 30000, now(), false
      FROM catalog.price_lists l, catalog.variants v, unnest(ARRAY['USD', 'EUR']) c WHERE v.id % 2 = 0 AND v.id < 4000;
    UPDATE catalog.variants SET in_lists = true WHERE id % 2 = 0";

fn search(currency: &str, country: Option<&str>, sort: SearchSort) -> Search {
    let mut search = Search {
        sort,
        size: PageSize::default(),
        ..everything()
    };
    search.market.currency = currency.parse().unwrap();
    search.market.country = country.map(|country| country.parse().unwrap());
    search
}

/// All products in the order of their prices, and each with the key of its place.
fn in_order(conn: &mut PgConnection, search: &Search) -> Vec<(i64, i64)> {
    let currency = search.market.currency.code();
    let general = format!("amounts[array_position(currencies, '{currency}')]");
    let price = match search.market.country {
        Some(country) => {
            format!(
                "coalesce(amounts[array_position(currencies, '{currency}/{country}')], {general})"
            )
        }
        None => general,
    };
    let order = match search.sort {
        SearchSort::Dearest => format!("coalesce({price}, -1) DESC, product_id DESC"),
        _ => format!("coalesce({price}, 9223372036854775807), product_id"),
    };
    let key = order.split_once(", product_id").unwrap().0;
    let key = key.strip_suffix(" DESC").unwrap_or(key);
    let listed = text(
        conn,
        &format!(
            "(SELECT string_agg(product_id || ' ' || {key}, ',' ORDER BY {order}) FROM catalog.search_documents_1)"
        ),
    );
    let pairs = listed.split(',').map(|pair| {
        let (id, key) = pair.split_once(' ').unwrap();
        (id.parse().unwrap(), key.parse().unwrap())
    });
    pairs.collect()
}

#[test]
fn pages_by_any_price_are_read_in_its_order() {
    let conn = &mut database().connect();
    conn.batch_execute(FILL).unwrap();
    conn.batch_execute(PRICE).unwrap();
    index(conn);

    for (currency, country) in [("EUR", None), ("EUR", Some("AT")), ("USD", Some("AT"))] {
        for sort in [SearchSort::Cheapest, SearchSort::Dearest] {
            let mut search = search(currency, country, sort);
            let all = in_order(conn, &search);
            assert_eq!(all.len(), 4_000);
            for first in [0_usize, 20, 2_000, 3_960, 3_985] {
                search.after = first.checked_sub(1).map(|last| {
                    let (id, key) = all[last];
                    (key, id)
                });
                let page: Vec<i64> = all[first..].iter().take(20).map(|(id, _)| *id).collect();
                assert_eq!(ids(conn, &search), page, "{first}: {search:?}");
                // What has no such price comes behind all that do, and is looked for among all.
                if first < 3_960 {
                    let (scans, rows) = read(conn, &search);
                    assert!(
                        scans == 0 && rows <= 100,
                        "{scans} scans, {rows} rows: {first}: {search:?}"
                    );
                }
            }
        }
    }
    assert_eq!(findings(conn), Vec::<String>::new());
}

/// Where few of those that come first are found, they are not all passed over one by one.
#[test]
fn what_comes_late_in_the_order_is_found() {
    let conn = &mut database().connect();
    conn.batch_execute(FILL).unwrap();
    conn.batch_execute(PRICE).unwrap();
    index(conn);
    for (currency, country) in [("EUR", None), ("EUR", Some("AT")), ("USD", None)] {
        for (sort, min, max) in [
            (SearchSort::Cheapest, Some(3_900), None),
            (SearchSort::Cheapest, Some(900), Some(910)),
            (SearchSort::Dearest, None, Some(40)),
            (SearchSort::Dearest, Some(900), Some(910)),
            (SearchSort::Dearest, Some(0), None),
        ] {
            let mut narrowed = search(currency, country, sort);
            narrowed.selection = Selection {
                min_price: min,
                max_price: max,
                ..Selection::default()
            };
            let is_in = |key: i64| (min.unwrap_or(0)..=max.unwrap_or(i64::MAX - 1)).contains(&key);
            let all = in_order(conn, &narrowed);
            let wanted = all.iter().filter(|(_, key)| is_in(*key));
            let wanted: Vec<(i64, i64)> = wanted.copied().collect();
            for first in [0, 20] {
                narrowed.after = match first {
                    0 => None,
                    _ => wanted.get(first - 1).map(|(id, key)| (*key, *id)),
                };
                if first > 0 && narrowed.after.is_none() {
                    continue;
                }
                let page = wanted.iter().skip(first).take(20).map(|(id, _)| *id);
                let page: Vec<i64> = page.collect();
                assert_eq!(ids(conn, &narrowed), page, "{narrowed:?}");
            }
        }
    }
}

#[test]
fn prices_that_somebody_edited_are_found_and_listed_anew() {
    let conn = &mut database().connect();
    named(conn, "ONE", "One");
    named(conn, "TWO", "Two");
    conn.batch_execute(
        "INSERT INTO catalog.prices (variant_id, currency, amount_minor) VALUES (1, 'EUR', 700), (2, 'EUR', 800)",
    )
    .unwrap();
    index_all(conn);
    assert_eq!(findings(conn), [""; 0]);

    conn.batch_execute("UPDATE catalog.search_prices_0 SET amount = 900 WHERE product_id = 2")
        .unwrap();

    assert_eq!(
        findings(conn),
        [
            "product 2 is listed as 900 in EUR",
            "product 2 is not listed as 800 in EUR"
        ]
    );
    let repairs = catalog::doctor::checks().into_iter();
    for repair in repairs.filter_map(|check| check.repair) {
        repair(conn).unwrap();
    }
    assert_eq!(findings(conn), [""; 0]);
    assert_eq!(ids(conn, &search("EUR", None, SearchSort::Dearest)), [2, 1]);
}
