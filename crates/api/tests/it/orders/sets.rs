//! Orders that are placed together are decided one by one.

use std::time::{Duration, Instant};

use api::workflows::placing::{
    AnswerForm, Customer, Decision, PlaceError, Placed, Request, RequestLine, place, place_all,
};
use catalog::editing::{self, NewProduct};
use catalog::quotes::Wanted;
use db::idempotency::RequestKey;
use db::testing;
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use domain::{Address, Currency, Money, PaymentMethod, ProductId, Quantity, UserId};
use ordering::Source;
use serde_json::json;

use crate::support::load::{all, with_status};
use crate::support::{Cluster, alone, count, fresh_key, number, order_of, wait_until};

pub const FORM: AnswerForm = AnswerForm {
    location_head: "/orders/",
    body_head: "order ",
    body_tail: |order| format!(" over {}", order.totals.total.minor()),
};

/// A shop without HTTP: one open user, and as many of each product as a test says.
fn shop(on_hand: &[i64]) -> (PgConnection, UserId, Vec<ProductId>) {
    let mut conn = testing::database(&api::OWNERS).connect();
    let product = |(index, on_hand): (usize, &i64)| NewProduct {
        sku: format!("P-{index}").parse().expect("a SKU"),
        name: "Product".into(),
        description: String::new(),
        image: String::new(),
        price: Money::new(950, Currency::USD),
        on_hand: *on_hand,
    };
    let products: Vec<NewProduct> = on_hand.iter().enumerate().map(product).collect();
    let products = editing::create_all(&mut conn, &products, None).expect("products");
    conn.batch_execute(
        "INSERT INTO accounts.users (name, email, email_normalised, role, is_open) \
         VALUES ('a', 'a@x.example', 'a@x.example', 'customer', true); \
         SET lock_timeout = 200",
    )
    .expect("a user");
    let user = number(&mut conn, "(SELECT max(id) FROM accounts.users)");

    (conn, user.try_into().expect("an id"), products)
}

pub fn request(user: UserId, product: ProductId, quantity: i64) -> Request {
    Request {
        user_id: user,
        customer: Customer::OpenUser,
        lines: vec![RequestLine {
            wanted: Wanted::Product(product),
            quantity: Quantity::try_from(quantity).expect("a quantity"),
            negotiated_price: None,
        }],
        address: Address::text("123 Demo St").expect("an address"),
        payment_method: PaymentMethod::Invoice,
        payment_token: None,
        shipping_method: "std".into(),
        currency: None,
        preferred_currency: Currency::USD,
        source: Source::Web,
        reference: None,
        hold: None,
        actor: None,
        card_provider: Some("test"),
        key: None,
        request_id: "a-request-of-this-test".into(),
        received: Instant::now(),
    }
}

fn key(key: &str, fingerprint: u8) -> Option<RequestKey> {
    Some(RequestKey {
        scope: "anonymous POST /orders".into(),
        key: key.into(),
        fingerprint: [fingerprint; 32],
    })
}

/// What became of each member of a set, in short.
fn place_set(conn: &mut PgConnection, requests: &[Request]) -> Vec<String> {
    let requests: Vec<&Request> = requests.iter().collect();
    let told = |decision| match decision {
        Decision::Alone => "alone".to_owned(),
        Decision::Done(done) => told(done),
    };
    let decisions = place_all(conn, &requests, FORM).expect("decisions");
    decisions.into_iter().map(told).collect()
}

fn place_alone(conn: &mut PgConnection, request: &Request) -> String {
    told(place(conn, request, FORM).expect("a decision"))
}

fn told(done: Result<Placed, PlaceError>) -> String {
    match done {
        Ok(Placed::New(answer)) => {
            let body = String::from_utf8(answer.body).expect("text");
            let id = body.split(' ').nth(1).expect("an id").to_owned();
            assert_eq!(answer.location, Some(format!("/orders/{id}")));
            body.replacen(&id, "N", 1)
        }
        Ok(Placed::Replay(answer)) => {
            format!("replay of {}", String::from_utf8_lossy(&answer.body))
        }
        Ok(Placed::Unsettled(_)) => "to be paid".into(),
        Ok(Placed::LongAgo(id)) => format!("long ago: {id}"),
        Err(PlaceError::OutOfStock(short)) => {
            format!("{} left", short[0].available)
        }
        Err(error) => error.to_string(),
    }
}

#[test]
fn one_members_refusal_replay_or_mismatch_never_touches_the_others() {
    let (conn, user, products) = &mut shop(&[5, 100]);
    let (user, scarce, plenty) = (*user, products[0], products[1]);
    let known = Request {
        key: key("known-0123456789", 1),
        ..request(user, plenty, 1)
    };
    assert_eq!(
        place_set(conn, std::slice::from_ref(&known)),
        ["order N over 950"]
    );

    let decided = place_set(
        conn,
        &[
            request(user, scarce, 2),
            request(user, i64::MAX.try_into().expect("an id"), 1),
            request(user, scarce, 4),
            request(user, scarce, 3),
            request(user, scarce, 1),
            known.clone(),
            Request {
                key: key("fresh-0123456789", 1),
                ..request(user, plenty, 2)
            },
            Request {
                customer: Customer::Nobody,
                ..request(user, plenty, 1)
            },
            Request {
                payment_method: PaymentMethod::Card,
                ..request(user, plenty, 1)
            },
            Request {
                shipping_method: "drone".into(),
                ..request(user, plenty, 1)
            },
        ],
    );

    assert_eq!(
        decided,
        [
            "order N over 1900",
            "1 line(s) name no product on sale",
            "3 left",
            "order N over 2850",
            "0 left",
            "replay of order 1 over 950",
            "order N over 1900",
            "there is no such customer, or not for this caller",
            "to be paid",
            "unknown shipping method; known are std, exp",
        ]
    );
    let reused = Request {
        key: key("known-0123456789", 2),
        ..known
    };
    assert_eq!(
        place_set(conn, &[reused, request(user, plenty, 1)]),
        ["the key belongs to another request", "order N over 950"]
    );
    assert_eq!(count(conn, "ordering.orders"), 6);
    assert_eq!(
        count(conn, "platform.outbox WHERE kind = 'order.placed'"),
        6
    );
    let reserved = "catalog.stock_levels WHERE (variant_id, reserved) IN ((1, 5), (2, 5))";
    assert_eq!(count(conn, reserved), 2);
    let moved = "(SELECT sum(reserved_delta)::bigint FROM catalog.stock_movements)";
    assert_eq!(number(conn, moved), 10);
}

/// What is placed is never tried again because somebody else of its set has to be.
#[test]
fn a_set_is_written_once_and_who_was_quoted_too_early_is_placed_alone() {
    let (conn, user, products) = &mut shop(&[100]);
    // The catalogue changes for the second one between the two statements, every time.
    conn.batch_execute(
        "CREATE OR REPLACE FUNCTION catalog.find_outdated(line_orders int[], product_ids bigint[], \
             product_versions bigint[], variant_ids bigint[], price_ids bigint[], currencies text[]) \
         RETURNS int[] LANGUAGE sql AS 'SELECT ARRAY[2]'",
    )
    .expect("a catalogue that changes");
    let buy = || request(*user, products[0], 1);
    assert_eq!(
        place_set(conn, &[buy(), buy()]),
        ["order N over 950", "alone"]
    );
    assert_eq!(count(conn, "ordering.orders"), 1);
    assert_eq!(place_alone(conn, &buy()), "order N over 950");
    assert_eq!(count(conn, "ordering.orders"), 2);
}

/// What a price list says between the two statements counts.
#[test]
fn an_order_is_charged_what_a_price_list_says_when_it_is_written() {
    let (conn, user, products) = &mut shop(&[100]);
    conn.batch_execute(
        "INSERT INTO catalog.price_lists (code, name, priority, is_active, starts_at, ends_at, countries, customer_groups) \
         VALUES ('sale', 'Sale', 0, true, '-infinity', 'infinity', '{}', '{}'); \
         UPDATE catalog.variants SET in_lists = true; \
         CREATE SEQUENCE asked; \
         CREATE OR REPLACE FUNCTION catalog.list_price(of_variant bigint, in_currency text, pieces bigint, groups text[], country text) \
         RETURNS TABLE (list_id bigint, price_id bigint, amount_minor bigint, compare_at_minor bigint) \
         LANGUAGE plpgsql VOLATILE AS 'BEGIN RETURN QUERY SELECT 1::bigint, 1::bigint, \
           CASE nextval(''asked'') WHEN 1 THEN 500 ELSE 600 END::bigint, NULL::bigint; END'",
    )
    .expect("a price that changes");
    let buy = request(*user, products[0], 1);
    assert_eq!(place_set(conn, std::slice::from_ref(&buy)), ["alone"]);
    assert_eq!(count(conn, "ordering.orders"), 0);
    assert_eq!(place_alone(conn, &buy), "order N over 600");
}

#[test]
fn a_key_that_is_held_elsewhere_leaves_its_set_and_is_waited_for_alone() {
    let (conn, user, products) = &mut shop(&[100]);
    let held = Request {
        key: key("held-0123456789ab", 1),
        ..request(*user, products[0], 1)
    };
    let url = testing::text(conn, "(SELECT current_database()::text)");
    let mut other = PgConnection::establish(&testing::server().url(&url)).expect("a connection");
    other
        .batch_execute(
            "BEGIN; SELECT platform.claim_key('anonymous POST /orders', 'held-0123456789ab')",
        )
        .expect("the key");

    let set = [held.clone(), request(*user, products[0], 1)];
    assert_eq!(place_set(conn, &set), ["alone", "order N over 950"]);
    let waited = place_alone(conn, &held);
    assert_eq!(waited, "the first request with this key is still running");
    other.batch_execute("ROLLBACK").expect("the key is free");
    assert_eq!(place_alone(conn, &held), "order N over 950");
    assert_eq!(count(conn, "ordering.orders"), 2);
}

#[test]
fn a_key_whose_answer_is_forgotten_still_finds_its_order() {
    let (conn, user, products) = &mut shop(&[1]);
    let keyed = Request {
        key: key("late-0123456789ab", 1),
        ..request(*user, products[0], 1)
    };
    assert_eq!(
        place_set(conn, std::slice::from_ref(&keyed)),
        ["order N over 950"]
    );
    conn.batch_execute("DELETE FROM platform.idempotency_keys")
        .expect("pruned");

    assert_eq!(
        place_set(conn, std::slice::from_ref(&keyed)),
        ["long ago: 1"]
    );
    let other = Request {
        key: key("late-0123456789ab", 2),
        ..keyed
    };
    assert_eq!(
        place_set(conn, &[other]),
        ["the key belongs to another request"]
    );
}

#[test]
fn a_request_that_was_frozen_until_others_answered_it_is_not_placed() {
    let (conn, user, products) = &mut shop(&[10]);
    let ago = |seconds| Instant::now().checked_sub(Duration::from_secs(seconds));
    let frozen = Request {
        received: ago(3).expect("the machine is older"),
        ..request(*user, products[0], 1)
    };

    assert_eq!(
        place_set(conn, &[frozen, request(*user, products[0], 1)]),
        ["the request waited too long", "order N over 950"]
    );
    assert_eq!(count(conn, "ordering.orders"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_that_fails_is_placed_one_by_one_and_a_full_queue_says_so_at_once() {
    let _alone = alone().await;
    let settings = [("ORDERS__WRITERS", "1"), ("ORDERS__QUEUE", "2")];
    let cluster = Cluster::with_settings("open", 1, &settings);
    let (shop, admin) = (cluster.replica(0), cluster.admin().await);
    let (stuck, free) = (
        admin.product("STUCK", 10).await,
        admin.product("FREE", 10).await,
    );
    let user = shop.register().await;
    let mut hog = cluster.conn();
    let lock = format!(
        "BEGIN; SELECT FROM catalog.stock_levels s JOIN catalog.variants v ON v.id = s.variant_id \
          WHERE v.product_id = {stuck} FOR UPDATE OF s"
    );
    hog.batch_execute(&lock).expect("the row");
    let send = |product| {
        let body = json!({"payment": "invoice"});
        let mut order = order_of(user, &[product]);
        order["payment"] = body["payment"].clone();
        tokio::spawn(shop.post("/api/orders", &order).key(&fresh_key()).send())
    };

    // The first one keeps the only writer waiting; two more may wait behind it, as one set.
    let first = send(stuck);
    let mut watcher = cluster.conn();
    let waits = "pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%place_orders%'";
    wait_until("the writer waits for the row", || {
        count(&mut watcher, waits) == 1
    });
    let answers = all([stuck, free, free, free].map(|product| {
        let sent = send(product);
        async { sent.await.expect("an answer") }
    }))
    .await;
    hog.batch_execute("ROLLBACK").expect("the row is free");

    let placed = with_status(&answers, 201);
    assert!((1..=2).contains(&placed), "{answers:?}");
    let answers = [answers, vec![first.await.expect("an answer")]].concat();
    let mut unknown = 0;
    for refused in answers.iter().filter(|answer| answer.status != 201) {
        assert_eq!(refused.status, 503);
        assert!(refused.header("retry-after").is_some());
        match refused.json()["code"].as_str() {
            Some("busy") => {}
            // Whoever waits for the row in a set and then alone may also run out of time; what it
            // asked for may still be done.
            Some("deadline_exceeded") => unknown += 1,
            other => panic!("{other:?}"),
        }
    }
    let known = i64::try_from(with_status(&answers, 201)).expect("few");
    let orders = count(&mut watcher, "ordering.orders");
    assert!(
        (known..=known + unknown).contains(&orders),
        "{orders} orders, {answers:?}"
    );
}
