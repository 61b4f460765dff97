//! What an order has of which location: what its movements come to.

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use domain::{LocationId, OrderId, VariantId};

use super::Change;

/// Units that are promised to an order, at one location.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Queryable)]
pub struct Held {
    #[diesel(deserialize_as = i64)]
    pub variant_id: VariantId,
    #[diesel(deserialize_as = i64)]
    pub location_id: LocationId,
    /// At least 1.
    pub units: i64,
}

impl Held {
    /// The units are promised no more, and stay where they are.
    #[must_use]
    pub fn returned(self) -> Change {
        Change {
            variant_id: self.variant_id,
            location_id: self.location_id,
            on_hand: 0,
            reserved: -self.units,
        }
    }

    /// The units leave.
    #[must_use]
    pub fn shipped(self) -> Change {
        Change {
            on_hand: -self.units,
            ..self.returned()
        }
    }
}

db::statement! {
    struct FindHeld { order_id: i64 => BigInt } -> (BigInt, BigInt, BigInt) =
    "SELECT variant_id, location_id, sum(reserved_delta)::bigint FROM catalog.stock_movements \
      WHERE order_id = $1 GROUP BY variant_id, location_id HAVING sum(reserved_delta) > 0 \
      ORDER BY variant_id, location_id"
}

/// What an order holds, in the order of levels. To be called with the order locked: its movements are
/// written under this lock.
///
/// # Errors
///
/// Those of the database.
pub fn by_order(conn: &mut PgConnection, order_id: OrderId) -> QueryResult<Vec<Held>> {
    FindHeld {
        order_id: order_id.get(),
    }
    .load(conn)
}
