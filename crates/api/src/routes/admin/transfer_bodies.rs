//! Transfers as staff sends and sees them.

use catalog::stock::MAX_ON_HAND;
use catalog::stock::transferring::{Line, MAX_LINES, Moved, NewLine, Transfer};
use chrono::{DateTime, Utc};
use domain::{LocationId, Sku, StockTransferId, VariantId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::{Problem, text};

/// Stock to be put from locations into others, at once: all lines or none.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewStockTransfer)]
pub struct NewTransferBody {
    #[schema(min_items = 1, max_items = 1_000)]
    lines: Vec<NewLineBody>,
    #[schema(max_length = 500, example = "van of Tuesday")]
    note: Option<String>,
}

/// Units of a variant. `variantId` or `sku`, and not both.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewStockTransferLine)]
struct NewLineBody {
    #[schema(value_type = Option<i64>)]
    variant_id: Option<VariantId>,
    #[schema(value_type = Option<String>, example = "TEE-M-RED")]
    sku: Option<Sku>,
    #[schema(minimum = 1, example = 12)]
    quantity: i64,
    #[schema(value_type = i64, example = 1)]
    from_location_id: LocationId,
    #[schema(value_type = i64, example = 2)]
    to_location_id: LocationId,
}

impl NewTransferBody {
    /// Checks what can be checked without the stock.
    pub fn checked(self) -> Result<(Vec<NewLine>, Option<String>), Problem> {
        if !(1..=MAX_LINES).contains(&self.lines.len()) {
            let rule = format!("must have 1 to {MAX_LINES} lines");
            return Err(Problem::invalid("lines", "length", rule));
        }
        let lines = self.lines.into_iter().enumerate();
        let lines = lines.map(|(index, line)| {
            let problem = |problem: Problem| problem.within(&format!("lines[{index}]"));
            line.checked().map_err(problem)
        });
        let note = self.note.map(|note| text("note", note, 1, 500));
        Ok((lines.collect::<Result<_, _>>()?, note.transpose()?))
    }
}

impl NewLineBody {
    fn checked(self) -> Result<NewLine, Problem> {
        let moved = moved(self.variant_id, self.sku)?;
        if !(1..=MAX_ON_HAND).contains(&self.quantity) {
            let rule = format!("must be 1 to {MAX_ON_HAND}");
            return Err(Problem::invalid("quantity", "out_of_range", rule));
        }
        if self.from_location_id == self.to_location_id {
            let rule = "must be another location than fromLocationId";
            return Err(Problem::invalid("toLocationId", "same", rule));
        }
        Ok(NewLine {
            moved,
            quantity: self.quantity,
            from: self.from_location_id,
            to: self.to_location_id,
        })
    }
}

/// How a line names a variant.
pub(super) fn moved(variant_id: Option<VariantId>, sku: Option<Sku>) -> Result<Moved, Problem> {
    match (variant_id, sku) {
        (Some(id), None) => Ok(Moved::Variant(id)),
        (None, Some(sku)) => Ok(Moved::Sku(sku)),
        (None, None) => Err(Problem::invalid("sku", "missing", "give sku or variantId")),
        (Some(_), Some(_)) => {
            let rule = "sku and variantId exclude each other";
            Err(Problem::invalid("sku", "conflict", rule))
        }
    }
}

/// Stock that was put from locations into others.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StockTransfer)]
pub struct TransferBody {
    #[schema(value_type = i64)]
    id: StockTransferId,
    /// In the order in which they were sent.
    lines: Vec<LineBody>,
    #[schema(required = true)]
    note: Option<String>,
    #[schema(required = true)]
    actor_id: Option<i64>,
    created_at: DateTime<Utc>,
}

/// Units that were moved.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StockTransferLine)]
struct LineBody {
    #[schema(value_type = i64)]
    variant_id: VariantId,
    sku: String,
    quantity: i64,
    #[schema(value_type = i64)]
    from_location_id: LocationId,
    #[schema(value_type = i64)]
    to_location_id: LocationId,
}

impl From<Transfer> for TransferBody {
    fn from(transfer: Transfer) -> Self {
        let line = |line: Line| LineBody {
            variant_id: line.variant_id,
            sku: line.sku,
            quantity: line.quantity,
            from_location_id: line.from,
            to_location_id: line.to,
        };
        Self {
            id: transfer.id,
            lines: transfer.lines.into_iter().map(line).collect(),
            note: transfer.note,
            actor_id: transfer.actor_id,
            created_at: transfer.created_at,
        }
    }
}
