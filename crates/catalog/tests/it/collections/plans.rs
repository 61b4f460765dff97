//! What a page of a collection reads, among 4,000 products and with the settings of a replica's connections.

use catalog::collections::rules::{Condition, Match};
use catalog::collections::{self, Collection, Rules, listing};
use catalog::search::rebuilding;
use diesel::connection::SimpleConnection as _;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use domain::{PageSize, ProductOrder};

use super::{all, find, make};
use crate::{SETTINGS, USD, database, text};

/// Tags have 40 products each; one in a hundred was made today; one list has all, and there are as many more lists.
const FILL: &str = "
    INSERT INTO catalog.products (name, brand, tags, created_at)
    SELECT 'Thing ' || md5(n::text), 'Brand ' || n % 10, ARRAY['tag ' || n % 100],
           now() - interval '1 year' * (n <= 3960)::int
      FROM generate_series(1, 4000) n;
    INSERT INTO catalog.variants (product_id, sku) SELECT id, 'SKU-' || id FROM catalog.products;
    INSERT INTO catalog.prices (variant_id, currency, amount_minor) SELECT id, 'USD', id * 10 FROM catalog.variants;
    INSERT INTO catalog.stock_levels (variant_id, on_hand) SELECT id, 10 FROM catalog.variants;
    INSERT INTO catalog.collection_products (collection_id, product_id, position, product_name)
    SELECT c.id, p.id, p.id / 3, p.name FROM catalog.products p, catalog.collections c WHERE c.rules IS NULL;
    INSERT INTO catalog.collections (slug, name, product_order, archived_at)
    SELECT 'more-' || n, 'More', 'manual', CASE WHEN n % 2 = 0 THEN now() END FROM generate_series(1, 4000) n;
    UPDATE catalog.search_index SET built_at = NULL";

/// How often tables of the catalogue were read from end to end, and how many rows of collections and documents were
/// read by an index.
fn reads(conn: &mut PgConnection, run: impl FnOnce(&mut PgConnection)) -> (i64, i64) {
    let so_far = |conn: &mut PgConnection| {
        // A page or two of values are read at once.
        let tables = "schemaname = 'catalog' AND relname <> 'search_index' AND relname NOT LIKE 'search_values%'";
        let rows = "relname LIKE 'collection%' OR relname LIKE 'search_documents%'";
        [
            format!("sum(seq_scan) FILTER (WHERE {tables})"),
            format!("sum(idx_tup_fetch) FILTER (WHERE {rows})"),
        ]
        .map(|counted| {
            let counted = format!("(SELECT {counted}::bigint FROM pg_stat_xact_user_tables)");
            diesel::select(sql::<BigInt>(&counted))
                .get_result::<i64>(conn)
                .unwrap()
        })
    };
    // Within a transaction, because counters are handed in between two of them.
    conn.test_transaction::<_, diesel::result::Error, _>(|conn| {
        let before = so_far(conn);
        run(conn);
        let after = so_far(conn);
        Ok((after[0] - before[0], after[1] - before[1]))
    })
}

#[test]
fn a_page_reads_what_it_shows_whatever_a_collection_has() {
    let conn = &mut database().connect();
    let list = make(conn, "list", None);
    let ruled = make(conn, "ruled", all(vec![Condition::InStock(true)]));
    conn.batch_execute(FILL).unwrap();
    conn.batch_execute("VACUUM ANALYZE").unwrap();
    conn.batch_execute(SETTINGS).unwrap();
    rebuilding::begin(conn, &["en".to_owned()], USD).unwrap();
    while rebuilding::build(conn).unwrap() == rebuilding::BATCH {}
    rebuilding::analyse(conn).unwrap();
    rebuilding::swap(conn).unwrap();
    conn.batch_execute("VACUUM catalog.search_documents_1")
        .unwrap();

    let in_order = |collection: Collection, product_order| Collection {
        product_order,
        ..collection
    };
    let by_rules = |collection: &Collection, matching, conditions| Collection {
        rules: Some(Rules {
            matching,
            conditions,
        }),
        ..collection.clone()
    };
    let (list, ruled) = (find(conn, list), find(conn, ruled));
    let tag = |number: i64| Condition::Tag(format!("tag {number}"));
    let middle = (2_000 / 3, 2_000);
    let cases = [
        (in_order(list.clone(), ProductOrder::Manual), middle, 21),
        (in_order(list.clone(), ProductOrder::Newest), middle, 21),
        (in_order(list, ProductOrder::Name), middle, 21),
        // What all products are, in either order and anywhere.
        (in_order(ruled.clone(), ProductOrder::Newest), middle, 21),
        (in_order(ruled.clone(), ProductOrder::Name), middle, 21),
        // What a few are: as many documents as there are of them.
        (
            by_rules(&ruled, Match::All, vec![tag(7), Condition::InStock(true)]),
            (0, 0),
            40,
        ),
        (
            by_rules(&ruled, Match::Any, vec![tag(7), tag(8)]),
            (0, 0),
            80,
        ),
        // The newest first are those that were made today.
        (
            by_rules(&ruled, Match::All, vec![Condition::MadeWithinDays(30)]),
            (0, 0),
            40,
        ),
    ];
    for (collection, after, most) in cases {
        let said = format!("{} {:?}", collection.product_order, collection.rules);
        let (scans, rows) = reads(conn, |conn| {
            let page = listing::page(conn, &collection, after, PageSize::default(), USD).unwrap();
            assert_eq!(page.items.len(), 20, "{said}");
        });
        assert!(
            scans == 0 && rows <= most,
            "{scans} scans, {rows} rows: {said}"
        );
    }
    let (scans, rows) = reads(conn, |conn| {
        let page = collections::list(conn, 1_000, PageSize::default()).unwrap();
        assert_eq!(page.len(), 21);
    });
    assert!(scans == 0 && rows <= 21, "{scans} scans, {rows} rows");
}

/// Among others of which one is enough, a window that has most products is not read from end to end.
#[test]
fn a_wide_window_lists_what_a_narrow_one_does() {
    let conn = &mut database().connect();
    let newest = Condition::MadeWithinDays(30);
    let rules = Rules {
        matching: Match::Any,
        conditions: vec![Condition::Tag("tag 7".to_owned()), newest],
    };
    let ruled = make(conn, "ruled", Some(rules));
    conn.batch_execute(FILL).unwrap();
    rebuilding::begin(conn, &["en".to_owned()], USD).unwrap();
    while rebuilding::build(conn).unwrap() == rebuilding::BATCH {}
    rebuilding::swap(conn).unwrap();
    let ruled = find(conn, ruled);
    let mut listed = |after: i64| -> Vec<i64> {
        let page = listing::page(conn, &ruled, (0, after), PageSize::default(), USD).unwrap();
        page.items.iter().map(|product| product.id.get()).collect()
    };
    let narrow = (listed(0), listed(3_980));
    assert_eq!(narrow.0, (3_981..=4_000).rev().collect::<Vec<_>>());

    // So many more that nobody can find, made today.
    conn.batch_execute(
        "INSERT INTO catalog.products (name, published_at) SELECT 'Draft', 'infinity' FROM generate_series(1, 10001)",
    )
    .unwrap();
    let shape =
        |is_any: bool| format!("left(catalog.made_since(now() - interval '1 day', {is_any}), 7)");
    assert_eq!(text(conn, &shape(true)), "(SELECT");
    assert_eq!(text(conn, &shape(false)), "d.produ");
    let mut listed = |after: i64| -> Vec<i64> {
        let page = listing::page(conn, &ruled, (0, after), PageSize::default(), USD).unwrap();
        page.items.iter().map(|product| product.id.get()).collect()
    };
    assert_eq!((listed(0), listed(3_980)), narrow);
}
