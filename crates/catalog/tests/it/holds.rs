//! Stock that is kept for somebody until a moment.

use catalog::import::{self, Form, How, Report, Start};
use catalog::stock::holds::{self, HoldError, Outcome};
use catalog::stock::transferring::{self, Moved, NewLine};
use catalog::stock::{self, levels, movements};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use domain::{LocationId, PageSize, StockHoldId, VariantId};

use crate::locations::{location, put};
use crate::{USD, cause, conn, create_variant, database, quote, sku, text, unexplained};

fn hold(conn: &mut PgConnection, lines: &[(VariantId, i64)]) -> StockHoldId {
    holds::create(conn, lines, 900, None, None).unwrap()
}

/// What falls short, as `variant:available`.
fn refused(conn: &mut PgConnection, lines: &[(VariantId, i64)]) -> String {
    match holds::create(conn, lines, 900, None, None) {
        Err(HoldError::Insufficient(short)) => short
            .iter()
            .map(|short| format!("{}:{}", short.variant_id, short.available))
            .collect::<Vec<_>>()
            .join(" "),
        other => panic!("{other:?}"),
    }
}

/// As if its time had passed.
fn let_expire(conn: &mut PgConnection, id: StockHoldId) {
    conn.batch_execute(&format!(
        "UPDATE catalog.stock_holds SET expires_at = now() - interval '1 second' WHERE id = {id}"
    ))
    .unwrap();
}

/// What is reserved at each location, by priority.
fn reserved(conn: &mut PgConnection, variant: VariantId) -> Vec<i64> {
    let levels = levels::list(conn, variant).unwrap();
    levels.iter().map(|level| level.reserved).collect()
}

fn available(conn: &mut PgConnection, text: &str) -> i64 {
    let wanted = [catalog::quotes::Wanted::Sku(sku(text))];
    quote(conn, &wanted, USD)[0].1.available
}

#[test]
fn a_hold_keeps_units_where_orders_would_take_them_and_gives_them_back_once() {
    let conn = &mut conn();
    let (a, b) = (create_variant(conn, "A", 3), create_variant(conn, "B", 1));
    let far = location(conn, "far", 1);
    put(conn, a, far, 5);

    let id = hold(conn, &[(a, 2), (b, 1), (a, 2)]);
    assert_eq!(
        (reserved(conn, a), reserved(conn, b)),
        (vec![3, 1], vec![1])
    );
    assert_eq!(refused(conn, &[(b, 1), (a, 5)]), format!("{a}:4 {b}:0"));
    let (found, lines) = holds::find(conn, id).unwrap().unwrap();
    assert_eq!((found.outcome, found.is_late), (None, false));
    let kept: Vec<_> = lines
        .iter()
        .map(|l| (l.sku.as_str(), l.location_id, l.units))
        .collect();
    assert_eq!(
        kept,
        [
            ("A", LocationId::MAIN, 3),
            ("A", far, 1),
            ("B", LocationId::MAIN, 1)
        ]
    );

    for _ in 0..2 {
        let locked = holds::lock(conn, id, &[]).unwrap();
        if locked.is_open() {
            holds::end(conn, &locked, Outcome::Released, None).unwrap();
        }
    }
    assert_eq!(
        (reserved(conn, a), reserved(conn, b)),
        (vec![0, 0], vec![0])
    );
    let (found, _) = holds::find(conn, id).unwrap().unwrap();
    assert_eq!(found.outcome.as_deref(), Some("released"));
    let last = movements::list(conn, b, None, i64::MAX, PageSize::default()).unwrap();
    let told: Vec<_> = last
        .iter()
        .map(|m| (m.reason.as_str(), m.reserved_delta, m.hold_id))
        .collect();
    let id = Some(id.get());
    assert_eq!(
        told,
        [
            ("hold_released", -1, id),
            ("hold_placed", 1, id),
            ("initial", 0, None)
        ]
    );
    let events = "(SELECT string_agg(concat_ws(' ', kind, sequence, payload->>'outcome'), ', ' ORDER BY sequence) \
                    FROM platform.outbox WHERE resource_type = 'hold')";
    assert_eq!(text(conn, events), "hold.created 1, hold.ended 2 released");
    assert_eq!(unexplained(conn), [""; 0]);
}

#[test]
fn an_expired_hold_that_nobody_swept_up_keeps_nothing_from_anybody() {
    let conn = &mut conn();
    let (a, b) = (create_variant(conn, "A", 5), create_variant(conn, "B", 5));
    let id = hold(conn, &[(a, 4), (b, 4)]);
    assert_eq!(available(conn, "A"), 1);
    let_expire(conn, id);
    assert_eq!(available(conn, "A"), 5);

    // It is needed for one variant: only that is given back.
    let next = hold(conn, &[(a, 5)]);
    assert_eq!((reserved(conn, a), reserved(conn, b)), (vec![5], vec![4]));
    assert_eq!(available(conn, "A"), 0);
    assert_eq!(available(conn, "B"), 5);
    // What is there without it is left alone.
    hold(conn, &[(b, 1)]);
    assert_eq!(reserved(conn, b), [5]);

    let late = holds::refresh(conn, id, 900, None);
    assert!(matches!(late, Err(HoldError::Over)), "{late:?}");
    assert_eq!(holds::list_expired(conn, 10).unwrap(), [id]);
    assert!(holds::sweep(conn, id).unwrap());
    assert!(!holds::sweep(conn, id).unwrap(), "swept once");
    assert!(!holds::sweep(conn, next).unwrap(), "it holds");
    assert_eq!((reserved(conn, a), reserved(conn, b)), (vec![5], vec![1]));
    assert_eq!(holds::list_expired(conn, 10).unwrap(), []);
    assert_eq!(unexplained(conn), [""; 0]);
}

#[test]
fn a_refreshed_hold_lasts_from_now_on() {
    let conn = &mut conn();
    let a = create_variant(conn, "A", 5);
    let id = hold(conn, &[(a, 5)]);
    holds::refresh(conn, id, 7_200, None).unwrap();
    let later = format!(
        "(SELECT (expires_at > clock_timestamp() + interval '119 minutes')::text FROM catalog.stock_holds WHERE id = {id})"
    );
    assert_eq!(text(conn, &later), "true");
    let nothing = holds::refresh(conn, StockHoldId::try_from(i64::MAX).unwrap(), 1, None);
    assert!(matches!(nothing, Err(HoldError::NotFound)), "{nothing:?}");
}

#[test]
fn what_a_hold_keeps_is_neither_counted_away_nor_moved() {
    let conn = &mut conn();
    let a = create_variant(conn, "A", 5);
    hold(conn, &[(a, 4)]);
    let fewer = stock::set_on_hand(conn, (a, LocationId::MAIN), 5, 3, &cause("count"));
    assert!(
        matches!(fewer, Err(stock::StockError::Insufficient(_))),
        "{fewer:?}"
    );
    stock::set_on_hand(conn, (a, LocationId::MAIN), 5, 4, &cause("count")).unwrap();
}

#[test]
fn what_an_expired_hold_keeps_may_be_counted_away_and_moved() {
    let conn = &mut conn();
    let (a, b) = (create_variant(conn, "A", 5), create_variant(conn, "B", 5));
    let far = location(conn, "far", 1);
    let id = hold(conn, &[(a, 4), (b, 4)]);
    let_expire(conn, id);
    let counted = stock::set_on_hand(conn, (a, LocationId::MAIN), 5, 1, &cause("count")).unwrap();
    assert_eq!((counted.on_hand, counted.reserved), (1, 0));
    let line = NewLine {
        moved: Moved::Variant(b),
        quantity: 5,
        from: LocationId::MAIN,
        to: far,
    };
    transferring::transfer(conn, &[line], None, None).unwrap();
    assert_eq!(reserved(conn, b), [0, 0]);
    assert_eq!(unexplained(conn), [""; 0]);
}

#[test]
fn an_import_counts_away_what_an_expired_hold_keeps() {
    let conn = &mut conn();
    let (a, b) = (create_variant(conn, "A", 5), create_variant(conn, "B", 5));
    let id = hold(conn, &[(a, 4), (b, 4)]);
    let_expire(conn, id);
    for (file, form) in [
        ("sku,on_hand\nA,1\n", Form::Stock),
        (
            "sku,name,price,currency,on_hand\nB,Product B,1,USD,2\n",
            Form::Csv,
        ),
    ] {
        let report = Report(|_, _: &str, outcome: &import::Outcome| {
            assert_eq!(*outcome, import::Outcome::Updated);
        });
        let how = How::default();
        let start = Start::default();
        let done = import::run(conn, file.as_bytes(), form, how, report, start).unwrap();
        assert_eq!((done.updated, done.refused), (1, 0), "{file}");
    }
    assert_eq!((reserved(conn, a), reserved(conn, b)), (vec![0], vec![0]));
    assert_eq!(unexplained(conn), [""; 0]);
}

#[test]
fn twenty_who_want_what_an_expired_hold_keeps_get_it_once_while_it_is_swept_up() {
    let database = database();
    let conn = &mut database.connect();
    let (a, b) = (create_variant(conn, "A", 10), create_variant(conn, "B", 10));
    let id = hold(conn, &[(b, 10), (a, 10)]);
    let_expire(conn, id);
    let start = std::sync::Barrier::new(22);
    let taker = |number: usize| {
        let conn = &mut database.connect();
        start.wait();
        if number < 2 {
            let swept = conn.transaction(|conn| holds::sweep(conn, id));
            return i64::from(swept.is_err());
        }
        let lines = if number.is_multiple_of(2) {
            [(a, 1), (b, 1)]
        } else {
            [(b, 1), (a, 1)]
        };
        match conn.transaction(|conn| holds::create(conn, &lines, 900, None, None)) {
            Ok(_) => 1,
            Err(HoldError::Insufficient(_)) => 0,
            Err(error) => panic!("{error}"),
        }
    };
    let taken: i64 = std::thread::scope(|scope| {
        let taker = &taker;
        let takers: Vec<_> = (0..22).map(|n| scope.spawn(move || taker(n))).collect();
        takers.into_iter().map(|t| t.join().unwrap()).sum()
    });

    assert_eq!(taken, 10);
    assert_eq!((reserved(conn, a), reserved(conn, b)), (vec![10], vec![10]));
    assert_eq!(unexplained(conn), [""; 0]);
    let deadlocked =
        "(SELECT deadlocks::text FROM pg_stat_database WHERE datname = current_database())";
    assert_eq!(text(conn, deadlocked), "0");
}
