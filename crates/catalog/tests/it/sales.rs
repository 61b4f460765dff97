//! What sells, held against counting by hand, and listings by it.

use std::collections::BTreeMap;

use catalog::categories::{self, listing as category_listing};
use catalog::collections::{self, listing as collection_listing};
use catalog::sales::{self, Sold};
use catalog::search::{self, Search, Selection};
use chrono::{DateTime, Duration, Utc};
use diesel::connection::SimpleConnection as _;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Timestamptz};
use domain::{CategoryId, CollectionId, PageSize, ProductOrder, SearchSort};

use crate::search::brute_force::Random;
use crate::search::{everything, index_all};
use crate::{SETTINGS, USD, conn, count, database, text};

const DAYS: i64 = 30;

fn now(conn: &mut PgConnection) -> DateTime<Utc> {
    let now = sql::<Timestamptz>("statement_timestamp()");
    diesel::select(now).get_result(conn).unwrap()
}

/// Products in a category and one below it, and in two collections; every third is red, and a few are not on sale.
const SHOP: &str = "
    INSERT INTO catalog.products (name, brand, published_at)
    SELECT 'Thing ' || n, CASE WHEN n % 3 = 0 THEN 'Red' ELSE 'Blue' END,
           CASE WHEN n % 13 = 0 THEN 'infinity' ELSE '-infinity' END::timestamptz FROM generate_series(1, 60) n ORDER BY n;
    INSERT INTO catalog.variants (product_id, sku) SELECT id, 'SKU-' || id FROM catalog.products;
    INSERT INTO catalog.prices (variant_id, currency, amount_minor) SELECT id, 'USD', id FROM catalog.variants;
    INSERT INTO catalog.stock_levels (variant_id, on_hand) SELECT id, 10 FROM catalog.variants;
    INSERT INTO catalog.categories (slug, name, root_position, product_order) VALUES ('all', 'All', 1, 'best_selling'), ('below', 'Below', NULL, 'manual');
    INSERT INTO catalog.category_parents SELECT b.id, a.id, 1, 1 FROM catalog.categories a, catalog.categories b WHERE a.slug = 'all' AND b.slug = 'below';
    INSERT INTO catalog.category_products SELECT c.id, p.id, 1, p.name FROM catalog.categories c, catalog.products p
     WHERE CASE c.slug WHEN 'all' THEN p.id % 2 = 0 ELSE p.id % 5 = 0 END;
    INSERT INTO catalog.collections (slug, name, product_order, rules) VALUES
        ('hand', 'By hand', 'best_selling', NULL), ('rules', 'By rules', 'best_selling', '{\"match\": \"all\", \"conditions\": [{\"brand\": \"Red\"}]}');
    INSERT INTO catalog.collection_products SELECT c.id, p.id, 1, p.name FROM catalog.collections c, catalog.products p
     WHERE c.slug = 'hand' AND p.id % 2 = 1";

fn id_of(conn: &mut PgConnection, table: &str, slug: &str) -> i64 {
    let id = format!("(SELECT id FROM catalog.{table} WHERE slug = '{slug}')");
    diesel::select(sql::<BigInt>(&id)).get_result(conn).unwrap()
}

/// All pages of so many, one after the other.
fn pages(
    conn: &mut PgConnection,
    mut page: impl FnMut(&mut PgConnection, (i64, i64), PageSize) -> (Vec<i64>, Option<(i64, i64)>),
) -> Vec<i64> {
    let size = PageSize::try_from(7).unwrap();
    let (mut all, mut after) = (Vec::new(), (0, 0));
    loop {
        let (ids, next) = page(conn, after, size);
        all.extend(ids);
        match next {
            Some(next) => after = next,
            None => return all,
        }
    }
}

fn of_category(conn: &mut PgConnection, slug: &str, with_descendants: bool) -> Vec<i64> {
    let id = CategoryId::try_from(id_of(conn, "categories", slug)).unwrap();
    let mut category = categories::find(conn, id).unwrap().unwrap();
    category.product_order = ProductOrder::BestSelling;
    pages(conn, |conn, after, size| {
        let page = category_listing::page(conn, &category, with_descendants, after, size, USD);
        let page = page.unwrap();
        let ids = page.items.iter().map(|product| product.id.get());
        (ids.collect(), page.next_cursor.map(|it| it.position()))
    })
}

fn of_collection(conn: &mut PgConnection, slug: &str) -> Vec<i64> {
    let id = CollectionId::try_from(id_of(conn, "collections", slug)).unwrap();
    let collection = collections::find(conn, id).unwrap().unwrap();
    pages(conn, |conn, after, size| {
        let page = collection_listing::page(conn, &collection, after, size, USD).unwrap();
        let ids = page.items.iter().map(|product| product.id.get());
        (ids.collect(), page.next_cursor.map(|it| it.position()))
    })
}

fn of_search(conn: &mut PgConnection, search: &Search) -> Vec<i64> {
    pages(conn, |conn, after, size| {
        let search = Search {
            sort: SearchSort::BestSelling,
            after: Some(after).filter(|(_, id)| *id > 0),
            size,
            ..search.clone()
        };
        let found = search::find(conn, &search).unwrap();
        let ids = found.products.items.iter().map(|product| product.id.get());
        (
            ids.collect(),
            found.products.next_cursor.map(|it| it.position()),
        )
    })
}

/// What the doctor finds wrong with sales.
fn findings(conn: &mut PgConnection) -> Vec<String> {
    let checks = catalog::doctor::checks().into_iter();
    let about = checks.filter(|check| check.id == "S18");
    about
        .flat_map(|check| db::doctor::examine(conn, check).unwrap().findings)
        .map(|found| format!("{} {}", found.subject, found.message))
        .collect()
}

/// By hand: units of the days that count, the most first, then the newest.
fn ranked(
    orders: &[(i64, i64, i64, bool)],
    today: i64,
    wanted: impl Fn(i64) -> bool,
) -> (BTreeMap<i64, i64>, Vec<i64>) {
    let mut units = BTreeMap::<i64, i64>::new();
    for (product, day, quantity, is_cancelled) in orders {
        if !is_cancelled && *day > today - DAYS {
            *units.entry(*product).or_default() += quantity;
        }
    }
    let mut ids: Vec<i64> = (1..=60).filter(|id| id % 13 != 0 && wanted(*id)).collect();
    ids.sort_by_key(|id| (-units.get(id).copied().unwrap_or(0), -id));
    (units, ids)
}

#[test]
fn listings_by_sales_are_those_of_counting_by_hand() {
    for seed in [3, 0x9e37_79b9_7f4a_7c15] {
        let conn = &mut conn();
        let random = &mut Random(seed);
        conn.batch_execute("ALTER SEQUENCE catalog.products_id_seq RESTART; ALTER SEQUENCE catalog.variants_id_seq RESTART")
            .unwrap();
        conn.batch_execute(SHOP).unwrap();
        index_all(conn);
        let now = now(conn);
        // A product, days ago, units, and whether the order was cancelled since.
        let mut orders: Vec<(i64, i64, i64, bool)> = Vec::new();
        let number = |n: usize| i64::try_from(n).unwrap();
        for _round in 0..12 {
            let mut sold = Vec::new();
            for _ in 0..random.below(30) {
                let (product, age) = (number(1 + random.below(40)), number(random.below(40)));
                let units = number(1 + random.below(4));
                sold.push((product, age, units));
                orders.push((product, -age, units, false));
            }
            let mut told: Vec<Sold> = sold
                .into_iter()
                .map(|(product_id, age, units)| Sold {
                    product_id,
                    at: now - Duration::days(age),
                    units,
                })
                .collect();
            for order in &mut orders {
                if !order.3 && random.one_in(40) {
                    order.3 = true;
                    told.push(Sold {
                        product_id: order.0,
                        at: now + Duration::days(order.1),
                        units: -order.2,
                    });
                }
            }
            sales::count(conn, &told).unwrap();
            assert_eq!(findings(conn), [""; 0]);
        }

        let (units, all) = ranked(&orders, 0, |_| true);
        for (product, units) in &units {
            let counted =
                format!("catalog.product_sales WHERE product_id = {product} AND units = {units}");
            assert_eq!(count(conn, &counted), 1, "seed {seed}, product {product}");
        }
        assert_eq!(count(conn, "catalog.product_sales"), number(units.len()));
        assert!(
            units.len() > 20 && units.len() < 45,
            "some sold, some did not"
        );
        assert_eq!(of_search(conn, &everything()), all, "seed {seed}");
        let red = Search {
            selection: Selection {
                brands: vec!["Red".to_owned()],
                ..Selection::default()
            },
            ..everything()
        };
        let is_red = |id: i64| id % 3 == 0;
        assert_eq!(of_search(conn, &red), ranked(&orders, 0, is_red).1);
        assert_eq!(of_collection(conn, "rules"), ranked(&orders, 0, is_red).1);
        let by_hand = ranked(&orders, 0, |id| id % 2 == 1).1;
        assert_eq!(of_collection(conn, "hand"), by_hand);
        let own = ranked(&orders, 0, |id| id % 2 == 0).1;
        assert_eq!(of_category(conn, "all", false), own);
        let with_below = ranked(&orders, 0, |id| id % 2 == 0 || id % 5 == 0).1;
        assert_eq!(of_category(conn, "all", true), with_below);
        assert_eq!(search::find(conn, &red).unwrap().facets.unwrap().total, 19);

        // Ten days later, as far as the days know.
        conn.batch_execute(
            "CREATE TEMPORARY TABLE shifted ON COMMIT DROP AS SELECT product_id, day - 10 AS day, units FROM catalog.sales_days; \
             DELETE FROM catalog.sales_days; INSERT INTO catalog.sales_days SELECT * FROM shifted; DROP TABLE shifted",
        )
        .unwrap();
        while sales::forget_old(conn).unwrap() > 0 {}
        let (units, all) = ranked(&orders, 10, |_| true);
        assert_eq!(count(conn, "catalog.product_sales"), number(units.len()));
        assert_eq!(of_search(conn, &everything()), all, "seed {seed}, later");
        assert_eq!(findings(conn), [""; 0]);
    }
}

#[test]
fn a_day_that_is_forgotten_counts_no_more_and_takes_nothing_back() {
    let conn = &mut conn();
    let now = now(conn);
    let sold = |age: i64, units: i64| Sold {
        product_id: 7,
        at: now - Duration::days(age),
        units,
    };
    let units = |conn: &mut PgConnection| {
        text(
            conn,
            "coalesce((SELECT units::text FROM catalog.product_sales WHERE product_id = 7), 'none')",
        )
    };
    sales::count(conn, &[sold(29, 4), sold(30, 8), sold(0, 1)]).unwrap();
    assert_eq!(units(conn), "5");
    sales::count(conn, &[sold(30, -8)]).unwrap();
    assert_eq!(units(conn), "5");
    sales::count(conn, &[sold(29, -4), sold(0, -1)]).unwrap();
    assert_eq!(units(conn), "none");
    assert_eq!(count(conn, "catalog.sales_days"), 0);

    sales::count(conn, &[sold(3, 2)]).unwrap();
    sales::forget_all(conn).unwrap();
    assert_eq!(units(conn), "none");
    sales::count(conn, &[sold(3, 2)]).unwrap();
    assert_eq!(units(conn), "2");
}

#[test]
fn a_cancellation_that_is_counted_first_is_not_lost() {
    let conn = &mut conn();
    let at = now(conn);
    let yesterday = at - Duration::days(1);
    let mut counted = |at: DateTime<Utc>, units: i64| {
        let sold = Sold {
            product_id: 7,
            at,
            units,
        };
        sales::count(conn, &[sold]).unwrap();
        assert_eq!(findings(conn), [""; 0]);
        let sum = "coalesce((SELECT units::text FROM catalog.product_sales WHERE product_id = 7), 'none')";
        text(conn, sum)
    };
    assert_eq!(counted(at, -4), "none");
    assert_eq!(counted(yesterday, 5), "1");
    assert_eq!(counted(at, -3), "none");
    assert_eq!(counted(at, 7), "5");
    assert_eq!(counted(at, 2), "7");
}

#[test]
fn the_doctor_sums_anew_what_is_wrong() {
    let conn = &mut conn();
    let now = now(conn);
    let sold = [1, 2, 3].map(|product_id| Sold {
        product_id,
        at: now,
        units: 5,
    });
    sales::count(conn, &sold).unwrap();
    conn.batch_execute(
        "UPDATE catalog.product_sales SET units = 6 WHERE product_id = 1; DELETE FROM catalog.product_sales WHERE product_id = 2; \
         DELETE FROM catalog.sales_days WHERE product_id = 3",
    )
    .unwrap();
    assert_eq!(
        findings(conn),
        [
            "product 1 is said to have sold 6, and its days say 5",
            "product 2 is said to have sold 0, and its days say 5",
            "product 3 is said to have sold 5, and its days say 0",
        ]
    );
    let mut checks = catalog::doctor::checks().into_iter();
    let check = checks.find(|check| check.id == "S18").unwrap();
    assert_eq!(check.repair.unwrap()(conn).unwrap().len(), 3);
    assert_eq!(findings(conn), [""; 0]);
}

/// What a page by sales reads, however many products there are and however many were sold.
#[test]
fn a_page_by_sales_reads_what_it_shows() {
    const FILL: &str = "
        INSERT INTO catalog.products (name) SELECT 'Thing ' || n FROM generate_series(1, 20000) n;
        INSERT INTO catalog.variants (product_id, sku) SELECT id, 'SKU-' || id FROM catalog.products;
        INSERT INTO catalog.prices (variant_id, currency, amount_minor) SELECT id, 'USD', id FROM catalog.variants;
        INSERT INTO catalog.categories (slug, name, root_position) VALUES ('all', 'All', 1), ('few', 'Few', 2);
        INSERT INTO catalog.category_products SELECT c.id, p.id, 1, p.name FROM catalog.categories c, catalog.products p
         WHERE c.slug = 'all' OR p.id % 1000 = 0;
        INSERT INTO catalog.sales_days SELECT id, current_date, 1 + id * 7919 % 997 FROM catalog.products WHERE id % 2 = 0;
        INSERT INTO catalog.product_sales SELECT product_id, units FROM catalog.sales_days";
    let conn = &mut database().connect();
    conn.batch_execute(FILL).unwrap();
    conn.batch_execute("VACUUM ANALYZE").unwrap();
    conn.batch_execute(SETTINGS).unwrap();
    let read = |conn: &mut PgConnection, slug: &str, with_descendants: bool, after: (i64, i64)| {
        let id = CategoryId::try_from(id_of(conn, "categories", slug)).unwrap();
        let mut category = categories::find(conn, id).unwrap().unwrap();
        category.product_order = ProductOrder::BestSelling;
        let so_far = |conn: &mut PgConnection| {
            ["seq_tup_read", "idx_tup_fetch"].map(|column| {
                let counted = format!(
                    "(SELECT coalesce(sum({column}), 0)::bigint FROM pg_stat_xact_user_tables WHERE schemaname = 'catalog' \
                       AND relname IN ('products', 'product_sales', 'category_products'))"
                );
                diesel::select(sql::<BigInt>(&counted)).get_result::<i64>(conn).unwrap()
            })
        };
        // Within a transaction, because counters are handed in between two of them.
        conn.test_transaction::<_, diesel::result::Error, _>(|conn| {
            let size = PageSize::default();
            let before = so_far(conn);
            let page = category_listing::page(conn, &category, with_descendants, after, size, USD);
            let after = so_far(conn);
            let read = (after[0] - before[0], after[1] - before[1]);
            Ok((page?.items.len(), read))
        })
    };

    for (slug, with_descendants, after, shown, most) in [
        // 21 that sold, or that did not, each with its product, and 20 that are shown.
        ("all", false, (0, 0), 20, 150),
        ("all", true, (0, 0), 20, 150),
        ("all", false, (500, 10_000), 20, 150),
        ("all", false, (0, 10_001), 20, 250),
        // All twenty of a small one.
        ("few", false, (0, 0), 20, 200),
    ] {
        let (items, (scanned, fetched)) = read(conn, slug, with_descendants, after);
        assert_eq!(items, shown);
        assert!(
            scanned == 0 && fetched <= most,
            "{scanned} scanned, {fetched} fetched: {slug} {after:?}"
        );
    }
}
