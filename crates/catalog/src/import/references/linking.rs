//! What one row says of other things is written, or refused as a whole.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::result::Error as DieselError;
use diesel::sql_types::{Array, BigInt, Bool, Text};
use domain::{ProductId, VariantId, VariantKind};

use super::pictures::Picture;
use super::{Component, Wanted, keeping, showing};
use crate::editing::lock_all;
use crate::import::row::{NOT_STOCKED, Refusal, refuse};
use crate::variants::parts::{self, NewPart};
use crate::variants::{VariantError, editing};

/// What a SKU is not.
pub(super) const UNKNOWN: &str = "is the SKU of no variant on sale";

db::statement! {
    struct FindVariants { skus: Vec<String> => Array<Text> } -> (Text, BigInt, BigInt, Text, Bool) =
    "SELECT v.sku, v.id, v.product_id, v.kind, v.archived_at IS NOT NULL OR p.archived_at IS NOT NULL \
       FROM unnest($1::text[]) AS w (sku) JOIN catalog.variants v ON v.sku = w.sku \
       JOIN catalog.products p ON p.id = v.product_id"
}

/// A variant that a SKU names.
#[derive(Clone, Debug, Queryable)]
pub(super) struct Named {
    sku: String,
    #[diesel(deserialize_as = i64)]
    pub id: VariantId,
    #[diesel(deserialize_as = i64)]
    pub product_id: ProductId,
    #[diesel(deserialize_as = String)]
    kind: VariantKind,
    is_archived: bool,
}

/// The variants on sale that a row names, by their SKUs.
pub(super) type Names = HashMap<String, Named>;

/// A row whose references are read.
pub(super) struct Row<'r> {
    pub run: &'r str,
    pub sku: &'r str,
    /// Where its result is kept: the id of its import, and how many rows are before it.
    pub kept: Option<(i64, i64)>,
    pub wanted: &'r Wanted,
    pub dry_run: bool,
}

/// Why nothing is written.
pub(super) enum Undo {
    Refused(Refusal),
    /// Whether anything would have changed.
    DryRun(bool),
    Db(DieselError),
}

impl From<DieselError> for Undo {
    fn from(error: DieselError) -> Self {
        Self::Db(error)
    }
}

impl From<Refusal> for Undo {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Writes what a row says, and tells whether that changes anything. `is_imagined` tells of the SKUs that a dry run would
/// have created: with those nothing can be tried.
pub(super) fn link(
    conn: &mut PgConnection,
    row: &Row,
    pictures: &[Picture],
    is_imagined: impl Fn(&str) -> bool,
) -> QueryResult<Result<bool, Refusal>> {
    let wanted = row.wanted;
    let of_relations = wanted.relations();
    let related = of_relations.iter().flat_map(|(_, _, skus)| skus.iter());
    let shown = wanted.images.iter().flat_map(|image| &image.skus);
    let parts = wanted.components.iter().map(|part| &part.sku);
    let skus = parts.chain(related).chain(shown).cloned();
    let skus: Vec<String> = skus.chain([row.sku.to_owned()]).collect();
    let all_imagined = skus.iter().any(|sku| is_imagined(sku));
    let found: Vec<Named> = FindVariants { skus }.load(conn)?;
    let on_sale = found.into_iter().filter(|named| !named.is_archived);
    let names: Names = on_sale.map(|named| (named.sku.clone(), named)).collect();
    let is_known = |sku: &str| names.contains_key(sku) || is_imagined(sku);
    if let Some(refusal) = refuse_unknown(wanted, is_known) {
        return Ok(Err(refusal));
    }
    let are_tried = !all_imagined && !pictures.contains(&Picture::Imagined);
    let own = names.get(row.sku).filter(|_| are_tried);
    let Some(own) = own else {
        return match are_tried {
            true => Ok(Err(refuse("sku", UNKNOWN))),
            false => Ok(match bundle_among(conn, row)? {
                Some(sku) => Err(refuse("components", format!("`{sku}` is a bundle itself"))),
                None => Ok(false),
            }),
        };
    };
    let done = conn.transaction(|conn| {
        // Each kind in the order of its ids, and collections before products, as everybody does.
        showing::lock_collections(conn, own.product_id, &wanted.collections)?;
        let ids = names.values().map(|named| named.product_id.get()).collect();
        lock_all(conn, ids, Vec::new())?;
        let mut is_new = showing::collect(conn, own.product_id, &wanted.collections)?;
        is_new |= compose(conn, own, row, &names)?;
        is_new |= relate(conn, own, wanted, &names)?;
        is_new |= showing::show(
            conn,
            (own.product_id, row.kept),
            &wanted.images,
            pictures,
            &names,
        )?;
        if row.dry_run {
            return Err(Undo::DryRun(is_new));
        }
        Ok(is_new)
    });
    match done {
        Ok(is_new) | Err(Undo::DryRun(is_new)) => Ok(Ok(is_new)),
        Err(Undo::Refused(refusal)) => Ok(Err(refusal)),
        Err(Undo::Db(error)) => Err(error),
    }
}

/// Parts may be gone: a bundle that has them keeps them.
fn refuse_unknown(wanted: &Wanted, is_known: impl Fn(&str) -> bool) -> Option<Refusal> {
    let of_relations = wanted.relations().into_iter();
    let related =
        of_relations.flat_map(|(_, field, skus)| skus.iter().map(move |sku| (field, sku)));
    let shown = wanted.images.iter().flat_map(|image| &image.skus);
    let mut named = related.chain(shown.map(|sku| ("images", sku)));
    let (field, sku) = named.find(|(_, sku)| !is_known(sku))?;
    Some(refuse(field, format!("`{sku}` {UNKNOWN}")))
}

/// A part that the file makes a bundle.
fn bundle_among(conn: &mut PgConnection, row: &Row) -> QueryResult<Option<String>> {
    let parts = row.wanted.components.iter().map(|part| part.sku.clone());
    let parts: Vec<String> = parts.collect();
    let bundles = keeping::bundles(conn, row.run, parts.clone())?;
    Ok(parts.into_iter().find(|sku| bundles.contains(sku)))
}

/// Makes the variant what it is to be: a bundle of these parts, or no bundle.
fn compose(conn: &mut PgConnection, own: &Named, row: &Row, names: &Names) -> Result<bool, Undo> {
    let components = &row.wanted.components;
    let place = (own.product_id, own.id);
    if !components.is_empty() {
        if components_of(conn, own.id)? == *components {
            return Ok(false);
        }
        if let Some(sku) = bundle_among(conn, row)? {
            return Err(refuse("components", format!("`{sku}` is a bundle itself")).into());
        }
        let part = |component: &Component| {
            let named = names.get(&component.sku);
            let unknown = || refuse("components", format!("`{}` {UNKNOWN}", component.sku));
            Ok(NewPart {
                variant_id: named.ok_or_else(unknown)?.id,
                quantity: component.quantity,
            })
        };
        let parts: Vec<NewPart> = components
            .iter()
            .map(part)
            .collect::<Result<_, Refusal>>()?;
        let set = parts::set(conn, place, &parts, None, None);
        set.map_err(|error| refused(error, "components", components))?;
        return Ok(true);
    }
    let kind = row
        .wanted
        .kind
        .as_deref()
        .and_then(|kind| kind.parse().ok());
    let Some(kind) = kind.filter(|kind| *kind != own.kind) else {
        return Ok(false);
    };
    if own.kind == VariantKind::Bundle {
        let set = parts::set(conn, place, &[], None, None);
        set.map_err(|error| refused(error, "kind", &[]))?;
    }
    let changes = editing::VariantChanges {
        kind: Some(kind),
        ..editing::VariantChanges::default()
    };
    let updated = editing::update(conn, place, changes, None, None);
    updated.map_err(|error| refused(error, "kind", &[]))?;
    Ok(true)
}

fn components_of(conn: &mut PgConnection, bundle: VariantId) -> QueryResult<Vec<Component>> {
    let of = parts::list(conn, &[bundle])?.remove(&bundle);
    let component = |part: parts::Part| Component {
        sku: part.sku,
        quantity: part.quantity,
    };
    Ok(of.unwrap_or_default().into_iter().map(component).collect())
}

fn refused(error: VariantError, field: &'static str, components: &[Component]) -> Undo {
    let named = |index: usize| components.get(index).map_or("", |part| part.sku.as_str());
    Undo::Refused(match error {
        VariantError::Db(error) => return Undo::Db(error),
        VariantError::HasStock => refuse("on_hand", NOT_STOCKED),
        VariantError::PartIsBundle(index) => {
            refuse(field, format!("`{}` is a bundle itself", named(index)))
        }
        VariantError::UnknownPart(index) => refuse(field, format!("`{}` {UNKNOWN}", named(index))),
        VariantError::ProductNotFound | VariantError::NotFound => refuse("sku", UNKNOWN),
        other => refuse(field, other.to_string()),
    })
}

/// Shows products beside the one of the row, each by a variant of its own.
fn relate(
    conn: &mut PgConnection,
    own: &Named,
    wanted: &Wanted,
    names: &Names,
) -> Result<bool, Undo> {
    let mut is_new = false;
    for (relation, field, skus) in wanted.relations() {
        if skus.is_empty() {
            continue;
        }
        let mut ids: Vec<ProductId> = Vec::new();
        for sku in skus {
            let unknown = || refuse(field, format!("`{sku}` {UNKNOWN}"));
            let id = names.get(sku).ok_or_else(unknown)?.product_id;
            if id == own.product_id {
                return Err(refuse(field, format!("`{sku}` is the product itself")).into());
            }
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        is_new |= showing::relate(conn, own.product_id, (relation, field), &ids)?;
    }
    Ok(is_new)
}
