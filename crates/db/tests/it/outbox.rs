use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, Utc};
use db::DbError;
use db::consumers::{self, Start};
use db::outbox::{self, Entry, Position, log, upkeep};
use db::request::{self, Current};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::result::Error;
use domain::{Event, OrderId, OrderStatus, ProductId, UserId};

use crate::{count, text, wait_until};

fn product_changed(id: i64, sequence: i64) -> Entry {
    let product_id = ProductId::try_from(id).unwrap();
    Entry::new(Event::ProductChanged { product_id }, sequence, None)
}

/// The resources and sequences of what can be read after a position.
fn told(conn: &mut PgConnection, after: Position) -> Vec<(i64, Option<i64>)> {
    let events = log::read(conn, after, 100).unwrap();
    let about = |event: &log::Recorded| (event.resource_id, event.sequence);
    events.iter().map(about).collect()
}

#[test]
fn events_are_written_in_order_with_all_they_tell() {
    let conn = &mut crate::database().connect();
    let delivered = Event::OrderStatusChanged {
        order_id: OrderId::try_from(17).unwrap(),
        from: OrderStatus::OutForDelivery,
        to: OrderStatus::Delivered,
    };
    let delivered = Entry {
        request_id: Some(Arc::from("0123456789-abcdef")),
        ..Entry::new(delivered, 5, UserId::try_from(7).ok())
    };

    outbox::write(conn, &[product_changed(3, 2), delivered]).unwrap();

    let told = "(SELECT string_agg(concat_ws(' ', kind, resource_type, resource_id, sequence, version, \
                 actor_id, request_id, payload), '; ' ORDER BY id) FROM platform.outbox)";
    assert_eq!(
        text(conn, told),
        r#"product.changed product 3 2 1 {"productId": 3}; order.statusChanged order 17 5 1 7 0123456789-abcdef {"to": "delivered", "from": "outForDelivery", "orderId": 17}"#
    );
    wait_until("both can be read", || told_all(conn) == 2);
    let events = log::read(conn, Position::START, 10).unwrap();
    assert_eq!(events[1].payload["to"], "delivered");
    assert_eq!(
        (events[1].actor_id, events[1].request_id.as_deref()),
        (Some(7), Some("0123456789-abcdef"))
    );
    let id = events[1].public_id();
    assert!(id.starts_with("evt_") && id.len() == 36, "{id}");
}

#[test]
fn kinds_are_passed_over_and_the_last_one_tells_how_far() {
    let conn = &mut crate::database().connect();
    let registered = |id| {
        let user_id = UserId::try_from(id).unwrap();
        Entry::new(Event::UserRegistered { user_id }, 1, None)
    };
    for id in 1..=6 {
        outbox::write(conn, &[registered(id), product_changed(id, 1)]).unwrap();
    }
    outbox::write(conn, &[registered(7)]).unwrap();
    wait_until("all can be read", || told_all(conn) == 13);

    let look = |conn: &mut PgConnection, after, limit| {
        let wanted = |with_payloads| log::Wanted {
            passes_over: &["user.registered", "order.placed"],
            with_payloads,
            limit,
        };
        let whole = log::read_wanted(conn, after, wanted(true)).unwrap();
        let mut without = whole.clone();
        for event in &mut without.events {
            assert!(event.payload.is_object());
            event.payload = serde_json::Value::Null;
        }
        assert_eq!(log::read_wanted(conn, after, wanted(false)), Ok(without));
        whole
    };
    let others = |conn: &mut PgConnection, after, limit| look(conn, after, limit).events;
    let ids = |events: &[log::Recorded]| -> Vec<(String, i64)> {
        let about = |event: &log::Recorded| (event.kind.clone(), event.resource_id);
        events.iter().map(about).collect()
    };
    let changed = |id| ("product.changed".to_owned(), id);
    let first = others(conn, Position::START, 4);
    assert_eq!(ids(&first), [1, 2, 3, 4].map(changed));
    let rest = others(conn, first[3].position(), 4);
    let last = ("user.registered".to_owned(), 7);
    assert_eq!(ids(&rest), [changed(5), changed(6), last]);
    assert_eq!(others(conn, rest[2].position(), 4), []);

    // So many that nobody wants that one look does not reach what is behind them.
    conn.batch_execute(
        "INSERT INTO platform.outbox (kind, resource_type, resource_id, payload) \
         SELECT 'user.registered', 'user', id, '{}' FROM generate_series(8, 5007) id",
    )
    .unwrap();
    outbox::write(conn, &[product_changed(7, 1)]).unwrap();
    let all = |conn: &mut PgConnection| log::read(conn, Position::START, 6_000).unwrap().len();
    wait_until("all can be read", || all(conn) == 5_014);
    let wanted = look(conn, Position::START, 4);
    assert!(wanted.has_more);
    let unwanted = look(conn, rest[2].position(), 4);
    assert_eq!((unwanted.events.len(), unwanted.has_more), (1, true));
    let last = look(conn, unwanted.end, 4);
    assert_eq!(
        (ids(&last.events), last.has_more),
        (vec![changed(7)], false)
    );
}

fn told_all(conn: &mut PgConnection) -> usize {
    told(conn, Position::START).len()
}

#[tokio::test]
async fn an_event_tells_which_request_caused_it() {
    let database = crate::database();
    let pool = database.pool(1);
    let write = |id| {
        pool.run(move |conn| Ok::<_, DbError>(outbox::write(conn, &[product_changed(id, 1)])?))
    };
    let request = |id: &str| Current {
        id: id.into(),
        began: Instant::now(),
    };

    request::scope(request("request-one"), write(1))
        .await
        .unwrap();
    write(2).await.unwrap();
    request::scope(request("request-two"), write(3))
        .await
        .unwrap();
    let panicking = pool.run(|_| -> Result<(), DbError> { panic!("on purpose") });
    assert!(matches!(
        request::scope(request("request-three"), panicking).await,
        Err(DbError::Panicked)
    ));
    write(4).await.unwrap();

    let conn = &mut database.connect();
    let ids =
        "(SELECT string_agg(coalesce(request_id, '-'), ' ' ORDER BY id) FROM platform.outbox)";
    assert_eq!(text(conn, ids), "request-one - request-two -");
    assert!(request::current().is_none());
}

#[test]
fn an_event_is_rolled_back_with_its_change() {
    let conn = &mut crate::database().connect();

    let undone = conn.transaction(|conn| {
        outbox::write(conn, &[product_changed(3, 1)])?;
        Err::<(), _>(Error::RollbackTransaction)
    });

    assert_eq!(undone, Err(Error::RollbackTransaction));
    assert_eq!(count(conn, "platform.outbox"), 0);
}

#[test]
fn no_events_are_no_rows() {
    let conn = &mut crate::database().connect();

    outbox::write(conn, &[]).unwrap();

    assert_eq!(count(conn, "platform.outbox"), 0);
}

#[test]
fn a_resource_has_no_two_events_of_one_sequence() {
    let conn = &mut crate::database().connect();
    outbox::write(conn, &[product_changed(3, 1), product_changed(4, 1)]).unwrap();

    let twice = outbox::write(conn, &[product_changed(3, 1)]);

    assert!(matches!(twice, Err(Error::DatabaseError(..))), "{twice:?}");
}

/// The first writer takes its ids first and commits last: a reader that only looked for greater ids
/// would never see what it wrote.
#[test]
fn what_commits_late_is_read_all_the_same() {
    let database = crate::database();
    let (early, late, reader) = (
        &mut database.connect(),
        &mut database.connect(),
        &mut database.connect(),
    );
    early.batch_execute("BEGIN").unwrap();
    outbox::write(early, &[product_changed(1, 1)]).unwrap();
    outbox::write(late, &[product_changed(2, 1)]).unwrap();

    let before = log::read(reader, Position::START, 10).unwrap();
    early.batch_execute("COMMIT").unwrap();
    wait_until("both can be read", || told_all(reader) == 2);

    assert_eq!(before, []);
    assert_eq!(told(reader, Position::START), [(1, Some(1)), (2, Some(1))]);
}

/// The import has its transaction id from the first product it locks, and comes to the second one
/// after a change with a greater id.
#[test]
fn the_events_of_a_resource_come_in_their_order_however_old_their_transactions_are() {
    let database = crate::database();
    let (import, older, reader) = (
        &mut database.connect(),
        &mut database.connect(),
        &mut database.connect(),
    );
    for writer in [&mut *older, &mut *import] {
        writer.batch_execute("BEGIN").unwrap();
        let first_lock = "SELECT pg_current_xact_id()";
        writer.batch_execute(first_lock).unwrap();
    }
    outbox::write(reader, &[product_changed(2, 1)]).unwrap();

    outbox::write(import, &[product_changed(1, 1), product_changed(2, 2)]).unwrap();
    let during = told(reader, Position::START);
    import.batch_execute("COMMIT").unwrap();
    // Older still, it finds an event that already has another's place.
    outbox::write(older, &[product_changed(2, 3), product_changed(2, 4)]).unwrap();
    let towards_the_end = told(reader, Position::START);
    older.batch_execute("COMMIT").unwrap();
    wait_until("all can be read", || told_all(reader) == 5);

    assert_eq!(during, []);
    assert_eq!(towards_the_end, []);
    let of_the_second: Vec<_> = told(reader, Position::START)
        .into_iter()
        .filter_map(|(id, sequence)| (id == 2).then_some(sequence?))
        .collect();
    assert_eq!(of_the_second, [1, 2, 3, 4]);
}

#[test]
fn what_is_rolled_back_holds_nothing_up_for_ever() {
    let database = crate::database();
    let (undone, kept) = (&mut database.connect(), &mut database.connect());
    undone.batch_execute("BEGIN").unwrap();
    outbox::write(undone, &[product_changed(1, 1)]).unwrap();
    outbox::write(kept, &[product_changed(2, 1)]).unwrap();
    undone.batch_execute("ROLLBACK").unwrap();

    wait_until("it can be read", || told_all(kept) == 1);

    assert_eq!(told(kept, Position::START), [(2, Some(1))]);
}

#[test]
fn a_page_of_one_kind_goes_on_where_the_search_ended() {
    let conn = &mut crate::database().connect();
    // More of other kinds than are passed over at a time, and one of the kind at the end.
    conn.batch_execute(
        "INSERT INTO platform.outbox (kind, resource_type, resource_id, payload) \
         SELECT CASE WHEN n % 6000 = 0 THEN 'rare' ELSE 'common' END, 'thing', n, '{}' \
           FROM generate_series(1, 12000) n ORDER BY n",
    )
    .unwrap();
    wait_until("all can be read", || told_all(conn) == 100);

    let (mut after, mut found, mut pages) = (Position::START, Vec::new(), 0);
    loop {
        let page = log::page(conn, after, Some("rare"), 1).unwrap();
        found.extend(page.events.iter().map(|event| event.resource_id));
        assert!(page.end > after);
        (after, pages) = (page.end, pages + 1);
        if !page.has_more {
            break;
        }
    }

    assert_eq!(found, [6000, 12000]);
    assert!(pages <= 4, "{pages}");
    let all = log::page(conn, Position::START, None, 7).unwrap();
    assert_eq!((all.events.len(), all.has_more), (7, true));
    assert_eq!(all.end, all.events[6].position());
    let none = log::page(conn, after, None, 7).unwrap();
    assert_eq!(
        (none.events, none.end, none.has_more),
        (vec![], after, false)
    );
}

#[test]
fn only_what_is_old_and_handled_by_everyone_is_pruned() {
    let conn = &mut crate::database().connect();
    consumers::register(conn, "slow", Start::Beginning).unwrap();
    for id in 1..=4 {
        outbox::write(conn, &[product_changed(id, 1)]).unwrap();
    }
    let age = "UPDATE platform.outbox SET occurred_at = now() - interval '31 days' WHERE resource_id <> 4";
    conn.batch_execute(age).unwrap();
    wait_until("all can be read", || told_all(conn) == 4);

    assert_eq!(outbox::prune(conn, 100), Ok(0), "nothing is handled yet");
    let claim = consumers::claim(conn, "slow", crate::PATIENCE).unwrap();
    let lease = claim.unwrap();
    let first_two = log::read(conn, lease.position, 2).unwrap();
    consumers::advance(conn, &lease, &first_two).unwrap();
    let (first, second) = (first_two[0].position(), first_two[1].position());
    assert_eq!(outbox::prune(conn, 1), Ok(1));
    assert_eq!(
        log::is_lost(conn, first),
        Ok(false),
        "nothing behind it is gone"
    );
    assert_eq!(outbox::prune(conn, 100), Ok(1), "the third is not handled");
    assert_eq!(log::is_lost(conn, first), Ok(true), "the second is gone");
    assert_eq!(log::is_lost(conn, second), Ok(false));
    conn.batch_execute("DELETE FROM platform.consumers")
        .unwrap();
    assert_eq!(outbox::prune(conn, 100), Ok(1), "the fourth is not old");

    assert_eq!(told(conn, Position::START), [(4, Some(1))]);
}

/// What `pg_restore` leaves on a server that has given out fewer transaction ids than the old one.
#[test]
fn a_log_from_another_server_is_adopted() {
    let conn = &mut crate::database().connect();
    for name in ["behind", "done"] {
        consumers::register(conn, name, Start::Beginning).unwrap();
    }
    conn.batch_execute(
        "INSERT INTO platform.outbox (id, xid, kind, resource_type, resource_id, payload, sequence) \
           OVERRIDING SYSTEM VALUE \
         SELECT n, '900000000000'::text::xid8, 'product.changed', 'product', n, '{}', 1 \
           FROM generate_series(1, 4) n; \
         SELECT setval('platform.outbox_id_seq', 4); \
         UPDATE platform.consumers SET xid = '900000000000'::text::xid8, \
                id = CASE name WHEN 'behind' THEN 2 ELSE 4 END",
    )
    .unwrap();
    assert_eq!(told(conn, Position::START), [], "they count as running");

    let theirs = Position {
        xid: 900_000_000_000,
        id: 4,
    };
    let earlier = Position { xid: 5, id: 2 };
    assert_eq!(log::is_lost(conn, theirs), Ok(true));
    assert_eq!(log::is_lost(conn, earlier), Ok(false));
    assert_eq!(upkeep::adopt(conn), Ok(true));
    for cursor in [theirs, earlier, Position::START] {
        assert_eq!(log::is_lost(conn, cursor), Ok(true), "{cursor}");
    }
    assert_eq!(upkeep::adopt(conn), Ok(false));
    outbox::write(conn, &[product_changed(5, 1)]).unwrap();
    wait_until("all can be read", || told_all(conn) == 5);

    let mut next = |name| {
        let claim = consumers::claim(conn, name, crate::PATIENCE).unwrap();
        told(conn, claim.unwrap().position)
    };
    assert_eq!(next("behind"), [(3, Some(1)), (4, Some(1)), (5, Some(1))]);
    assert_eq!(next("done"), [(5, Some(1))]);
    let start = log::start(conn).unwrap();
    assert_eq!(told(conn, start).len(), 5);
}

#[test]
fn the_log_tells_when_it_happened() {
    let conn = &mut crate::database().connect();
    let before: DateTime<Utc> = Utc::now() - chrono::TimeDelta::minutes(5);
    outbox::write(conn, &[product_changed(1, 1)]).unwrap();
    wait_until("it can be read", || told_all(conn) == 1);

    let event = log::read(conn, Position::START, 1).unwrap().remove(0);

    assert!(event.occurred_at > before, "{event:?}");
}

/// How Postgres runs the prepared statement that has `part` in it.
fn plan(conn: &mut PgConnection, part: &str, values: &str) -> String {
    let name = text(
        conn,
        &format!(
            "(SELECT name FROM pg_prepared_statements \
               WHERE strpos(statement, $${part}$$) > 0 AND strpos(statement, 'pg_prepared') = 0)"
        ),
    );
    let explain = format!("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) EXECUTE {name}({values})");
    let lines: Vec<String> = diesel::dsl::sql::<diesel::sql_types::Text>(&explain)
        .load(conn)
        .unwrap();
    lines.join("\n")
}

const MANY_EVENTS: &str = "INSERT INTO platform.outbox (kind, resource_type, resource_id, payload, sequence) \
     SELECT 'common', 'thing', n % 100, '{}', n / 100 FROM generate_series(1, 20000) n; \
     ANALYZE platform.outbox; SET plan_cache_mode = force_generic_plan";

/// The insert of the hot path touches two indices, and a reader never the table as a whole.
#[test]
fn reading_on_is_a_walk_along_the_primary_key() {
    let conn = &mut crate::database().connect();
    conn.batch_execute(MANY_EVENTS).unwrap();
    consumers::register(conn, "reader", Start::Beginning).unwrap();
    wait_until("all can be read", || told_all(conn) == 100);
    let claimed = consumers::claim(conn, "reader", crate::PATIENCE).unwrap();
    assert!(claimed.is_some());
    log::page(conn, Position::START, Some("rare"), 10).unwrap();

    for plan in [
        plan(conn, "request_id FROM platform.outbox", "0, 0, 100"),
        plan(conn, "LIMIT $3) looked_at", "0, 0, 5000, 'rare'"),
        plan(conn, "FOR UPDATE OF c SKIP LOCKED", "'reader', 1000"),
    ] {
        assert!(plan.contains("Index Scan using outbox_pkey"), "{plan}");
        assert!(!plan.contains("Sort"), "{plan}");
    }
}

#[test]
fn writing_an_event_looks_up_one_row() {
    let conn = &mut crate::database().connect();
    conn.batch_execute(MANY_EVENTS).unwrap();
    outbox::write(conn, &[product_changed(1, 1)]).unwrap();

    let values = "ARRAY[gen_random_uuid()], '{common}', '{thing}', '{7}', ARRAY['{}'::jsonb], '{900}', \
                  '{NULL}', '{NULL}'";
    let plan = plan(conn, "INSERT INTO platform.outbox", values);

    let probe = "Index Scan Backward using outbox_resource_sequence_idx on outbox o (actual rows=1";
    assert!(plan.contains(probe), "{plan}");
}
