//! What a search reads, among 4,000 documents and with the settings of a replica's connections.

use catalog::search::rebuilding;
use catalog::search::{Search, Selection};
use diesel::connection::SimpleConnection as _;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use domain::{Facet, PageSize, SearchSort};
use serde_json::json;

use super::{everything, find, words};
use crate::{SETTINGS, USD, database, text};

/// Every product has a name of its own, every hundredth a word of its hundred; brands have 40 products each, tags 400.
pub const FILL: &str = "
    INSERT INTO catalog.products (name, description, brand, tags)
    SELECT 'Thing ' || md5(n::text), 'hundred' || n % 100, 'Brand ' || n % 100, ARRAY['tag ' || n % 10]
      FROM generate_series(1, 4000) n;
    INSERT INTO catalog.variants (product_id, sku) SELECT id, 'SKU-' || id FROM catalog.products;
    INSERT INTO catalog.prices (variant_id, currency, amount_minor) SELECT id, 'USD', id * 10 FROM catalog.variants;
    INSERT INTO catalog.stock_levels (variant_id, on_hand) SELECT id, 10 FROM catalog.variants;
    INSERT INTO catalog.product_sales SELECT id, 1 + id % 100 FROM catalog.products WHERE id % 2 = 0;
    INSERT INTO catalog.price_lists (code, name, priority, is_active, starts_at, ends_at, countries, customer_groups)
    VALUES ('austria', 'Austria', 0, true, '-infinity', 'infinity', '{AT}', '{}');
    UPDATE catalog.search_index SET built_at = NULL";

/// How often all documents were read by a search, and how many were by an index.
pub fn read(conn: &mut PgConnection, search: &Search) -> (i64, i64) {
    counted(conn, |conn| find(conn, search)).1
}

fn counted<R>(
    conn: &mut PgConnection,
    look: impl FnOnce(&mut PgConnection) -> R,
) -> (R, (i64, i64)) {
    let so_far = |conn: &mut PgConnection| {
        ["seq_scan", "idx_tup_fetch"].map(|column| {
            let counted = format!(
                "(SELECT coalesce(sum({column}), 0)::bigint FROM pg_stat_xact_user_tables WHERE relid = 'catalog.search_documents_1'::regclass)"
            );
            diesel::select(sql::<BigInt>(&counted)).get_result::<i64>(conn).unwrap()
        })
    };
    // Within a transaction, because counters are handed in between two of them.
    conn.test_transaction::<_, diesel::result::Error, _>(|conn| {
        let before = so_far(conn);
        let seen = look(conn);
        let after = so_far(conn);
        Ok((seen, (after[0] - before[0], after[1] - before[1])))
    })
}

/// Builds the index as a replica does.
pub fn index(conn: &mut PgConnection) {
    conn.batch_execute("VACUUM ANALYZE").unwrap();
    conn.batch_execute(SETTINGS).unwrap();
    rebuilding::begin(conn, &["en".to_owned()], USD).unwrap();
    while rebuilding::build(conn).unwrap() == rebuilding::BATCH {}
    rebuilding::analyse(conn).unwrap();
    rebuilding::swap(conn).unwrap();
    conn.batch_execute("VACUUM catalog.search_documents_1")
        .unwrap();
}

fn page(sort: SearchSort, after: (i64, i64)) -> Search {
    Search {
        sort,
        after: Some(after),
        size: PageSize::default(),
        ..everything()
    }
}

/// For a country that no list is for.
fn in_germany(mut search: Search) -> Search {
    search.market.country = Some("DE".parse().unwrap());
    search
}

#[test]
fn a_search_reads_what_it_finds_and_a_page_what_it_shows() {
    let conn = &mut database().connect();
    conn.batch_execute(FILL).unwrap();
    index(conn);

    let selection = |brand: &str, tag: &str| Selection {
        brands: vec![brand.to_owned()],
        tags: vec![tag.to_owned()],
        ..Selection::default()
    };
    let narrowed = Search {
        selection: selection("Brand 7", "tag 7"),
        facets: vec![Facet::Brand, Facet::Tag],
        ..everything()
    };
    let unnarrowed = Search {
        size: PageSize::default(),
        facets: vec![
            Facet::Brand,
            Facet::Tag,
            Facet::Category,
            Facet::Options,
            Facet::InStock,
        ],
        ..everything()
    };
    assert_eq!(find(conn, &words("hundred42")).products.items.len(), 40);
    assert_eq!(find(conn, &narrowed).facets.unwrap().total, 40);
    assert_eq!(find(conn, &unnarrowed).facets.unwrap().total, 4_000);

    // Fifty that may have the word; it is counted as one, and they are as what is found, ranked and counted: four times forty.
    let cases = [
        (words("hundred42"), 50 + 4 * 40),
        (words("hundred4"), 50 + 4 * 40),
        // Forty shown and counted, and four hundred of the tag to count the brands of.
        (narrowed, 40 * 3 + 400),
        (unnarrowed, 21),
        (page(SearchSort::Newest, (0, 2_000)), 21),
        (page(SearchSort::Cheapest, (20_000, 2_000)), 21),
        (page(SearchSort::Dearest, (20_000, 2_000)), 21),
        (in_germany(page(SearchSort::Cheapest, (20_000, 2_000))), 21),
        (in_germany(page(SearchSort::Dearest, (20_000, 2_000))), 21),
        (page(SearchSort::Name, (0, 2_000)), 21),
        (page(SearchSort::BestSelling, (50, 2_000)), 21),
        // Every other one sold, and is passed over.
        (page(SearchSort::BestSelling, (0, 2_000)), 42),
    ];
    for (search, most) in cases {
        let (scans, rows) = read(conn, &search);
        assert!(
            scans == 0 && rows <= most,
            "{scans} scans, {rows} rows: {search:?}"
        );
    }
    let settings = "current_setting('enable_seqscan')";
    assert_eq!(text(conn, settings), "off", "as it was before");
}

/// What a page of the newest reads where few are found, though the planner takes them for many, as it does among a million.
#[test]
fn few_are_not_looked_for_among_all() {
    const FEW: &str = "
        UPDATE catalog.products SET tags = '{rare}', brand = 'Rare' WHERE id = 7;
        ALTER TABLE catalog.search_documents_1 ALTER COLUMN tags SET STATISTICS 0, ALTER COLUMN brand SET STATISTICS 0";
    let conn = &mut database().connect();
    conn.batch_execute(FILL).unwrap();
    conn.batch_execute(FEW).unwrap();
    index(conn);

    let newest = |search: Search| Search {
        sort: SearchSort::Newest,
        size: PageSize::try_from(1).unwrap(),
        ..search
    };
    let narrowed = |selection| Search {
        selection,
        ..everything()
    };
    let tagged = Selection {
        tags: vec!["rare".to_owned()],
        ..Selection::default()
    };
    let branded = Selection {
        brands: vec!["Rare".to_owned()],
        ..Selection::default()
    };
    let name = text(conn, "(SELECT name FROM catalog.products WHERE id = 7)");
    let word = name.split_once(' ').unwrap().1.to_owned();
    for search in [words(&word), narrowed(tagged), narrowed(branded)] {
        let search = newest(search);
        let found = find(conn, &search).products.items;
        assert_eq!(found.len(), 1, "{search:?}");
        assert_eq!(found[0].id.get(), 7);
        let (scans, rows) = read(conn, &search);
        assert!(
            scans == 0 && rows <= 60,
            "{scans} scans, {rows} rows: {search:?}"
        );
    }
    for rules in [
        json!({"match": "all", "conditions": [{"inStock": true}, {"tag": "rare"}]}),
        json!({"match": "any", "conditions": [{"brand": "Rare"}, {"tag": "rare"}]}),
    ] {
        let listed = format!(
            "(SELECT product_ids::text FROM catalog.list_by_rules('{rules}', NULL, 'newest', 0, 0, 2))"
        );
        let (ids, (scans, rows)) = counted(conn, |conn| text(conn, &listed));
        assert_eq!(ids, "{7}", "{rules}");
        assert!(
            scans == 0 && rows <= 3,
            "{scans} scans, {rows} rows: {rules}"
        );
    }
}

/// Each product is in a category and in a price list, and an order that is cancelled had one of the first.
const RELATE: &str = "
    INSERT INTO catalog.categories (slug, name, root_position) VALUES ('all', 'All', 1);
    INSERT INTO catalog.category_products (category_id, product_id, position, product_name)
    SELECT c.id, p.id, p.id, p.name FROM catalog.products p, catalog.categories c;
    INSERT INTO catalog.price_lists (code, name, priority, is_active, starts_at, ends_at, countries, customer_groups)
    VALUES ('sale', 'Sale', 0, true, '-infinity', 'infinity', '{}', '{}');
    INSERT INTO catalog.list_prices (list_id, variant_id, currency, min_quantity, amount_minor, valid_from, scheduled)
    SELECT l.id, v.id, 'USD', 1, 5, now(), false FROM catalog.price_lists l, catalog.variants v;
    INSERT INTO catalog.stock_movements (variant_id, location_id, on_hand_delta, reserved_delta, reason, order_id)
    VALUES (1, 1, 0, -1, 'order_cancelled', 7)";

/// Also with a plan that was made while there was nothing.
#[test]
fn an_order_is_followed_without_reading_what_it_has_nothing_to_do_with() {
    let conn = &mut database().connect();
    conn.batch_execute("VACUUM ANALYZE").unwrap();
    conn.batch_execute(SETTINGS).unwrap();
    let mark = "SELECT catalog.search_mark('{order.cancelled}', '{7}', '{\"{}\"}')";
    conn.batch_execute(mark).unwrap();
    conn.batch_execute(FILL).unwrap();
    conn.batch_execute(RELATE).unwrap();
    let read = |conn: &mut PgConnection| -> i64 {
        let counted = "(SELECT sum(seq_tup_read + idx_tup_fetch)::bigint FROM pg_stat_xact_user_tables \
                         WHERE schemaname = 'catalog' AND relname NOT LIKE 'search_%')";
        diesel::select(sql::<BigInt>(counted))
            .get_result(conn)
            .unwrap()
    };
    let rows = conn.test_transaction::<_, diesel::result::Error, _>(|conn| {
        let before = read(conn);
        conn.batch_execute(mark)?;
        Ok(read(conn) - before)
    });
    assert!(rows < 10, "{rows} rows");
}

/// A list for everybody has a price of each product, and one for Austria of none.
#[test]
fn countries_are_looked_at_only_where_a_list_that_is_for_some_may_have_a_price() {
    let conn = &mut database().connect();
    conn.batch_execute("SET track_functions = 'all'").unwrap();
    conn.batch_execute(SETTINGS).unwrap();
    conn.batch_execute(FILL).unwrap();
    let looked_at = |conn: &mut PgConnection| -> i64 {
        let calls = "(SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_xact_user_functions WHERE funcname = 'search_country_prices')";
        conn.test_transaction::<_, diesel::result::Error, _>(|conn| {
            conn.batch_execute(
                "SELECT fingerprint FROM catalog.search_sources WHERE product_id <= 200",
            )?;
            diesel::select(sql::<BigInt>(calls)).get_result(conn)
        })
    };
    assert_eq!(looked_at(conn), 0, "nothing is in any list");
    conn.batch_execute(RELATE).unwrap();
    conn.batch_execute("UPDATE catalog.variants SET in_lists = true; UPDATE catalog.price_lists SET is_active = false WHERE code = 'austria'")
        .unwrap();
    assert_eq!(looked_at(conn), 0, "no list is for countries");
    conn.batch_execute("UPDATE catalog.price_lists SET is_active = true WHERE code = 'austria'")
        .unwrap();
    assert_eq!(looked_at(conn), 200);
}
