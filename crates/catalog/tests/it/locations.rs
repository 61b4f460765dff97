//! Stock at several locations, as orders take it.

use catalog::locations::{self, LocationChanges, LocationError, NewLocation};
use catalog::stock::{self, StockError, held, levels};
use diesel::prelude::*;
use domain::{LocationId, OrderId, VariantId};

use crate::{cause, conn, count, create_variant, text, unexplained};

pub fn location(conn: &mut PgConnection, code: &str, priority: i64) -> LocationId {
    let new = NewLocation {
        code: code.parse().unwrap(),
        name: code.to_uppercase(),
        priority,
        is_active: true,
    };
    locations::create(conn, new, None).unwrap()
}

/// Puts units of a variant at a location.
pub fn put(conn: &mut PgConnection, variant: VariantId, location: LocationId, on_hand: i64) {
    stock::set_on_hand(conn, (variant, location), 0, on_hand, &cause("count")).unwrap();
}

fn deactivate(conn: &mut PgConnection, location: LocationId) {
    let changes = LocationChanges {
        is_active: Some(false),
        ..Default::default()
    };
    locations::update(conn, location, changes, None, None).unwrap();
}

/// Grants and reserves orders of one unit count of one variant each, as they come; returns what falls short.
fn order(conn: &mut PgConnection, variant: VariantId, orders: &[(i64, i64)]) -> String {
    let list = |of: fn(&(i64, i64)) -> i64| {
        let numbers: Vec<String> = orders.iter().map(|order| of(order).to_string()).collect();
        format!("'{{{}}}'", numbers.join(","))
    };
    let (ids, units) = (list(|order| order.0), list(|order| order.1));
    let variants = format!("array_fill({variant}::bigint, ARRAY[{}])", orders.len());
    let short = text(
        conn,
        &format!(
            "(SELECT coalesce(string_agg(format('%s: %s left', o, a), '; ' ORDER BY o), '') \
               FROM catalog.grant_stock({ids}::int[], {variants}, {units}) g, unnest(g.short_orders, g.short_available) AS s (o, a))"
        ),
    );
    if short.is_empty() {
        let nobody = format!("array_fill(NULL::bigint, ARRAY[{}])", orders.len());
        text(
            conn,
            &format!("(catalog.reserve_stock({ids}, {nobody}, {variants}, {units})::text)"),
        );
    }
    short
}

/// What an order holds where, as `location:units`.
fn held(conn: &mut PgConnection, order: i64) -> String {
    let held = held::by_order(conn, OrderId::try_from(order).unwrap()).unwrap();
    let places: Vec<String> = held
        .iter()
        .map(|h| format!("{}:{}", h.location_id, h.units))
        .collect();
    places.join(" ")
}

#[test]
fn orders_take_by_priority_and_split_where_one_location_has_not_enough() {
    let conn = &mut conn();
    let a = create_variant(conn, "A", 5);
    let (last, first) = (location(conn, "last", 9), location(conn, "first", 0));
    put(conn, a, last, 10);
    put(conn, a, first, 2);

    // Main and `first` have the same priority, so the lower id is first.
    assert_eq!(order(conn, a, &[(1, 4), (2, 2), (3, 3)]), "");
    assert_eq!(held(conn, 1), format!("{}:4", LocationId::MAIN));
    assert_eq!(held(conn, 2), format!("{}:1 {first}:1", LocationId::MAIN));
    assert_eq!(held(conn, 3), format!("{last}:2 {first}:1"));
    assert_eq!(order(conn, a, &[(4, 9)]), "4: 8 left");
    assert_eq!(order(conn, a, &[(5, 8)]), "");
    assert_eq!(held(conn, 5), format!("{last}:8"));
    assert_eq!(unexplained(conn), [""; 0]);
}

#[test]
fn what_is_on_a_shelf_anywhere_goes_before_what_is_promised_beyond_it() {
    let conn = &mut conn();
    let a = create_variant(conn, "A", 2);
    let far = location(conn, "far", 9);
    put(conn, a, far, 3);
    let limits = stock::Limits {
        backorder_limit: Some(4),
        ..Default::default()
    };
    stock::set_limits(conn, (a, LocationId::MAIN), limits, &cause("limits")).unwrap();

    assert_eq!(order(conn, a, &[(1, 6)]), "");
    assert_eq!(held(conn, 1), format!("{}:3 {far}:3", LocationId::MAIN));
    assert_eq!(order(conn, a, &[(2, 4)]), "2: 3 left");
    assert_eq!(order(conn, a, &[(3, 3)]), "");
}

#[test]
fn nothing_is_taken_from_a_location_that_is_not_active() {
    let conn = &mut conn();
    let a = create_variant(conn, "A", 1);
    let closed = location(conn, "closed", 0);
    put(conn, a, closed, 5);
    assert_eq!(order(conn, a, &[(1, 2)]), "");
    deactivate(conn, closed);

    assert_eq!(order(conn, a, &[(2, 1)]), "2: 0 left");
    let at = levels::list(conn, a).unwrap();
    let seen: Vec<_> = at
        .iter()
        .map(|l| (l.is_active, l.on_hand, l.reserved))
        .collect();
    assert_eq!(seen, [(true, 1, 1), (false, 5, 1)]);

    // What was promised there before still leaves from there.
    let held = held::by_order(conn, OrderId::try_from(1).unwrap()).unwrap();
    let shipped: Vec<stock::Change> = held.into_iter().map(held::Held::shipped).collect();
    let cause = stock::Cause {
        order_id: Some(OrderId::try_from(1).unwrap()),
        ..cause("order_shipped")
    };
    stock::move_all(conn, &shipped, &cause).unwrap();
    let left = levels::list(conn, a).unwrap();
    let left: Vec<_> = left.iter().map(|l| (l.on_hand, l.reserved)).collect();
    assert_eq!(left, [(0, 0), (4, 0)]);
    assert_eq!(unexplained(conn), [""; 0]);
}

#[test]
fn who_reserves_more_than_was_granted_meets_the_check() {
    let conn = &mut conn();
    let a = create_variant(conn, "A", 1);
    let far = location(conn, "far", 1);
    put(conn, a, far, 1);
    let sql = format!("SELECT catalog.reserve_stock('{{1}}', '{{NULL}}', '{{{a}}}', '{{3}}')");
    let refused = diesel::sql_query(sql).execute(conn).unwrap_err();
    assert!(
        refused.to_string().contains("stock_levels_not_oversold"),
        "{refused}"
    );
}

#[test]
fn a_location_with_a_past_is_not_deleted_and_the_main_one_stays() {
    let conn = &mut conn();
    let a = create_variant(conn, "A", 1);
    let (used, unused) = (location(conn, "used", 0), location(conn, "unused", 0));
    put(conn, a, used, 0);
    put(conn, a, used, 1);
    stock::adjust(conn, (a, used), -1, &cause("lost")).unwrap();

    let stale = locations::delete(conn, unused, Some(7), None);
    assert!(matches!(stale, Err(LocationError::Stale(1))), "{stale:?}");
    locations::delete(conn, unused, Some(1), None).unwrap();
    let main = locations::delete(conn, LocationId::MAIN, None, None);
    assert!(matches!(main, Err(LocationError::Main)), "{main:?}");
    let gone = stock::adjust(conn, (a, unused), 1, &cause("found"));
    assert!(
        matches!(gone, Err(StockError::NoLocation(id)) if id == unused),
        "{gone:?}"
    );
    let told = "platform.outbox WHERE kind LIKE 'location.%'";
    assert_eq!(count(conn, told), 3);
    let in_use = locations::delete(conn, used, None, None);
    assert!(matches!(in_use, Err(LocationError::InUse)), "{in_use:?}");
}

#[test]
fn the_events_of_a_variant_are_counted_over_all_locations() {
    let conn = &mut conn();
    let a = create_variant(conn, "A", 1);
    let far = location(conn, "far", 1);
    put(conn, a, far, 1);
    stock::adjust(conn, (a, LocationId::MAIN), 2, &cause("found")).unwrap();
    stock::adjust(conn, (a, far), 3, &cause("found")).unwrap();

    let told = "(SELECT string_agg(concat_ws(' ', sequence, payload->>'locationId', payload->>'onHandDelta'), ', ' ORDER BY sequence) \
                  FROM platform.outbox WHERE resource_type = 'variant')";
    assert_eq!(text(conn, told), format!("1 {far} 1, 2 1 2, 3 {far} 3"));
}
