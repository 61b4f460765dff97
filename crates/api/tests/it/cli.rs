//! The command line.

use std::fs;

use db::testing;
use serde_json::json;

use crate::support::cluster::run;
use crate::support::{count, fresh_dir, fresh_key, open, required, somebody, text};

fn settings(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(name, value)| (format!("CARTWRIGHT__{name}"), (*value).to_owned()))
        .collect()
}

#[test]
fn a_setting_that_is_unknown_or_wrong_is_refused_by_name() {
    let cases = [
        ("ACESS", "open", "acess"),
        ("HTTP__PORT", "80", "port"),
        ("ACCESS", "everyone", "access"),
        ("DATABASE__POOL_SIZE", "0", "database.pool_size"),
        ("DATABASE__POOL_SIZE", "many", "pool_size"),
        ("HTTP__BIND", "nowhere", "bind"),
        ("METRICS__BIND", "nowhere", "metrics.bind"),
        ("REDIS__TIMEOUT_MS", "0", "redis.timeout_ms"),
        ("CACHE__TTL_SECONDS", "0", "cache.ttl_seconds"),
        ("SHOP__CURRENCY", "usd", "currency"),
        ("ADMIN__EMAIL", "nobody", "email"),
        (
            "ORDERS__UNPAID_EXPIRY_MINUTES",
            "-1",
            "orders.unpaid_expiry_minutes",
        ),
        ("JOBS__PARALLELISM", "0", "jobs.parallelism"),
        ("JOBS__LEASE_SECONDS", "0", "jobs.lease_seconds"),
        ("JOBS__DOCTOR_CRON", "nightly", "jobs.doctor_cron"),
        ("JOBS__POLL_MS", "9", "jobs.poll_ms"),
        (
            "JOBS__KEEP_SUCCEEDED_HOURS",
            "0",
            "jobs.keep_succeeded_hours",
        ),
        ("JOBS__KEEP_FAILED_DAYS", "0", "jobs.keep_failed_days"),
        ("LOG__FORMAT", "xml", "format"),
    ];
    for (name, value, named) in cases {
        let refused = run(&settings(&[(name, value)]), &["migrate"], "");
        let words = String::from_utf8_lossy(&refused.stderr).to_lowercase();
        assert_eq!(refused.status.code(), Some(1), "{name}: {words}");
        assert!(words.contains(named), "{name}: {words}");
    }
    let refused = run(&[], &["serve"], "");
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(words.contains("CARTWRIGHT__DATABASE__URL"), "{words}");
}

#[test]
fn the_document_needs_no_settings_and_wrong_ones_do_not_hide_it() {
    let printed = run(&settings(&[("ACCESS", "everyone")]), &["openapi"], "");
    assert!(printed.status.success(), "{printed:?}");
    let document: serde_json::Value = serde_json::from_slice(&printed.stdout).expect("JSON");
    assert!(document["paths"]["/api/orders"].is_object());
}

#[tokio::test]
async fn staff_is_created_and_a_new_password_closes_all_sessions() {
    let email = format!("{}@staff.example", fresh_key());
    let create = ["admin", "create-staff", "--email", &email, "--name", "Sam"];
    for bad in ["", "short\n"] {
        assert_eq!(required().run(&create, bad).status.code(), Some(1));
    }
    assert!(
        required()
            .run(&create, "a good password\n")
            .status
            .success()
    );
    assert_eq!(
        required().run(&create, "a good password\n").status.code(),
        Some(1)
    );
    let token = required().token(&email, "a good password").await;
    let sam = required().shop().with_token(&token);
    let me = sam.get("/api/users/me").send().await.expect(200);
    assert_eq!(me["isAdmin"], false);
    sam.get("/api/users").send().await.expect(200);

    let set = ["admin", "set-password", "--email", &email];
    assert!(required().run(&set, "another good one\n").status.success());
    sam.get("/api/users/me")
        .send()
        .await
        .refused(401, "unauthorized");
    required().token(&email, "another good one").await;
    let old = json!({"email": email, "password": "a good password"});
    let old = required()
        .replica(0)
        .post("/api/sessions", &old)
        .send()
        .await;
    old.refused(401, "invalid_credentials");

    let unknown = ["admin", "set-password", "--email", "nobody@example.com"];
    assert_eq!(
        required().run(&unknown, "another good one\n").status.code(),
        Some(1)
    );
    assert_eq!(
        required().run(&set, "demo-admin-password\n").status.code(),
        Some(1)
    );
}

#[tokio::test]
async fn a_set_password_takes_an_open_user_out_of_open_reach() {
    let person = somebody();
    let shop = open().shop();
    let user = shop.post("/api/users", &person).send().await.expect(201);
    let list = format!("/api/orders?userId={}", user["id"]);
    shop.get(&list).send().await.expect(200);
    let email = person["email"].as_str().expect("text");
    let set = open().run(
        &["admin", "set-password", "--email", email],
        "another good one\n",
    );
    assert!(set.status.success(), "{set:?}");
    open().token(email, "another good one").await;
    shop.get(&list).send().await.expect(404);
}

#[tokio::test]
async fn an_import_can_be_tried_out_reports_each_row_and_changes_nothing_twice() {
    let dir = fresh_dir();
    fs::create_dir_all(&dir).expect("a folder");
    let (file, report) = (dir.join("products.csv"), dir.join("report.csv"));
    let rows =
        "sku,name,price,currency\nCLI-1,One,1.00,USD\nCLI-2,Two,2.00,USD\nCLI-3,Three,-3.00,USD\n";
    fs::write(&file, rows).expect("a file");
    let (file, report) = (file.display().to_string(), report.display().to_string());
    let imported = "catalog.variants WHERE sku LIKE 'CLI-%'";
    let mut conn = open().conn();
    let run = |args: &[&str]| {
        let output = open().run(&[&["import", "products", &file], args].concat(), "");
        assert_eq!(
            output.status.code(),
            Some(1),
            "one row is refused: {output:?}"
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    };

    let dry = run(&["--dry-run"]);
    assert!(dry.contains("2 would be created"), "{dry}");
    assert_eq!(count(&mut conn, imported), 0);
    let first = run(&["--report", &report]);
    assert!(
        first.starts_with("3 rows: 2 created, 0 updated, 0 unchanged, 1 refused"),
        "{first}"
    );
    assert_eq!(count(&mut conn, imported), 2);
    let report = fs::read_to_string(&report).expect("a report");
    assert!(
        report.contains("CLI-1,created") && report.contains("CLI-3,refused,price"),
        "{report}"
    );
    let second = run(&[]);
    assert!(
        second.starts_with("3 rows: 0 created, 0 updated, 2 unchanged, 1 refused"),
        "{second}"
    );
    fs::remove_dir_all(dir).expect("gone");
}

#[tokio::test]
async fn an_import_reads_the_file_of_another_system() {
    let dir = fresh_dir();
    fs::create_dir_all(&dir).expect("a folder");
    let file = dir.join("catalog.json");
    fs::write(&file, r#"[{"Id":7001,"Name":"Boots","Price":109.99}]"#).expect("a file");
    let file = file.display().to_string();
    let run = |args: &[&str]| open().run(&[&["import", "products", &file], args].concat(), "");

    let known = run(&["--from", "shop"]);
    let currency = run(&["--from", "eshop"]);
    let done = run(&["--from", "eshop", "--currency", "EUR"]);

    let said = |output: &[u8]| String::from_utf8_lossy(output).into_owned();
    assert!(
        said(&known.stderr).contains("known are eshop, lego, "),
        "{known:?}"
    );
    assert!(
        said(&currency.stderr).contains("does not say in which currency"),
        "{currency:?}"
    );
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    assert_eq!(
        said(&done.stdout),
        "1 rows: 1 created, 0 updated, 0 unchanged, 0 refused\n1 products begun, 1 prices set\n"
    );
    fs::remove_dir_all(dir).expect("gone");
}

#[test]
fn what_is_exported_is_imported_without_a_change() {
    let dir = fresh_dir();
    fs::create_dir_all(&dir).expect("a folder");
    let database = testing::database(&api::OWNERS);
    let settings = settings(&[("DATABASE__URL", &database.url)]);
    let path = |name: &str| dir.join(name).display().to_string();
    let (csv, lines, levels) = (
        path("products.csv"),
        path("products.ndjson"),
        path("levels.csv"),
    );
    let rows =
        "product,sku,name,price,currency,option:Size\nx,EXP-S,Tee,1,USD,S\nx,EXP-M,,1,USD,M\n";
    fs::write(&csv, rows).expect("a file");
    let done = |args: &[&str]| {
        let output = run(&settings, args, "");
        assert!(output.status.success(), "{args:?}: {output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };

    done(&["import", "products", &csv]);
    done(&["export", "products", "--to", &csv]);
    done(&["export", "products", "--format", "ndjson", "--to", &lines]);

    let written = fs::read_to_string(&csv).expect("a file");
    let row = "\nEXP-S,EXP-M,,,,,,,,,,,,,1.00,USD,,0,";
    assert!(written.contains(row), "{written}");
    for file in [&csv, &lines] {
        let said = done(&["import", "products", file]);
        assert!(
            said.starts_with("2 rows: 0 created, 0 updated, 2 unchanged, 0 refused"),
            "{said}"
        );
    }
    for (kind, file) in [
        ("prices", "sku,price,currency\nEXP-S,2.50,USD\n"),
        ("stock", "sku,on_hand\nEXP-S,4\n"),
    ] {
        fs::write(&levels, file).expect("a file");
        let said = done(&["import", kind, &levels]);
        assert!(
            said.starts_with("1 rows: 0 created, 1 updated, "),
            "{kind}: {said}"
        );
    }
    for (kind, rows) in [
        ("categories", "slug,name,name@de\nmen,Men,Herren\n"),
        ("collections", "slug,name,product\nsummer,Summer,EXP-S\n"),
        ("options", "option,label@de\nSize,Größe\n"),
    ] {
        fs::write(&levels, rows).expect("a file");
        let said = done(&["import", kind, &levels]);
        let counts = "1 rows: 1 created, 0 updated, 0 unchanged, 0 refused\n";
        assert_eq!(said, counts, "{kind}");
        for (format, file) in [("csv", &csv), ("ndjson", &lines)] {
            done(&["export", kind, "--format", format, "--to", file]);
            let said = done(&["import", kind, file]);
            assert!(
                said.starts_with("1 rows: 0 created, 0 updated, 1 unchanged"),
                "{said}"
            );
        }
    }
    let sold = done(&["export", "products", "--on-sale"]);
    assert!(sold.contains(",2.50,USD,,4,"), "{sold}");
    fs::remove_dir_all(dir).expect("gone");
}

#[test]
fn a_health_check_tells_by_its_exit_code() {
    let port = crate::support::free_port();
    let nobody = format!("127.0.0.1:{port}");
    let down = run(&settings(&[("HTTP__BIND", &nobody)]), &["healthcheck"], "");
    assert_eq!(down.status.code(), Some(1));
    let bind = open().address(0);
    let up = run(&settings(&[("HTTP__BIND", &bind)]), &["healthcheck"], "");
    assert_eq!(up.status.code(), Some(0), "{up:?}");
}

#[test]
fn four_migrations_at_once_are_one() {
    let database = testing::empty_database();
    let settings = settings(&[("DATABASE__URL", &database.url)]);
    let outputs: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| run(&settings, &["migrate"], "")))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("no panic"))
            .collect()
    });
    for output in outputs {
        assert!(output.status.success(), "{output:?}");
    }
    let schemas = "(SELECT string_agg(nspname, ' ' ORDER BY nspname) FROM pg_namespace \
                    WHERE nspname IN ('accounts', 'catalog', 'ordering', 'platform'))";
    assert_eq!(
        text(&mut database.connect(), schemas),
        "accounts catalog ordering platform"
    );
}

#[test]
fn the_demo_password_does_not_survive_the_end_of_open_access() {
    let database = testing::empty_database();
    let with = |access, password| {
        settings(&[
            ("DATABASE__URL", database.url.as_str()),
            ("ACCESS", access),
            ("ADMIN__PASSWORD", password),
        ])
    };
    let open = with("open", "demo-admin-password");
    assert!(run(&open, &["seed"], "").status.success());

    let required = with("required", "one of our own");
    let refused = run(&required, &["seed"], "");
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{words}");
    assert!(
        words.contains("admin set-password --email admin@example.com"),
        "{words}"
    );

    let set = ["admin", "set-password", "--email", "admin@example.com"];
    assert!(run(&required, &set, "one of our own\n").status.success());
    assert!(run(&required, &["seed"], "").status.success());
}
