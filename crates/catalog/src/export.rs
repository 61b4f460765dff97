//! All products on sale as a file that an import reads: `docs/import-format.md`.

use std::io::Write;

use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel::sql_types::{Array, BigInt, Bool, Jsonb, Nullable, Text};
use domain::{Currency, Money};

use crate::import::{COLUMNS, OPTION};

/// Variants that are in memory at a time.
const PAGE: i64 = 1_000;

/// How much was exported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub products: u64,
    pub variants: u64,
    /// A row each.
    pub prices: u64,
}

/// Why the export stopped. What was written is a part of the file.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error("cannot write the file: {0}")]
    Write(#[from] csv::Error),
    #[error(transparent)]
    Db(#[from] DieselError),
}

#[derive(Debug, Queryable)]
struct Exported {
    product_id: i64,
    is_default: bool,
    variant_id: i64,
    sku: String,
    /// The SKU of the default variant, by which the rows of a product know each other.
    handle: String,
    name: String,
    description: String,
    image: String,
    choices: serde_json::Value,
    barcode: Option<String>,
    weight_grams: Option<i64>,
    length_mm: Option<i64>,
    width_mm: Option<i64>,
    height_mm: Option<i64>,
    on_hand: i64,
    /// With the amounts, in the order in which these came into force: the last one counts where the
    /// preferred currency is missing.
    currencies: Vec<String>,
    /// Minor units.
    amounts: Vec<i64>,
}

/// On sale when the export began, which is when its transaction did: `catalog.is_on_sale` asks the clock anew in each
/// statement.
macro_rules! is_on_sale {
    () => {
        "p.archived_at IS NULL AND p.published_at <= now() AND p.unpublished_at > now()"
    };
}

db::statement! {
    /// Names of options that variants have, in the order in which products ask for them.
    struct ListOptions {} -> Text =
    concat!(
        "SELECT name FROM ( \
       SELECT DISTINCT ON (name) name, id, position FROM ( \
         SELECT p.id, o.position, o.option ->> 'name' AS name \
           FROM catalog.products p CROSS JOIN jsonb_array_elements(p.options) WITH ORDINALITY AS o (option, position) \
          WHERE ", is_on_sale!(), ") AS asked \
        WHERE EXISTS (SELECT FROM catalog.variants v \
               WHERE v.product_id = asked.id AND v.archived_at IS NULL AND v.choices ? asked.name) \
        ORDER BY name, id, position) AS first_asked \
      ORDER BY id, position")
}

db::statement! {
    /// The default variant of each product first, for an import makes the first one the default.
    struct ListVariants {
        product_id: i64 => BigInt,
        after_default: bool => Bool,
        variant_id: i64 => BigInt,
        limit: i64 => BigInt,
    } -> (BigInt, Bool, BigInt, Text, Text, Text, Text, Text, Jsonb, Nullable<Text>, Nullable<BigInt>, Nullable<BigInt>,
          Nullable<BigInt>, Nullable<BigInt>, BigInt, Array<Text>, Array<BigInt>) =
    concat!(
        "SELECT p.id, v.is_default, v.id, v.sku, d.sku, p.name, p.description, p.image, v.choices, v.barcode, v.weight_grams, \
            v.length_mm, v.width_mm, v.height_mm, coalesce(s.on_hand, 0), c.currencies, c.amounts \
       FROM catalog.variants v \
       JOIN catalog.products p ON p.id = v.product_id AND ", is_on_sale!(), " \
       JOIN catalog.variants d ON d.product_id = v.product_id AND d.is_default \
      CROSS JOIN LATERAL ( \
            SELECT array_agg(currency ORDER BY valid_from, id) AS currencies, \
                   array_agg(amount_minor ORDER BY valid_from, id) AS amounts \
              FROM (SELECT DISTINCT ON (currency) currency, amount_minor, valid_from, id FROM catalog.prices \
                     WHERE variant_id = v.id AND valid_from <= now() \
                     ORDER BY currency, valid_from DESC, id DESC) AS in_force) AS c \
       LEFT JOIN catalog.stock_levels s ON s.variant_id = v.id AND s.location_id = 1 \
      WHERE v.archived_at IS NULL AND c.currencies IS NOT NULL AND v.product_id >= $1 \
        AND (v.product_id, NOT v.is_default, v.id) > ($1, $2, $3) \
      ORDER BY v.product_id, NOT v.is_default, v.id LIMIT $4")
}

/// Writes all products on sale to `file`, as they are at one moment, in the order of their ids.
///
/// What a file of this form has no place for is left out: what is archived, how prices and stock came to be what they
/// are, limits of stock, the order of values of an option, and values that no variant has. White space around texts
/// is dropped.
///
/// # Errors
///
/// [`ExportError`], also when the connection is in a transaction already.
pub fn products(conn: &mut PgConnection, file: impl Write) -> Result<Summary, ExportError> {
    let mut file = csv::Writer::from_writer(file);
    let mut snapshot = conn.build_transaction().repeatable_read().read_only();
    snapshot.run(|conn| {
        let options: Vec<String> = ListOptions {}.load(conn)?;
        let columns = COLUMNS.iter().map(|column| (*column).to_owned());
        let asked = options.iter().map(|name| format!("{OPTION}{name}"));
        file.write_record(columns.chain(asked))?;
        let mut summary = Summary::default();
        let mut last = (0, true, 0);
        loop {
            let (product_id, is_default, variant_id) = last;
            let page = ListVariants {
                product_id,
                after_default: !is_default,
                variant_id,
                limit: PAGE,
            };
            let variants: Vec<Exported> = page.load(conn)?;
            if variants.is_empty() {
                break;
            }
            for variant in &variants {
                let is_first = variant.product_id != last.0;
                summary.products += u64::from(is_first);
                summary.variants += 1;
                for cells in rows(variant, is_first, &options)? {
                    file.write_record(cells)?;
                    summary.prices += 1;
                }
                last = (variant.product_id, variant.is_default, variant.variant_id);
            }
        }
        file.flush().map_err(csv::Error::from)?;
        Ok(summary)
    })
}

/// The cells of a row for each price: all of them for the first one, the price alone for the others.
fn rows(
    variant: &Exported,
    is_first: bool,
    options: &[String],
) -> Result<Vec<Vec<String>>, DieselError> {
    let prices = variant.currencies.iter().zip(&variant.amounts);
    let row = |(number, (currency, amount)): (usize, (&String, &i64))| {
        let currency = Currency::try_from(currency.as_str())
            .map_err(|error| DieselError::DeserializationError(error.into()))?;
        let price = Money::new(*amount, currency).to_decimal();
        let of_variant = |text: Option<String>| text.filter(|_| number == 0).unwrap_or_default();
        let of_product = |text: &str| of_variant(Some(text.trim().to_owned()).filter(|_| is_first));
        let number_of = |number: Option<i64>| of_variant(number.map(|number| number.to_string()));
        let mut cells = vec![
            variant.handle.clone(),
            variant.sku.clone(),
            of_product(&variant.name),
            of_product(&variant.description),
            price,
            currency.code().to_owned(),
            of_product(&variant.image),
            number_of(Some(variant.on_hand)),
            of_variant(variant.barcode.as_ref().map(|text| text.trim().to_owned())),
            number_of(variant.weight_grams),
            number_of(variant.length_mm),
            number_of(variant.width_mm),
            number_of(variant.height_mm),
        ];
        cells.extend(options.iter().map(|name| {
            let value = variant.choices.get(name).and_then(|value| value.as_str());
            of_variant(value.map(str::to_owned))
        }));
        Ok(cells)
    };
    prices.enumerate().map(row).collect()
}
