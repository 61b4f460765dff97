//! Decides what becomes of each row of a chunk, and what is to be written for it.

use domain::VariantKind;

use super::Outcome;
use super::chunk::{Chunk, Entry};
use super::finding::{Existing, Found};
use super::memory::Memory;
use super::products::{self, Target};
use super::references::Wanted;
use super::row::{NOT_STOCKED, Refusal, Row, refuse};

/// What became of a row, and what it says of other things.
type Decided = Result<(Outcome, Wanted), Refusal>;

const NO_COMPONENTS: &str = "are required: a bundle is made of them";

impl<'r> Chunk<'r> {
    /// Decides about all rows, in their order.
    pub(super) fn decide(&mut self, found: &Found, memory: &Memory) -> Vec<Outcome> {
        let entries = self.entries;
        let outcome = |(at, entry): (usize, &'r Entry)| {
            let decided = match (found.of(entry), entry.is_more_price) {
                (Some(existing), true) => self.reprice(&entry.row, existing),
                (Some(existing), false) => self.update(&entry.row, existing),
                (None, true) => self.price_created(&entry.row, memory),
                (None, false) => self.create(&entry.row),
            };
            let (outcome, wanted) = decided.unwrap_or_else(|refusal| {
                let nothing = Wanted::default();
                (Outcome::Refused(refusal), nothing)
            });
            if !wanted.is_empty() {
                self.plan.referring.push((at, wanted));
            }
            outcome
        };
        entries.iter().enumerate().map(outcome).collect()
    }

    fn create(&mut self, row: &'r Row) -> Decided {
        if row.kind == Some(VariantKind::Bundle) && row.wanted.components.is_empty() {
            return Err(refuse("components", NO_COMPONENTS));
        }
        let handle = row.product.as_deref();
        let known = handle.and_then(|handle| self.by_handle.get(handle).copied());
        let describes = known.is_none_or(|at| !self.targets[at].is_described);
        match (handle, known) {
            (_, Some(at)) => {
                let choices = self.targets[at].add(row, &mut self.shop)?;
                self.plan.added.push((at, row, choices));
            }
            (handle, None) => {
                let at = self.targets.len();
                self.targets.push(Target::begin(row, &mut self.shop)?);
                self.by_handle.extend(handle.map(|handle| (handle, at)));
                self.plan.begun.push(at);
                let choices = products::chosen(row).unwrap_or_default();
                self.plan.added.push((at, row, choices));
            }
        }
        self.created.insert(&row.sku);
        Ok((Outcome::Created, row.wanted.told(describes)))
    }

    fn update(&mut self, row: &'r Row, existing: &Existing) -> Decided {
        let at = self.place(row, existing)?;
        if !existing.keeps_stock && row.on_hand.is_some_and(|on_hand| on_hand != 0) {
            return Err(refuse("on_hand", NOT_STOCKED));
        }
        if row.on_hand.is_some_and(|on| on < existing.least_on_hand) {
            let message = format!("{} units are reserved by open orders", existing.reserved);
            return Err(refuse("on_hand", message));
        }
        let kind = next_kind(row, existing)?;
        let target = &mut self.targets[at];
        let describes = match row.product {
            Some(_) => !target.is_described,
            None => existing.is_default && !target.is_claimed,
        };
        let next = match describes {
            true => Some(target.described.after(row, target.id, &mut self.shop)?),
            false => None,
        };
        let choices = match products::wanted(row) {
            None => None,
            Some(same) if same == existing.choices => None,
            Some(_) if existing.choices == serde_json::json!({}) => Some(target.choose(row)?),
            Some(_) => {
                let message = "is another one in the shop; an import does not choose anew";
                return Err(refuse("option", message));
            }
        };
        let mut is_new = target.describe(next);
        if choices.is_some() || !existing.has(&row.traits) {
            self.plan.set.push((row, choices));
            is_new = true;
        }
        if existing.price_minor != Some(row.price.minor()) {
            self.plan.priced.push(row);
            is_new = true;
        }
        let difference = row.on_hand.map_or(0, |on_hand| on_hand - existing.on_hand);
        if difference != 0 {
            self.plan.counted.push((existing.variant_id, difference));
            is_new = true;
        }
        let mut wanted = row.wanted.told(describes);
        wanted.kind = kind.map(|kind| kind.code().to_owned());
        Ok((self.changed(at, is_new), wanted))
    }

    fn reprice(&mut self, row: &'r Row, existing: &Existing) -> Decided {
        let at = self.place(row, existing)?;
        let is_new = existing.price_minor != Some(row.price.minor());
        if is_new {
            self.plan.priced.push(row);
        }
        Ok((self.changed(at, is_new), Wanted::default()))
    }

    /// Sets another price of a variant that an earlier row of the file has created.
    fn price_created(&mut self, row: &'r Row, memory: &Memory) -> Decided {
        if !self.created.contains(&row.sku) && !memory.is_imagined(row.sku.as_str()) {
            return Err(refuse("sku", "was refused at its first row"));
        }
        self.plan.priced.push(row);
        Ok((Outcome::Updated, Wanted::default()))
    }

    fn changed(&mut self, at: usize, is_new: bool) -> Outcome {
        self.targets[at].is_changed |= is_new;
        if is_new {
            Outcome::Updated
        } else {
            Outcome::Unchanged
        }
    }

    /// Finds the product of a variant that is on sale, which has to be the one that its handle means.
    fn place(&self, row: &Row, existing: &Existing) -> Result<usize, Refusal> {
        if existing.is_archived {
            return Err(refuse("sku", "belongs to an archived product"));
        }
        let elsewhere = || refuse("product", "is not the product that the SKU belongs to");
        let at = self.by_product.get(&existing.product_id);
        let at = *at.ok_or_else(elsewhere)?;
        match row.product.as_deref() {
            Some(handle) if self.by_handle.get(handle) != Some(&at) => Err(elsewhere()),
            _ => Ok(at),
        }
    }
}

/// What a known variant becomes, if its row says that it is something else.
fn next_kind(row: &Row, existing: &Existing) -> Result<Option<VariantKind>, Refusal> {
    let wanted = row.kind.filter(|kind| *kind != existing.kind);
    match wanted {
        Some(VariantKind::Bundle) if row.wanted.components.is_empty() => {
            Err(refuse("components", NO_COMPONENTS))
        }
        Some(VariantKind::Bundle) => Ok(None),
        wanted => Ok(wanted),
    }
}
