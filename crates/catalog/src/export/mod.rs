//! All products, and what else a shop says, as files that an import reads: `docs/import-format.md`.

mod beside;
mod categories;
mod collections;
mod lines;
mod options;
mod reading;
mod table;
mod translated;

use std::io::{self, Write};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::Error as DieselError;

use crate::categories::paths;
use reading::{Page, Product};
use translated::Columns;

/// What is exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Products(Scope),
    /// Those that are not archived, with the products that somebody has put into them.
    Collections,
    /// Those that are not archived, and where they stand.
    Categories,
    /// How options and their values are called in other languages.
    Options,
}

impl What {
    /// Its kind, as jobs and requests name it.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Products(_) => "products",
            Self::Collections => "collections",
            Self::Categories => "categories",
            Self::Options => "options",
        }
    }

    /// What has this [`code`](Self::code); the scope is that of products.
    #[must_use]
    pub fn of(code: &str, scope: Scope) -> Option<Self> {
        let all = [
            Self::Products(scope),
            Self::Collections,
            Self::Categories,
            Self::Options,
        ];
        all.into_iter().find(|what| what.code() == code)
    }
}

/// Which products are exported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// All that are not archived.
    #[default]
    All,
    /// Those that customers see when the export begins.
    OnSale,
}

/// What the file looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// Of products, a row for each price of a variant.
    #[default]
    Csv,
    /// Of products, a JSON object for each.
    Ndjson,
}

/// How much was exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The moment that the file tells of.
    pub as_of: DateTime<Utc>,
    pub products: u64,
    pub variants: u64,
    /// A row each.
    pub prices: u64,
    /// As an import of the file counts them.
    pub rows: u64,
}

/// Why the export stopped. What was written is a part of the file.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error("cannot write the file: {0}")]
    Write(#[from] io::Error),
    #[error(transparent)]
    Db(#[from] DieselError),
}

impl From<csv::Error> for ExportError {
    fn from(error: csv::Error) -> Self {
        Self::Write(error.into())
    }
}

/// Writes a file of the shop, as it is at one moment.
///
/// # Errors
///
/// [`ExportError`], also when the connection is in a transaction already.
pub fn write(
    conn: &mut PgConnection,
    what: What,
    form: Form,
    mut file: impl Write,
) -> Result<Summary, ExportError> {
    match what {
        What::Products(scope) => products(conn, scope, form, file),
        What::Collections => other(conn, &mut file, |conn, file| {
            collections::write(conn, form, file)
        }),
        What::Categories => other(conn, &mut file, |conn, file| {
            categories::write(conn, form, file)
        }),
        What::Options => other(conn, &mut file, |conn, file| {
            options::write(conn, form, file)
        }),
    }
}

/// Writes a file without products, from one snapshot.
fn other<W: Write>(
    conn: &mut PgConnection,
    file: &mut W,
    write: impl FnOnce(&mut PgConnection, &mut W) -> Result<u64, ExportError>,
) -> Result<Summary, ExportError> {
    let mut snapshot = conn.build_transaction().repeatable_read().read_only();
    snapshot.run(|conn| {
        let as_of = reading::now(conn)?;
        let rows = write(conn, file)?;
        file.flush()?;
        Ok(Summary {
            as_of,
            products: 0,
            variants: 0,
            prices: 0,
            rows,
        })
    })
}

/// Writes products to `file`, as they are at one moment, in the order of their ids.
///
/// What a file of this form has no place for is left out: what is archived, how prices and stock came to be what they
/// are, limits of stock, places of products in collections and what is told of these, custom fields of variants and those that refer to something, metadata, the order of values of an option, and values that no variant has. White space around texts
/// is dropped.
///
/// # Errors
///
/// [`ExportError`], also when the connection is in a transaction already.
pub fn products(
    conn: &mut PgConnection,
    scope: Scope,
    form: Form,
    mut file: impl Write,
) -> Result<Summary, ExportError> {
    let mut snapshot = conn.build_transaction().repeatable_read().read_only();
    snapshot.run(|conn| {
        let fields = reading::fields(conn, scope)?;
        let said = Columns::of_products(conn, scope)?;
        let summary = match form {
            Form::Csv => {
                let options = reading::options(conn, scope)?;
                let mut table = table::Table::begin(&mut file, options, fields, &said)?;
                let summary = walk(conn, scope, &said, |product| table.write(product))?;
                table.end()?;
                summary
            }
            Form::Ndjson => walk(conn, scope, &said, |product| {
                lines::write(&mut file, product, &fields, &said)
            })?,
        };
        file.flush()?;
        Ok(summary)
    })
}

/// Reads all products in the order of their ids, a page of variants at a time; a product with its variants is in memory
/// as a whole.
fn walk(
    conn: &mut PgConnection,
    scope: Scope,
    said: &Columns,
    mut write: impl FnMut(&Product) -> Result<(), ExportError>,
) -> Result<Summary, ExportError> {
    let paths = paths::list(conn)?.into_iter().collect();
    let mut summary = Summary {
        as_of: reading::now(conn)?,
        products: 0,
        variants: 0,
        prices: 0,
        rows: 0,
    };
    let mut tell = |product: Product| {
        summary.products += 1;
        for variant in &product.variants {
            summary.variants += 1;
            summary.prices += u64::try_from(variant.prices()).unwrap_or_default();
        }
        write(&product)
    };
    let (mut page, mut whole) = (Page::first(), None::<Product>);
    while let Some(products) = page.next(conn, scope, &paths, said)? {
        for product in products {
            match &mut whole {
                Some(begun) if begun.id == product.id => begun.extend(product),
                _ => whole.replace(product).map_or(Ok(()), &mut tell)?,
            }
        }
    }
    whole.map_or(Ok(()), &mut tell)?;
    summary.rows = summary.prices;
    Ok(summary)
}
