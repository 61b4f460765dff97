use std::time::Instant;

use db::idempotency::RequestKey;
use domain::{Address, Currency, PaymentMethod, ProductId, Quantity, UserId};
use ordering::Source;

use super::*;
use crate::workflows::placing::{Customer, RequestLine};

const SET: usize = 64;

/// A request for one of each product, told apart by its number.
fn waiting(number: i64, products: &[i64]) -> Waiting {
    let line = |id: &i64| RequestLine {
        wanted: wanted(*id),
        quantity: Quantity::ONE,
        negotiated_price: None,
    };
    let request = Request {
        user_id: UserId::try_from(number).unwrap(),
        customer: Customer::OpenUser,
        lines: products.iter().map(line).collect(),
        address: Address::text("123 Demo St").unwrap(),
        payment_method: PaymentMethod::Invoice,
        payment_token: None,
        shipping_method: "std".into(),
        currency: None,
        preferred_currency: Currency::USD,
        source: Source::Web,
        reference: None,
        hold: None,
        actor: None,
        card_provider: None,
        key: None,
        request_id: String::new(),
        received: Instant::now(),
    };
    Waiting {
        request: Arc::new(request),
        reply: oneshot::channel().0,
    }
}

fn keyed(number: i64, key: &str) -> Waiting {
    let mut waiting = waiting(number, &[number]);
    Arc::get_mut(&mut waiting.request).unwrap().key = Some(RequestKey {
        scope: "anonymous".into(),
        key: key.into(),
        fingerprint: [0; 32],
    });
    waiting
}

fn wanted(id: i64) -> Wanted {
    Wanted::Product(ProductId::try_from(id).unwrap())
}

fn room(all: impl IntoIterator<Item = Waiting>) -> Room {
    let mut room = Room::default();
    all.into_iter().for_each(|waiting| room.admit(waiting));
    room
}

/// The numbers of the next set, and its hot product.
fn take(room: &mut Room, size: usize) -> (Vec<i64>, Option<Wanted>) {
    let (members, hot) = room.take(size);
    let numbers = members.iter().map(|m| m.request.user_id.get()).collect();
    (numbers, hot)
}

#[test]
fn sets_are_taken_in_the_order_of_arrival() {
    let mut room = room((1..=5).map(|n| waiting(n, &[n])));

    assert_eq!(take(&mut room, 3), (vec![1, 2, 3], None));
    assert_eq!(take(&mut room, 3), (vec![4, 5], None));
    assert_eq!(take(&mut room, 3), (vec![], None));
    assert!(room.demand.is_empty());
}

#[test]
fn a_key_is_in_a_set_once() {
    let mut room = room([keyed(1, "a"), keyed(2, "a"), keyed(3, "b")]);

    assert_eq!(take(&mut room, SET).0, [1, 3]);
    assert_eq!(take(&mut room, SET).0, [2]);
}

#[test]
fn what_many_want_is_placed_apart_and_one_set_at_a_time() {
    // Odd ones want product 1000, and so many do that it is hot.
    let mut room = room((1..=20).map(|n| waiting(n, &[if n % 2 == 1 { 1_000 } else { n }])));

    let odd: Vec<i64> = (1..=20).step_by(2).collect();
    assert_eq!(take(&mut room, SET), (odd, Some(wanted(1_000))));
    let late = waiting(21, &[7, 1_000]);
    assert!(
        room.is_blocked(&late),
        "a new writer would find nothing to do"
    );
    room.admit(late);
    let even: Vec<i64> = (2..=20).step_by(2).collect();
    assert_eq!(take(&mut room, SET), (even, None));
    assert_eq!(take(&mut room, SET), (vec![], None), "it is held");

    room.release(&wanted(1_000));
    assert_eq!(
        take(&mut room, SET),
        (vec![21], None),
        "one alone is not hot"
    );
}

#[test]
fn a_few_very_long_orders_are_a_set() {
    let long: Vec<i64> = (1..=1_500).collect();
    let mut room = room((1..=3).map(|n| waiting(n, &long)));

    assert_eq!(take(&mut room, SET).0, [1, 2]);
    assert_eq!(take(&mut room, SET).0, [3]);
}

#[test]
fn whoever_waited_too_long_is_told_so() {
    let mut old = waiting(1, &[1]);
    let (reply, mut told) = oneshot::channel();
    old.reply = reply;
    Arc::get_mut(&mut old.request).unwrap().received =
        Instant::now().checked_sub(PATIENCE * 2).unwrap();
    let mut room = room([old, waiting(2, &[1])]);

    assert_eq!(take(&mut room, SET).0, [2]);
    let told = told.try_recv().unwrap().unwrap_err();
    assert!(told.to_string().contains("too long"), "{told}");
    assert!(room.demand.is_empty());
}

#[test]
fn one_writer_is_always_awake() {
    let mut room = Room::default();
    assert!(!room.let_rest(1));
    assert!(room.let_rest(3) && room.let_rest(3));
    assert!(!room.let_rest(3));
    room.resting -= 1;
    assert!(room.let_rest(3));
}
