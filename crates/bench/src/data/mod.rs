//! A shop of any size, as rows for `COPY`: every run makes the same one, and its books are in order.
//!
//! Each table is a program run of its own, so everything about a row follows from its id. What one
//! run makes stands alone: its orders sell its products to its users, so that a shop can be made
//! larger by another run with higher ids.

pub mod file;
mod shop;
mod tables;

use std::io::{self, BufWriter, Write as _};

use clap::{Args, ValueEnum};

use self::shop::{Ids, Shop};

#[derive(Args)]
pub struct Options {
    table: Table,
    /// First and last id of products, and of their variants. Two at least.
    #[arg(long, value_parser = ids)]
    products: Ids,
    /// First and last id of customers; they share the orders evenly.
    #[arg(long, value_parser = ids)]
    users: Ids,
    /// First and last id of orders; none where it is left out.
    #[arg(long, value_parser = ids)]
    orders: Option<Ids>,
}

/// The tables that hold a shop, in an order in which they can be filled.
#[derive(Clone, Copy, ValueEnum)]
enum Table {
    Users,
    Products,
    Variants,
    Prices,
    StockLevels,
    Orders,
    OrderLines,
    OrderTimeline,
    StockMovements,
    Outbox,
}

fn ids(text: &str) -> Result<Ids, String> {
    let parsed = text
        .split_once("..")
        .and_then(|(first, last)| Some((first.parse().ok()?, last.parse().ok()?)));
    match parsed {
        Some((first, last)) if first <= last => Ok(first..=last),
        _ => Err("FIRST..LAST".into()),
    }
}

/// Prints the rows, in the text format of `COPY`. The first line is the command itself.
pub fn run(options: &Options) -> io::Result<()> {
    if options.products.clone().count() < 2 {
        return Err(io::Error::other("an order has lines of two products"));
    }
    let shop = Shop {
        products: options.products.clone(),
        users: options.users.clone(),
        // From 1 to 0: empty.
        #[expect(clippy::reversed_empty_ranges, reason = "no orders")]
        orders: options.orders.clone().unwrap_or(1..=0),
    };
    let mut out = BufWriter::with_capacity(1 << 20, io::stdout().lock());
    let write = match options.table {
        Table::Users => tables::users,
        Table::Products => tables::products,
        Table::Variants => tables::variants,
        Table::Prices => tables::prices,
        Table::StockLevels => tables::stock_levels,
        Table::Orders => tables::orders,
        Table::OrderLines => tables::order_lines,
        Table::OrderTimeline => tables::order_timeline,
        Table::StockMovements => tables::stock_movements,
        Table::Outbox => tables::outbox,
    };
    match write(&shop, &mut out).and_then(|()| out.flush()) {
        // Whoever reads has enough, or has failed and says so.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}
