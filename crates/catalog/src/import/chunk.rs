//! Rows that are decided together, and the products that they are about.

use std::collections::{HashMap, HashSet};

use diesel::{PgConnection, QueryResult};
use domain::{Choices, Sku};

use super::Summary;
use super::described::Described;
use super::finding::{self, Existing, Found};
use super::memory::{Digest, Learned, Memory};
use super::products::{self, Target};
use super::references::Wanted;
use super::row::Row;
use super::shop::Shop;
use super::translated::Translations;
use crate::editing::EditError;

/// A row, and what earlier ones make of it.
pub(super) struct Entry {
    pub row: Row,
    /// An earlier row has told of the variant; this one has a price in another currency.
    pub is_more_price: bool,
}

/// What is to be written for the rows of a chunk, beside the products that change.
#[derive(Default)]
pub(super) struct Plan<'r> {
    /// Places among the targets of products that begin.
    pub begun: Vec<usize>,
    /// New variants, the one that begins a product before the others of it.
    pub added: Vec<(usize, &'r Row, Choices)>,
    /// Choices and traits of variants that are there.
    pub set: Vec<(&'r Row, Option<Choices>)>,
    /// Prices that are not in force yet, apart from the first one of a new variant.
    pub priced: Vec<&'r Row>,
    /// Variants, and how many units more are counted of each than before.
    pub counted: Vec<(i64, i64)>,
    /// Places of entries, and what they say of other things.
    pub referring: Vec<(usize, Wanted)>,
}

/// Rows that are decided together.
pub(super) struct Chunk<'r> {
    pub entries: &'r [Entry],
    pub targets: Vec<Target>,
    /// Places among the targets.
    pub by_product: HashMap<i64, usize>,
    pub by_handle: HashMap<&'r str, usize>,
    pub shop: Shop,
    /// New SKUs.
    pub created: HashSet<&'r Sku>,
    pub plan: Plan<'r>,
}

impl<'r> Chunk<'r> {
    /// Reads what the rows of a chunk are about, and finds the products that their handles mean:
    /// what an earlier chunk has found, or else the product of the first SKU that is known.
    pub(super) fn find(
        conn: &mut PgConnection,
        entries: &'r [Entry],
        memory: &Memory,
        dry_run: bool,
    ) -> Result<(Self, Found), EditError> {
        let mut named = Vec::new();
        let mut imagined: HashMap<&'r str, &Target> = HashMap::new();
        for handle in entries.iter().filter_map(|e| e.row.product.as_deref()) {
            named.extend(memory.product(handle).map(|(id, _)| id));
            if let Some(target) = memory.imagined.get(&Digest::of(handle)) {
                named.extend(target.id);
                imagined.insert(handle, target);
            }
        }
        finding::begin(conn)?;
        let mut shop = Shop::look(conn, entries, &named, memory, dry_run)?;
        let (found, targets) = finding::find(conn, entries, &named, &shop)?;
        shop.look_for_slugs(conn, entries, memory)?;
        let mut chunk = Self {
            entries,
            by_product: targets
                .iter()
                .enumerate()
                .filter_map(|(at, target)| Some((target.id?, at)))
                .collect(),
            targets,
            by_handle: HashMap::new(),
            shop,
            created: HashSet::new(),
            plan: Plan::default(),
        };
        for (handle, target) in imagined {
            chunk.imagine(handle, target);
        }
        chunk.recognise(&found, memory);
        chunk.look_for_taken(conn, &found)?;
        Ok((chunk, found))
    }

    /// Goes on with a product that would have become what it is in an earlier chunk.
    fn imagine(&mut self, handle: &'r str, target: &Target) {
        let target = Target {
            added: 0,
            is_changed: false,
            ..target.clone()
        };
        let known = target.id.and_then(|id| self.by_product.get(&id).copied());
        let at = known.unwrap_or(self.targets.len());
        match known {
            Some(at) => self.targets[at] = target,
            None => self.targets.push(target),
        }
        self.by_handle.insert(handle, at);
    }

    fn recognise(&mut self, found: &Found, memory: &Memory) {
        for (id, at) in &self.by_product {
            self.targets[*at].is_claimed = memory.claimed.contains(id);
        }
        for entry in self.entries {
            let Some(handle) = entry.row.product.as_deref() else {
                continue;
            };
            if self.by_handle.contains_key(handle) {
                continue;
            }
            if let Some((product_id, is_described)) = memory.product(handle) {
                if let Some(at) = self.by_product.get(&product_id) {
                    self.targets[*at].is_described = is_described;
                    self.by_handle.insert(handle, *at);
                }
                continue;
            }
            let known = found.of(entry).map(|existing| existing.product_id);
            let Some(at) = known.and_then(|id| self.by_product.get(&id).copied()) else {
                continue;
            };
            // Two handles of one product would each give it a name.
            if !self.targets[at].is_claimed {
                self.targets[at].is_claimed = true;
                self.by_handle.insert(handle, at);
            }
        }
    }

    /// Reads which of the choices of the rows a variant of their product has already.
    fn look_for_taken(&mut self, conn: &mut PgConnection, found: &Found) -> QueryResult<()> {
        let wanted = self.entries.iter().filter_map(|entry| {
            let target = *self.by_handle.get(entry.row.product.as_deref()?)?;
            let is_undecided = |existing: &Existing| existing.choices == serde_json::json!({});
            if entry.is_more_price || !found.of(entry).is_none_or(is_undecided) {
                return None;
            }
            Some((self.targets[target].id?, products::wanted(&entry.row)?))
        });
        let wanted = wanted.collect();
        for (product_id, choices) in finding::find_taken(conn, wanted)? {
            if let Some(at) = self.by_product.get(&product_id) {
                self.targets[*at].taken.insert(choices);
            }
        }
        Ok(())
    }

    /// The handles whose products are written, or were there.
    pub(super) fn learned(&self) -> Vec<Learned> {
        let learned = |(handle, at): (&&str, &usize)| {
            let target = &self.targets[*at];
            Some(Learned {
                handle: (*handle).to_owned(),
                product_id: target.id?,
                is_described: target.is_described,
            })
        };
        self.by_handle.iter().filter_map(learned).collect()
    }

    /// Keeps what later chunks have to know; `is_written` tells whether there is anything to be found.
    pub(super) fn remember(self, memory: &mut Memory, is_written: bool) {
        if is_written {
            self.learned()
                .iter()
                .for_each(|learned| memory.learn(learned));
        } else {
            for (handle, at) in &self.by_handle {
                let target = &self.targets[*at];
                memory.claimed.extend(target.id);
                let mut target = Box::new(target.clone());
                if target.is_described {
                    // Nobody looks at them any more.
                    target.described = Described::default();
                    target.former_translations = Translations::default();
                }
                memory.imagined.insert(Digest::of(*handle), target);
            }
            let created = self.created.iter();
            created.for_each(|sku| memory.imagine(sku.as_str()));
        }
        self.shop.remember(memory, is_written);
    }

    /// Counts what is to be written.
    pub(super) fn count(&self, summary: &mut Summary) {
        let length = |rows: usize| u64::try_from(rows).unwrap_or(u64::MAX);
        summary.products += length(self.plan.begun.len());
        summary.prices += length(self.created.len() + self.plan.priced.len());
    }
}
