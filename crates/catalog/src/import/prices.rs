//! Prices of variants, for now and for later.

use std::collections::HashSet;
use std::io::Read;

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::apply::Applied;
use super::details::moment;
use super::kinds::{Kind, write_or_undo};
use super::memory::Digest;
use super::row::{Cells, Refusal, price, refuse, said, sku};
use super::table::Table;
use super::{ImportError, Outcome, Sink, Summary};
use crate::prices::setting::{self, NewPrice};

const COLUMNS: [&str; 4] = ["sku", "price", "currency", "valid_from"];
const REQUIRED: [&str; 3] = ["sku", "price", "currency"];

pub(super) fn read(source: impl Read, sink: Sink) -> Result<(), ImportError> {
    let mut table = Table::open(source)?;
    table.check_columns(&COLUMNS, &REQUIRED)?;
    while let Some(fault) = table.advance()? {
        let cell = |column| table.cell(column).to_owned();
        let cells = Cells {
            sku: cell("sku"),
            price: cell("price"),
            currency: cell("currency"),
            valid_from: cell("valid_from"),
            ..Cells::default()
        };
        sink(table.line, cells, fault)?;
    }
    Ok(())
}

/// Prices, each for one SKU, currency and moment.
#[derive(Default)]
pub(super) struct Prices {
    seen: HashSet<Digest>,
}

impl Kind for Prices {
    type Row = NewPrice;

    fn check(&mut self, cells: &Cells) -> Result<NewPrice, Refusal> {
        let (sku, price) = (sku(cells)?, price(cells)?);
        let from = said(&cells.valid_from);
        let valid_from: Option<DateTime<Utc>> =
            from.map(|text| moment("valid_from", text)).transpose()?;
        let what = (sku.as_str(), price.currency().code(), valid_from);
        if !self.seen.insert(Digest::of(what)) {
            return Err(refuse("sku", "appears twice in the file"));
        }
        Ok(NewPrice {
            sku,
            price,
            valid_from,
        })
    }

    fn apply(
        &mut self,
        conn: &mut PgConnection,
        rows: &[NewPrice],
        summary: &mut Summary,
        how: (bool, bool),
    ) -> Result<Applied, ImportError> {
        let applied = write_or_undo(conn, rows, how, |conn, rows| {
            let outcomes = setting::set_all(conn, rows, None)?;
            Ok(outcomes.into_iter().map(judged).collect())
        })?;
        let set = applied.outcomes.iter().filter(|o| **o == Outcome::Updated);
        summary.prices += u64::try_from(set.count()).unwrap_or_default();
        Ok(applied)
    }
}

fn judged(outcome: setting::Outcome) -> Outcome {
    Outcome::Refused(match outcome {
        setting::Outcome::Set | setting::Outcome::Scheduled => return Outcome::Updated,
        setting::Outcome::Unchanged => return Outcome::Unchanged,
        setting::Outcome::UnknownSku => refuse("sku", "is that of no variant on sale"),
        setting::Outcome::Repeated => refuse("sku", "appears twice in the file"),
        setting::Outcome::Past => refuse("valid_from", "has passed"),
    })
}
