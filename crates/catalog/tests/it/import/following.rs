//! An import that is followed, ended on the way, and gone on with.

use std::fmt::Write as _;

use catalog::import::{
    self, Decided, Follow, Form, How, ImportError, Learned, OnError, Outcome, Report,
};
use catalog::import::{Start, Summary, Told};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use crate::{count, database, text};

/// Products of several rows, some of which go on behind the end of a chunk, with handles that are
/// recognised late, refused rows, and prices of variants from other chunks.
fn file() -> String {
    let mut file = "product,sku,name,price,currency,option:N,categories\n".to_owned();
    for n in 0..1_900 {
        let product = n / 7;
        let name = if n % 7 == 0 { "Name" } else { "" };
        let price = if n % 97 == 0 { "wrong" } else { "1.50" };
        writeln!(
            file,
            "p-{product},S-{n},{name},{price},USD,{},C {}|All",
            n % 7,
            n % 5
        )
        .unwrap();
        if n % 11 == 0 {
            writeln!(file, "p-{},S-{},,2.50,EUR,,", n / 2 / 7, n / 2).unwrap();
        }
    }
    for n in 0..400 {
        writeln!(file, "p-{n},MORE-{n},,3.50,USD,{},", n + 10).unwrap();
    }
    file
}

/// Everything that an import has written, for comparing.
fn shop(conn: &mut PgConnection) -> String {
    let rows = "(SELECT string_agg(line, E'\\n' ORDER BY line) FROM ( \
        SELECT concat_ws('|', v.sku, v.is_default, v.title, v.version, p.name, p.version, p.variant_count, d.sku, s.on_hand, \
               (SELECT string_agg(currency || amount_minor, ',' ORDER BY id) FROM catalog.prices WHERE variant_id = v.id), \
               (SELECT string_agg(c.name || cp.position, ',' ORDER BY c.name) FROM catalog.category_products cp \
                  JOIN catalog.categories c ON c.id = cp.category_id WHERE cp.product_id = p.id)) AS line \
          FROM catalog.variants v JOIN catalog.products p ON p.id = v.product_id \
          JOIN catalog.variants d ON d.product_id = p.id AND d.is_default \
          JOIN catalog.stock_levels s ON s.variant_id = v.id) AS l)";
    text(conn, rows)
}

/// Ends the import in the transaction of a chunk, or behind it, and keeps what it has to go on with.
struct Ending {
    chunks: u32,
    in_transaction: bool,
    start: Start,
    told: Vec<Told>,
}

impl Follow for Ending {
    fn begin(&mut self, _: &mut PgConnection) -> Result<(), ImportError> {
        if self.chunks == 0 && !self.in_transaction {
            return Err(ImportError::Ended("enough".into()));
        }
        Ok(())
    }

    fn decided(&mut self, _: &mut PgConnection, chunk: &Decided) -> Result<(), ImportError> {
        if self.chunks == 0 {
            return Err(ImportError::Ended("enough".into()));
        }
        self.chunks -= 1;
        self.start.summary = *chunk.summary;
        self.start.learned.extend_from_slice(chunk.learned);
        self.told.extend_from_slice(chunk.rows);
        Ok(())
    }
}

struct Everything<'e>(&'e mut Ending);

impl Follow for Everything<'_> {
    fn begin(&mut self, conn: &mut PgConnection) -> Result<(), ImportError> {
        self.0.begin(conn)
    }

    fn decided(&mut self, conn: &mut PgConnection, chunk: &Decided) -> Result<(), ImportError> {
        self.0.decided(conn, chunk)
    }
}

#[test]
fn an_import_that_ends_anywhere_and_goes_on_comes_to_the_same_as_one_that_does_not() {
    let file = file();
    let whole = database();
    let mut told = Vec::new();
    let report = Report(|line, sku: &str, outcome: &Outcome| {
        told.push((line, sku.to_owned(), outcome.clone()));
    });
    let undisturbed = import::run(
        &mut whole.connect(),
        file.as_bytes(),
        Form::Csv,
        How::default(),
        report,
        Start::default(),
    )
    .unwrap();
    assert!(
        undisturbed.refused > 10 && undisturbed.updated > 10,
        "{undisturbed:?}"
    );

    for in_transaction in [false, true] {
        let parts = database();
        let mut ending = Ending {
            chunks: 1,
            in_transaction,
            start: Start::default(),
            told: Vec::new(),
        };
        let mut attempts = 0;
        let done = loop {
            ending.chunks = 1;
            attempts += 1;
            let start = ending.start.clone();
            let conn = &mut parts.connect();
            match import::run(
                conn,
                file.as_bytes(),
                Form::Csv,
                How::default(),
                Everything(&mut ending),
                start,
            ) {
                Err(ImportError::Ended(_)) => {}
                done => break done.unwrap(),
            }
        };
        assert_eq!(done, undisturbed);
        assert!(attempts >= 5, "{attempts}");
        assert_eq!(shop(&mut parts.connect()), shop(&mut whole.connect()));
        let rows: Vec<_> = ending
            .told
            .into_iter()
            .map(|t| (t.line, t.sku, t.outcome))
            .collect();
        assert_eq!(rows, told);
        let events = "platform.outbox";
        assert_eq!(
            count(&mut parts.connect(), events),
            count(&mut whole.connect(), events)
        );
    }
}

#[test]
fn what_is_learned_survives_as_text() {
    let learned = Learned {
        handle: "tee".into(),
        product_id: 7,
        is_described: false,
    };
    let text = serde_json::to_string(&learned).unwrap();
    assert_eq!(serde_json::from_str::<Learned>(&text).unwrap(), learned);
}

fn stopped(file: &str, dry_run: bool) -> (Summary, Vec<(u64, Outcome)>, i64) {
    let database = database();
    let conn = &mut database.connect();
    conn.batch_execute("SELECT 1").unwrap();
    let mut told = Vec::new();
    let report = Report(|line, _: &str, outcome: &Outcome| told.push((line, outcome.clone())));
    let how = How {
        dry_run,
        on_error: OnError::Stop,
    };
    let done = import::run(
        conn,
        file.as_bytes(),
        Form::Csv,
        how,
        report,
        Start::default(),
    );
    (done.unwrap(), told, count(conn, "catalog.variants"))
}

#[test]
fn an_import_that_stops_at_a_refusal_writes_what_is_before_it_and_nothing_behind() {
    let header = "product,sku,name,price,currency\n";
    let good = |n: u32| format!(",S-{n},Name,1,USD\n");
    let some = |range: std::ops::Range<u32>| range.map(good).collect::<String>();
    let wrong_price = ",BAD,Bad,wrong,USD\n";
    let twice = ",S-0,Name,2,USD\n"; // in the same currency
    let no_name = "new,BAD,,1,USD\n"; // refused once the shop was looked at
    for (file, rows, written) in [
        (format!("{header}{}", some(0..3)), 3, 3),
        (
            format!("{header}{}{wrong_price}{}", some(0..3), some(3..9)),
            4,
            3,
        ),
        (format!("{header}{}{twice}{}", some(0..3), some(3..9)), 4, 3),
        (
            format!("{header}{}{no_name}{}", some(0..3), some(3..9)),
            4,
            3,
        ),
        (
            format!("{header}{no_name}{wrong_price}{}", some(0..9)),
            1,
            0,
        ),
        (
            format!(
                "{header}{}{no_name}{wrong_price}{}",
                some(0..700),
                some(700..1_500)
            ),
            701,
            700,
        ),
        (
            format!("{header}{}{wrong_price}", some(0..1_100)),
            1_101,
            1_100,
        ),
    ] {
        for dry_run in [false, true] {
            let (summary, told, variants) = stopped(&file, dry_run);
            assert_eq!(
                (summary.rows, summary.created),
                (rows, written),
                "{file:.200}"
            );
            assert_eq!(summary.refused, rows - written);
            assert_eq!(told.len() as u64, rows);
            let expected = if dry_run {
                0
            } else {
                i64::try_from(written).unwrap()
            };
            assert_eq!(variants, expected, "{file:.200}");
        }
    }
}

#[test]
fn a_quote_that_is_not_closed_does_not_fill_the_memory() {
    let file = format!(
        "sku,name,price,currency\nA,\"{}",
        "x,1,USD\n".repeat(2_000_000)
    );
    let database = database();
    let report = Report(|_, _: &str, _: &Outcome| panic!("no row is whole"));
    let (how, start) = (How::default(), Start::default());

    let done = import::run(
        &mut database.connect(),
        file.as_bytes(),
        Form::Csv,
        how,
        report,
        start,
    );

    let error = done.unwrap_err().to_string();
    assert!(
        error.contains("a row is longer than 4194304 bytes"),
        "{error}"
    );
}
