//! What is low is told once, whoever made it so.

use catalog::locations::{self, LocationChanges};
use catalog::stock::transferring::{self, Moved, NewLine};
use catalog::stock::{self, Change, Limits, low, move_all};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use domain::{Event, LocationId, PageSize, VariantId};

use crate::locations::{location, put};
use crate::{cause, conn, create_variant, database, text};

const MAIN: LocationId = LocationId::MAIN;

fn low_at(conn: &mut PgConnection, variant: VariantId, at: LocationId, limit: Option<i64>) {
    let limits = Limits {
        low_at: Some(limit),
        ..Default::default()
    };
    stock::set_limits(conn, (variant, at), limits, &cause("limits")).unwrap();
}

/// Reserves for orders of one unit each, as place_orders does it: in one statement.
fn order(conn: &mut PgConnection, variant: VariantId, orders: i64) {
    let sql = format!(
        "SELECT catalog.reserve_stock(array_agg(n), array_agg(NULL::bigint), array_agg({variant}::bigint), array_agg(1::bigint)) \
           FROM generate_series(1, {orders}) n"
    );
    diesel::sql_query(sql).execute(conn).unwrap();
}

fn release(conn: &mut PgConnection, variant_id: VariantId, units: i64) {
    let change = Change {
        variant_id,
        location_id: MAIN,
        on_hand: 0,
        reserved: -units,
    };
    move_all(conn, &[change], &cause("order_cancelled")).unwrap();
}

/// What was told of low stock, in order: what, where, and how many were available.
fn told(conn: &mut PgConnection) -> String {
    text(
        conn,
        "(SELECT coalesce(string_agg(concat_ws(' ', split_part(kind, '.', 2), payload->>'locationId', payload->>'available'), \
                                     ', ' ORDER BY sequence), '') \
           FROM platform.outbox WHERE kind IN ('stock.low', 'stock.back'))",
    )
}

#[test]
fn orders_that_cross_the_limit_tell_once_and_so_does_the_way_back() {
    let conn = &mut conn();
    let a = create_variant(conn, "A", 10);
    low_at(conn, a, MAIN, Some(3));
    order(conn, a, 6);
    assert_eq!(told(conn), "");
    order(conn, a, 2);
    order(conn, a, 2);
    assert_eq!(told(conn), "low 1 2");
    release(conn, a, 2);
    assert_eq!(told(conn), "low 1 2");
    release(conn, a, 2);
    assert_eq!(told(conn), "low 1 2, back 1 4");
    order(conn, a, 4);
    assert_eq!(told(conn), "low 1 2, back 1 4, low 1 0");

    // Counted with all that happened to the variant, without a gap.
    let counted = "(SELECT concat_ws(' ', count(*), min(sequence), max(sequence)) FROM platform.outbox WHERE resource_type = 'variant')";
    assert_eq!(text(conn, counted), "4 1 4");
}

#[test]
fn it_is_told_as_the_domain_has_it() {
    let conn = &mut conn();
    let a = create_variant(conn, "A", 10);
    low_at(conn, a, MAIN, Some(12));
    low_at(conn, a, MAIN, None);
    let low = Event::StockLow {
        variant_id: a,
        location_id: MAIN,
        available: 10,
        low_at: 12,
    };
    let back = Event::StockBack {
        variant_id: a,
        location_id: MAIN,
        available: 10,
        low_at: None,
    };
    for event in [low, back] {
        let written = text(
            conn,
            &format!(
                "(SELECT payload::text FROM platform.outbox WHERE kind = '{}')",
                event.kind()
            ),
        );
        let written: serde_json::Value = serde_json::from_str(&written).unwrap();
        assert_eq!(written, serde_json::to_value(&event).unwrap());
    }
}

#[test]
fn counts_limits_transfers_and_other_hands_tell_alike() {
    let conn = &mut conn();
    let a = create_variant(conn, "A", 10);
    let far = location(conn, "far", 1);
    put(conn, a, far, 1);
    low_at(conn, a, MAIN, Some(2));
    low_at(conn, a, far, Some(2));
    assert_eq!(told(conn), format!("low {far} 1"));

    let line = NewLine {
        moved: Moved::Variant(a),
        quantity: 8,
        from: MAIN,
        to: far,
    };
    transferring::transfer(conn, &[line], None, None).unwrap();
    let both = told(conn);
    assert!(
        both.contains("low 1 2") && both.contains(&format!("back {far} 9")),
        "{both}"
    );
    stock::set_on_hand(conn, (a, MAIN), 2, 3, &cause("count")).unwrap();
    assert!(told(conn).ends_with("back 1 3"));
    let kept = Limits {
        safety: Some(1),
        ..Default::default()
    };
    stock::set_limits(conn, (a, MAIN), kept, &cause("limits")).unwrap();
    assert!(told(conn).ends_with("low 1 2"));
    // As the release before does it, which knows nothing of this.
    conn.batch_execute(&format!(
        "UPDATE catalog.stock_levels SET on_hand = on_hand + 5 WHERE variant_id = {a} AND location_id = 1"
    ))
    .unwrap();
    assert!(told(conn).ends_with("back 1 7"));
    low_at(conn, a, MAIN, Some(7));
    low_at(conn, a, MAIN, None);
    assert!(told(conn).ends_with("low 1 7, back 1 7"));
}

#[test]
fn what_is_low_is_listed_page_by_page_where_orders_take_from() {
    let conn = &mut conn();
    let far = location(conn, "far", 1);
    let variants: Vec<VariantId> = (0..5)
        .map(|n| create_variant(conn, &format!("V-{n}"), n))
        .collect();
    for variant in &variants {
        low_at(conn, *variant, MAIN, Some(2));
    }
    put(conn, variants[4], far, 1);
    low_at(conn, variants[4], far, Some(1));
    let two = PageSize::try_from(2).unwrap();
    let mut page = |after, only| {
        let rows = low::list(conn, after, only, two).unwrap();
        rows.iter()
            .map(|row| (row.variant_id, row.location_id, row.available))
            .collect::<Vec<_>>()
    };

    let place = |index: usize| (variants[index], MAIN, i64::try_from(index).unwrap());
    assert_eq!(page((0, 0), None), [place(0), place(1), place(2)]);
    let rest = page((variants[1].get(), 1), None);
    assert_eq!(rest, [place(2), (variants[4], far, 1)]);
    assert_eq!(page((0, 0), Some(far)), [(variants[4], far, 1)]);
    let closed = LocationChanges {
        is_active: Some(false),
        ..Default::default()
    };
    locations::update(conn, far, closed, None, None).unwrap();
    let rows = low::list(conn, (variants[2].get(), 1), None, two).unwrap();
    assert!(rows.is_empty());
}

#[test]
fn it_comes_behind_what_was_told_of_the_variant_by_a_younger_transaction() {
    let database = database();
    let old = &mut database.connect();
    let young = &mut database.connect();
    let a = create_variant(young, "A", 5);
    let b = create_variant(young, "B", 5);
    low_at(young, a, MAIN, Some(3));

    old.transaction(|old| {
        // It has its id from here on.
        stock::adjust(old, (b, MAIN), 1, &cause("found")).unwrap();
        young
            .transaction(|young| stock::adjust(young, (a, MAIN), 1, &cause("found")))
            .unwrap();
        order(old, a, 3);
        Ok::<(), diesel::result::Error>(())
    })
    .unwrap();

    let order = format!(
        "(SELECT string_agg(kind, ', ' ORDER BY xid, id) FROM platform.outbox \
           WHERE resource_type = 'variant' AND resource_id = {a})"
    );
    let expected = "stock.limitsChanged, stock.adjusted, stock.low";
    assert_eq!(text(young, &order), expected);
}

/// A transfer changes both in one statement, in whatever order it finds them.
#[test]
fn levels_that_change_together_are_each_told_of_once() {
    let conn = &mut conn();
    let shop = location(conn, "shop", 1);
    for (sku, last) in [("A", MAIN), ("B", shop)] {
        let variant = create_variant(conn, sku, 20);
        put(conn, variant, shop, 1);
        for at in [MAIN, shop, last] {
            let limit = if at == MAIN { 15 } else { 5 };
            low_at(conn, variant, at, Some(limit + 1));
            low_at(conn, variant, at, Some(limit));
        }
        conn.batch_execute("DELETE FROM platform.outbox").unwrap();
        // Row by row as they lie there: what was written last comes last.
        conn.batch_execute(&format!(
            "SET LOCAL enable_indexscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_seqscan = on;
             UPDATE catalog.stock_levels SET on_hand = CASE location_id WHEN 1 THEN 10 ELSE 11 END WHERE variant_id = {variant}"
        ))
        .unwrap();
        let told = told(conn);
        let mut told: Vec<&str> = told.split(", ").collect();
        told.sort_unstable();
        assert_eq!(told, [format!("back {shop} 11"), "low 1 10".to_owned()]);
    }
}
