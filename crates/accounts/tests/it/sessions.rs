use std::thread;

use accounts::sessions::{self, NewSession, close, close_all, find_user};
use accounts::users::{self, NewUser};
use chrono::{TimeDelta, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use domain::UserId;

use crate::{HASH, conn, count, database, register, somebody};

fn open(conn: &mut PgConnection, user_id: UserId) -> NewSession {
    sessions::open(conn, user_id, HASH).unwrap().unwrap()
}

#[test]
fn a_token_opens_until_it_is_closed() {
    let conn = &mut conn();
    let ann = register(conn, "ann@example.com");

    let session = open(conn, ann.id);
    let found = find_user(conn, session.token.reveal()).unwrap().unwrap();
    assert_eq!((found.id, found.email), (ann.id, ann.email));
    assert_eq!(close(conn, session.token.reveal()), Ok(1));

    assert!(find_user(conn, session.token.reveal()).unwrap().is_none());
    assert_eq!(close(conn, session.token.reveal()), Ok(0));
}

#[test]
fn each_session_has_its_own_token() {
    let conn = &mut conn();
    let (ann, bob) = (
        register(conn, "ann@example.com"),
        register(conn, "bob@example.com"),
    );
    let [phone, laptop] = [(); 2].map(|()| open(conn, ann.id).token);
    let other = open(conn, bob.id).token;

    close(conn, phone.reveal()).unwrap();

    assert!(find_user(conn, phone.reveal()).unwrap().is_none());
    assert_eq!(
        find_user(conn, laptop.reveal()).unwrap().unwrap().id,
        ann.id
    );
    assert_eq!(find_user(conn, other.reveal()).unwrap().unwrap().id, bob.id);
}

#[test]
fn a_session_lives_for_thirty_days() {
    let conn = &mut conn();
    let ann = register(conn, "ann@example.com");

    let session = open(conn, ann.id);
    let lifetime = session.expires_at - Utc::now();
    assert!(
        (lifetime - TimeDelta::days(30)).abs() < TimeDelta::minutes(5),
        "{lifetime}"
    );
    conn.batch_execute("UPDATE accounts.sessions SET expires_at = now()")
        .unwrap();

    assert!(find_user(conn, session.token.reveal()).unwrap().is_none());
}

#[test]
fn the_token_is_nowhere_in_the_database() {
    let conn = &mut conn();
    let ann = register(conn, "ann@example.com");

    let session = open(conn, ann.id);

    let token = session.token.reveal();
    assert!(token.starts_with("cws_") && token.len() == 47, "{token}");
    let secret = &token[4..];
    for table in ["accounts.sessions", "accounts.users", "platform.outbox"] {
        let leaked = format!("{table} t WHERE t::text LIKE '%{secret}%'");
        assert_eq!(count(conn, &leaked), 0, "{table}");
    }
    let readable = "accounts.sessions WHERE strpos(encode(token_hash, 'escape'), 'cws_') > 0";
    assert_eq!(count(conn, readable), 0);
    assert_eq!(
        count(conn, "accounts.sessions WHERE length(token_hash) = 32"),
        1
    );
    assert!(!format!("{session:?}").contains(secret));
}

#[test]
fn a_text_that_is_no_token_belongs_to_nobody() {
    let conn = &mut conn();
    let ann = register(conn, "ann@example.com");
    let token = open(conn, ann.id).token;

    for text in [
        "",
        "cws_",
        "' OR true --",
        "cws_\0",
        &token.reveal()[1..],
        &format!("{} ", token.reveal()),
    ] {
        assert!(find_user(conn, text).unwrap().is_none(), "{text:?}");
    }
}

#[test]
fn a_login_ends_open_access_and_is_remembered() {
    let conn = &mut conn();
    let new = NewUser {
        is_open: true,
        ..somebody("ann@example.com")
    };
    let ann = users::create(conn, &new, None).unwrap().unwrap();

    open(conn, ann.id);

    assert!(!users::find(conn, ann.id).unwrap().unwrap().is_open);
    assert_eq!(
        count(conn, "accounts.users WHERE last_login_at IS NOT NULL"),
        1
    );
}

#[test]
fn nobody_has_no_session() {
    let conn = &mut conn();

    let session = sessions::open(conn, UserId::try_from(i64::MAX).unwrap(), HASH);

    assert!(session.unwrap().is_none());
    assert_eq!(count(conn, "accounts.sessions"), 0);
}

#[test]
fn a_login_with_the_old_password_opens_nothing_once_there_is_a_new_one() {
    let conn = &mut conn();
    let ann = register(conn, "ann@example.com");
    users::set_password(conn, ann.id, "$argon2id$new").unwrap();

    assert!(sessions::open(conn, ann.id, HASH).unwrap().is_none());

    assert_eq!(count(conn, "accounts.sessions"), 0);
    let unremembered = "accounts.users WHERE last_login_at IS NULL";
    assert_eq!(count(conn, unremembered), 1);
}

#[test]
fn a_login_during_a_change_of_password_waits_and_opens_nothing() {
    let database = database();
    let [mut owner, mut thief, mut watcher] = [(); 3].map(|()| database.connect());
    let ann = register(&mut owner, "ann@example.com");
    thief.batch_execute("SET lock_timeout = '20s'").unwrap();
    let waiting =
        "pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";

    owner.batch_execute("BEGIN").unwrap();
    users::set_password(&mut owner, ann.id, "$argon2id$new").unwrap();
    let login = thread::spawn(move || sessions::open(&mut thief, ann.id, HASH));
    while count(&mut watcher, waiting) == 0 {
        assert!(!login.is_finished(), "it does not wait");
    }
    close_all(&mut owner, ann.id).unwrap();
    owner.batch_execute("COMMIT").unwrap();

    assert!(login.join().unwrap().unwrap().is_none());
    assert_eq!(count(&mut watcher, "accounts.sessions"), 0);
}

#[test]
fn all_sessions_of_one_user_are_closed_at_once() {
    let conn = &mut conn();
    let (ann, bob) = (
        register(conn, "ann@example.com"),
        register(conn, "bob@example.com"),
    );
    let [phone, laptop] = [(); 2].map(|()| open(conn, ann.id).token);
    let other = open(conn, bob.id).token;

    assert_eq!(close_all(conn, ann.id), Ok(2));

    assert!(find_user(conn, phone.reveal()).unwrap().is_none());
    assert!(find_user(conn, laptop.reveal()).unwrap().is_none());
    assert!(find_user(conn, other.reveal()).unwrap().is_some());
}
