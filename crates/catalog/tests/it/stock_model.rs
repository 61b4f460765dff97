//! Stock at three locations against a model that a reader can check: loops over plain numbers.

use std::collections::BTreeMap;

use catalog::locations::{self, LocationChanges};
use catalog::stock::transferring::{self, Moved, NewLine};
use catalog::stock::{self, Cause, Limits, held, holds, levels, move_all};
use diesel::prelude::*;
use domain::{LocationId, OrderId, StockHoldId, VariantId};
use proptest::prelude::*;

use crate::locations::location;
use crate::{cause, conn, create_variant, text};

/// Variants and places are counted from 0; places are in the order in which orders take from them.
#[derive(Clone, Debug)]
enum Action {
    /// Units of each variant.
    Order([i64; 2]),
    /// The order that many orders ago.
    Cancel(usize),
    Ship(usize),
    Transfer {
        variant: usize,
        from: usize,
        to: usize,
        quantity: i64,
    },
    Count {
        variant: usize,
        place: usize,
        on_hand: i64,
    },
    Limit {
        variant: usize,
        place: usize,
        safety: i64,
        backorder: i64,
        low_at: Option<i64>,
    },
    Activate(usize, bool),
    /// Units of each variant, kept for somebody.
    Hold([i64; 2]),
    /// The hold that many holds ago.
    Release(usize),
    /// Its time passes, and nobody sweeps it up.
    Expire(usize),
}

fn action() -> impl Strategy<Value = Action> {
    let (variant, place) = (0..2_usize, 0..3_usize);
    prop_oneof![
        4 => [0..6_i64, 0..6_i64].prop_map(Action::Order),
        2 => (0..4_usize).prop_map(Action::Cancel),
        1 => (0..4_usize).prop_map(Action::Ship),
        3 => (variant.clone(), place.clone(), place.clone(), 1..6_i64)
            .prop_map(|(variant, from, to, quantity)| Action::Transfer { variant, from, to, quantity }),
        2 => (variant.clone(), place.clone(), 0..12_i64)
            .prop_map(|(variant, place, on_hand)| Action::Count { variant, place, on_hand }),
        1 => (variant, place, 0..3_i64, 0..3_i64, proptest::option::of(0..6_i64))
            .prop_map(|(variant, place, safety, backorder, low_at)| Action::Limit { variant, place, safety, backorder, low_at }),
        2 => [0..4_i64, 0..4_i64].prop_map(Action::Hold),
        1 => (0..3_usize).prop_map(Action::Release),
        1 => (0..3_usize).prop_map(Action::Expire),
        1 => (1..3_usize, any::<bool>()).prop_map(|(place, active)| Action::Activate(place, active)),
    ]
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counters {
    on_hand: i64,
    reserved: i64,
    safety: i64,
    backorder: i64,
}

impl Counters {
    fn shelf(self) -> i64 {
        (self.on_hand - self.safety - self.reserved).max(0)
    }

    fn available(self) -> i64 {
        self.on_hand - self.safety + self.backorder - self.reserved
    }
}

/// What an order holds of each variant at each place.
type Holding = [[i64; 3]; 2];

#[derive(Debug)]
struct Model {
    levels: [[Counters; 3]; 2],
    active: [bool; 3],
    /// In the order in which they came; nothing is left of those that were cancelled or shipped.
    orders: Vec<Holding>,
    /// Likewise, and whether its time is over.
    holds: Vec<(Holding, bool)>,
}

impl Model {
    /// Whether all of it was to be had, and where; what expired holds keep is taken back where it is needed.
    fn take(&mut self, wanted: [i64; 2]) -> Option<Holding> {
        if !self.has(wanted) {
            let needed = (0..2).filter(|variant| wanted[*variant] > 0);
            needed.for_each(|variant| self.take_back(variant));
        }
        self.has(wanted).then(|| self.allocate(wanted))
    }

    fn take_back(&mut self, variant: usize) {
        for (holding, _) in self.holds.iter_mut().filter(|(_, is_late)| *is_late) {
            for (level, units) in self.levels[variant].iter_mut().zip(holding[variant]) {
                level.reserved -= units;
            }
            holding[variant] = [0; 3];
        }
    }

    fn has(&self, wanted: [i64; 2]) -> bool {
        let available = |variant: usize| -> i64 {
            let places = (0..3).filter(|place| self.active[*place]);
            places
                .map(|place| self.levels[variant][place].available())
                .sum()
        };
        (0..2).all(|variant| available(variant) >= wanted[variant])
    }

    fn allocate(&mut self, wanted: [i64; 2]) -> Holding {
        let mut holding = Holding::default();
        for variant in 0..2 {
            let mut left = wanted[variant];
            for room in [Counters::shelf, Counters::available] {
                for place in (0..3).filter(|place| self.active[*place]) {
                    let level = &mut self.levels[variant][place];
                    let taken = left.min(room(*level));
                    level.reserved += taken;
                    holding[variant][place] += taken;
                    left -= taken;
                }
            }
        }
        holding
    }

    fn end(&mut self, holding: Holding, leaves: bool) {
        for (levels, held) in self.levels.iter_mut().zip(holding) {
            for (level, units) in levels.iter_mut().zip(held) {
                level.reserved -= units;
                level.on_hand -= if leaves { units } else { 0 };
            }
        }
    }
}

/// The shop beside its model.
struct Shop {
    model: Model,
    variants: [VariantId; 2],
    places: [LocationId; 3],
    holds: Vec<StockHoldId>,
}

impl Shop {
    fn open(conn: &mut PgConnection) -> Self {
        let variants = [create_variant(conn, "A", 5), create_variant(conn, "B", 3)];
        let places = [
            LocationId::MAIN,
            location(conn, "near", 1),
            location(conn, "far", 2),
        ];
        let mut model = Model {
            levels: Default::default(),
            active: [true; 3],
            orders: Vec::new(),
            holds: Vec::new(),
        };
        model.levels[0][0].on_hand = 5;
        model.levels[1][0].on_hand = 3;
        Self {
            model,
            variants,
            places,
            holds: Vec::new(),
        }
    }

    /// Does it to both, and compares what they answer.
    fn act(&mut self, conn: &mut PgConnection, action: &Action) {
        match *action {
            Action::Order(wanted) => {
                let id = self.model.orders.len() + 1;
                let taken = self.model.take(wanted);
                assert_eq!(
                    place_order(conn, id, self.variants, wanted),
                    taken.is_some()
                );
                self.model.orders.extend(taken);
            }
            Action::Hold(wanted) => {
                let lines: Vec<_> = self
                    .variants
                    .into_iter()
                    .zip(wanted)
                    .filter(|l| l.1 > 0)
                    .collect();
                let made = holds::create(conn, &lines, 900, None, None);
                let taken = self.model.take(wanted);
                assert_eq!(made.is_ok(), taken.is_some(), "{made:?}");
                self.holds.extend(made.ok());
                self.model
                    .holds
                    .extend(taken.map(|holding| (holding, false)));
            }
            Action::Release(ago) => {
                let Some(index) = self.holds.len().checked_sub(ago + 1) else {
                    return;
                };
                let locked = holds::lock(conn, self.holds[index], &[]).unwrap();
                if locked.is_open() {
                    holds::end(conn, &locked, holds::Outcome::Released, None).unwrap();
                }
                let (holding, _) = std::mem::take(&mut self.model.holds[index]);
                self.model.end(holding, false);
            }
            Action::Expire(ago) => {
                let Some(index) = self.holds.len().checked_sub(ago + 1) else {
                    return;
                };
                let late = "UPDATE catalog.stock_holds SET expires_at = now() WHERE id = ";
                let late = format!("{late}{}", self.holds[index]);
                diesel::sql_query(late).execute(conn).unwrap();
                self.model.holds[index].1 = true;
            }
            Action::Cancel(ago) | Action::Ship(ago) => {
                let leaves = matches!(action, Action::Ship(_));
                let Some(index) = self.model.orders.len().checked_sub(ago + 1) else {
                    return;
                };
                let id = OrderId::try_from(i64::try_from(index + 1).unwrap()).unwrap();
                // Backorders may be shipped when they are there.
                let fits =
                    self.model
                        .levels
                        .iter()
                        .zip(self.model.orders[index])
                        .all(|(levels, held)| {
                            levels
                                .iter()
                                .zip(held)
                                .all(|(level, units)| !leaves || level.on_hand >= units)
                        });
                let how = if leaves {
                    held::Held::shipped
                } else {
                    held::Held::returned
                };
                let changes: Vec<_> = held::by_order(conn, id)
                    .unwrap()
                    .into_iter()
                    .map(how)
                    .collect();
                let cause = Cause {
                    order_id: Some(id),
                    ..cause("ended")
                };
                assert_eq!(
                    move_all(conn, &changes, &cause).is_ok(),
                    fits,
                    "{:?}",
                    self.model
                );
                if fits {
                    let holding = std::mem::take(&mut self.model.orders[index]);
                    self.model.end(holding, leaves);
                }
            }
            Action::Transfer {
                variant,
                from,
                to,
                quantity,
            } => {
                if from == to {
                    return;
                }
                let line = NewLine {
                    moved: Moved::Variant(self.variants[variant]),
                    quantity,
                    from: self.places[from],
                    to: self.places[to],
                };
                let moved =
                    conn.transaction(|conn| transferring::transfer(conn, &[line], None, None));
                let before = (self.model.levels, self.model.holds.clone());
                self.model.take_back(variant);
                let fits = self.model.levels[variant][from].shelf() >= quantity;
                assert_eq!(moved.is_ok(), fits, "{moved:?}");
                if fits {
                    self.model.levels[variant][from].on_hand -= quantity;
                    self.model.levels[variant][to].on_hand += quantity;
                } else {
                    // All of it was rolled back.
                    (self.model.levels, self.model.holds) = before;
                }
            }
            Action::Count {
                variant,
                place,
                on_hand,
            } => {
                self.model.take_back(variant);
                let level = &mut self.model.levels[variant][place];
                let counted = Counters { on_hand, ..*level };
                let at = (self.variants[variant], self.places[place]);
                let set = stock::set_on_hand(conn, at, level.on_hand, on_hand, &cause("count"));
                assert_eq!(set.is_ok(), counted.available() >= 0, "{set:?}");
                if set.is_ok() {
                    *level = counted;
                }
            }
            Action::Limit {
                variant,
                place,
                safety,
                backorder,
                low_at,
            } => {
                self.model.take_back(variant);
                let level = &mut self.model.levels[variant][place];
                let limited = Counters {
                    safety,
                    backorder,
                    ..*level
                };
                let limits = Limits {
                    safety: Some(safety),
                    backorder_limit: Some(backorder),
                    low_at: Some(low_at),
                };
                let at = (self.variants[variant], self.places[place]);
                let set = stock::set_limits(conn, at, limits, &cause("limits"));
                assert_eq!(set.is_ok(), limited.available() >= 0, "{set:?}");
                if set.is_ok() {
                    *level = limited;
                }
            }
            Action::Activate(place, is_active) => {
                let changes = LocationChanges {
                    is_active: Some(is_active),
                    ..Default::default()
                };
                locations::update(conn, self.places[place], changes, None, None).unwrap();
                self.model.active[place] = is_active;
            }
        }
    }

    fn assert_alike(&self, conn: &mut PgConnection) {
        for (variant, expected) in self.variants.iter().zip(self.model.levels) {
            let mut seen: BTreeMap<LocationId, Counters> = BTreeMap::new();
            for level in levels::list(conn, *variant).unwrap() {
                let counters = Counters {
                    on_hand: level.on_hand,
                    reserved: level.reserved,
                    safety: level.safety,
                    backorder: level.backorder_limit,
                };
                seen.insert(level.location_id, counters);
            }
            for (place, expected) in self.places.iter().zip(expected) {
                let seen = seen.get(place).copied().unwrap_or_default();
                assert_eq!(seen, expected, "variant {variant} at {place}");
            }
        }
        assert_sound(conn);
    }
}

/// The ledger sums to the counters, every change was told, and what is low says so.
fn assert_sound(conn: &mut PgConnection) {
    let mut checks = catalog::doctor::checks();
    checks.retain(|check| ["I1", "I2", "I9", "S12"].contains(&check.id));
    for check in checks {
        let examined = db::doctor::examine(conn, check).unwrap();
        let found: Vec<_> = examined.findings.iter().map(|f| &f.message).collect();
        assert!(found.is_empty(), "{}: {found:?}", examined.check.name);
    }
}

/// Whether both variants were to be had.
fn place_order(
    conn: &mut PgConnection,
    id: usize,
    variants: [VariantId; 2],
    wanted: [i64; 2],
) -> bool {
    let lines: Vec<(i64, i64)> = variants
        .iter()
        .zip(wanted)
        .filter(|(_, units)| *units > 0)
        .map(|(variant, units)| (variant.get(), units))
        .collect();
    let list = |numbers: Vec<String>| format!("'{{{}}}'", numbers.join(","));
    let variants = list(lines.iter().map(|line| line.0.to_string()).collect());
    let units = list(lines.iter().map(|line| line.1.to_string()).collect());
    let same = |value: &str| list(lines.iter().map(|_| value.to_owned()).collect());
    let ones = same("1");
    let granted = format!(
        "(SELECT (short_orders = '{{}}')::text FROM catalog.grant_stock({ones}, {variants}, {units}))"
    );
    if text(conn, &granted) != "true" {
        return false;
    }
    let (ids, nobody) = (same(&id.to_string()), same("NULL"));
    text(
        conn,
        &format!("(catalog.reserve_stock({ids}, {nobody}, {variants}, {units})::text)"),
    );
    true
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_sequence_of_changes_comes_to_what_the_model_comes_to(actions in prop::collection::vec(action(), 1..40)) {
        let conn = &mut conn();
        let mut shop = Shop::open(conn);
        for action in &actions {
            shop.act(conn, action);
            shop.assert_alike(conn);
        }
    }
}
