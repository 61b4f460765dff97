//! Imports while the processes that work on them die.

use std::fmt::Write as _;
use std::time::Duration;

use catalog::import::{self, Form, How, Outcome, Report, Start};
use diesel::PgConnection;
use serde_json::json;

use super::{PATH, ended, results, upload};
use crate::support::{Cluster, alone, count, eventually, number, text, wait_until};

/// Products of several rows, some of which go on far behind, with refused rows among them. Some are shown beside others that
/// come later, or not at all.
fn file() -> String {
    let mut file =
        "product,sku,name,price,currency,on_hand,option:N,categories,related\n".to_owned();
    for n in 0..9_000 {
        let name = if n % 5 == 0 { "Name" } else { "" };
        let price = if n % 97 == 1 { "wrong" } else { "1.50" };
        let related = match n % 10 {
            0 => format!("S-{}", n + 30),
            _ => String::new(),
        };
        writeln!(
            file,
            "p-{},S-{n},{name},{price},USD,{},{},C {},{related}",
            n / 5,
            n % 9,
            n % 5,
            n % 7
        )
        .expect("text");
    }
    for n in 0..1_800 {
        writeln!(file, "p-{n},S-{},,1.25,EUR,,,,", n * 5).expect("text");
        writeln!(file, "p-{n},MORE-{n},,2.50,USD,1,{},,", n % 3 + 10).expect("text");
    }
    file
}

/// Everything that an import has written, for comparing.
fn shop(conn: &mut PgConnection) -> String {
    let rows = "(SELECT string_agg(line, E'\\n' ORDER BY line) FROM ( \
        SELECT concat_ws('|', v.sku, v.is_default, v.title, v.version, p.name, p.version, p.variant_count, d.sku, s.on_hand, \
               (SELECT string_agg(currency || amount_minor, ',' ORDER BY id) FROM catalog.prices WHERE variant_id = v.id), \
               (SELECT string_agg(on_hand_delta || reason, ',' ORDER BY id) FROM catalog.stock_movements WHERE variant_id = v.id), \
               (SELECT string_agg(c.name || cp.position, ',' ORDER BY c.name) FROM catalog.category_products cp \
                  JOIN catalog.categories c ON c.id = cp.category_id WHERE cp.product_id = p.id), \
               (SELECT string_agg(q.name || r.position || w.sku, ',' ORDER BY r.position) FROM catalog.related_products r \
                  JOIN catalog.products q ON q.id = r.related_id JOIN catalog.variants w ON w.product_id = q.id AND w.is_default \
                 WHERE r.product_id = p.id), \
               (SELECT count(*) FROM platform.outbox WHERE resource_type = 'product' AND resource_id = p.id)) AS line \
          FROM catalog.variants v JOIN catalog.products p ON p.id = v.product_id \
          JOIN catalog.variants d ON d.product_id = p.id AND d.is_default \
          JOIN catalog.stock_levels s ON s.variant_id = v.id WHERE v.sku ~ '^(S|MORE)-') AS l)";
    text(conn, rows)
}

/// What an import that nobody disturbs comes to: the shop, and the outcome of each row.
fn undisturbed(file: &str) -> (String, String) {
    let database = db::testing::database(&api::OWNERS);
    let mut conn = database.connect();
    let mut rows = Vec::new();
    let report = Report(|line, sku: &str, outcome: &Outcome| {
        let (name, field, message) = match outcome {
            Outcome::Created => ("created", "", ""),
            Outcome::Updated => ("updated", "", ""),
            Outcome::Unchanged => ("unchanged", "", ""),
            Outcome::Refused(refusal) => {
                ("refused", refusal.field.as_ref(), refusal.message.as_str())
            }
        };
        rows.push((line, format!("{line},{sku},{name},{field},{message}\n")));
    });
    let (how, start) = (How::default(), Start::default());
    import::run(&mut conn, file.as_bytes(), Form::Csv, how, report, start).expect("imported");
    // Those that refer to something are told of last.
    rows.sort_by_key(|(line, _)| *line);
    let told: String = rows.into_iter().map(|(_, row)| row).collect();
    (
        shop(&mut conn),
        format!("line,sku,outcome,field,message\n{told}"),
    )
}

/// The replica that reads a file.
fn holder(cluster: &Cluster) -> Option<usize> {
    let held = "(SELECT coalesce(max(holder), '') FROM platform.jobs WHERE kind = 'import' AND state = 'running')";
    let holder = text(&mut cluster.conn(), held);
    cluster.find_replica(holder.split(':').nth(1)?)
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_that_are_killed_in_mid_import_change_nothing_of_what_it_comes_to() {
    let _alone = alone().await;
    let cluster = Cluster::with_command(2, &[("JOBS__LEASE_SECONDS", "1")], &["serve"]);
    let staff = cluster.admin().await;
    let file = file();
    let (expected_shop, expected_rows) = tokio::task::block_in_place(|| undisturbed(&file));

    let import = upload(&staff, "", "text/csv", file).await;
    let mut conn = cluster.conn();
    let rows = format!(
        "(SELECT rows FROM catalog.imports WHERE id = {})",
        import["id"]
    );
    let (mut kills, mut dead) = (0, None);
    for wanted in [2_000, 5_000, 8_500] {
        let mut victim = None;
        tokio::task::block_in_place(|| {
            if let Some(dead) = dead.take() {
                cluster.restart(dead);
            }
            wait_until("a replica reads the file", || {
                victim = holder(&cluster);
                victim.is_some() && number(&mut conn, &rows) >= wanted
            });
        });
        let victim = victim.expect("just found");
        cluster.signal(victim, "KILL");
        kills += 1;
        dead = Some(victim);
    }
    let done = "catalog.import_references WHERE is_done";
    tokio::task::block_in_place(|| {
        wait_until("the other replica reads what rows refer to", || {
            count(&mut conn, done) >= 100
        });
        let victim = holder(&cluster).expect("it works on it");
        assert_ne!(Some(victim), dead);
        cluster.signal(victim, "KILL");
        kills += 1;
        let left = count(&mut conn, "catalog.import_references WHERE NOT is_done");
        assert!(left > 0, "nobody was in the middle of it");
        if let Some(dead) = dead {
            cluster.restart(dead);
        }
        cluster.restart(victim);
    });
    let ended = ended(&staff, &import).await;

    assert_eq!(ended["state"], "succeeded", "{ended}");
    let attempts = "(SELECT attempts::bigint FROM platform.jobs WHERE kind = 'import')";
    assert!(
        number(&mut conn, attempts) > kills,
        "nobody was in mid-import"
    );
    assert!(shop(&mut conn) == expected_shop, "the shop differs");
    let told = String::from_utf8(results(&staff, &import, "").await.body).expect("UTF-8");
    let plain = told.replace("\"", "");
    assert!(
        plain == expected_rows.replace('"', ""),
        "the results differ"
    );
    let read = ended["rows"]["read"].as_i64().expect("a number");
    assert_eq!(
        usize::try_from(read).expect("fits"),
        told.lines().count() - 1
    );
    let findings = cluster.run(&["doctor"], "");
    assert!(findings.status.success(), "{findings:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_stops_gives_its_import_back_and_another_one_goes_on() {
    let _alone = alone().await;
    // Nobody else would get the job in time, were it not given back.
    let cluster = Cluster::with_command(2, &[("JOBS__LEASE_SECONDS", "600")], &["serve"]);
    let staff = cluster.admin().await;
    let import = upload(&staff, "", "text/csv", file()).await;
    let mut conn = cluster.conn();
    let rows = format!(
        "(SELECT rows FROM catalog.imports WHERE id = {})",
        import["id"]
    );
    let mut busy = None;
    tokio::task::block_in_place(|| {
        wait_until("a replica reads the file", || {
            busy = holder(&cluster);
            busy.is_some() && number(&mut conn, &rows) >= 1_000
        });
    });

    let code = tokio::task::block_in_place(|| cluster.stop(busy.expect("just found")));

    assert_eq!(code, 0);
    let ended = ended(&staff, &import).await;
    assert_eq!(
        (&ended["state"], &ended["rows"]["read"]),
        (&json!("succeeded"), &json!(12_600))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_is_cancelled_on_the_way_ends_between_two_chunks() {
    let _alone = alone().await;
    let cluster = Cluster::with_command(1, &[], &["serve"]);
    let staff = cluster.admin().await;
    let import = upload(&staff, "", "text/csv", file()).await;
    let path = format!("{PATH}/{}", import["id"]);
    let begun =
        async || staff.get(&path).send().await.json()["rows"]["read"].as_i64() >= Some(1_000);
    eventually("it is under way", Duration::from_secs(20), begun).await;

    let cancelled = staff
        .request("POST", &format!("{path}/cancel"))
        .send()
        .await
        .expect(200);

    assert_eq!(cancelled["state"], "cancelled");
    let over = "platform.jobs WHERE kind = 'import' AND state = 'cancelled'";
    let mut conn = cluster.conn();
    tokio::task::block_in_place(|| {
        wait_until("its worker lets go", || count(&mut conn, over) == 1);
    });
    let after = staff.get(&path).send().await.expect(200);
    assert_eq!(after["rows"], cancelled["rows"]);
    let created = after["rows"]["created"].as_i64().expect("a number");
    let written = count(&mut conn, "catalog.variants WHERE sku ~ '^(S|MORE)-'");
    assert_eq!(written, created);
    assert!(written < 10_000);
}
