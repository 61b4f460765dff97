//! Stock that is put from locations into others.

use std::sync::Barrier;
use std::thread;

use catalog::stock::transferring::{self, Moved, NewLine, TransferError};
use catalog::stock::{self, Change, Limits, StockError, levels, move_all, movements};
use diesel::prelude::*;
use domain::{LocationId, PageSize, VariantId};

use crate::locations::{location, put};
use crate::{cause, conn, count, create_variant, database, sku, text, unexplained};

fn line(variant: VariantId, quantity: i64, from: LocationId, to: LocationId) -> NewLine {
    NewLine {
        moved: Moved::Variant(variant),
        quantity,
        from,
        to,
    }
}

/// What is on hand at each location, by priority.
fn on_hand(conn: &mut PgConnection, variant: VariantId) -> Vec<i64> {
    let levels = levels::list(conn, variant).unwrap();
    levels.iter().map(|level| level.on_hand).collect()
}

fn reserve(conn: &mut PgConnection, variant_id: VariantId, reserved: i64) {
    let change = Change {
        variant_id,
        location_id: LocationId::MAIN,
        on_hand: 0,
        reserved,
    };
    move_all(conn, &[change], &cause("initial")).unwrap();
}

#[test]
fn lines_move_together_and_each_leaves_two_movements_and_an_event() {
    let conn = &mut conn();
    let (a, b) = (create_variant(conn, "A", 10), create_variant(conn, "B", 4));
    let (near, far) = (location(conn, "near", 1), location(conn, "far", 2));
    put(conn, b, near, 1);
    let by_sku = NewLine {
        moved: Moved::Sku(sku("A")),
        ..line(a, 2, LocationId::MAIN, near)
    };
    let lines = [
        line(b, 1, near, LocationId::MAIN),
        line(a, 5, LocationId::MAIN, far),
        by_sku,
    ];

    let id = transferring::transfer(conn, &lines, Some("van".into()), None).unwrap();

    assert_eq!(on_hand(conn, a), [3, 2, 5]);
    assert_eq!(on_hand(conn, b), [5, 0]);
    let found = transferring::find(conn, id).unwrap().unwrap();
    let told: Vec<_> = found
        .lines
        .iter()
        .map(|l| (l.sku.as_str(), l.quantity, l.from, l.to))
        .collect();
    assert_eq!(
        told,
        [
            ("B", 1, near, LocationId::MAIN),
            ("A", 5, LocationId::MAIN, far),
            ("A", 2, LocationId::MAIN, near)
        ]
    );
    let page = movements::list(conn, a, None, i64::MAX, PageSize::default()).unwrap();
    let newest: Vec<_> = page
        .iter()
        .map(|m| {
            (
                m.on_hand_delta,
                m.reason.as_str(),
                m.transfer_id,
                m.note.as_deref(),
            )
        })
        .collect();
    let (id, van) = (Some(id.get()), Some("van"));
    assert_eq!(
        newest,
        [
            (2, "transfer_in", id, van),
            (-2, "transfer_out", id, van),
            (5, "transfer_in", id, van),
            (-5, "transfer_out", id, van),
            (10, "initial", None, None)
        ]
    );
    let told = "(SELECT string_agg(concat_ws(' ', resource_id, sequence, payload->>'quantity'), ', ' ORDER BY id) \
                  FROM platform.outbox WHERE kind = 'stock.transferred')";
    assert_eq!(text(conn, told), format!("{b} 2 1, {a} 1 5, {a} 2 2"));
    assert_eq!(unexplained(conn), [""; 0]);
}

#[test]
fn what_is_reserved_or_kept_back_stays_and_the_lines_that_want_it_are_named() {
    let conn = &mut conn();
    let (a, b) = (create_variant(conn, "A", 10), create_variant(conn, "B", 1));
    let far = location(conn, "far", 1);
    reserve(conn, a, 4);
    let limits = Limits {
        safety: Some(3),
        backorder_limit: Some(50),
        low_at: None,
    };
    stock::set_limits(conn, (a, LocationId::MAIN), limits, &cause("limits")).unwrap();
    let mut try_to = |lines: &[NewLine]| {
        let moved = conn.transaction(|conn| transferring::transfer(conn, lines, None, None));
        match moved {
            Ok(_) => "moved".to_owned(),
            Err(TransferError::Insufficient(short)) => format!("{short:?}"),
            Err(error) => error.to_string(),
        }
    };
    let out = |variant, quantity| line(variant, quantity, LocationId::MAIN, far);

    assert_eq!(try_to(&[out(b, 1), out(a, 4)]), "[(1, 3)]");
    assert_eq!(
        try_to(&[out(a, 2), out(b, 1), out(a, 2)]),
        "[(0, 3), (2, 3)]"
    );
    // What comes is not what may go.
    let back = line(a, 1, far, LocationId::MAIN);
    assert_eq!(try_to(&[out(a, 3), back]), "[(1, 0)]");
    assert_eq!(try_to(&[out(b, 1), out(a, 3)]), "moved");
    // More is promised than there is: nothing is free.
    assert_eq!(try_to(&[out(a, 1)]), "[(0, 0)]");
    let nobody = VariantId::try_from(i64::MAX).unwrap();
    let nowhere = LocationId::try_from(i64::MAX).unwrap();
    assert_eq!(
        try_to(&[out(a, 1), out(nobody, 1)]),
        "line 1 names no variant"
    );
    assert_eq!(
        try_to(&[line(a, 1, far, nowhere)]),
        format!("line 0 names a location that does not exist, {nowhere}")
    );
    let many = stock::MAX_ON_HAND;
    assert_eq!(try_to(&[line(b, many, far, LocationId::MAIN)]), "[(0, 1)]");

    assert_eq!(
        (on_hand(conn, a), on_hand(conn, b)),
        (vec![7, 3], vec![0, 1])
    );
    let moved = "catalog.stock_movements WHERE transfer_id IS NOT NULL";
    assert_eq!(count(conn, moved), 4);
    assert_eq!(count(conn, "catalog.stock_transfers"), 1);
}

#[test]
fn orders_and_transfers_in_all_directions_do_not_deadlock() {
    let database = database();
    let conn = &mut database.connect();
    let (a, b) = (create_variant(conn, "A", 40), create_variant(conn, "B", 40));
    let (near, far) = (location(conn, "near", 1), location(conn, "far", 2));
    let everywhere = [LocationId::MAIN, near, far];
    let start = Barrier::new(24);
    let worker = |number: usize| {
        let conn = &mut database.connect();
        start.wait();
        for round in 0..10 {
            let (from, to) = (
                everywhere[(number + round) % 3],
                everywhere[(number + 2 * round + 1) % 3],
            );
            let variants = if number.is_multiple_of(2) {
                [a, b]
            } else {
                [b, a]
            };
            if number.is_multiple_of(3) {
                let order = format!("{}", 1_000 * number + round);
                let [x, y] = variants;
                let sql = format!(
                    "SELECT catalog.reserve_stock('{{{order},{order}}}', '{{NULL,NULL}}', '{{{x},{y}}}', '{{1,1}}') \
                       FROM catalog.grant_stock('{{1,1}}', '{{{x},{y}}}', '{{1,1}}') g WHERE g.short_orders = '{{}}'"
                );
                conn.transaction(|conn| diesel::sql_query(&sql).execute(conn))
                    .unwrap();
            } else if from != to {
                let lines = variants.map(|variant| line(variant, 1, from, to));
                let moved =
                    conn.transaction(|conn| transferring::transfer(conn, &lines, None, None));
                assert!(
                    matches!(moved, Ok(_) | Err(TransferError::Insufficient(_))),
                    "{moved:?}"
                );
            } else {
                let found = |conn: &mut PgConnection| {
                    stock::adjust(conn, (variants[0], from), 1, &cause("found"))
                };
                let found: Result<_, StockError> = conn.transaction(found);
                found.unwrap();
            }
        }
    };
    thread::scope(|scope| {
        let worker = &worker;
        let workers: Vec<_> = (0..24).map(|n| scope.spawn(move || worker(n))).collect();
        workers.into_iter().for_each(|w| w.join().unwrap());
    });

    for variant in [a, b] {
        let levels = levels::list(conn, variant).unwrap();
        // 8 workers placed 10 orders each, and there were 40 units and more: all that were found later.
        let reserved: i64 = levels.iter().map(|level| level.reserved).sum();
        assert!((40..=80).contains(&reserved), "{reserved}");
    }
    assert_eq!(unexplained(conn), [""; 0]);
    let deadlocked = "pg_stat_database WHERE datname = current_database() AND deadlocks > 0";
    assert_eq!(count(conn, deadlocked), 0);
}
