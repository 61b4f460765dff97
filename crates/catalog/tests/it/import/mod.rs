//! A file of products, row by row.

mod catalogue;
mod details;
mod following;
mod grouping;
mod levels;
mod lines;
pub(crate) mod profiles;
mod races;
mod reading;
mod references;
mod translated;
mod variants;
mod whole;
mod writing;

use std::borrow::Cow;

use catalog::import::{self, ImportError, Outcome, Summary};
use catalog::products;
use diesel::prelude::*;
use domain::ProductId;

use crate::{USD, text};

type Report = Vec<(u64, String, Outcome)>;

fn import(conn: &mut PgConnection, file: impl AsRef<[u8]>) -> (Summary, Report) {
    let mut report = Vec::new();
    let summary = crate::read_csv(conn, file.as_ref(), false, |line, sku, outcome| {
        report.push((line, sku.to_owned(), outcome.clone()));
    });
    report.sort_by_key(|(line, ..)| *line);
    (summary.unwrap(), report)
}

fn refuse_file(conn: &mut PgConnection, file: &[u8]) -> ImportError {
    crate::read_csv(conn, file, false, |_, _, _| panic!("a row was read")).unwrap_err()
}

/// The column at fault and the message of the only row.
fn refusal(conn: &mut PgConnection, file: impl AsRef<[u8]>) -> (Cow<'static, str>, String) {
    let (summary, mut report) = import(conn, file);
    assert_eq!((summary.rows, summary.refused), (1, 1), "{report:?}");
    match report.remove(0).2 {
        Outcome::Refused(refusal) => (refusal.field, refusal.message),
        other => panic!("{other:?}"),
    }
}

fn outcomes(report: &Report) -> Vec<(&str, &Outcome)> {
    report
        .iter()
        .map(|(_, sku, outcome)| (sku.as_str(), outcome))
        .collect()
}

fn find(conn: &mut PgConnection, sku: &str) -> products::Product {
    let id = format!("(SELECT product_id::text FROM catalog.variants WHERE sku = '{sku}')");
    let id: i64 = text(conn, &id).parse().unwrap();
    products::find(conn, ProductId::try_from(id).unwrap(), USD)
        .unwrap()
        .unwrap()
}
