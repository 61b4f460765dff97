//! The plans of what customers wait for, among 20,000 products, with plans that know no values.

use catalog::categories::{self, listing};
use catalog::media;
use catalog::products::managed::{self, Status};
use catalog::products::{self, Start};
use catalog::quotes::Wanted;
use catalog::sales::{self, Sold};
use catalog::stock::{self, Change, low, movements};
use catalog::translations::{custom, options};
use catalog::variants;
use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Text;
use domain::{
    CategoryId, CustomResource, LocationId, PageSize, ProductId, ProductOrder, VariantId,
};

use crate::{SETTINGS, USD, cause, database, quote, sku, text};

/// 20,000 products, each with prices in two currencies, of which one was changed once; one variant was moved 20,000 times, a few are low, and something of each is kept for somebody.
/// Every other one has prices in four of ten price lists, and all have values of fifty custom fields.
const FILL: &str = "
    INSERT INTO catalog.products (name, description)
    SELECT 'Product ' || md5(n::text), repeat(md5(n::text || 'd') || ' ', 4) FROM generate_series(1, 20000) n;
    INSERT INTO catalog.variants (product_id, sku) SELECT id, 'SKU-' || id FROM catalog.products;
    INSERT INTO catalog.prices (variant_id, currency, amount_minor, valid_from)
    SELECT v.id, c.code, v.id, now() - interval '1 day' * c.age
      FROM catalog.variants v, (VALUES ('USD', 1), ('USD', 2), ('EUR', 1)) c (code, age);
    INSERT INTO catalog.stock_levels (variant_id, on_hand) SELECT id, 10 FROM catalog.variants;
    INSERT INTO catalog.stock_movements (variant_id, location_id, on_hand_delta, reserved_delta, reason)
    SELECT id, 1, 10, 0, 'initial' FROM catalog.variants;
    INSERT INTO catalog.stock_movements (variant_id, location_id, on_hand_delta, reserved_delta, reason)
    SELECT 777, 1, n % 2 * 2 - 1, 0, 'correction' FROM generate_series(1, 20000) n;
    INSERT INTO catalog.categories (slug, name, root_position) VALUES ('all', 'All', 1), ('below', 'Below', NULL);
    INSERT INTO catalog.category_parents (category_id, parent_id, position, rank) VALUES (2, 1, 1, 1);
    INSERT INTO catalog.category_products (category_id, product_id, position, product_name)
    SELECT c.id, p.id, p.id / 3, p.name FROM catalog.products p, catalog.categories c;
    INSERT INTO catalog.stock_holds (expires_at) SELECT now() + interval '1 hour' FROM generate_series(1, 20000);
    INSERT INTO catalog.stock_hold_lines (hold_id, variant_id, location_id, units) SELECT id, id, 1, 1 FROM catalog.stock_holds;
    UPDATE catalog.stock_levels SET low_at = 10 WHERE variant_id BETWEEN 700 AND 710;
    UPDATE catalog.products SET slug = 'slug-' || id, published_at = now() - interval '1 hour' WHERE id % 2 = 1;
    UPDATE catalog.products SET published_at = now() + interval '1 day' * id WHERE id BETWEEN 19001 AND 19010;
    UPDATE catalog.products SET archived_at = now() WHERE id BETWEEN 19011 AND 19020;
    INSERT INTO catalog.custom_fields (resource, key, name, type, rules, is_public, is_filterable)
    SELECT 'product', 'field_' || n, '', 'int', '{}', true, true FROM generate_series(1, 50) n;
    INSERT INTO catalog.custom_values (resource, resource_id, public_values)
    SELECT 'product', p.id, (SELECT jsonb_object_agg('field_' || n, n) FROM generate_series(1, 50) n) FROM catalog.products p;
    INSERT INTO catalog.price_lists (code, name, priority, is_active, starts_at, ends_at, countries, customer_groups)
    SELECT 'list-' || n, 'List', n, true, '-infinity', 'infinity', '{}', CASE WHEN n > 2 THEN '{trade}' ELSE '{}' END::text[]
      FROM generate_series(1, 10) n;
    INSERT INTO catalog.list_prices (list_id, variant_id, currency, min_quantity, amount_minor, valid_from, scheduled)
    SELECT l.id, v.id, 'USD', t.least, v.id, now() - interval '1 day' * t.age, false
      FROM catalog.price_lists l, catalog.variants v, (VALUES (1, 1), (1, 2), (10, 1)) t (least, age) WHERE l.id < 5 AND v.id % 2 = 0;
    ";

/// Three pictures of every third product.
const PICTURES: &str = "
    INSERT INTO catalog.media (hash, content_type, bytes, width, height, widths, name, alt, state, version)
    SELECT sha256(n::text::bytea), 'image/jpeg', 1, 1, 1, '{160,320}', '', '', 'kept', 1 FROM generate_series(1, 20000) n;
    INSERT INTO catalog.product_media (product_id, position, media_id, alt, alts, variant_ids)
    SELECT p.id, n, (p.id + n * 31) % 20000 + 1, '', '{\"de\": \"\"}', '{}' FROM catalog.products p, generate_series(0, 2) n WHERE p.id % 3 = 0;
    UPDATE catalog.products SET has_media = true WHERE id % 3 = 0;
    INSERT INTO catalog.custom_files SELECT 'product', id, 'field_1', id FROM catalog.products;
    INSERT INTO catalog.custom_translations SELECT 'product', id, 'de', '{\"field_2\": \"x\"}' FROM catalog.products;
    ";

/// 9,000 prices to come, of other variants than those that are read.
const SCHEDULE: &str = "
    INSERT INTO catalog.prices (variant_id, currency, amount_minor, valid_from, scheduled)
    SELECT id, 'USD', 1, now() + interval '1 hour', true FROM catalog.variants WHERE id BETWEEN 1000 AND 9999";

/// The plan, as it was run, of the statement of this session that contains `part`.
fn plan(conn: &mut PgConnection, part: &str, values: &str) -> String {
    let prepared = format!(
        "(SELECT name FROM pg_prepared_statements \
           WHERE strpos(statement, $${part}$$) > 0 AND strpos(statement, 'pg_prepared') = 0)"
    );
    let name = text(conn, &prepared);
    let values = if values.is_empty() {
        String::new()
    } else {
        format!("({values})")
    };
    let explain = format!("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) EXECUTE {name}{values}");
    let mut lines: Vec<String> = sql::<Text>(&explain).load(conn).unwrap();
    // Of definitions there are few as well: an index takes over once they fill more than a page or two.
    let definitions = |line: &String| line.contains("Seq Scan on custom_fields");
    if let Some(at) = lines.iter().position(definitions) {
        lines.drain(at..lines.len().min(at + 3));
    }
    // Of price lists there are few, and all are looked at.
    lines
        .join("\n")
        .replace("Seq Scan on price_lists", "Scan on price_lists")
}

#[test]
fn no_read_of_a_customer_scans_a_table() {
    let conn = &mut database().connect();
    conn.batch_execute(FILL).unwrap();
    conn.batch_execute(PICTURES).unwrap();
    conn.batch_execute("VACUUM ANALYZE").unwrap();
    conn.batch_execute("SET plan_cache_mode = force_generic_plan")
        .unwrap();
    let size = PageSize::default();
    let id = ProductId::try_from(777).unwrap();
    let lines: Vec<Wanted> = (1..=20_i64)
        .flat_map(|n| {
            let by_id = Wanted::Product(ProductId::try_from(n * 31).unwrap());
            [by_id, Wanted::Sku(sku(&format!("SKU-{}", n * 77)))]
        })
        .collect();
    let change = Change {
        variant_id: VariantId::try_from(777).unwrap(),
        location_id: LocationId::MAIN,
        on_hand: 0,
        reserved: 1,
    };

    assert!(products::find(conn, id, USD).unwrap().is_some());
    let together = (10_001..=10_020).collect();
    let together = products::find_together(conn, together, USD).unwrap();
    assert_eq!(together.len(), 20);
    let page = products::list(conn, None, Start::After(10_000), size, USD).unwrap();
    assert_eq!(page[0].id.get(), 10_001);
    let found = products::list(conn, Some("sku-1999"), Start::After(0), size, USD).unwrap();
    assert_eq!(found.len(), 11);
    assert_eq!(quote(conn, &lines, USD).len(), 40);
    stock::move_all(conn, &[change], &cause("order")).unwrap();
    assert_eq!(variants::list(conn, id, 0, size, USD).unwrap().len(), 1);
    assert_eq!(low::list(conn, (500, 0), None, size).unwrap().len(), 11);
    let last = movements::list(conn, change.variant_id, None, i64::MAX, size).unwrap();
    assert_eq!(last.len(), 21);

    assert_eq!(media::list(conn, 10_000, 21).unwrap().len(), 21);
    let hash = media::list(conn, 10_000, 1).unwrap()[0].hash;
    assert!(media::find_stored(conn, hash).unwrap().is_some());
    assert_eq!(media::products::list(conn, id).unwrap().len(), 3);
    let german = "de-AT".parse().unwrap();
    let said = custom::find(conn, CustomResource::Product, id.get(), &german);
    assert_eq!(said.unwrap()["field_2"], "x");

    let slug = "slug-777".parse().unwrap();
    assert!(products::find_by_slug(conn, &slug, USD).unwrap().is_some());
    assert!(products::next_change(conn).unwrap().is_some());
    for (status, len) in [
        (None, 21),
        (Some(Status::Active), 21),
        (Some(Status::Draft), 5),
        (Some(Status::Archived), 10),
    ] {
        let page = managed::list(conn, status, 19_005, size, USD).unwrap();
        assert_eq!(page.len(), len, "{status:?}");
    }

    // Plans outlive the moment they were made in, here one without prices to come.
    conn.batch_execute(SCHEDULE).unwrap();

    let search = plan(
        conn,
        "LIKE lower($6)",
        "'USD', NULL, 0, 21, 0, '%sku-1999%', 'sku-1999'",
    );
    let short = [
        plan(conn, "AND p.id = $3", "'USD', NULL, 777"),
        plan(
            conn,
            "AND p.id = ANY($3)",
            "'USD', NULL, '{10001,10003,10005,10007,10009,10011}'",
        ),
        plan(
            conn,
            "AND v.product_id > $3 ORDER BY p.id LIMIT $4 OFFSET $5",
            "'USD', NULL, 10000, 21, 0",
        ),
        plan(
            conn,
            "w.position - 1",
            "ARRAY[777,NULL,31], ARRAY[NULL,'SKU-1',NULL], 'USD'",
        ),
        plan(
            conn,
            "w (variant_id, location_id, on_hand, reserved)",
            "'{777}', '{1}', '{0}', '{1}', 'order', NULL, NULL, NULL",
        ),
        plan(
            conn,
            "AND v.product_id = $2 AND v.id > $3",
            "'USD', 777, 0, 21",
        ),
        plan(
            conn,
            "AND id < $3 ORDER BY id DESC LIMIT $4",
            "777, NULL, 9223372036854775807, 21",
        ),
        plan(
            conn,
            "WHERE s.low_since IS NOT NULL AND (s.variant_id",
            "500, 0, NULL, 21",
        ),
        plan(conn, "id < $1 ORDER BY id DESC LIMIT $2", "10000, 21"),
        plan(conn, "WHERE hash = $1", &format!("'\\x{hash}'")),
        plan(
            conn,
            "p.product_id = ANY($1) AND p.position < $2",
            "'{777,778,9}', 1, '{de}', false",
        ),
        plan(
            conn,
            "FROM catalog.custom_translations",
            "'product', '{777}', '{de-AT,de}'",
        ),
        plan(conn, "AND p.slug = $3", "'USD', NULL, 'slug-777'"),
        plan(conn, "SELECT extract(epoch", ""),
        plan(conn, "c ON true WHERE p.id > $2", "'USD', 0, 21"),
        plan(
            conn,
            "c ON true WHERE catalog.is_on_sale(p)",
            "'USD', 0, 21",
        ),
        plan(
            conn,
            "WHERE unpublished_at <= statement_timestamp()",
            "'USD', 19005, 21",
        ),
        plan(conn, "WHERE p.archived_at IS NOT NULL", "'USD', 19005, 21"),
    ];

    assert!(!search.contains("Seq Scan"), "{search}");
    for plan in short {
        // There are few locations, and fewer that are not active.
        assert!(
            !plan
                .replace("Seq Scan on locations", "")
                .contains("Seq Scan"),
            "{plan}"
        );
        assert!(!plan.contains("is_on_sale"), "not seen through: {plan}");
        assert!(
            !plan.contains("Function Scan on availability"),
            "not seen through: {plan}"
        );
        assert!(most_rows(&plan) <= 21, "{plan}");
        assert!(most_filtered(&plan) <= 42, "{plan}");
    }
}

/// The greatest number of rows that any step of a plan read and threw away.
fn most_filtered(plan: &str) -> u32 {
    let steps = plan.split("Rows Removed by Filter: ").skip(1);
    let rows = steps.filter_map(|step| step.split_whitespace().next()?.parse().ok());
    rows.max().unwrap_or(0)
}

/// The greatest number of rows that any step of a plan had at once.
fn most_rows(plan: &str) -> u32 {
    let steps = plan.split("actual rows=").skip(1);
    let rows = steps.filter_map(|step| step.split(' ').next()?.parse().ok());
    rows.max().unwrap()
}

#[test]
fn a_page_of_a_category_reads_no_more_rows_than_it_shows_in_any_order() {
    let conn = &mut database().connect();
    conn.batch_execute(FILL).unwrap();
    conn.batch_execute("VACUUM ANALYZE").unwrap();
    conn.batch_execute(SETTINGS).unwrap();
    let all = CategoryId::try_from(1).unwrap();
    let mut category = categories::find(conn, all).unwrap().unwrap();
    let mut page = |order, with_descendants, after| {
        category.product_order = order;
        let size = PageSize::default();
        listing::page(conn, &category, with_descendants, after, size, USD).unwrap()
    };
    let place = (10_000 / 3, 10_000);

    let manual = page(ProductOrder::Manual, false, place);
    assert_eq!(manual.items[0].id.get(), 10_001);
    let newest = page(ProductOrder::Newest, true, (0, 10_000));
    assert_eq!((newest.items.len(), newest.items[0].id.get()), (20, 9_999));
    let by_name = page(ProductOrder::Name, true, (0, 10_000));
    assert_eq!(by_name.items.len(), 20);
    categories::list(conn, Some(all), (0, 0), PageSize::default()).unwrap();
    categories::list(conn, None, (0, 0), PageSize::default()).unwrap();

    // Two categories give 21 each.
    let plans = [
        (
            plan(conn, "(cp.position, cp.product_id) >", "1, 3333, 10000, 21"),
            21,
        ),
        (plan(conn, "cp.product_id < $2", "1, 10000, 21, true"), 42),
        (
            plan(
                conn,
                "(cp.product_name, cp.product_id) >",
                "1, 10000, 21, true",
            ),
            42,
        ),
        (
            plan(
                conn,
                "array_position($3, p.id)",
                "'USD', NULL, '{10001,10002}'",
            ),
            21,
        ),
        (
            plan(conn, "e.parent_id = $1 AND (e.position", "1, 0, 0, 21"),
            21,
        ),
        (plan(conn, "(c.root_position, c.id) >", "0, 0, 21"), 21),
    ];
    for (plan, rows) in plans {
        assert!(!plan.contains("Seq Scan"), "{plan}");
        assert!(!plan.contains("is_on_sale"), "not seen through: {plan}");
        assert!(most_rows(&plan) <= rows, "{plan}");
    }
}

#[test]
fn words_of_options_are_looked_up_and_sales_counted_without_a_scan() {
    const WORDS: &str = "
        INSERT INTO catalog.translated_options (name) SELECT 'Option ' || n FROM generate_series(1, 2000) n;
        INSERT INTO catalog.option_translations SELECT o.id, l.locale, v.value, 'Wort'
          FROM catalog.translated_options o, (VALUES ('de'), ('de-AT'), ('fr')) l (locale), (VALUES (''), ('red'), ('blue')) v (value);
        INSERT INTO catalog.sales_days SELECT p, current_date - d, 1 FROM generate_series(1, 2000) p, generate_series(0, 9) d;
        INSERT INTO catalog.product_sales SELECT p, 10 FROM generate_series(1, 2000) p";
    let conn = &mut database().connect();
    conn.batch_execute(WORDS).unwrap();
    conn.batch_execute("VACUUM ANALYZE").unwrap();
    conn.batch_execute(SETTINGS).unwrap();
    let austrian = "de-AT".parse().unwrap();
    let pairs = [
        ("Option 7", "red"),
        ("Option 7", "blue"),
        ("Option 9", "green"),
    ];
    let found = options::find_all(conn, pairs.into_iter(), &austrian).unwrap();
    assert_eq!(found.of_value("Option 7", "blue"), Some("Wort"));
    assert_eq!(found.of_option("Option 9"), Some("Wort"));
    assert_eq!(found.of_value("Option 9", "green"), None);

    let words = plan(
        conn,
        "FROM unnest($1::text[], $2::text[]) AS w (name, value)",
        "'{Option 7,Option 7,Option 9}', '{red,blue,green}', '{de-AT,de}'",
    );
    assert!(!words.contains("Seq Scan"), "{words}");
    assert!(most_rows(&words) <= 4, "{words}");

    let read = |conn: &mut PgConnection| {
        let counted = "(SELECT concat_ws('/', sum(seq_scan), sum(idx_tup_fetch)) FROM pg_stat_xact_user_tables \
                         WHERE schemaname = 'catalog' AND relname IN ('sales_days', 'product_sales'))";
        let counts = text(conn, counted);
        let (scans, rows) = counts.split_once('/').unwrap();
        (scans.parse::<i64>().unwrap(), rows.parse::<i64>().unwrap())
    };
    // Within a transaction, because counters are handed in between two of them.
    let (scans, rows) = conn.test_transaction::<_, diesel::result::Error, _>(|conn| {
        let before = read(conn);
        let at = sql::<diesel::sql_types::Timestamptz>("now()");
        let at = diesel::select(at).get_result(conn)?;
        let sold = [7, 9, 7].map(|product_id| Sold {
            product_id,
            at,
            units: 2,
        });
        sales::count(conn, &sold)?;
        let after = read(conn);
        Ok((after.0 - before.0, after.1 - before.1))
    });
    assert_eq!(scans, 0);
    assert!(
        rows <= 4,
        "{rows} rows: of two products a day and a sum each"
    );
}
