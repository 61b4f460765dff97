//! Uploads that are refused, and leave nothing behind.

use super::{PATH, send};
use crate::support::{Cluster, count};

/// Query, type, file; status, code and a word of the answer.
type Case = (
    &'static str,
    &'static str,
    &'static [u8],
    u16,
    &'static str,
    &'static str,
);

const GOOD: &str = "sku,name,price,currency\nA,Tee,1.00,USD\n";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_such_file_is_refused_at_once_with_what_would_be_right() {
    let cluster = Cluster::with_command(1, &[], &["serve", "--with-worker=false"]);
    let staff = cluster.admin().await;
    let csv = "text/csv";
    let cases: &[Case] = &[
        ("", csv, b"", 422, "validation_failed", "must not be empty"),
        (
            "",
            csv,
            b" \r\n ",
            422,
            "validation_failed",
            "must not be empty",
        ),
        (
            "",
            csv,
            b"sku,name,price\nA,A,1\n",
            422,
            "unreadable_file",
            "lacks the column `currency`",
        ),
        (
            "",
            csv,
            b"sku,name,price,currency,onhand\n",
            422,
            "unreadable_file",
            "unknown column `onhand`",
        ),
        (
            "",
            csv,
            b"sku,name,price,currency,name\n",
            422,
            "unreadable_file",
            "`name` appears twice",
        ),
        (
            "",
            csv,
            b"sku,n\xffme,price,currency\n",
            422,
            "unreadable_file",
            "invalid UTF-8",
        ),
        (
            "",
            csv,
            b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xff\xff",
            422,
            "unreadable_file",
            "cannot read the file",
        ),
        (
            "",
            csv,
            b"PK\x03\x04\0\0\0\0",
            422,
            "unreadable_file",
            "unknown column `PK",
        ),
        (
            "",
            "application/json",
            b"[]",
            415,
            "unsupported_media_type",
            "text/csv",
        ),
        (
            "",
            "application/octet-stream",
            GOOD.as_bytes(),
            415,
            "unsupported_media_type",
            "text/csv",
        ),
        (
            "",
            "",
            GOOD.as_bytes(),
            415,
            "unsupported_media_type",
            "text/csv",
        ),
        (
            "?profile=eshop&currency=USD",
            csv,
            GOOD.as_bytes(),
            415,
            "unsupported_media_type",
            "application/json",
        ),
        (
            "?profile=spree",
            "application/x-ndjson",
            GOOD.as_bytes(),
            415,
            "unsupported_media_type",
            "text/csv",
        ),
        (
            "?profile=spree",
            csv,
            GOOD.as_bytes(),
            422,
            "unreadable_file",
            "lacks the column `slug`",
        ),
        (
            "?profile=vendure",
            csv,
            GOOD.as_bytes(),
            422,
            "unreadable_file",
            "in which currency",
        ),
        (
            "?profile=spree&currency=USD",
            csv,
            GOOD.as_bytes(),
            422,
            "unreadable_file",
            "says in which currency",
        ),
        (
            "?profile=eshop&currency=USD",
            "application/json",
            b"{}",
            422,
            "unreadable_file",
            "not a JSON array",
        ),
        (
            "?profile=magento",
            csv,
            GOOD.as_bytes(),
            400,
            "invalid_query",
            "known are eshop",
        ),
        (
            "?profile=spree&currency=usd",
            csv,
            GOOD.as_bytes(),
            400,
            "invalid_query",
            "currency",
        ),
        (
            "?currency=USD",
            csv,
            GOOD.as_bytes(),
            400,
            "invalid_query",
            "needs a profile",
        ),
        (
            "?kind=orders",
            csv,
            GOOD.as_bytes(),
            400,
            "invalid_query",
            "must be products or prices or stock or collections",
        ),
        (
            "?mode=try",
            csv,
            GOOD.as_bytes(),
            400,
            "invalid_query",
            "must be apply or validate",
        ),
        (
            "?onError=ignore",
            csv,
            GOOD.as_bytes(),
            400,
            "invalid_query",
            "must be skip or stop",
        ),
        (
            "?address=http://127.0.0.1/",
            csv,
            GOOD.as_bytes(),
            400,
            "invalid_query",
            "unknown field",
        ),
        (
            "?mode=apply&mode=validate",
            csv,
            GOOD.as_bytes(),
            400,
            "invalid_query",
            "duplicate field",
        ),
    ];
    for &(query, kind, file, status, code, word) in cases {
        let what = format!("{query} {kind} {}", String::from_utf8_lossy(file));
        let problem = send(&staff, query, kind, file)
            .send()
            .await
            .refused(status, code);
        assert!(problem.to_string().contains(word), "{what}: {problem}");
    }
    let gzip = send(&staff, "", csv, GOOD)
        .header("content-encoding", "gzip")
        .send()
        .await;
    gzip.refused(415, "unsupported_media_type");
    let key = send(&staff, "", csv, GOOD).key("short").send().await;
    key.refused(400, "invalid_idempotency_key");
    assert_eq!(count(&mut cluster.conn(), "catalog.imports"), 0);
    assert_eq!(count(&mut cluster.conn(), "catalog.import_parts"), 0);
    let jobs = "platform.jobs WHERE kind = 'import'";
    assert_eq!(count(&mut cluster.conn(), jobs), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_many_parts_is_kept_whole_and_one_that_is_too_large_not_at_all() {
    let settings = [("IMPORTS__MAX_BYTES", "2000000")];
    let cluster = Cluster::with_command(1, &settings, &["serve", "--with-worker=false"]);
    let staff = cluster.admin().await;
    let line = "A,Tee,1.00,USD\n";
    let file = |bytes: usize| {
        let mut file = GOOD.to_owned();
        file.push_str(&line.repeat((bytes - GOOD.len()) / line.len()));
        file
    };

    let whole = file(1_999_990);
    let import = send(&staff, "", "text/csv", whole.clone())
        .send()
        .await
        .expect(201);
    let problem = send(&staff, "", "text/csv", file(2_000_100)).send().await;
    let problem = problem.refused(413, "payload_too_large");

    assert!(
        problem.to_string().contains("at most 2000000 bytes"),
        "{problem}"
    );
    let mut conn = cluster.conn();
    assert_eq!(count(&mut conn, "catalog.imports"), 1);
    assert!(count(&mut conn, "catalog.import_parts") > 1);
    let kept = format!(
        "catalog.imports i WHERE id = {} AND bytes = {} AND md5('{}') = (SELECT md5(string_agg(convert_from(bytes, 'UTF8'), '' \
         ORDER BY number)) FROM catalog.import_parts WHERE import_id = i.id)",
        import["id"],
        whole.len(),
        whole
    );
    assert_eq!(count(&mut conn, &kept), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_but_staff_sends_files() {
    let cluster = crate::support::open();
    let shop = cluster.shop();
    let refused = shop
        .request("POST", PATH)
        .raw("text/csv", GOOD)
        .send()
        .await;
    refused.refused(401, "unauthorized");
}
