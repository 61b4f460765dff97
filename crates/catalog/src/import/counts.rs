//! Counted stock of variants.

use std::collections::{HashMap, HashSet};
use std::io::Read;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Text};
use domain::{LocationId, Sku, VariantId};

use super::apply::Applied;
use super::kinds::{Kind, write_or_undo};
use super::memory::Digest;
use super::row::{Cells, NOT_STOCKED, Refusal, refuse, sku, whole};
use super::table::Table;
use super::{ImportError, Outcome, Sink, Summary};
use crate::stock::counting::adjust_all;
use crate::stock::{Cause, Change, MAX_ON_HAND, StockError, holds};

const COLUMNS: [&str; 2] = ["sku", "on_hand"];

pub(super) fn read(source: impl Read, sink: Sink) -> Result<(), ImportError> {
    let mut table = Table::open(source)?;
    table.check_columns(&COLUMNS, &COLUMNS)?;
    while let Some(fault) = table.advance()? {
        let cells = Cells {
            sku: table.cell("sku").to_owned(),
            on_hand: table.cell("on_hand").to_owned(),
            ..Cells::default()
        };
        sink(table.line, cells, fault)?;
    }
    Ok(())
}

db::statement! {
    /// In variant order, as all who lock levels do.
    struct LockLevels { skus: Vec<String> => Array<Text> } -> (Text, (BigInt, BigInt, BigInt, BigInt, Bool)) =
    "SELECT v.sku, s.variant_id, s.on_hand, s.reserved, s.reserved + s.safety - s.backorder_limit, s.keeps_stock \
       FROM unnest($1::text[]) AS w (sku) JOIN catalog.variants v ON v.sku = w.sku AND v.archived_at IS NULL \
       JOIN catalog.stock_levels s ON s.variant_id = v.id AND s.location_id = 1 \
      ORDER BY s.variant_id FOR UPDATE OF s"
}

/// A count.
pub(super) struct Count {
    sku: Sku,
    on_hand: i64,
}

/// Counts, one for each SKU.
#[derive(Default)]
pub(super) struct Counts {
    seen: HashSet<Digest>,
}

impl Kind for Counts {
    type Row = Count;

    fn check(&mut self, cells: &Cells) -> Result<Count, Refusal> {
        let sku = sku(cells)?;
        let on_hand = whole("on_hand", &cells.on_hand, MAX_ON_HAND)?;
        let on_hand = on_hand.ok_or_else(|| refuse("on_hand", "is required"))?;
        if !self.seen.insert(Digest::of(sku.as_str())) {
            return Err(refuse("sku", "appears twice in the file"));
        }
        Ok(Count { sku, on_hand })
    }

    fn apply(
        &mut self,
        conn: &mut PgConnection,
        rows: &[Count],
        _: &mut Summary,
        how: (bool, bool),
    ) -> Result<Applied, ImportError> {
        write_or_undo(conn, rows, how, count)
    }
}

/// The variant, what is on hand and reserved, the smallest count that keeps the promises made, and whether units of it can be
/// counted.
type Level = (i64, i64, i64, i64, bool);

fn count(conn: &mut PgConnection, rows: &[Count]) -> QueryResult<Vec<Outcome>> {
    let skus: Vec<String> = rows.iter().map(|row| row.sku.to_string()).collect();
    let lock = || LockLevels { skus: skus.clone() };
    let mut levels = lock().load::<(String, Level)>(conn)?;
    let locked = levels.iter().map(|(_, (variant, ..))| *variant).collect();
    if holds::release_expired(conn, locked)? {
        levels = lock().load(conn)?;
    }
    let levels: HashMap<String, Level> = levels.into_iter().collect();
    let mut changes = Vec::new();
    let decide = |row: &Count| {
        let found = levels.get(row.sku.as_str());
        let Some((variant, on_hand, reserved, least, keeps_stock)) = found else {
            return Outcome::Refused(refuse("sku", "is that of no variant on sale"));
        };
        if !keeps_stock && row.on_hand != 0 {
            return Outcome::Refused(refuse("on_hand", NOT_STOCKED));
        }
        if row.on_hand < *least {
            let message = format!("{reserved} units are reserved by open orders");
            return Outcome::Refused(refuse("on_hand", message));
        }
        if row.on_hand == *on_hand {
            return Outcome::Unchanged;
        }
        changes.extend(VariantId::try_from(*variant).map(|variant_id| Change {
            variant_id,
            location_id: LocationId::MAIN,
            on_hand: row.on_hand - on_hand,
            reserved: 0,
        }));
        Outcome::Updated
    };
    let outcomes = rows.iter().map(decide).collect();
    let cause = Cause {
        reason: "import",
        order_id: None,
        actor: None,
        note: None,
    };
    if !changes.is_empty() {
        adjust_all(conn, &changes, &cause).map_err(|error| match error {
            StockError::Db(error) => error,
            // The counts were compared with the levels, which are locked.
            other => diesel::result::Error::QueryBuilderError(other.into()),
        })?;
    }
    Ok(outcomes)
}
