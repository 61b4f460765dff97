//! Holds as staff sends and sees them.

use catalog::stock::MAX_ON_HAND;
use catalog::stock::holds::{DEFAULT_SECONDS, Hold, Line, MAX_LINES, MAX_SECONDS};
use catalog::stock::transferring::Moved;
use chrono::{DateTime, Utc};
use domain::{Cursor, LocationId, Page, PageSize, Sku, StockHoldId, VariantId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::{Problem, text};

/// Stock to be kept for somebody: all lines or none.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewStockHold)]
pub struct NewHoldBody {
    #[schema(min_items = 1, max_items = 1_000)]
    lines: Vec<NewHoldLineBody>,
    /// Seconds from now; 900 where it is left out.
    #[schema(minimum = 1, maximum = 604_800)]
    expires_in: Option<i32>,
    #[schema(max_length = 500, example = "Ms Novak, called on Monday")]
    note: Option<String>,
}

/// Units of a variant. `variantId` or `sku`, and not both.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewStockHoldLine)]
struct NewHoldLineBody {
    #[schema(value_type = Option<i64>)]
    variant_id: Option<VariantId>,
    #[schema(value_type = Option<String>, example = "TEE-M-RED")]
    sku: Option<Sku>,
    #[schema(minimum = 1)]
    quantity: i64,
}

/// A hold that can be written, but for the variants that its lines name.
pub struct CheckedHold {
    pub lines: Vec<(Moved, i64)>,
    pub seconds: i32,
    pub note: Option<String>,
}

impl NewHoldBody {
    /// Checks what can be checked without the stock.
    pub fn checked(self) -> Result<CheckedHold, Problem> {
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
        Ok(CheckedHold {
            lines: lines.collect::<Result<_, _>>()?,
            seconds: seconds(self.expires_in.unwrap_or(DEFAULT_SECONDS))?,
            note: note.transpose()?,
        })
    }
}

impl NewHoldLineBody {
    fn checked(self) -> Result<(Moved, i64), Problem> {
        if !(1..=MAX_ON_HAND).contains(&self.quantity) {
            let rule = format!("must be 1 to {MAX_ON_HAND}");
            return Err(Problem::invalid("quantity", "out_of_range", rule));
        }
        let moved = super::transfer_bodies::moved(self.variant_id, self.sku)?;
        Ok((moved, self.quantity))
    }
}

/// How long a hold is to last from now.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = StockHoldChanges)]
pub struct HoldChangesBody {
    /// Seconds from now.
    #[schema(minimum = 1, maximum = 604_800)]
    expires_in: i32,
}

impl HoldChangesBody {
    pub fn checked(&self) -> Result<i32, Problem> {
        seconds(self.expires_in)
    }
}

fn seconds(seconds: i32) -> Result<i32, Problem> {
    if (1..=MAX_SECONDS).contains(&seconds) {
        return Ok(seconds);
    }
    let rule = format!("must be 1 to {MAX_SECONDS}");
    Err(Problem::invalid("expiresIn", "out_of_range", rule))
}

/// Stock that is kept for somebody, or was.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StockHold)]
pub struct HoldBody {
    #[schema(value_type = i64)]
    id: StockHoldId,
    /// `active`, `released`, `expired` or `ordered`.
    #[schema(example = "active")]
    status: String,
    expires_at: DateTime<Utc>,
    /// The order it became.
    #[schema(required = true)]
    order_id: Option<i64>,
    #[schema(required = true)]
    note: Option<String>,
    #[schema(required = true)]
    actor_id: Option<i64>,
    created_at: DateTime<Utc>,
    /// What is kept where, or was; not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    lines: Option<Vec<HoldLineBody>>,
}

/// Units that are kept, or were.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StockHoldLine)]
struct HoldLineBody {
    #[schema(value_type = i64)]
    variant_id: VariantId,
    sku: String,
    #[schema(value_type = i64)]
    location_id: LocationId,
    quantity: i64,
}

impl HoldBody {
    pub fn new(hold: Hold, lines: Option<Vec<Line>>) -> Self {
        let line = |line: Line| HoldLineBody {
            variant_id: line.variant_id,
            sku: line.sku,
            location_id: line.location_id,
            quantity: line.units,
        };
        let by_the_clock = if hold.is_late { "expired" } else { "active" };
        Self {
            id: hold.id,
            status: hold.outcome.unwrap_or_else(|| by_the_clock.to_owned()),
            expires_at: hold.expires_at,
            order_id: hold.order_id,
            note: hold.note,
            actor_id: hold.actor_id,
            created_at: hold.created_at,
            lines: lines.map(|lines| lines.into_iter().map(line).collect()),
        }
    }
}

/// A page of holds, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StockHoldPage)]
pub struct HoldPageBody {
    holds: Vec<HoldBody>,
    limit: i64,
    has_more: bool,
    /// Where to go on, where there is more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    next_cursor: Option<Cursor>,
}

impl HoldPageBody {
    pub fn new(rows: Vec<Hold>, size: PageSize) -> Self {
        let page = Page::from_overfetched(rows, size, |hold: &Hold| hold.id.get());
        let holds = page.items.into_iter();
        Self {
            limit: size.get(),
            has_more: page.next_cursor.is_some(),
            next_cursor: page.next_cursor,
            holds: holds.map(|hold| HoldBody::new(hold, None)).collect(),
        }
    }
}
