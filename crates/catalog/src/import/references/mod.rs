//! What rows say of other things of the shop, which may come later in the file: parts of bundles, products that are shown beside
//! one, and what products are in or are shown with.
//!
//! It is kept in the transaction that writes the row, and read once all rows are written, a row in a transaction. So the
//! order of rows does not matter, memory does not grow with the file, and whatever process dies, the next one goes on.

pub(crate) mod keeping;
mod linking;
mod pictures;
pub(super) mod resolving;
mod showing;

use std::collections::BTreeMap;

use domain::{Locale, ProductRelation, Sku, Slug, VariantKind};
use serde::{Deserialize, Serialize};

use super::row::{Cells, NOT_STOCKED, Refusal, checked_text, refuse, said, whole};
use crate::media::MAX_ALT_CHARS;
use crate::media::products::{MAX_MEDIA, MAX_VARIANTS};
use crate::products::related::MAX_RELATED;
use crate::translations::MAX_LOCALES;
use crate::variants::parts::{MAX_PARTS, MAX_QUANTITY};

pub use pictures::Brought;

/// Most collections that one row may name.
const MAX_COLLECTIONS: usize = 100;

/// So many units of a variant in one of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Component {
    pub sku: String,
    pub quantity: i64,
}

/// A collection, and what it is called where the shop has none with this slug.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NamedCollection {
    pub slug: String,
    /// Empty: what the slug says.
    #[serde(default)]
    pub name: String,
}

/// A picture of a product.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Image {
    /// An address, or a path in a folder of pictures.
    pub src: String,
    /// Empty: not said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub alt: String,
    /// Of the variants it shows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skus: Vec<String>,
    /// What `alt` is in other languages, by these; what is not among them is left as it is.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub alts: BTreeMap<String, String>,
}

/// What a row says; what is empty is left as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    /// What a known variant becomes, if it is not that yet. Bundles are made by their components.
    pub kind: Option<String>,
    pub components: Vec<Component>,
    pub related: Vec<String>,
    pub up_sell: Vec<String>,
    pub cross_sell: Vec<String>,
    pub collections: Vec<NamedCollection>,
    pub images: Vec<Image>,
}

impl Wanted {
    /// With the kind of the variant, where the row says it.
    pub(super) fn check(cells: &Cells, own: &Sku) -> Result<(Self, Option<VariantKind>), Refusal> {
        let components = components(&cells.components, own)?;
        let kind = said(&cells.kind).map(|text| {
            let rule = "must be physical, digital or bundle";
            text.parse::<VariantKind>()
                .map_err(|_| refuse("kind", rule))
        });
        let kind = kind.transpose()?;
        if !components.is_empty() && kind.is_some_and(|kind| kind != VariantKind::Bundle) {
            return Err(refuse("kind", "must be bundle where there are components"));
        }
        let is_counted = said(&cells.on_hand).is_some_and(|text| text != "0");
        let keeps_stock = kind.is_none_or(VariantKind::keeps_stock) && components.is_empty();
        if is_counted && !keeps_stock {
            return Err(refuse("on_hand", NOT_STOCKED));
        }
        let wanted = Self {
            kind: None,
            components,
            related: skus("related", &cells.related, MAX_RELATED)?,
            up_sell: skus("up_sell", &cells.up_sell, MAX_RELATED)?,
            cross_sell: skus("cross_sell", &cells.cross_sell, MAX_RELATED)?,
            collections: collections(&cells.collections)?,
            images: images(&cells.images)?,
        };
        Ok((wanted, kind))
    }

    /// What of it is of the variant, and with `describes` what is of its product too.
    pub(super) fn told(&self, describes: bool) -> Self {
        if describes {
            return self.clone();
        }
        Self {
            components: self.components.clone(),
            ..Self::default()
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The columns of the relations, each with its SKUs.
    fn relations(&self) -> [(ProductRelation, &'static str, &[String]); 3] {
        [
            (ProductRelation::Related, "related", &self.related),
            (ProductRelation::UpSell, "up_sell", &self.up_sell),
            (ProductRelation::CrossSell, "cross_sell", &self.cross_sell),
        ]
    }
}

fn components(texts: &[(String, String)], own: &Sku) -> Result<Vec<Component>, Refusal> {
    let field = "components";
    if texts.len() > MAX_PARTS {
        return Err(refuse(field, format!("must be at most {MAX_PARTS}")));
    }
    let mut components: Vec<Component> = Vec::new();
    for (text, quantity) in texts {
        let sku = sku(field, text)?;
        if sku == own.as_str() {
            return Err(refuse(field, format!("`{sku}` is the bundle itself")));
        }
        if components.iter().any(|known| known.sku == sku) {
            return Err(refuse(field, format!("`{sku}` is named twice")));
        }
        let quantity = whole(field, quantity, MAX_QUANTITY)
            .ok()
            .map(|n| n.unwrap_or(1));
        let rule = || {
            refuse(
                field,
                format!("`{sku}`: how many must be 1 to {MAX_QUANTITY}"),
            )
        };
        let quantity = quantity.filter(|number| *number > 0).ok_or_else(rule)?;
        components.push(Component { sku, quantity });
    }
    Ok(components)
}

/// Each once.
fn skus(field: &'static str, texts: &[String], most: usize) -> Result<Vec<String>, Refusal> {
    let mut skus = Vec::new();
    for text in texts {
        let sku = sku(field, text)?;
        if !skus.contains(&sku) {
            skus.push(sku);
        }
    }
    if skus.len() > most {
        return Err(refuse(field, format!("must be at most {most}")));
    }
    Ok(skus)
}

fn sku(field: &'static str, text: &str) -> Result<String, Refusal> {
    let sku = Sku::try_from(text.trim());
    let sku = sku.map_err(|error| refuse(field, format!("`{text:.80}`: {error}")))?;
    Ok(sku.as_str().to_owned())
}

fn collections(texts: &[(String, String)]) -> Result<Vec<NamedCollection>, Refusal> {
    let field = "collections";
    let mut collections: Vec<NamedCollection> = Vec::new();
    for (slug, name) in texts {
        let rule = || {
            let rule = "is no slug of a collection: words of a-z and 0-9 with hyphens between them, and a letter";
            refuse(field, format!("`{slug:.80}` {rule}"))
        };
        let parsed: Slug = slug.trim().parse().map_err(|_| rule())?;
        let slug = parsed.to_string();
        if !slug.contains(|c: char| c.is_ascii_lowercase()) {
            return Err(rule());
        }
        let name = checked_text(field, name, 300)?.unwrap_or_default();
        if !collections.iter().any(|known| known.slug == slug) {
            collections.push(NamedCollection { slug, name });
        }
    }
    if collections.len() > MAX_COLLECTIONS {
        return Err(refuse(field, format!("must be at most {MAX_COLLECTIONS}")));
    }
    Ok(collections)
}

fn images(told: &[Image]) -> Result<Vec<Image>, Refusal> {
    let field = "images";
    if told.len() > MAX_MEDIA {
        return Err(refuse(field, format!("must be at most {MAX_MEDIA}")));
    }
    let mut images: Vec<Image> = Vec::new();
    for image in told {
        let src = checked_text(field, &image.src, 2_000)?.unwrap_or_default();
        pictures::check(&src)?;
        if images.iter().any(|known| known.src == src) {
            return Err(refuse(field, format!("`{src}` is named twice")));
        }
        let alt = checked_text(field, &image.alt, MAX_ALT_CHARS)?.unwrap_or_default();
        let skus = skus(field, &image.skus, MAX_VARIANTS)?;
        let alts = alts(field, image)?;
        images.push(Image {
            src,
            alt,
            skus,
            alts,
        });
    }
    Ok(images)
}

/// By the canonical forms of the languages, and without those that are empty.
fn alts(field: &'static str, image: &Image) -> Result<BTreeMap<String, String>, Refusal> {
    let mut alts = BTreeMap::new();
    for (locale, alt) in &image.alts {
        let refused = |rule: String| refuse(field, format!("`{:.80}`: {rule}", image.src));
        let parsed: Result<Locale, _> = locale.parse();
        let parsed = parsed.map_err(|error| refused(format!("`{locale:.40}`: {error}")))?;
        let Some(alt) = checked_text(field, alt, MAX_ALT_CHARS)? else {
            continue;
        };
        if alts.insert(parsed.to_string(), alt).is_some() {
            return Err(refused(format!("`{parsed}` is there twice")));
        }
    }
    if i64::try_from(alts.len()).is_ok_and(|all| all > MAX_LOCALES) {
        let rule = format!("there are at most {MAX_LOCALES} languages");
        return Err(refuse(field, rule));
    }
    Ok(alts)
}
