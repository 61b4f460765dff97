//! The pictures of a product, in the order in which they are shown.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Binary, Bool, Integer, Jsonb, Text};
use domain::{Locale, MediaId, ProductId, UserId};
use serde_json::{Value, json};

use super::{Hash, wanted};
use crate::editing::{self, EditError, ProductChanges};
use crate::products::Product;
use crate::translations::locales;

/// The most pictures of a product.
pub const MAX_MEDIA: usize = 100;
/// The most variants that one of its pictures shows.
pub const MAX_VARIANTS: usize = 100;

/// A picture as a product shows it.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct Shown {
    #[diesel(deserialize_as = i64)]
    pub product_id: ProductId,
    #[diesel(deserialize_as = i64)]
    pub id: MediaId,
    #[diesel(deserialize_as = Vec<u8>)]
    pub hash: Hash,
    pub content_type: String,
    /// In pixels, as is the height.
    pub width: i32,
    pub height: i32,
    /// Of the renditions there are, or will be, the smallest first.
    pub widths: Vec<i32>,
    pub alt: String,
    /// The same for readers of other languages, by their locales: an object of texts. Empty but for [`list`].
    pub alts: Value,
    /// The variants it shows, without those that are archived by now; empty where it shows no one in particular.
    pub variant_ids: Vec<i64>,
}

/// The pictures of a product in their order, once they are read; before that only whether there are any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pictures {
    is_any: bool,
    pub shown: Vec<Shown>,
}

impl From<bool> for Pictures {
    fn from(is_any: bool) -> Self {
        Self {
            is_any,
            shown: Vec::new(),
        }
    }
}

impl Shown {
    /// What is said of it in other languages, as [`Wanted::alts`] has it.
    #[must_use]
    pub fn said(&self) -> BTreeMap<Locale, Option<String>> {
        let texts = self.alts.as_object().into_iter().flatten();
        let text = |(locale, text): (&String, &Value)| {
            Some((locale.parse().ok()?, text.as_str().map(str::to_owned)))
        };
        texts.filter_map(text).collect()
    }
}

/// What a picture is to say in other languages on a product that shows these now: what it says, and in these languages what is
/// told. `None` where neither is anything: then what it says of itself.
#[must_use]
pub fn said(
    now: &[Shown],
    id: MediaId,
    told: &BTreeMap<String, String>,
) -> Option<BTreeMap<Locale, Option<String>>> {
    let shown = now.iter().find(|shown| shown.id == id);
    if shown.is_none() && told.is_empty() {
        return None;
    }
    let mut said = shown.map(Shown::said).unwrap_or_default();
    let text =
        |(locale, text): (&String, &String)| Some((locale.parse().ok()?, Some(text.clone())));
    said.extend(told.iter().filter_map(text));
    Some(said)
}

/// A picture that a product is to have.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub id: MediaId,
    /// `None`: what the picture says of itself by now.
    pub alt: Option<String>,
    /// The same for readers of other languages; `None` as above.
    pub alts: Option<BTreeMap<Locale, Option<String>>>,
    pub variant_ids: Vec<i64>,
}

/// Why a product does not get its pictures.
#[derive(Debug, thiserror::Error)]
pub enum SetError {
    #[error(transparent)]
    Edit(#[from] EditError),
    /// The one at this place in the list.
    #[error("there is no such picture")]
    Unknown(usize),
    /// The place of the picture in the list, and of the variant in that.
    #[error("the product has no such variant")]
    UnknownVariant(usize, usize),
    #[error(transparent)]
    Db(#[from] diesel::result::Error),
}

db::statement! {
    /// Whoever wants to delete one of them waits, and finds that it is in use then.
    struct LockMedia { ids: Vec<i64> => Array<BigInt> } -> (BigInt, Text, Jsonb) =
    "SELECT id, alt, alts FROM catalog.media WHERE id = ANY($1) AND state = 'kept' AND content_type LIKE 'image/%' \
      ORDER BY id FOR SHARE"
}

db::statement! {
    struct ListVariants { product_id: i64 => BigInt, ids: Vec<i64> => Array<BigInt> } -> BigInt =
    "SELECT id FROM catalog.variants WHERE product_id = $1 AND id = ANY($2) AND archived_at IS NULL"
}

db::statement! {
    struct Clear { product_id: i64 => BigInt } -> BigInt =
    "DELETE FROM catalog.product_media WHERE product_id = $1 RETURNING media_id"
}

db::statement! {
    struct Insert { product_id: i64 => BigInt, media: Value => Jsonb } -> BigInt =
    "INSERT INTO catalog.product_media (product_id, position, media_id, alt, alts, variant_ids) \
     SELECT $1, row_number() OVER (ORDER BY w.place) - 1, (w.one->>'id')::bigint, w.one->>'alt', jsonb_strip_nulls(w.one->'alts'), \
            ARRAY(SELECT v::bigint FROM jsonb_array_elements_text(w.one->'variantIds') v) \
       FROM jsonb_array_elements($2) WITH ORDINALITY AS w (one, place) RETURNING media_id"
}

db::statement! {
    struct NoteWhether { product_id: i64 => BigInt } -> BigInt =
    "UPDATE catalog.products SET has_media = EXISTS (SELECT FROM catalog.product_media WHERE product_id = $1) \
      WHERE id = $1 RETURNING id"
}

type ShownRow = (
    BigInt,
    BigInt,
    Binary,
    Text,
    Integer,
    Integer,
    Array<Integer>,
    Text,
    Jsonb,
    Array<BigInt>,
);

db::statement! {
    /// The alternative text is that of the first of these locales that has one.
    struct FindShown {
        product_ids: Vec<i64> => Array<BigInt>,
        most: i32 => Integer,
        locales: Vec<String> => Array<Text>,
        is_for_staff: bool => Bool,
    } -> ShownRow =
    "SELECT p.product_id, m.id, m.hash, m.content_type, m.width, m.height, m.widths, \
            CASE WHEN p.alts = '{}' THEN p.alt ELSE coalesce((SELECT p.alts ->> l.locale \
                 FROM unnest($3) WITH ORDINALITY AS l (locale, place) WHERE p.alts ? l.locale ORDER BY l.place LIMIT 1), p.alt) END, \
            CASE WHEN $4 THEN p.alts ELSE '{}' END, \
            CASE WHEN p.variant_ids = '{}' THEN p.variant_ids \
                 ELSE ARRAY(SELECT v.id FROM unnest(p.variant_ids) WITH ORDINALITY AS u (id, place) JOIN catalog.variants v ON v.id = u.id \
                             WHERE v.archived_at IS NULL ORDER BY u.place) END \
       FROM catalog.product_media p JOIN catalog.media m ON m.id = p.media_id \
      WHERE p.product_id = ANY($1) AND p.position < $2 ORDER BY p.product_id, p.position"
}

/// Lists the pictures of a product in their order.
///
/// # Errors
///
/// Those of the database.
pub fn list(conn: &mut PgConnection, id: ProductId) -> QueryResult<Vec<Shown>> {
    FindShown {
        product_ids: vec![id.get()],
        most: ALL,
        locales: Vec::new(),
        is_for_staff: true,
    }
    .load(conn)
}

/// Every picture of a product.
pub(crate) const ALL: i32 = i32::MAX;

/// Reads the first so many pictures of each of these products for readers of a locale, in one statement, and in none where
/// they have no pictures. So what nobody sees of a list, because it is on the pages before, is not looked for.
pub(crate) fn fill(
    conn: &mut PgConnection,
    products: &mut [Product],
    most: i32,
    locale: Option<Locale>,
) -> QueryResult<()> {
    let with_pictures = products.iter().filter(|product| product.media.is_any);
    let ids: Vec<i64> = with_pictures.map(|product| product.id.get()).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let find = FindShown {
        product_ids: ids,
        most,
        locales: locale.as_ref().map(locales).unwrap_or_default(),
        is_for_staff: false,
    };
    for shown in find.load::<Shown>(conn)? {
        let product = products.iter_mut().find(|one| one.id == shown.product_id);
        if let Some(product) = product {
            product.media.shown.push(shown);
        }
    }
    Ok(())
}

/// Gives a product these pictures, in this order and none twice, in place of those that it had. It is a change of the
/// product.
///
/// # Errors
///
/// Those of [`editing::update`], [`SetError::Unknown`] and [`SetError::UnknownVariant`].
pub fn set(
    conn: &mut PgConnection,
    id: ProductId,
    pictures: &[Wanted],
    expected_version: Option<i64>,
    actor: Option<UserId>,
) -> Result<i64, SetError> {
    // First, because it locks the product.
    let version = editing::update(conn, id, ProductChanges::default(), expected_version, actor)?;
    let product_id = id.get();
    let ids = pictures.iter().map(|one| one.id.get()).collect();
    let kept: Vec<(i64, String, Value)> = LockMedia { ids }.load(conn)?;
    check_variants(conn, id, pictures)?;
    let row = |(index, one): (usize, &Wanted)| {
        let found = kept.iter().find(|(id, ..)| *id == one.id.get());
        let (id, own, others) = found.ok_or(SetError::Unknown(index))?;
        let alt = one.alt.as_ref().unwrap_or(own);
        let alts = one
            .alts
            .as_ref()
            .map_or_else(|| others.clone(), super::as_json);
        Ok(json!({"id": id, "alt": alt, "alts": alts, "variantIds": one.variant_ids}))
    };
    let rows = pictures.iter().enumerate().map(row);
    let media = Value::Array(rows.collect::<Result<_, SetError>>()?);
    Clear { product_id }.execute(conn)?;
    Insert { product_id, media }.execute(conn)?;
    NoteWhether { product_id }.execute(conn)?;
    wanted::forget(conn, id)?;
    Ok(version)
}

/// Leaves out what is gone since these were chosen: pictures, which it returns, and variants that they show. The product is
/// locked.
///
/// # Errors
///
/// Those of the database.
pub fn leave_out_gone(
    conn: &mut PgConnection,
    id: ProductId,
    pictures: &mut Vec<Wanted>,
) -> QueryResult<Vec<MediaId>> {
    let ids = pictures.iter().map(|one| one.id.get()).collect();
    let kept: Vec<(i64, String, Value)> = LockMedia { ids }.load(conn)?;
    let is_kept = |id: MediaId| kept.iter().any(|(kept, ..)| *kept == id.get());
    let gone = pictures.iter().map(|one| one.id);
    let gone = gone.filter(|id| !is_kept(*id)).collect();
    pictures.retain(|one| is_kept(one.id));
    let there = variants_there(conn, id, pictures)?;
    for one in pictures {
        one.variant_ids.retain(|id| there.contains(id));
    }
    Ok(gone)
}

/// Which of the variants that pictures are to show the product has.
fn variants_there(
    conn: &mut PgConnection,
    id: ProductId,
    pictures: &[Wanted],
) -> QueryResult<Vec<i64>> {
    let all = pictures.iter().flat_map(|one| one.variant_ids.clone());
    let ids: Vec<i64> = all.collect();
    if ids.is_empty() {
        return Ok(ids);
    }
    let product_id = id.get();
    ListVariants { product_id, ids }.load(conn)
}

fn check_variants(
    conn: &mut PgConnection,
    id: ProductId,
    wanted: &[Wanted],
) -> Result<(), SetError> {
    let there = variants_there(conn, id, wanted)?;
    for (index, one) in wanted.iter().enumerate() {
        let unknown = one.variant_ids.iter().position(|id| !there.contains(id));
        if let Some(place) = unknown {
            return Err(SetError::UnknownVariant(index, place));
        }
    }
    Ok(())
}
