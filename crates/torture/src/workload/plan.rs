//! What happens when, decided by the seed before the first request.
//!
//! Ids of orders are not known then, so an intent says "the seventh of those there are" with a
//! number, and reality fills in which one that is.

use crate::rng::Rng;

/// Products by what happens to them. Indices, from 0, in this order.
pub const HOT: usize = 2;
pub const SCARCE: usize = 4;
pub const PRICED: usize = 4;
pub const PLAIN: usize = 20;
pub const PRODUCTS: usize = HOT + SCARCE + PRICED + PLAIN + 1;
/// Costs exactly what the test provider declines.
pub const DECLINED: usize = PRODUCTS - 1;
pub const DECLINED_PRICE: i64 = 66_601;
/// A bundle, and what it is made of: two of a hot product and one of a scarce one, both of which are sold alone as well.
pub const BUNDLE: usize = PRODUCTS;
pub const BUNDLE_PRICE: i64 = 1_666;
pub const PARTS: [(usize, i64); 2] = [(0, 2), (HOT, 1)];
pub const USERS: usize = 6;

/// What somebody intends. `pick` chooses among what exists by then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Intent {
    /// `twice`: sent a second time at the same moment, as a double click is.
    Order {
        user: usize,
        lines: Vec<(usize, i64)>,
        payment: &'static str,
        token: Option<&'static str>,
        shipping: &'static str,
        twice: bool,
        read_at: Option<u64>,
    },
    /// Several buyers of one scarce product, or of the bundle, at the same moment, with so many units each.
    Rush {
        product: usize,
        units: Vec<i64>,
    },
    /// An order that was placed before, sent again with its key.
    Repeat {
        pick: u64,
    },
    Reuse {
        pick: u64,
    },
    Cancel {
        pick: u64,
    },
    Advance {
        pick: u64,
    },
    Restock {
        product: usize,
        more: i64,
    },
    Price {
        product: usize,
        amount: i64,
    },
    ReadOrder {
        pick: u64,
        replica: Option<u64>,
    },
    ReadOrders {
        user: usize,
    },
    ReadStock {
        product: usize,
    },
    ReadProduct {
        product: usize,
        replica: Option<u64>,
    },
    ReadProducts,
}

/// An endless list of intents.
#[derive(Debug)]
pub struct Plan {
    rng: Rng,
    number: i64,
}

impl Plan {
    /// The plan of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            rng: Rng::new(seed, "workload"),
            number: 0,
        }
    }

    fn order(&mut self) -> Intent {
        let rng = &mut self.rng;
        let count = rng.weighted(&[(50, 1), (35, 2), (15, 3)]).unwrap_or(1);
        let mut lines: Vec<(usize, i64)> = Vec::new();
        for _ in 0..count {
            let scarce = || HOT..HOT + SCARCE;
            let priced = HOT + SCARCE..HOT + SCARCE + PRICED;
            let plain = HOT + SCARCE + PRICED..DECLINED;
            let range = match rng.below(100) {
                0..30 => 0..HOT,
                30..45 => scarce(),
                45..60 => priced,
                60..65 => BUNDLE..BUNDLE + 1,
                _ => plain,
            };
            let product = range.start + rng.index(range.len());
            if lines.iter().all(|(known, _)| *known != product) {
                let most = if product < HOT { 3 } else { 2 };
                lines.push((product, i64::try_from(rng.between(1, most)).unwrap_or(1)));
            }
        }
        let payment = rng
            .weighted(&[(45, "card"), (30, "cod"), (25, "invoice")])
            .unwrap_or("cod");
        let mut token = None;
        if payment == "card" {
            match rng.below(100) {
                0..6 => token = Some("tok_declined"),
                6..8 => token = Some("tok_error"),
                8..14 => lines = vec![(DECLINED, 1)],
                14..40 => token = Some("tok_ok"),
                _ => {}
            }
        }
        let shipping = if lines[0].0 != DECLINED && rng.percent(30) {
            "exp"
        } else {
            "std"
        };
        let twice = rng.percent(6);
        let read_at = rng.percent(25).then(|| rng.next_u64());
        Intent::Order {
            user: rng.index(USERS),
            lines,
            payment,
            token,
            shipping,
            twice,
            read_at,
        }
    }

    fn replica(&mut self) -> Option<u64> {
        self.rng.percent(30).then(|| self.rng.next_u64())
    }
}

#[derive(Clone, Copy)]
enum Sort {
    Order,
    Rush,
    Repeat,
    Reuse,
    Cancel,
    Advance,
    Restock,
    Price,
    ReadOrder,
    ReadOrders,
    ReadStock,
    ReadProduct,
    ReadProducts,
}

const MIX: [(u64, Sort); 13] = [
    (34, Sort::Order),
    (4, Sort::Rush),
    (3, Sort::Repeat),
    (2, Sort::Reuse),
    (8, Sort::Cancel),
    (8, Sort::Advance),
    (4, Sort::Restock),
    (3, Sort::Price),
    (9, Sort::ReadOrder),
    (4, Sort::ReadOrders),
    (10, Sort::ReadStock),
    (8, Sort::ReadProduct),
    (3, Sort::ReadProducts),
];

impl Iterator for Plan {
    type Item = Intent;

    fn next(&mut self) -> Option<Intent> {
        self.number += 1;
        let sort = self.rng.weighted(&MIX)?;
        let pick = self.rng.next_u64();
        Some(match sort {
            Sort::Order => self.order(),
            Sort::Rush => {
                let units = (0..6).map(|_| i64::try_from(self.rng.between(1, 3)).unwrap_or(1));
                let units = units.collect();
                let product = match self.rng.index(SCARCE + 1) {
                    SCARCE => BUNDLE,
                    scarce => HOT + scarce,
                };
                Intent::Rush { product, units }
            }
            Sort::Repeat => Intent::Repeat { pick },
            Sort::Reuse => Intent::Reuse { pick },
            Sort::Cancel => Intent::Cancel { pick },
            Sort::Advance => Intent::Advance { pick },
            Sort::Restock => {
                let product = self.rng.index(HOT + SCARCE);
                let more = self.rng.between(1, if product < HOT { 60 } else { 7 });
                Intent::Restock {
                    product,
                    more: i64::try_from(more).unwrap_or(1),
                }
            }
            Sort::Price => {
                let product = HOT + SCARCE + self.rng.index(PRICED);
                // Every price names the intent that made it.
                Intent::Price {
                    product,
                    amount: 1_000 + self.number,
                }
            }
            Sort::ReadOrder => Intent::ReadOrder {
                pick,
                replica: self.replica(),
            },
            Sort::ReadOrders => Intent::ReadOrders {
                user: self.rng.index(USERS),
            },
            Sort::ReadStock => Intent::ReadStock {
                product: self.rng.index(HOT + SCARCE + PRICED),
            },
            Sort::ReadProduct => {
                let product = HOT + SCARCE + self.rng.index(PRICED);
                Intent::ReadProduct {
                    product,
                    replica: self.replica(),
                }
            }
            Sort::ReadProducts => Intent::ReadProducts,
        })
    }
}

/// What a product has at the start, and costs.
#[must_use]
pub fn stock_and_price(product: usize) -> (i64, i64) {
    let position = i64::try_from(product).unwrap_or_default();
    match product {
        0..HOT => (2_000, 500 + position),
        DECLINED => (100_000, DECLINED_PRICE),
        _ if product < HOT + SCARCE => (8 + 2 * position, 700 + position),
        _ if product < HOT + SCARCE + PRICED => (100_000, 900 + position),
        _ => (100_000, 1_500 + 10 * position),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_plans_the_same() {
        let plan = |seed| Plan::new(seed).take(500).collect::<Vec<_>>();
        assert_eq!(plan(1), plan(1));
        assert_ne!(plan(1), plan(2));
    }

    #[test]
    fn every_price_is_another_one() {
        let mut amounts: Vec<i64> = Plan::new(3)
            .take(5_000)
            .filter_map(|intent| {
                if let Intent::Price { amount, .. } = intent {
                    Some(amount)
                } else {
                    None
                }
            })
            .collect();
        let count = amounts.len();
        amounts.sort_unstable();
        amounts.dedup();
        assert!(count > 50 && amounts.len() == count);
    }
}
