//! What rows may ask of the shop beside products: categories, slugs and the time.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text, Timestamptz};
use domain::CustomResource;
use serde_json::{Map, Value};

use super::chunk::Entry;
use super::memory::Memory;
use super::row::{Refusal, refuse};
use crate::categories::paths::{self, Led, Missing, Path};
use crate::categories::{CategoryError, filing};
use crate::custom_fields::{CustomField, writing};
use crate::editing::EditError;

db::statement! {
    struct ReadClock {} -> Timestamptz = "SELECT statement_timestamp()"
}

db::statement! {
    struct FindSlugs { slugs: Vec<String> => Array<Text> } -> (Text, BigInt) =
    "SELECT slug, id FROM catalog.products WHERE slug = ANY($1) AND archived_at IS NULL"
}

/// Looks at categories that are gone by the time they are locked, so many times.
const LOOKS: usize = 3;

/// What is known of the shop while a chunk is decided.
pub(super) struct Shop {
    pub clock: DateTime<Utc>,
    /// Of products.
    pub fields: Vec<CustomField>,
    led: Led,
    /// Categories that nobody else changes meanwhile.
    locked: BTreeSet<i64>,
    /// Which product has a slug; `None` for one that begins in this file.
    slugs: HashMap<String, Option<i64>>,
}

impl Shop {
    /// Reads what the rows ask for, and locks categories, which come before products: those of the rows, and those
    /// that their products are in.
    pub(super) fn look(
        conn: &mut PgConnection,
        entries: &[Entry],
        named: &[i64],
        memory: &Memory,
        dry_run: bool,
    ) -> Result<Self, EditError> {
        let wanted = |entry: &&Entry| entry.row.details.categories.is_some();
        let filed: Vec<&Entry> = entries.iter().filter(wanted).collect();
        let paths = filed.iter().flat_map(|e| e.row.details.categories.iter());
        let paths: Vec<Path> = paths.flatten().cloned().collect();
        let mut shop = Self {
            clock: ReadClock {}.get_result(conn)?,
            fields: writing::share(conn, CustomResource::Product)?,
            led: Led::new(),
            locked: BTreeSet::new(),
            slugs: HashMap::new(),
        };
        if !paths.is_empty() {
            let skus = filed.iter().map(|e| e.row.sku.to_string()).collect();
            shop.lead_and_lock(conn, &paths, (skus, named), memory, dry_run)?;
        }
        Ok(shop)
    }

    fn lead_and_lock(
        &mut self,
        conn: &mut PgConnection,
        paths: &[Path],
        (skus, named): (Vec<String>, &[i64]),
        memory: &Memory,
        dry_run: bool,
    ) -> Result<(), EditError> {
        let of = filing::of_products(conn, skus, named.to_vec())?;
        let ways = paths
            .iter()
            .flat_map(|path| (1..=path.len()).map(|end| &path[..end]));
        let known = ways.filter_map(|way| Some((way.to_vec(), *memory.categories.get(way)?)));
        let mut known: HashMap<Path, i64> = known.collect();
        let missing = if dry_run {
            Missing::Numbered(-i64::try_from(memory.categories.len()).unwrap_or_default())
        } else {
            Missing::Made
        };
        for _ in 0..LOOKS {
            self.led = paths::lead(conn, paths, &known, missing).map_err(|error| match error {
                CategoryError::SlugTaken => EditError::SlugTaken,
                CategoryError::Db(error) => EditError::Db(error),
                other => EditError::Db(diesel::result::Error::QueryBuilderError(other.into())),
            })?;
            let led: BTreeSet<i64> = self.led.values().flatten().copied().collect();
            let present = of.values().flatten().copied();
            self.locked = filing::lock(conn, &led.iter().copied().chain(present).collect())?;
            let gone = |id: &i64| *id > 0 && !self.locked.contains(id);
            if !led.iter().any(gone) {
                break;
            }
            // Archived since they were found: look for others of these names.
            known.clear();
        }
        Ok(())
    }

    /// Reads, once the products are locked, who has the slugs of rows.
    pub(super) fn look_for_slugs(
        &mut self,
        conn: &mut PgConnection,
        entries: &[Entry],
        memory: &Memory,
    ) -> QueryResult<()> {
        let slugs = entries.iter().filter_map(|e| e.row.details.slug.as_ref());
        let slugs: HashSet<String> = slugs.map(|slug| slug.to_string()).collect();
        if slugs.is_empty() {
            return Ok(());
        }
        let imagined = slugs.iter().filter(|slug| memory.slugs.contains(*slug));
        self.slugs = imagined.map(|slug| (slug.clone(), None)).collect();
        let slugs = slugs.into_iter().collect();
        let taken: Vec<(String, i64)> = FindSlugs { slugs }.load(conn)?;
        let taken = taken.into_iter().map(|(slug, id)| (slug, Some(id)));
        self.slugs.extend(taken);
        Ok(())
    }

    /// Reads, once the products are locked, in which of the locked categories they are.
    pub(super) fn categories_of(
        &self,
        conn: &mut PgConnection,
        product_ids: &[i64],
    ) -> QueryResult<BTreeMap<i64, BTreeSet<i64>>> {
        if self.locked.is_empty() || product_ids.is_empty() {
            return Ok(BTreeMap::new());
        }
        let mut of = filing::of_products(conn, Vec::new(), product_ids.to_vec())?;
        for categories in of.values_mut() {
            categories.retain(|id| self.locked.contains(id));
        }
        Ok(of)
    }

    /// The categories that these paths lead to.
    pub(super) fn lead(&self, paths: &[Path]) -> Result<BTreeSet<i64>, Refusal> {
        let lead = |path: &Path| match self.led.get(path) {
            Some(Ok(id)) => Ok(*id),
            Some(Err(message)) => Err(refuse("categories", *message)),
            None => Err(refuse("categories", "changed meanwhile; try again")),
        };
        paths.iter().map(lead).collect()
    }

    /// Refuses a product without a value that every product has to have.
    pub(super) fn require(&self, values: &Map<String, Value>) -> Result<(), Refusal> {
        let lacks = |field: &&CustomField| field.rules.required && !values.contains_key(&field.key);
        match self.fields.iter().find(lacks) {
            Some(field) => Err(refuse("custom", format!("`{}` is required", field.key))),
            None => Ok(()),
        }
    }

    /// Takes a slug for a product, unless another one has it.
    pub(super) fn take_slug(&mut self, slug: &str, product: Option<i64>) -> Result<(), Refusal> {
        match self.slugs.get(slug) {
            Some(owner) if owner.is_none() || *owner != product => {
                Err(refuse("slug", "is that of another product"))
            }
            _ => {
                self.slugs.insert(slug.to_owned(), product);
                Ok(())
            }
        }
    }

    /// Keeps what later chunks have to know.
    pub(super) fn remember(self, memory: &mut Memory, is_written: bool) {
        let led = self.led.into_iter();
        let led = led.filter_map(|(path, id)| Some((path, id.ok()?)));
        memory.categories.extend(led);
        if !is_written {
            let new = self.slugs.into_iter().filter(|(_, owner)| owner.is_none());
            memory.slugs.extend(new.map(|(slug, _)| slug));
        }
    }
}
