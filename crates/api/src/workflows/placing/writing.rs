//! Priced orders are written, with their stock, payments, events and keys, in one statement.

use std::fmt::Write as _;
use std::sync::LazyLock;

use db::idempotency::StoredAnswer;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text};
use domain::{OrderId, VariantId};
use ordering::Order;
use ordering::placing::{COLUMNS, OrderColumns};

use super::pricing::{Priced, shortages};
use super::{AnswerForm, LineShortage, Placed};

/// What became of an order.
#[derive(Debug)]
pub(super) enum Verdict {
    Placed(Placed),
    Short(Vec<LineShortage>),
    /// Another transaction holds its key.
    Busy,
    /// Its key is known by now, or what it was quoted by has changed.
    LookAgain,
}

/// Calls `workflows.place_orders`.
#[derive(QueryId)]
struct PlaceOrders {
    columns: OrderColumns,
    product_versions: Vec<i64>,
    price_ids: Vec<i64>,
    location_head: &'static str,
    answer_head: &'static str,
    answer_tails: Vec<Option<String>>,
    patience: bool,
}

impl Query for PlaceOrders {
    type SqlType = (
        Text,
        Nullable<BigInt>,
        Nullable<BigInt>,
        Nullable<Array<BigInt>>,
        Nullable<Array<BigInt>>,
    );
}

impl RunQueryDsl<PgConnection> for PlaceOrders {}

impl QueryFragment<Pg> for PlaceOrders {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(&SQL);
        self.columns.bind(&mut out)?;
        out.push_bind_param_value_only::<Array<BigInt>, _>(&self.product_versions)?;
        out.push_bind_param_value_only::<Array<BigInt>, _>(&self.price_ids)?;
        out.push_bind_param_value_only::<Text, _>(&self.location_head)?;
        out.push_bind_param_value_only::<Text, _>(&self.answer_head)?;
        out.push_bind_param_value_only::<Array<Nullable<Text>>, _>(&self.answer_tails)?;
        out.push_bind_param_value_only::<Bool, _>(&self.patience)
    }
}

/// The columns of the orders, and six parameters of our own.
static SQL: LazyLock<String> = LazyLock::new(|| {
    let mut sql = String::from(
        "SELECT verdict, order_id, operation_id, lacking, available FROM workflows.place_orders(",
    );
    for parameter in 1..=COLUMNS + 6 {
        let comma = if parameter == 1 { "" } else { ", " };
        let _ = write!(sql, "{comma}${parameter}");
    }
    sql.push(')');
    sql
});

type Row = (
    String,
    Option<i64>,
    Option<i64>,
    Option<Vec<i64>>,
    Option<Vec<i64>>,
);

/// Writes orders in a transaction of its own, and tells what became of each.
pub(super) fn write_all(
    conn: &mut PgConnection,
    priced: Vec<Priced>,
    form: AnswerForm,
    patience: bool,
) -> QueryResult<Vec<Verdict>> {
    if priced.is_empty() {
        return Ok(Vec::new());
    }
    let mut statement = PlaceOrders {
        columns: OrderColumns::default(),
        product_versions: Vec::new(),
        price_ids: Vec::new(),
        location_head: form.location_head,
        answer_head: form.body_head,
        answer_tails: Vec::with_capacity(priced.len()),
        patience,
    };
    let mut written = Vec::with_capacity(priced.len());
    for Priced {
        order,
        product_versions,
        price_ids,
    } in priced
    {
        statement.columns.push(&order)?;
        statement.product_versions.extend(product_versions);
        statement.price_ids.extend(price_ids);
        let is_settled = order.payment.is_none();
        let order = order.into_placed(any_id()?);
        let tail = is_settled.then(|| (form.body_tail)(&order));
        statement.answer_tails.push(tail.clone());
        written.push((order, tail));
    }
    let rows: Vec<Row> = statement.load(conn)?;
    let told = written.into_iter().zip(rows);
    told.map(|((order, tail), row)| verdict(&order, tail.as_deref(), row, form))
        .collect()
}

fn verdict(
    order: &Order,
    tail: Option<&str>,
    (verdict, id, operation, lacking, available): Row,
    form: AnswerForm,
) -> QueryResult<Verdict> {
    Ok(match (verdict.as_str(), id, operation, tail) {
        ("placed", _, Some(operation), _) => {
            Verdict::Placed(Placed::Unsettled(operation.try_into().map_err(damaged)?))
        }
        ("placed", Some(id), None, Some(tail)) => Verdict::Placed(Placed::New(StoredAnswer {
            status: 201,
            location: Some(format!("{}{id}", form.location_head)),
            body: format!("{}{id}{tail}", form.body_head).into_bytes(),
        })),
        ("short", ..) => {
            let lacking = lacking.unwrap_or_default();
            let lacking: Vec<(i64, i64)> = lacking
                .into_iter()
                .zip(available.unwrap_or_default())
                .collect();
            let of_variant = |id: VariantId| {
                let is_it = |(variant, _): &&(i64, i64)| *variant == id.get();
                lacking.iter().find(is_it).map(|(_, available)| *available)
            };
            Verdict::Short(shortages(&order.lines, of_variant))
        }
        ("busy", ..) => Verdict::Busy,
        _ => Verdict::LookAgain,
    })
}

/// Stands for the id until it is known; nothing that is shown depends on it.
fn any_id() -> QueryResult<OrderId> {
    OrderId::try_from(1).map_err(damaged)
}

fn damaged(error: domain::InvalidId) -> diesel::result::Error {
    diesel::result::Error::DeserializationError(error.into())
}
