use catalog::stock::{self, Change, Level, Shortage, StockError, move_all, set_on_hand};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use domain::{LocationId, OrderId, UserId, VariantId};

use crate::{cause, conn, count, create_variant, text, unexplained};

fn reserve(variant_id: VariantId, reserved: i64) -> Change {
    Change {
        variant_id,
        location_id: LocationId::MAIN,
        on_hand: 0,
        reserved,
    }
}

fn level(conn: &mut PgConnection, variant: VariantId) -> (i64, i64) {
    let level = stock::find_level(conn, variant, LocationId::MAIN)
        .unwrap()
        .unwrap();
    (level.on_hand, level.reserved)
}

fn shortages(outcome: Result<(), StockError>) -> Vec<(VariantId, i64)> {
    let Err(StockError::Insufficient(shortages)) = outcome else {
        panic!("{outcome:?}");
    };
    let pair = |s: Shortage| (s.variant_id, s.available);
    shortages.into_iter().map(pair).collect()
}

fn nobody() -> VariantId {
    VariantId::try_from(i64::MAX).unwrap()
}

#[test]
fn a_move_writes_the_counters_and_who_moved_them_for_what() {
    let conn = &mut conn();
    let (a, b) = (create_variant(conn, "A", 5), create_variant(conn, "B", 5));
    let cause = stock::Cause {
        reason: "order",
        order_id: Some(OrderId::try_from(17).unwrap()),
        actor: Some(UserId::try_from(3).unwrap()),
        note: None,
    };
    let ship = Change {
        variant_id: b,
        location_id: LocationId::MAIN,
        on_hand: -2,
        reserved: 1,
    };

    move_all(conn, &[ship, reserve(a, 5)], &cause).unwrap();

    assert_eq!((level(conn, a), level(conn, b)), ((5, 5), (3, 1)));
    let movements = "(SELECT string_agg(concat_ws(' ', on_hand_delta, reserved_delta, reason, order_id, actor_id), \
                       '; ' ORDER BY variant_id) FROM catalog.stock_movements WHERE order_id IS NOT NULL)";
    assert_eq!(text(conn, movements), "0 5 order 17 3; -2 1 order 17 3");
    assert_eq!(unexplained(conn), [""; 0]);
}

#[test]
fn all_or_nothing_moves_and_every_shortage_is_named() {
    let conn = &mut conn();
    let plenty = create_variant(conn, "A", 100);
    let few = create_variant(conn, "B", 2);
    let none = create_variant(conn, "C", 0);
    let wanted = [
        reserve(none, 1),
        reserve(plenty, 3),
        reserve(nobody(), 1),
        reserve(few, 3),
    ];

    let outcome = move_all(conn, &wanted, &cause("order"));

    assert_eq!(shortages(outcome), [(none, 0), (nobody(), 0), (few, 2)]);
    assert_eq!(level(conn, plenty), (100, 0));
    assert_eq!(
        count(conn, "catalog.stock_movements WHERE reason = 'order'"),
        0
    );
}

#[test]
fn a_variant_without_a_level_has_nothing() {
    let conn = &mut conn();

    let outcome = move_all(conn, &[reserve(nobody(), 1)], &cause("order"));

    assert_eq!(shortages(outcome), [(nobody(), 0)]);
    assert_eq!(
        stock::find_level(conn, nobody(), LocationId::MAIN),
        Ok(None)
    );
}

#[test]
fn lines_of_one_variant_are_summed_before_they_are_judged() {
    let conn = &mut conn();
    let a = create_variant(conn, "A", 5);

    let too_many = move_all(conn, &[reserve(a, 3), reserve(a, 3)], &cause("order"));
    assert_eq!(shortages(too_many), [(a, 5)]);
    move_all(conn, &[reserve(a, 3), reserve(a, 2)], &cause("order")).unwrap();

    assert_eq!(level(conn, a), (5, 5));
    assert_eq!(unexplained(conn), [""; 0]);
}

#[test]
fn no_change_is_no_movement() {
    let conn = &mut conn();
    let a = create_variant(conn, "A", 5);

    move_all(conn, &[], &cause("order")).unwrap();
    move_all(conn, &[reserve(a, 2), reserve(a, -2)], &cause("order")).unwrap();

    assert_eq!(
        count(conn, "catalog.stock_movements WHERE reason = 'order'"),
        0
    );
}

#[test]
fn more_than_is_there_is_neither_shipped_nor_released() {
    let conn = &mut conn();
    let a = create_variant(conn, "A", 5);
    let ship = Change {
        variant_id: a,
        location_id: LocationId::MAIN,
        on_hand: -6,
        reserved: 0,
    };

    for change in [reserve(a, -1), ship] {
        let outcome = move_all(conn, &[change], &cause("order"));
        assert_eq!(shortages(outcome), [(a, 5)]);
    }

    assert_eq!(level(conn, a), (5, 0));
}

#[test]
fn safety_stock_is_kept_and_backorders_are_promised() {
    let conn = &mut conn();
    let (safe, late) = (create_variant(conn, "A", 10), create_variant(conn, "B", 10));
    conn.batch_execute(&format!(
        "UPDATE catalog.stock_levels SET safety = 3 WHERE variant_id = {safe}; \
         UPDATE catalog.stock_levels SET backorder_limit = 3 WHERE variant_id = {late}"
    ))
    .unwrap();

    let outcome = move_all(
        conn,
        &[reserve(safe, 8), reserve(late, 14)],
        &cause("order"),
    );
    assert_eq!(shortages(outcome), [(safe, 7), (late, 13)]);
    move_all(
        conn,
        &[reserve(safe, 7), reserve(late, 13)],
        &cause("order"),
    )
    .unwrap();

    let available = |level: Level| level.available();
    let left = [safe, late].map(|v| {
        stock::find_level(conn, v, LocationId::MAIN)
            .unwrap()
            .map(available)
    });
    assert_eq!(left, [Some(0), Some(0)]);
}

#[test]
fn a_count_is_set_only_where_it_is_what_the_counter_saw() {
    let conn = &mut conn();
    let a = create_variant(conn, "A", 5);
    move_all(conn, &[reserve(a, 2)], &cause("order")).unwrap();

    let stale = set_on_hand(conn, (a, LocationId::MAIN), 4, 9, &cause("count"));
    assert!(matches!(
        stale,
        Err(StockError::Changed {
            expected: 4,
            actual: 5
        })
    ));
    let set = set_on_hand(conn, (a, LocationId::MAIN), 5, 9, &cause("count")).unwrap();
    let same = set_on_hand(conn, (a, LocationId::MAIN), 9, 9, &cause("count")).unwrap();

    assert_eq!((set.on_hand, set.reserved), (9, 2));
    assert_eq!(set, same);
    assert_eq!(level(conn, a), (9, 2));
    assert_eq!(
        count(conn, "catalog.stock_movements WHERE reason = 'count'"),
        1
    );
    // Orders come between, and do not count.
    move_all(conn, &[reserve(a, 1)], &cause("order")).unwrap();
    set_on_hand(conn, (a, LocationId::MAIN), 9, 8, &cause("count")).unwrap();
    let told = "(SELECT string_agg(concat_ws(' ', sequence, payload->>'onHandDelta'), ', ' ORDER BY id) \
                  FROM platform.outbox WHERE kind = 'stock.adjusted')";
    assert_eq!(text(conn, told), "1 4, 2 -1");
}

#[test]
fn a_count_below_what_is_promised_is_refused() {
    let conn = &mut conn();
    let a = create_variant(conn, "A", 5);
    move_all(conn, &[reserve(a, 3)], &cause("order")).unwrap();

    for too_few in [2, 0, -1] {
        let refused = set_on_hand(conn, (a, LocationId::MAIN), 5, too_few, &cause("count"));
        assert!(
            matches!(refused, Err(StockError::Insufficient(_))),
            "{refused:?}"
        );
    }
    set_on_hand(conn, (a, LocationId::MAIN), 5, 3, &cause("count")).unwrap();
    let unknown = set_on_hand(conn, (nobody(), LocationId::MAIN), 0, 1, &cause("count"));

    assert_eq!(level(conn, a), (3, 3));
    assert!(matches!(unknown, Err(StockError::NotStocked(v)) if v == nobody()));
}

#[test]
fn the_table_itself_refuses_an_oversell() {
    for (forbidden, constraint) in [
        ("reserved = 6", "stock_levels_not_oversold"),
        ("safety = 6", "stock_levels_not_oversold"),
        ("on_hand = -1", "stock_levels_on_hand_not_negative"),
        ("reserved = -1", "stock_levels_reserved_not_negative"),
        ("safety = -1", "stock_levels_safety_not_negative"),
        (
            "backorder_limit = -1",
            "stock_levels_backorder_not_negative",
        ),
    ] {
        let conn = &mut conn();
        create_variant(conn, "A", 5);

        let refused = conn.batch_execute(&format!("UPDATE catalog.stock_levels SET {forbidden}"));

        let Err(DieselError::DatabaseError(DatabaseErrorKind::CheckViolation, info)) = refused
        else {
            panic!("{forbidden}: {refused:?}");
        };
        // A negative value breaks two rules; Postgres names the first by name.
        let named = info.constraint_name().unwrap();
        assert!(
            named == constraint || named == "stock_levels_not_oversold",
            "{named}"
        );
    }
}

#[test]
fn a_level_that_no_movement_explains_is_listed() {
    let conn = &mut conn();
    let (a, b) = (create_variant(conn, "A", 5), create_variant(conn, "B", 0));
    assert_eq!(unexplained(conn), [""; 0]);

    conn.batch_execute("UPDATE catalog.stock_levels SET on_hand = on_hand + 1")
        .unwrap();

    let both = [a, b].map(|variant| format!("variant {variant}"));
    assert_eq!(unexplained(conn), both);
}
