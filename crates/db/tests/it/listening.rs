use std::sync::mpsc::{self, Receiver, Sender};

use db::listen::{self, Heard};
use db::testing::TestDatabase;
use diesel::connection::SimpleConnection;

use crate::{PATIENCE, count, wait_until};

const CHANNEL: &str = "test_channel";
const LISTENERS: &str =
    "pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";

/// Listens to [`CHANNEL`]; dropping the sender stops it.
fn spawn(database: &TestDatabase) -> (Receiver<Heard>, Sender<()>) {
    let (heard, ears) = mpsc::channel();
    let (stop, stopped) = mpsc::channel();
    listen::spawn(database.url.clone(), CHANNEL, stopped, move |what| {
        let _ = heard.send(what);
    });
    (ears, stop)
}

fn next(ears: &Receiver<Heard>) -> Heard {
    ears.recv_timeout(PATIENCE).expect("something is heard")
}

fn message(payload: &str) -> Heard {
    Heard::Message(payload.to_owned())
}

#[test]
fn a_notification_is_heard_after_commit_only() {
    let database = crate::database();
    let (ears, _stop) = spawn(&database);
    let (slow, quick) = (&mut database.connect(), &mut database.connect());
    assert_eq!(next(&ears), Heard::Reconnected);

    slow.batch_execute("BEGIN").unwrap();
    listen::notify(slow, CHANNEL, "sent first").unwrap();
    listen::notify(quick, CHANNEL, "committed first").unwrap();
    assert_eq!(next(&ears), message("committed first"));
    slow.batch_execute("COMMIT").unwrap();
    assert_eq!(next(&ears), message("sent first"));
}

#[test]
fn a_notification_that_is_rolled_back_is_never_heard() {
    let database = crate::database();
    let (ears, _stop) = spawn(&database);
    let conn = &mut database.connect();
    assert_eq!(next(&ears), Heard::Reconnected);

    conn.batch_execute("BEGIN").unwrap();
    listen::notify(conn, CHANNEL, "undone").unwrap();
    conn.batch_execute("ROLLBACK").unwrap();
    listen::notify(conn, CHANNEL, "done").unwrap();

    assert_eq!(next(&ears), message("done"));
}

#[test]
fn a_listener_that_was_cut_off_says_so_and_goes_on() {
    let database = crate::database();
    let (ears, _stop) = spawn(&database);
    let conn = &mut database.connect();
    assert_eq!(next(&ears), Heard::Reconnected);

    conn.batch_execute(&format!(
        "SELECT pg_terminate_backend(pid) FROM {LISTENERS}"
    ))
    .unwrap();

    assert_eq!(next(&ears), Heard::Reconnected);
    listen::notify(conn, CHANNEL, "again").unwrap();
    assert_eq!(next(&ears), message("again"));
}

#[test]
fn a_listener_stops_when_told() {
    let database = crate::database();
    let (ears, stop) = spawn(&database);
    let conn = &mut database.connect();
    assert_eq!(next(&ears), Heard::Reconnected);

    drop(stop);

    wait_until("the listener hangs up", || count(conn, LISTENERS) == 0);
    assert!(ears.recv_timeout(PATIENCE).is_err());
}
