use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use db::embedded::{EmbeddedError, Server};
use db::testing;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use crate::{count, text, wait_until};

fn connect(server: &Server) -> PgConnection {
    PgConnection::establish(&server.url("postgres")).unwrap()
}

/// The folder of a server's socket, from an address within it.
fn socket_dir(url: &str) -> PathBuf {
    let host = url.split(' ').find_map(|word| word.strip_prefix("host="));
    PathBuf::from(host.unwrap())
}

#[test]
fn a_server_keeps_its_data_over_a_restart_and_leaves_nothing_beside_it() {
    let dir = tempfile::tempdir().unwrap();
    let first = Server::start(dir.path()).unwrap();
    connect(&first)
        .batch_execute("CREATE TABLE kept (id bigint); INSERT INTO kept VALUES (1)")
        .unwrap();
    let first_socket = socket_dir(&first.url("postgres"));
    assert!(first_socket.exists());

    drop(first);
    assert!(!first_socket.exists());
    let second = Server::start(dir.path()).unwrap();

    assert_eq!(count(&mut connect(&second), "kept"), 1);
    assert_eq!(
        text(&mut connect(&second), "current_setting('fsync')"),
        "on"
    );
    let names = || {
        let entries = dir.path().read_dir().unwrap();
        let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names(), ["postgres", "postgres.log"]);
}

#[test]
fn a_first_start_that_was_cut_off_is_begun_again() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("postgres.new")).unwrap();
    std::fs::write(dir.path().join("postgres.new/PG_VERSION"), "15\n").unwrap();

    let server = Server::start(dir.path()).unwrap();

    assert_eq!(text(&mut connect(&server), "'it works'"), "it works");
}

#[test]
fn a_folder_serves_one_server_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path()).unwrap();

    let second = Server::start(dir.path()).unwrap_err();

    assert!(matches!(second, EmbeddedError::InUse(..)), "{second}");
    assert_eq!(text(&mut connect(&server), "'unharmed'"), "unharmed");
}

#[test]
fn a_lock_whose_number_another_program_has_by_now_is_no_server() {
    let dir = tempfile::tempdir().unwrap();
    let lock = dir.path().join("postgres/postmaster.pid");
    let server = Server::start(dir.path()).unwrap();
    let left_behind = std::fs::read_to_string(&lock).unwrap();
    drop(server);
    // Postgres minds the processes of its own user only.
    let user = lock.parent().unwrap().metadata().unwrap().uid();
    let mut other = Command::new("sleep").arg("60").uid(user).spawn().unwrap();
    let (_, rest) = left_behind.split_once('\n').unwrap();
    std::fs::write(&lock, format!("{}\n{rest}", other.id())).unwrap();

    let server = Server::start(dir.path());

    other.kill().unwrap();
    other.wait().unwrap();
    assert_eq!(
        text(&mut connect(&server.unwrap()), "'it works'"),
        "it works"
    );
}

/// Not a test of its own: the process that the tests below end, holding a server in the folder
/// named by `DATA`, or a throw-away one.
#[test]
fn a_process_with_a_server() {
    let Some(data) = std::env::var_os("CARTWRIGHT_TEST_DATA") else {
        return;
    };
    let kept = (!data.is_empty()).then(|| Server::start(Path::new(&data)).unwrap());
    let server = kept.as_ref().unwrap_or_else(|| testing::server());
    println!("\n{}", server.url("postgres"));
    let _ = std::io::stdin().read(&mut [0]);
    panic!("on purpose");
}

/// Starts [`a_process_with_a_server`], lets `end` end it, and returns where its socket was.
fn after_the_end_of_a_process(data: &Path, end: impl FnOnce(&mut std::process::Child)) -> PathBuf {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "embedded::a_process_with_a_server",
            "--nocapture",
        ])
        .env("CARTWRIGHT_TEST_DATA", data)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let url = lines
        .map(Result::unwrap)
        .find(|line| line.starts_with("host="));
    let socket_dir = socket_dir(&url.expect("the process has a server"));
    assert!(socket_dir.exists());
    end(&mut child);
    child.wait().unwrap();
    socket_dir
}

#[test]
fn a_throw_away_server_is_gone_after_kill_9() {
    let dir = after_the_end_of_a_process(Path::new(""), |child| child.kill().unwrap());

    wait_until("the folder is removed", || !dir.exists());
}

#[test]
fn a_throw_away_server_is_gone_after_a_panic() {
    let dir = after_the_end_of_a_process(Path::new(""), |child| drop(child.stdin.take()));

    wait_until("the folder is removed", || !dir.exists());
}

#[test]
fn a_server_whose_owner_was_killed_makes_way_for_the_next() {
    let data = tempfile::tempdir().unwrap();

    let socket_dir = after_the_end_of_a_process(data.path(), |child| child.kill().unwrap());
    let next = Server::start(data.path()).unwrap();

    assert_eq!(text(&mut connect(&next), "'at once'"), "at once");
    wait_until("the old socket is removed", || !socket_dir.exists());
}
