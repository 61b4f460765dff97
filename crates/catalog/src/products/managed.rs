//! Products as staff sees them: drafts and archived ones too.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Nullable, Text, Timestamptz};
use domain::{Currency, PageSize, ProductId, Sku, TaxClass};

/// A product, with its default variant and the price in force where it has one.
#[derive(Clone, Debug, Queryable)]
pub struct Managed {
    #[diesel(deserialize_as = i64)]
    pub id: ProductId,
    pub name: String,
    pub description: String,
    pub image: String,
    /// Counts the changes to this product, from 1.
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    #[diesel(deserialize_as = String)]
    pub sku: Sku,
    /// How many variants are not archived.
    pub variant_count: i32,
    /// Unit price in minor units, with its currency.
    pub price: Option<(i64, String)>,
    slug: Option<String>,
    pub brand: String,
    pub tags: Vec<String>,
    /// As it is stored; `None` in lists.
    pub description_html: Option<String>,
    pub seo_title: String,
    pub seo_description: String,
    #[diesel(deserialize_as = String)]
    pub tax_class: TaxClass,
    /// On sale from then on; `None` for a draft.
    pub publish_at: Option<DateTime<Utc>>,
    /// Off sale from then on; `None` for never.
    pub unpublish_at: Option<DateTime<Utc>>,
    is_archived: bool,
    is_on_sale: bool,
}

impl Managed {
    /// The slug it was given, or the one its name and id make.
    #[must_use]
    pub fn address(&self) -> String {
        super::address(self.slug.as_deref(), &self.name, self.id)
    }

    #[must_use]
    pub fn status(&self) -> Status {
        match (self.is_archived, self.is_on_sale) {
            (true, _) => Status::Archived,
            (false, true) => Status::Active,
            (false, false) => Status::Draft,
        }
    }
}

/// What the clock and staff have made of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Nobody can see it: it was never published, is to be later, or its time is over.
    Draft,
    Active,
    /// Gone for good; orders keep what they copied.
    Archived,
}

impl Status {
    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Active => "active",
            Self::Archived => "archived",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Says that a text is not a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be draft, active or archived")]
pub struct InvalidStatus;

impl FromStr for Status {
    type Err = InvalidStatus;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Draft, Self::Active, Self::Archived]
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or(InvalidStatus)
    }
}

type ManagedRow = (
    BigInt,
    Text,
    Text,
    Text,
    BigInt,
    Timestamptz,
    Timestamptz,
    Text,
    Integer,
    Nullable<(BigInt, Text)>,
    Nullable<Text>,
    Text,
    Array<Text>,
    Nullable<Text>,
    Text,
    Text,
    Text,
    Nullable<Timestamptz>,
    Nullable<Timestamptz>,
    Bool,
    Bool,
);

/// The columns of [`Managed`]; `$1` is the currency preferred where a variant has several.
macro_rules! select_managed {
    (one of $rest:literal) => {
        select_managed!("p.description_html", $rest)
    };
    (list of $rest:literal) => {
        select_managed!("NULL::text", $rest)
    };
    ($html:literal, $rest:literal) => {
        concat!(
            "SELECT p.id, p.name, p.description, p.image, p.version, p.created_at, p.updated_at, \
                    v.sku, p.variant_count, c.amount_minor, c.currency, p.slug, p.brand, p.tags, ",
            $html,
            ", p.seo_title, p.seo_description, p.tax_class, \
                    CASE p.published_at WHEN '-infinity' THEN p.created_at ELSE nullif(p.published_at, 'infinity') END, \
                    nullif(p.unpublished_at, 'infinity'), p.archived_at IS NOT NULL, catalog.is_on_sale(p) \
               FROM catalog.products p \
               JOIN catalog.variants v ON v.product_id = p.id AND v.is_default \
               LEFT JOIN LATERAL (SELECT amount_minor, currency FROM catalog.prices \
                     WHERE variant_id = v.id AND valid_from <= statement_timestamp() \
                     ORDER BY (currency = $1) DESC, valid_from DESC, id DESC LIMIT 1) c ON true \
              WHERE ",
            $rest
        )
    };
}

db::statement! {
    struct Find { currency: &'static str => Text, id: i64 => BigInt } -> ManagedRow =
    select_managed!(one of "p.id = $2")
}

db::statement! {
    struct List { currency: &'static str => Text, after: i64 => BigInt, limit: i64 => BigInt } -> ManagedRow =
    select_managed!(list of "p.id > $2 AND v.product_id > $2 ORDER BY p.id LIMIT $3")
}

db::statement! {
    struct ListActive { currency: &'static str => Text, after: i64 => BigInt, limit: i64 => BigInt } -> ManagedRow =
    select_managed!(list of "catalog.is_on_sale(p) AND p.id > $2 AND v.product_id > $2 ORDER BY p.id LIMIT $3")
}

db::statement! {
    /// What is not on sale is found by its times, for which there are indexes, rather than among all that is.
    struct ListDrafts { currency: &'static str => Text, after: i64 => BigInt, limit: i64 => BigInt } -> ManagedRow =
    select_managed!(
        list of
        "p.id IN (SELECT id FROM catalog.products \
                   WHERE published_at > statement_timestamp() AND published_at > '-infinity' AND archived_at IS NULL \
                   UNION \
                  SELECT id FROM catalog.products \
                   WHERE unpublished_at <= statement_timestamp() AND unpublished_at < 'infinity' AND archived_at IS NULL) \
         AND p.id > $2 AND v.product_id > $2 ORDER BY p.id LIMIT $3"
    )
}

db::statement! {
    struct ListArchived { currency: &'static str => Text, after: i64 => BigInt, limit: i64 => BigInt } -> ManagedRow =
    select_managed!(list of "p.archived_at IS NOT NULL AND p.id > $2 AND v.product_id > $2 ORDER BY p.id LIMIT $3")
}

/// Finds a product, whatever its status, priced in `currency` where it has such a price.
///
/// # Errors
///
/// Those of the database.
pub fn find(
    conn: &mut PgConnection,
    id: ProductId,
    currency: Currency,
) -> QueryResult<Option<Managed>> {
    Find {
        currency: currency.code(),
        id: id.get(),
    }
    .get_result(conn)
    .optional()
}

/// Lists products of one status, or of all, by id; one more than `size` is returned where there are more.
///
/// # Errors
///
/// Those of the database.
pub fn list(
    conn: &mut PgConnection,
    status: Option<Status>,
    after: i64,
    size: PageSize,
    currency: Currency,
) -> QueryResult<Vec<Managed>> {
    let (currency, limit) = (currency.code(), size.get() + 1);
    match status {
        None => List {
            currency,
            after,
            limit,
        }
        .load(conn),
        Some(Status::Active) => ListActive {
            currency,
            after,
            limit,
        }
        .load(conn),
        Some(Status::Draft) => ListDrafts {
            currency,
            after,
            limit,
        }
        .load(conn),
        Some(Status::Archived) => ListArchived {
            currency,
            after,
            limit,
        }
        .load(conn),
    }
}
