use std::net::TcpListener;
use std::process::Output;
use std::sync::mpsc;
use std::time::Duration;

use db::testing::{self, TestDatabase};
use diesel::connection::SimpleConnection as _;
use serde_json::json;

use super::report;
use crate::support::cluster::run;
use crate::support::{count, number};

const SOON: Duration = Duration::from_secs(15);

fn doctor(database: &TestDatabase, args: &[&str]) -> Output {
    let url = ("CARTWRIGHT__DATABASE__URL".to_owned(), database.url.clone());
    run(&[url], &[&["doctor"], args].concat(), "")
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or_else(|| panic!("{output:?}"))
}

/// What it says when it cannot look.
fn refusal(output: &Output) -> String {
    assert_eq!(code(output), 2, "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What a command says that gives up by itself.
fn soon(command: impl FnOnce() -> Output + Send + 'static) -> Output {
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || tell.send(command()));
    told.recv_timeout(SOON).expect("it gives up")
}

#[test]
fn a_fresh_shop_is_well_and_a_broken_one_is_told_of_in_words_and_in_json() {
    let database = testing::database(&api::OWNERS);
    let well = doctor(&database, &["--json"]);
    assert_eq!((code(&well), &report(&well)["ok"]), (0, &json!(true)));
    assert_eq!(report(&well)["findings"], json!([]));
    let twenty_five = "
        INSERT INTO catalog.products (name) SELECT 'p' FROM generate_series(1, 125);
        INSERT INTO catalog.variants (product_id, sku) SELECT id, 's' || id FROM catalog.products;
        INSERT INTO catalog.prices (variant_id, currency, amount_minor) SELECT id, 'USD', 1 FROM catalog.variants;
        INSERT INTO catalog.stock_levels (variant_id, on_hand) SELECT id, 1 FROM catalog.variants";
    database
        .connect()
        .batch_execute(twenty_five)
        .expect("products");

    let found = doctor(&database, &["--json", "--only", "i2"]);

    assert_eq!(code(&found), 1);
    let json = report(&found);
    assert_eq!(json["ok"], false);
    assert_eq!(json["checks"].as_array().map(Vec::len), Some(1));
    assert_eq!(json["checks"][0]["id"], "I2");
    assert_eq!(json["checks"][0]["findings"], 125, "all are counted");
    let findings = json["findings"].as_array().expect("a list");
    assert_eq!(findings.len(), 100, "and not all are listed");
    let second = &findings[1];
    assert_eq!(
        (&second["check"], &second["subject"]),
        (&json!("I2"), &json!("variant 2"))
    );
    assert_eq!(
        second["message"],
        "location 1: on hand 1 and reserved 0, its movements sum to 0 and 0"
    );
    assert!(second["todo"].is_string() && second["repairable"] == false);
    assert!(json["checkedAt"].is_string());

    let told = doctor(&database, &["--only", "I1,I2"]);
    let text = String::from_utf8_lossy(&told.stdout).into_owned();
    assert_eq!(code(&told), 1);
    for part in [
        "ok     I1",
        "FOUND  I2",
        "125 findings",
        "variant 20:",
        "… and 105 more",
        "To do: ",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(
        text.lines().all(|line| line.chars().count() <= 100),
        "{text}"
    );
}

#[test]
fn what_cannot_be_looked_at_is_said_clearly() {
    let database = testing::database(&api::OWNERS);
    let unknown = refusal(&doctor(&database, &["--only", "I2,I99"]));
    assert!(
        unknown.contains("I99") && unknown.contains("I1, I2, I3"),
        "{unknown}"
    );
    let harness = refusal(&doctor(&database, &["--only", "I5"]));
    assert!(harness.contains("torture harness"), "{harness}");
    let coupons = refusal(&doctor(&database, &["--only", "I11"]));
    assert!(coupons.contains("do not exist yet"), "{coupons}");

    let behind = testing::empty_database();
    let words = refusal(&doctor(&behind, &[]));
    assert!(words.contains("cartwright migrate"), "{words}");
    assert_eq!(
        count(
            &mut behind.connect(),
            "pg_namespace WHERE nspname = 'platform'"
        ),
        0
    );

    let none = refusal(&run(&[], &["doctor"], ""));
    assert!(none.contains("CARTWRIGHT__DATABASE__URL"), "{none}");
    let setting = ("CARTWRIGHT__ACESS".to_owned(), "open".to_owned());
    assert!(refusal(&run(&[setting], &["doctor"], "")).contains("acess"));
    let nowhere = TestDatabase {
        url: format!(
            "postgres://127.0.0.1:{}/nowhere",
            crate::support::free_port()
        ),
    };
    let words = refusal(&doctor(&nowhere, &[]));
    assert!(words.to_lowercase().contains("connect"), "{words}");
}

const BROKEN_AND_REPAIRABLE: &str = "
    UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ordering.orders_user_id_idx'::regclass;
    CREATE INDEX orders_user_id_idx_ccnew ON ordering.orders (user_id);
    UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ordering.orders_user_id_idx_ccnew'::regclass;
    ALTER TABLE ordering.shipping_rates ADD CONSTRAINT small CHECK (amount_minor < 5000) NOT VALID;
    INSERT INTO catalog.locations (id, code, name) OVERRIDING SYSTEM VALUE VALUES (7, 'far', 'Far away');
    ALTER TABLE catalog.locations ALTER COLUMN id RESTART WITH 7;
    INSERT INTO platform.idempotency_keys (scope, key, fingerprint, status, expires_at)
    SELECT 's', n::text, '', 200, now() - make_interval(hours => n) FROM generate_series(0, 3) AS n;
    INSERT INTO accounts.users (name, email, email_normalised, role) VALUES ('A', 'a@b.c', 'a@b.c', 'customer');
    INSERT INTO accounts.sessions (token_hash, user_id, expires_at) VALUES ('a', 1, now() - interval '2 hours');
    INSERT INTO accounts.sessions (token_hash, user_id) VALUES ('b', 1)";

#[test]
fn a_repair_mends_what_it_finds_tells_of_it_and_does_it_once() {
    let database = testing::database(&api::OWNERS);
    let conn = &mut database.connect();
    conn.batch_execute(BROKEN_AND_REPAIRABLE).expect("broken");
    let before = doctor(&database, &["--json"]);
    assert_eq!(code(&before), 1);
    let findings = report(&before)["findings"].clone();
    let findings = findings.as_array().expect("a list");
    assert_eq!(findings.len(), 6, "{findings:#?}");
    assert!(findings.iter().all(|finding| finding["repairable"] == true));

    let repaired = doctor(&database, &["--json", "--repair"]);

    assert_eq!(code(&repaired), 0, "{repaired:?}");
    let repairs = report(&repaired)["repairs"].clone();
    let repairs = repairs.as_array().expect("a list");
    assert!(
        repairs.iter().all(|repair| repair["done"] == true),
        "{repairs:#?}"
    );
    let mut told: Vec<(&str, &str)> = repairs
        .iter()
        .filter_map(|r| Some((r["subject"].as_str()?, r["message"].as_str()?)))
        .collect();
    told.sort_unstable();
    assert_eq!(
        told,
        [
            ("accounts.sessions", "1 forgotten"),
            ("catalog.locations.id", "goes on after 7"),
            ("ordering.orders_user_id_idx", "was built again"),
            ("ordering.orders_user_id_idx_ccnew", "was dropped"),
            ("ordering.shipping_rates.small", "is validated"),
            ("platform.idempotency_keys", "4 forgotten"),
        ]
    );
    assert_eq!(count(conn, "accounts.sessions"), 1);
    let next = "nextval('catalog.locations_id_seq')";
    assert_eq!(number(conn, next), 8);
    let again = doctor(&database, &["--json", "--repair"]);
    assert_eq!((code(&again), &report(&again)["repairs"]), (0, &json!([])));
    assert_eq!(number(conn, next), 9, "no sequence went back");
}

#[test]
fn what_postgres_refuses_to_repair_is_told_and_stays_a_finding() {
    let database = testing::database(&api::OWNERS);
    let broken = "
        ALTER TABLE ordering.shipping_rates ADD CONSTRAINT tiny CHECK (amount_minor < 5) NOT VALID;
        INSERT INTO catalog.locations (id, code, name) OVERRIDING SYSTEM VALUE VALUES (7, 'far', 'Far away')";
    database.connect().batch_execute(broken).expect("broken");

    let repaired = doctor(&database, &["--repair"]);

    assert_eq!(code(&repaired), 1);
    let text = String::from_utf8_lossy(&repaired.stdout).into_owned();
    for part in [
        "S3 ordering.shipping_rates.tiny could not be repaired",
        "tiny",
        "S5 catalog.locations.id goes on",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

/// As one does whose address is routed into nothing, or whose machine is frozen.
#[test]
fn a_server_that_never_answers_is_waited_for_no_longer_than_seconds() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = silent.local_addr().expect("an address").port();
    let database = TestDatabase {
        url: format!("postgres://127.0.0.1:{port}/silent"),
    };

    let words = refusal(&soon(move || doctor(&database, &[])));

    assert!(words.contains("timeout"), "{words}");
}

/// Behind its lock everybody else would wait, for as long as it does.
#[test]
fn a_repair_does_not_wait_for_a_table_that_somebody_holds() {
    let database = testing::database(&api::OWNERS);
    let conn = &mut database.connect();
    let far = "INSERT INTO catalog.locations (id, code, name) OVERRIDING SYSTEM VALUE VALUES (7, 'far', 'Far away')";
    conn.batch_execute(far).expect("broken");
    let holder = &mut database.connect();
    holder
        .batch_execute("BEGIN; UPDATE catalog.locations SET name = 'Elsewhere'")
        .expect("held");

    let refused = soon(move || doctor(&database, &["--repair"]));

    assert_eq!(code(&refused), 1);
    let text = String::from_utf8_lossy(&refused.stdout).into_owned();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let told = "S5 catalog.locations.id could not be repaired: a transaction that does not end holds the table";
    assert!(text.contains(told), "{text}");
    let unchanged = "catalog.locations_id_seq WHERE last_value < 7";
    assert_eq!(count(conn, unchanged), 1);
}
