//! What staff and imports write: many products at a time, in a fixed number of statements.
//!
//! Every write announces itself twice in its own transaction: as an event in the outbox, and as a
//! notification on [`CHANGES_CHANNEL`] for whoever keeps copies of what it reads.

mod details;
mod lock;

pub use self::details::{DetailChanges, Publication};
pub(crate) use self::lock::lock_all;

use db::outbox::{self, Entry};
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::sql_types::{Array, BigInt, Nullable, Text};
use domain::{CustomResource, Event, Money, ProductId, Sku, UserId, VariantId};

use crate::custom_fields::Fault;
use crate::custom_fields::attributes::{AttributeChanges, AttributeError};
use crate::custom_fields::writing;

/// The Postgres channel on which ids of changed products are announced, or `*` for many.
pub const CHANGES_CHANNEL: &str = "cartwright_products";

/// A product to be created, with its only variant.
#[derive(Clone, Debug)]
pub struct NewProduct {
    pub sku: Sku,
    /// 1 to 300 characters.
    pub name: String,
    pub description: String,
    /// Address or path of an image; empty for none.
    pub image: String,
    pub price: Money,
    /// Counted units.
    pub on_hand: i64,
}

/// What is to change; `None` stays.
#[derive(Clone, Debug, Default)]
pub struct ProductChanges {
    pub name: Option<String>,
    pub description: Option<String>,
    pub image: Option<String>,
    pub price: Option<Money>,
    pub details: DetailChanges,
    pub attributes: AttributeChanges,
}

/// Why a product was not written.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    #[error("the SKU is taken")]
    SkuTaken,
    #[error("the slug is taken")]
    SlugTaken,
    #[error("the product would go off sale before it comes on sale, or has long since")]
    EndsBeforeItBegins,
    #[error("{}: {}", .0.field, .0.message)]
    Fault(Fault),
    #[error("no such product")]
    NotFound,
    #[error("the product has version {0} by now")]
    Stale(i64),
    #[error(transparent)]
    Db(DieselError),
}

impl From<DieselError> for EditError {
    fn from(error: DieselError) -> Self {
        match &error {
            DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, info)
                if info.constraint_name() == Some("variants_sku_key") =>
            {
                Self::SkuTaken
            }
            DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, info)
                if info.constraint_name() == Some("products_slug_key") =>
            {
                Self::SlugTaken
            }
            DieselError::DatabaseError(DatabaseErrorKind::CheckViolation, info)
                if info.constraint_name() == Some("products_published_before") =>
            {
                Self::EndsBeforeItBegins
            }
            _ => Self::Db(error),
        }
    }
}

impl From<AttributeError> for EditError {
    fn from(error: AttributeError) -> Self {
        match error {
            AttributeError::Fault(fault) => Self::Fault(fault),
            AttributeError::Db(error) => error.into(),
        }
    }
}

db::statement! {
    struct InsertProducts {
        skus: Vec<String> => Array<Text>,
        names: Vec<String> => Array<Text>,
        descriptions: Vec<String> => Array<Text>,
        images: Vec<String> => Array<Text>,
        amounts: Vec<i64> => Array<BigInt>,
        currencies: Vec<&'static str> => Array<Text>,
        on_hand: Vec<i64> => Array<BigInt>,
        actor_id: Option<i64> => Nullable<BigInt>,
    } -> BigInt =
    "WITH input AS MATERIALIZED ( \
       SELECT nextval('catalog.products_id_seq') AS product_id, nextval('catalog.variants_id_seq') AS variant_id, i.* \
         FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::bigint[]) \
              WITH ORDINALITY AS i (sku, name, description, image, amount, currency, on_hand, position) \
     ), products AS ( \
       INSERT INTO catalog.products (id, name, description, image) OVERRIDING SYSTEM VALUE \
       SELECT product_id, name, description, image FROM input \
     ), variants AS ( \
       INSERT INTO catalog.variants (id, product_id, sku) OVERRIDING SYSTEM VALUE \
       SELECT variant_id, product_id, sku FROM input \
     ), prices AS ( \
       INSERT INTO catalog.prices (variant_id, currency, amount_minor) \
       SELECT variant_id, currency, amount FROM input \
     ), levels AS ( \
       INSERT INTO catalog.stock_levels (variant_id, on_hand) SELECT variant_id, on_hand FROM input \
     ), movements AS ( \
       INSERT INTO catalog.stock_movements (variant_id, location_id, on_hand_delta, reserved_delta, reason, actor_id) \
       SELECT variant_id, 1, on_hand, 0, 'initial', $8 FROM input WHERE on_hand <> 0 \
     ) SELECT product_id FROM input ORDER BY position"
}

db::statement! {
    struct LockProduct { id: i64 => BigInt } -> BigInt =
    "SELECT version FROM catalog.products WHERE id = $1 AND archived_at IS NULL FOR UPDATE"
}

db::statement! {
    struct UpdateProduct {
        id: i64 => BigInt,
        name: Option<String> => Nullable<Text>,
        description: Option<String> => Nullable<Text>,
        image: Option<String> => Nullable<Text>,
    } -> BigInt =
    "UPDATE catalog.products SET name = coalesce($2, name), description = coalesce($3, description), \
            image = coalesce($4, image), version = version + 1, updated_at = now() \
      WHERE id = $1 RETURNING version"
}

db::statement! {
    /// History is append-only; a price equal to the one in force adds nothing to it.
    ///
    /// The clock counts, not the start of the transaction: whoever locked the product last wins.
    struct InsertPrice { variant_id: i64 => BigInt, currency: &'static str => Text, amount: i64 => BigInt } -> BigInt =
    "INSERT INTO catalog.prices (variant_id, currency, amount_minor, valid_from) \
     SELECT $1, $2, $3, clock_timestamp() WHERE $3 IS DISTINCT FROM (SELECT amount_minor FROM catalog.prices \
       WHERE variant_id = $1 AND currency = $2 AND valid_from <= statement_timestamp() ORDER BY valid_from DESC, id DESC LIMIT 1) \
     RETURNING id"
}

db::statement! {
    struct ArchiveProduct { id: i64 => BigInt } -> BigInt =
    "UPDATE catalog.products SET archived_at = now(), updated_at = now(), version = version + 1 \
      WHERE id = $1 AND archived_at IS NULL RETURNING version"
}

db::statement! {
    /// Not in the statement that waits for the product: it would not see variants that were added meanwhile.
    struct ArchiveVariants { product_id: i64 => BigInt } -> BigInt =
    "UPDATE catalog.variants SET archived_at = now(), version = version + 1 \
      WHERE product_id = $1 AND archived_at IS NULL RETURNING id"
}

/// Creates products, each with one variant, its price and its stock, and returns their ids in order.
///
/// # Errors
///
/// [`EditError::SkuTaken`] when any SKU exists, also on an archived product, and [`EditError::Fault`] where a custom field
/// has to have a value.
pub fn create_all(
    conn: &mut PgConnection,
    products: &[NewProduct],
    actor: Option<UserId>,
) -> Result<Vec<ProductId>, EditError> {
    let bare = AttributeChanges::default();
    writing::refuse_bare(conn, CustomResource::Product, &bare)?;
    insert_all(conn, products, actor)
}

fn insert_all(
    conn: &mut PgConnection,
    products: &[NewProduct],
    actor: Option<UserId>,
) -> Result<Vec<ProductId>, EditError> {
    let text =
        |field: fn(&NewProduct) -> &str| products.iter().map(|p| field(p).to_owned()).collect();
    let statement = InsertProducts {
        skus: text(|p| p.sku.as_str()),
        names: text(|p| &p.name),
        descriptions: text(|p| &p.description),
        images: text(|p| &p.image),
        amounts: products.iter().map(|p| p.price.minor()).collect(),
        currencies: products.iter().map(|p| p.price.currency().code()).collect(),
        on_hand: products.iter().map(|p| p.on_hand).collect(),
        actor_id: actor.map(UserId::get),
    };
    let ids: Vec<i64> = statement.load(conn)?;
    let ids: Vec<ProductId> = ids
        .into_iter()
        .filter_map(|id| id.try_into().ok())
        .collect();
    let first: Vec<(ProductId, i64)> = ids.iter().map(|id| (*id, 1)).collect();
    announce(conn, &first, actor)?;
    Ok(ids)
}

/// Creates a product with its details, which nobody sees without them.
///
/// # Errors
///
/// [`EditError::SkuTaken`], [`EditError::SlugTaken`], [`EditError::EndsBeforeItBegins`] and [`EditError::Fault`].
pub fn create(
    conn: &mut PgConnection,
    product: NewProduct,
    details: DetailChanges,
    attributes: AttributeChanges,
    actor: Option<UserId>,
) -> Result<ProductId, EditError> {
    writing::refuse_bare(conn, CustomResource::Product, &attributes)?;
    let ids = insert_all(conn, &[product], actor)?;
    let id = ids.first().copied().ok_or(EditError::NotFound)?;
    details::write(conn, id, details)?;
    writing::write(conn, CustomResource::Product, id.get(), attributes)?;
    Ok(id)
}

/// Changes a product that is not archived and returns its new version.
///
/// # Errors
///
/// [`EditError::NotFound`], [`EditError::Stale`] when `expected_version` is not the current one,
/// [`EditError::SlugTaken`], [`EditError::EndsBeforeItBegins`] and [`EditError::Fault`].
pub fn update(
    conn: &mut PgConnection,
    id: ProductId,
    changes: ProductChanges,
    expected_version: Option<i64>,
    actor: Option<UserId>,
) -> Result<i64, EditError> {
    let locked = LockProduct { id: id.get() }
        .get_result::<i64>(conn)
        .optional()?;
    let version = locked.ok_or(EditError::NotFound)?;
    if expected_version.is_some_and(|expected| expected != version) {
        return Err(EditError::Stale(version));
    }
    let ProductChanges {
        name,
        description,
        image,
        price,
        details,
        attributes,
    } = changes;
    let version: i64 = UpdateProduct {
        id: id.get(),
        name,
        description,
        image,
    }
    .get_result(conn)?;
    if details != DetailChanges::default() {
        details::write(conn, id, details)?;
    }
    writing::write(conn, CustomResource::Product, id.get(), attributes)?;
    if let Some(price) = price {
        // Read under the lock: another variant may have become the default one while we waited for it.
        let variant =
            crate::products::find_default_variant(conn, id)?.ok_or(EditError::NotFound)?;
        set_price(conn, variant, price)?;
    }
    announce(conn, &[(id, version)], actor)?;
    Ok(version)
}

db::statement! {
    struct CountChange { variant_id: i64 => BigInt } -> BigInt =
    "UPDATE catalog.variants SET version = version + 1 WHERE id = $1 RETURNING version"
}

/// Sets the price of a variant from now on. Another price than before is a change of the variant, whoever makes it.
fn set_price(conn: &mut PgConnection, variant: VariantId, price: Money) -> QueryResult<()> {
    if insert_price(conn, variant, price)? {
        CountChange {
            variant_id: variant.get(),
        }
        .execute(conn)?;
    }
    Ok(())
}

/// Adds a price to the history of a variant, and tells whether it is another one than before.
pub(crate) fn insert_price(
    conn: &mut PgConnection,
    variant: VariantId,
    price: Money,
) -> QueryResult<bool> {
    let insert = InsertPrice {
        variant_id: variant.get(),
        currency: price.currency().code(),
        amount: price.minor(),
    };
    Ok(insert.execute(conn)? > 0)
}

/// Takes a product off sale. Orders keep what they copied of it.
///
/// # Errors
///
/// [`EditError::NotFound`] for an unknown product and for one archived before.
pub fn archive(
    conn: &mut PgConnection,
    id: ProductId,
    expected_version: Option<i64>,
    actor: Option<UserId>,
) -> Result<(), EditError> {
    let archived = ArchiveProduct { id: id.get() }
        .get_result::<i64>(conn)
        .optional()?;
    let version = archived.ok_or(EditError::NotFound)?;
    if expected_version.is_some_and(|expected| expected != version - 1) {
        return Err(EditError::Stale(version - 1));
    }
    ArchiveVariants {
        product_id: id.get(),
    }
    .execute(conn)?;
    announce(conn, &[(id, version)], actor)?;
    Ok(())
}

/// Tells the outbox and the listeners that these products are not what they were, but have these
/// versions now.
pub(crate) fn announce(
    conn: &mut PgConnection,
    products: &[(ProductId, i64)],
    actor: Option<UserId>,
) -> QueryResult<()> {
    let entry = |(product_id, version): &(ProductId, i64)| {
        let product_id = *product_id;
        Entry::new(Event::ProductChanged { product_id }, *version, actor)
    };
    let entries: Vec<Entry> = products.iter().map(entry).collect();
    outbox::write(conn, &entries)?;
    match products {
        [] => Ok(()),
        [(id, _)] => db::listen::notify(conn, CHANGES_CHANNEL, &id.to_string()),
        _ => db::listen::notify(conn, CHANGES_CHANNEL, "*"),
    }
}
