//! Values follow their definition, step by step and whoever writes meanwhile.

use std::thread;

use catalog::custom_fields::applying::{self, STEP};
use catalog::custom_fields::attributes::AttributeChanges;
use catalog::custom_fields::defining::{self, DefineError, NewField};
use catalog::custom_fields::{self, Rules};
use catalog::editing::EditError;
use db::jobs::managing;
use db::testing::count;
use diesel::connection::{
    AnsiTransactionManager as Transactions, SimpleConnection as _, TransactionManager as _,
};
use diesel::prelude::*;
use domain::CustomType as T;
use serde_json::json;

use super::{
    apply, change, create_with, define, field, findings, kept, one_of, refused, ruled, set,
    set_values, shown,
};
use crate::{conn, database};

/// Products in bulk, each with a value of `secret`.
const MANY: &str = "
    INSERT INTO catalog.products (name) SELECT 'Product ' || n FROM generate_series(1, 1200) n;
    INSERT INTO catalog.variants (product_id, sku) SELECT id, 'SKU-' || id FROM catalog.products;
    INSERT INTO catalog.custom_values (resource, resource_id, private_values)
    SELECT 'product', id, jsonb_build_object('secret', id, 'other', 1) FROM catalog.products";

#[test]
fn values_move_and_go_in_bounded_steps_and_every_product_is_told_of() {
    let conn = &mut conn();
    let private = NewField {
        is_public: false,
        ..field("secret", T::Int, Rules::default())
    };
    let secret = define(conn, private.clone());
    define(
        conn,
        NewField {
            key: "other".into(),
            ..private.clone()
        },
    );
    conn.batch_execute(MANY).unwrap();
    let steps = usize::try_from(1_200 / STEP).unwrap() + 1;
    let told = "platform.outbox WHERE kind = 'product.changed'";

    let job = change(conn, secret, &shown(true)).unwrap();
    assert!(job.is_some());
    assert!(
        !custom_fields::find(conn, secret)
            .unwrap()
            .unwrap()
            .is_applied()
    );
    assert_eq!(
        findings(conn),
        Vec::<String>::new(),
        "what a job is about is no finding"
    );
    assert_eq!(apply(conn, secret), steps);
    assert!(
        custom_fields::find(conn, secret)
            .unwrap()
            .unwrap()
            .is_applied()
    );
    let moved = "catalog.custom_values WHERE public_values = jsonb_build_object('secret', resource_id) \
                 AND private_values = '{\"other\": 1}'";
    assert_eq!(count(conn, moved), 1_200);
    assert_eq!(count(conn, told), 1_200);
    assert_eq!(count(conn, "catalog.products WHERE version = 2"), 1_200);
    assert_eq!(apply(conn, secret), steps);
    assert_eq!(count(conn, told), 1_200, "to do it twice changes nothing");

    conn.transaction(|conn| defining::remove(conn, secret, None, None))
        .unwrap();
    assert!(custom_fields::find(conn, secret).unwrap().is_none());
    let again = refused(
        conn,
        NewField {
            is_public: true,
            ..private.clone()
        },
    );
    assert!(matches!(again, DefineError::KeyTaken), "{again:?}");
    assert_eq!(apply(conn, secret), steps);
    assert_eq!(
        count(conn, "catalog.custom_values WHERE public_values = '{}'"),
        1_200
    );
    assert_eq!(count(conn, told), 2_400);
    assert_eq!(count(conn, "catalog.custom_fields"), 1);
    define(conn, private);
    assert_eq!(findings(conn), Vec::<String>::new());
}

#[test]
fn a_value_that_is_written_meanwhile_goes_where_it_belongs() {
    let conn = &mut conn();
    let id = define(conn, field("note", T::Text, Rules::default()));
    let a = create_with(conn, "NOTE-A", set_values(&[("note", json!("a"))])).unwrap();
    let b = create_with(conn, "NOTE-B", set_values(&[("note", json!("b"))])).unwrap();
    change(conn, id, &shown(false)).unwrap();

    set(conn, a, set_values(&[("note", json!("c"))])).unwrap();
    assert_eq!(
        (
            kept(conn, a).public.len(),
            kept(conn, a).private["note"].clone()
        ),
        (0, json!("c"))
    );
    // It is hidden from customers where it is, until the job moves it.
    let where_it_was = "catalog.custom_values WHERE public_values = '{\"note\": \"b\"}'";
    assert_eq!(count(conn, where_it_was), 1);
    assert_eq!(kept(conn, b).private["note"], "b");
    apply(conn, id);
    assert_eq!(count(conn, where_it_was), 0);
    assert_eq!(kept(conn, b).private["note"], "b");
    conn.transaction(|conn| defining::remove(conn, id, None, None))
        .unwrap();
    let gone = set(conn, a, set_values(&[("note", json!("d"))]));
    assert!(matches!(gone, Err(EditError::Fault(_))), "{gone:?}");
    // A walk that began before that has passed values by then.
    conn.transaction(|conn| applying::end(conn, id, 2)).unwrap();
    assert_eq!(count(conn, "catalog.custom_fields"), 1);
    apply(conn, id);
    assert_eq!(count(conn, "catalog.custom_fields"), 0);
    assert_eq!(kept(conn, a), kept(conn, b));
}

/// Whoever comes second is checked by what the first one has written.
#[test]
fn a_value_and_a_definition_that_contradict_it_do_not_both_come_to_be() {
    let database = database();
    let conn = &mut database.connect();
    let id = define(conn, field("material", T::Enum, one_of(&["wool", "silk"])));
    let of = create_with(conn, "RACED", AttributeChanges::default()).unwrap();
    let writing = conn.transaction::<_, EditError, _>(|conn| {
        let narrower = ruled(one_of(&["wool"]));
        defining::update(conn, id, &narrower, None, None).unwrap();
        let other = &mut database.connect();
        let waits = thread::spawn({
            let mut other = database.connect();
            move || set(&mut other, of, set_values(&[("material", json!("silk"))]))
        });
        while count(
            other,
            "pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()",
        ) == 0
        {
            thread::yield_now();
        }
        Ok(waits)
    });
    let written = writing.unwrap().join().unwrap();
    assert!(
        matches!(&written, Err(EditError::Fault(fault)) if fault.code == "unknown"),
        "{written:?}"
    );
    assert_eq!(kept(conn, of).public.len(), 0);
}

/// Values are looked at before anybody has to wait, and those that were written meanwhile once nobody writes.
#[test]
fn a_definition_that_values_contradict_keeps_nobody_waiting() {
    let database = database();
    let (conn, other) = (&mut database.connect(), &mut database.connect());
    let id = define(conn, field("material", T::Enum, one_of(&["wool", "silk"])));
    let narrower = || ruled(one_of(&["wool"]));
    let held = create_with(conn, "HELD", set_values(&[("material", json!("silk"))])).unwrap();
    Transactions::begin_transaction(other).unwrap();
    set(other, held, set_values(&[("material", json!("wool"))])).unwrap();

    conn.batch_execute("SET lock_timeout = '50ms'").unwrap();
    let refused = change(conn, id, &narrower());
    assert!(
        matches!(refused, Err(DefineError::Conflicts(1))),
        "{refused:?}"
    );
    Transactions::commit_transaction(other).unwrap();

    Transactions::begin_transaction(other).unwrap();
    set(other, held, set_values(&[("material", json!("silk"))])).unwrap();
    let changing = thread::spawn({
        let mut conn = database.connect();
        move || change(&mut conn, id, &narrower())
    });
    let waiting =
        "pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
    while count(conn, waiting) == 0 {
        thread::yield_now();
    }
    Transactions::commit_transaction(other).unwrap();
    let refused = changing.join().unwrap();
    assert!(
        matches!(refused, Err(DefineError::Conflicts(1))),
        "{refused:?}"
    );
    set(conn, held, set_values(&[("material", json!("wool"))])).unwrap();
    assert_eq!(change(conn, id, &narrower()).unwrap(), None);
}

#[test]
fn a_definition_whose_job_was_cancelled_is_found_and_gets_another_one() {
    let conn = &mut conn();
    let id = define(conn, field("note", T::Text, Rules::default()));
    let product = create_with(conn, "STUCK", set_values(&[("note", json!("a"))])).unwrap();
    let removed = conn.transaction(|conn| defining::remove(conn, id, None, None));
    let job = removed.unwrap().unwrap();
    assert_eq!(findings(conn), Vec::<String>::new());

    managing::cancel(conn, job).unwrap();
    let found = format!("custom field {id} waits for a job that nobody will do: note of products");
    assert_eq!(findings(conn), [found]);
    let checks = catalog::doctor::checks().into_iter();
    let repair = checks
        .filter(|check| check.id == "S16")
        .find_map(|check| check.repair);
    assert_eq!(repair.unwrap()(conn).unwrap().len(), 1);
    assert_eq!(findings(conn), Vec::<String>::new());
    let queued = format!(
        "platform.jobs WHERE kind = '{}' AND state = 'queued' AND id > {job}",
        defining::JOB
    );
    assert_eq!(count(conn, &queued), 1);
    apply(conn, id);
    assert_eq!(kept(conn, product).public.len(), 0);
    assert_eq!(findings(conn), Vec::<String>::new());
}
