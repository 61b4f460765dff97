//! What customers find, by words, facets and prices.

pub mod brute_force;
mod clock;
mod countries;
mod following;
pub mod lists;
mod pages;
mod plans;
mod prices;
mod rebuilding;
mod translated;
mod words;

use std::sync::mpsc;
use std::time::{Duration, Instant};

use catalog::editing::{self, ProductChanges};
use catalog::search::following as index;
use catalog::search::{self, Found, Search, Selection};
use db::consumers::{self, AdvanceError, Start};
use db::outbox::log;
use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use domain::{PageSize, ProductId, SearchSort};

use crate::{USD, count, create, product};

/// Everything, the first hundred of it, with nothing counted.
pub(crate) fn everything() -> Search {
    Search {
        text: None,
        locale: "en".to_owned(),
        market: USD.into(),
        selection: Selection::default(),
        sort: SearchSort::Relevance,
        size: PageSize::MAX,
        after: None,
        facets: Vec::new(),
    }
}

fn words(text: &str) -> Search {
    Search {
        text: Some(text.to_owned()),
        ..everything()
    }
}

fn find(conn: &mut PgConnection, search: &Search) -> Found {
    search::find(conn, search).unwrap()
}

/// Ids of what is found, in its order.
fn ids(conn: &mut PgConnection, search: &Search) -> Vec<i64> {
    let products = find(conn, search).products.items;
    products.iter().map(|product| product.id.get()).collect()
}

/// Names of what is found by words, sorted.
fn names(conn: &mut PgConnection, text: &str) -> Vec<String> {
    let products = find(conn, &words(text)).products.items;
    let mut names: Vec<String> = products.into_iter().map(|product| product.name).collect();
    names.sort();
    names
}

/// Writes the documents of all products, whatever happened to them.
pub fn index_all(conn: &mut PgConnection) {
    conn.batch_execute(
        "INSERT INTO catalog.search_stale (product_id) SELECT id FROM catalog.products",
    )
    .unwrap();
    while index::refresh(conn).unwrap() > 0 {}
}

/// A product that is called so, and found.
fn named(conn: &mut PgConnection, sku: &str, name: &str) -> ProductId {
    let mut new = product(sku);
    name.clone_into(&mut new.name);
    let id = create(conn, new);
    index_all(conn);
    id
}

/// What the doctor finds wrong with the index.
fn findings(conn: &mut PgConnection) -> Vec<String> {
    let checks = catalog::doctor::checks().into_iter();
    let about = checks.filter(|check| check.id == "S13");
    about
        .flat_map(|check| db::doctor::examine(conn, check).unwrap().findings)
        .map(|found| format!("{} {}", found.subject, found.message))
        .collect()
}

/// Does once what a replica does again and again.
fn turn(conn: &mut PgConnection) {
    read(conn);
    while index::refresh(conn).unwrap() > 0 {}
}

fn read(conn: &mut PgConnection) {
    if let Some(lease) = consumers::claim(conn, "search", Duration::from_secs(10)).unwrap() {
        let events = log::read(conn, lease.position, 500).unwrap();
        consumers::advance_with(conn, &lease, &events, |conn, events| {
            index::mark(conn, events)?;
            Ok::<_, AdvanceError>(())
        })
        .unwrap();
    }
}

/// Does it until the index has heard of everything. Needs a database of its own, and waits for transactions of others.
pub(crate) fn follow(conn: &mut PgConnection) {
    until_all_is_read(conn, turn);
}

/// Has all marked that the log tells of, and writes nothing anew.
fn hear(conn: &mut PgConnection) {
    until_all_is_read(conn, read);
}

fn until_all_is_read(conn: &mut PgConnection, turn: fn(&mut PgConnection)) {
    consumers::register(conn, "search", Start::Beginning).unwrap();
    let (_stop, pause) = mpsc::channel::<()>();
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        turn(conn);
        let unread = "platform.outbox o, platform.consumers c WHERE c.name = 'search' AND (o.xid, o.id) > (c.xid, c.id)";
        if count(conn, unread) == 0 {
            return;
        }
        assert!(Instant::now() < deadline, "events that nobody reads");
        let _ = pause.recv_timeout(Duration::from_millis(5));
    }
}

fn rename(conn: &mut PgConnection, id: ProductId, name: &str) {
    let changes = ProductChanges {
        name: Some(name.to_owned()),
        ..ProductChanges::default()
    };
    conn.transaction(|conn| editing::update(conn, id, changes, None, None))
        .unwrap();
}
