//! What customers and staff do, at a fixed rate whether they are answered or not.
//!
//! Nobody waits for somebody else's answer before acting (no coordinated omission): a request that
//! hangs delays none of the next ones, and its latency counts from when it was due.
//!
//! - [`plan`]: what happens when, from the seed
//! - [`shop`]: requests, noted in the history
//! - [`answers`]: what is looked at in an answer
//! - [`following`]: somebody who follows the log of events all the time
//! - [`finish`]: after the faults: signs of life, unknown outcomes, the last look at everything

pub mod answers;
pub mod finish;
mod following;
pub mod plan;
pub mod shop;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;

use crate::history::{Action, Completion, Kind, Phase, Seen, Setup, Stocked, Writer};
use crate::{Fallible, doing};
use plan::{Intent, Plan, stock_and_price};
use shop::{Ask, Shop};

/// An order that was acknowledged.
#[derive(Clone, Debug)]
struct Placed {
    process: u64,
    key: String,
    action: Action,
    order: i64,
    /// Where it stood when we heard of it last.
    status: &'static str,
}

/// The workload of a run.
#[derive(Clone, Debug)]
pub struct Workload {
    shop: Shop,
    setup: Arc<Setup>,
    placed: Arc<Mutex<Vec<Placed>>>,
}

impl Workload {
    /// Enters users and products, and notes them in the history.
    pub async fn prepare(shop: Shop, seed: u64, commit: String) -> Fallible<Self> {
        let mut setup = Setup {
            seed,
            commit,
            replicas: shop.replicas(),
            ..Setup::default()
        };
        for number in 0..plan::USERS {
            // Registered without a token, as shoppers of an open shop are.
            let body = json!({"name": format!("Shopper {number}"), "email": format!("shopper-{number}@example.com"), "password": "correct horse"});
            setup.users.push(shop.prepare("/api/users", &body).await?);
        }
        for number in 0..plan::PRODUCTS {
            let (on_hand, price) = stock_and_price(number);
            let body = json!({"name": format!("Thing {number}"), "sku": format!("THING-{number}"), "price": answers::decimal(price), "onHand": on_hand});
            let id = shop.prepare("/api/products", &body).await?;
            setup.products.push(Stocked { id, on_hand, price });
        }
        shop.history().setup(setup.clone())?;
        Ok(Self {
            shop,
            setup: Arc::new(setup),
            placed: Arc::default(),
        })
    }

    /// Follows the plan of the seed for a while, or until told to stop, so many intents a second.
    pub async fn run(&self, rate: u32, duration: Duration, stop: &AtomicBool) -> Fallible<()> {
        let is_over = AtomicBool::new(false);
        let load = async {
            let load = self.load(rate, duration, stop).await;
            is_over.store(true, Ordering::Relaxed);
            load
        };
        let (load, followed) = tokio::join!(load, self.follow(&is_over));
        load.and(followed)
    }

    async fn load(&self, rate: u32, duration: Duration, stop: &AtomicBool) -> Fallible<()> {
        let mut intents = JoinSet::new();
        let started = tokio::time::Instant::now();
        let start_ns = self.shop.now_ns();
        let total = duration.as_secs() * u64::from(rate);
        for (number, intent) in (0..total).zip(Plan::new(self.setup.seed)) {
            let after = Duration::from_nanos(number * 1_000_000_000 / u64::from(rate.max(1)));
            tokio::time::sleep_until(started + after).await;
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let due_ns = start_ns + crate::clock::nanoseconds(after);
            let workload = self.clone();
            intents.spawn(async move { workload.pursue(number + 1, intent, due_ns).await });
            while let Some(done) = intents.try_join_next() {
                done.map_err(doing("an intent"))??;
            }
        }
        while let Some(done) = intents.join_next().await {
            done.map_err(doing("an intent"))??;
        }
        Ok(())
    }

    /// The history all requests are noted in.
    #[must_use]
    pub fn history(&self) -> &Arc<Writer> {
        self.shop.history()
    }

    async fn pursue(&self, process: u64, intent: Intent, due_ns: u64) -> Fallible<()> {
        let product = |index: usize| self.setup.products[index % self.setup.products.len()].id;
        let user = |index: usize| self.setup.users[index % self.setup.users.len()];
        let key = format!("torture-{:016x}-{process:08}", self.setup.seed);
        let read = |action: Action, replica: Option<u64>| Ask {
            process,
            action,
            phase: Phase::Run,
            due_ns,
            key: None,
            replica: replica
                .and_then(|pick| usize::try_from(pick % 1_000).ok())
                .map(|pick| pick % self.shop.replicas()),
        };
        let write = |action: Action| Ask {
            key: Some(key.clone()),
            ..read(action, None)
        };
        match intent {
            Intent::Order {
                user: buyer,
                lines,
                payment,
                token,
                shipping,
                twice,
                read_at,
            } => {
                let action = Action::Order {
                    user: user(buyer),
                    lines: lines
                        .iter()
                        .map(|(index, quantity)| (product(*index), *quantity))
                        .collect(),
                    payment: payment.into(),
                    token: token.map(str::to_owned),
                    shipping: shipping.into(),
                };
                self.order(write(action), twice, read_at).await
            }
            Intent::Rush {
                product: index,
                units,
            } => {
                let mut buyers = JoinSet::new();
                for (number, units) in units.into_iter().enumerate() {
                    let action = Action::Order {
                        user: user(number),
                        lines: vec![(product(index), units)],
                        payment: "invoice".into(),
                        token: None,
                        shipping: "std".into(),
                    };
                    let ask = Ask {
                        key: Some(format!("{key}-{number}")),
                        ..read(action, None)
                    };
                    let workload = self.clone();
                    // Every other one clicks twice.
                    let twice = number % 2 == 1;
                    buyers.spawn(async move { workload.order(ask, twice, None).await });
                }
                while let Some(done) = buyers.join_next().await {
                    done.map_err(doing("a buyer"))??;
                }
                Ok(())
            }
            Intent::Repeat { pick } => match self.pick(pick) {
                Some(placed) => {
                    let ask = Ask {
                        process: placed.process,
                        key: Some(placed.key),
                        ..read(placed.action, None)
                    };
                    self.shop.insist(ask).await.map(|_| ())
                }
                None => Ok(()),
            },
            Intent::Reuse { pick } => match self.pick(pick) {
                Some(placed) => {
                    let action = Action::Reuse {
                        lines: vec![(product(0), 1)],
                    };
                    let ask = Ask {
                        process: placed.process,
                        key: Some(placed.key),
                        ..read(action, None)
                    };
                    self.shop.ask(&ask, None).await.map(|_| ())
                }
                None => Ok(()),
            },
            Intent::Cancel { pick } => match self.pick(pick) {
                Some(placed) => {
                    self.move_to(
                        write(Action::Cancel {
                            order: placed.order,
                        }),
                        placed.order,
                        "cancelled",
                    )
                    .await
                }
                None => Ok(()),
            },
            Intent::Advance { pick } => match self.pick(pick) {
                Some(placed) => {
                    let to = next(placed.status);
                    let action = Action::Advance {
                        order: placed.order,
                        to: to.into(),
                    };
                    self.move_to(write(action), placed.order, to).await
                }
                None => Ok(()),
            },
            Intent::Restock {
                product: index,
                more,
            } => {
                let product = product(index);
                let (seen, _) = self
                    .shop
                    .ask(&read(Action::ReadStock { product }, None), None)
                    .await?;
                if let Seen::Stock { on_hand, .. } = seen.seen {
                    let action = Action::Restock {
                        product,
                        expected: on_hand,
                        on_hand: on_hand + more,
                    };
                    self.shop.insist(write(action)).await?;
                }
                Ok(())
            }
            Intent::Price {
                product: index,
                amount,
            } => self
                .shop
                .insist(write(Action::Price {
                    product: product(index),
                    amount,
                }))
                .await
                .map(|_| ()),
            Intent::ReadOrder { pick, replica } => match self.pick(pick) {
                Some(placed) => self
                    .shop
                    .ask(
                        &read(
                            Action::ReadOrder {
                                order: placed.order,
                            },
                            replica,
                        ),
                        None,
                    )
                    .await
                    .map(|_| ()),
                None => Ok(()),
            },
            Intent::ReadOrders { user: buyer } => self
                .shop
                .ask(
                    &read(
                        Action::ReadOrders {
                            user: Some(user(buyer)),
                        },
                        None,
                    ),
                    None,
                )
                .await
                .map(|_| ()),
            Intent::ReadStock { product: index } => self
                .shop
                .ask(
                    &read(
                        Action::ReadStock {
                            product: product(index),
                        },
                        None,
                    ),
                    None,
                )
                .await
                .map(|_| ()),
            Intent::ReadProduct {
                product: index,
                replica,
            } => self
                .shop
                .ask(
                    &read(
                        Action::ReadProduct {
                            product: product(index),
                        },
                        replica,
                    ),
                    None,
                )
                .await
                .map(|_| ()),
            Intent::ReadProducts => self
                .shop
                .ask(&read(Action::ReadProducts, None), None)
                .await
                .map(|_| ()),
        }
    }

    /// Places an order, perhaps twice at once, and perhaps reads it back where it may be unknown.
    async fn order(&self, ask: Ask, twice: bool, read_at: Option<u64>) -> Fallible<()> {
        let again = async {
            match twice {
                true => self.shop.insist(ask.clone()).await.map(|_| ()),
                false => Ok(()),
            }
        };
        let (answer, again) = tokio::join!(self.shop.insist(ask.clone()), again);
        again?;
        let (
            Completion {
                kind: Kind::Ok,
                seen: Seen::Order { order },
                ..
            },
            _,
        ) = answer?
        else {
            return Ok(());
        };
        let placed = Placed {
            process: ask.process,
            key: ask.key.clone().unwrap_or_default(),
            action: ask.action.clone(),
            order: order.id,
            status: "ordered",
        };
        self.placed.lock().map_err(doing("orders"))?.push(placed);
        if let Some(pick) = read_at {
            let replica = usize::try_from(pick % 1_000).unwrap_or(0) % self.shop.replicas();
            let read = Ask {
                action: Action::ReadOrder { order: order.id },
                key: None,
                replica: Some(replica),
                due_ns: self.shop.now_ns(),
                ..ask
            };
            self.shop.ask(&read, None).await?;
        }
        Ok(())
    }

    async fn move_to(&self, ask: Ask, order: i64, to: &'static str) -> Fallible<()> {
        let (completion, _) = self.shop.insist(ask).await?;
        if completion.kind == Kind::Ok {
            let mut placed = self.placed.lock().map_err(doing("orders"))?;
            if let Some(known) = placed.iter_mut().find(|placed| placed.order == order) {
                known.status = to;
            }
        }
        Ok(())
    }

    /// One of the orders there are, rather a young one.
    fn pick(&self, pick: u64) -> Option<Placed> {
        let placed = self.placed.lock().ok()?;
        let window = placed.len().min(300);
        let back = usize::try_from(pick % 1_000_000)
            .ok()?
            .checked_rem(window)?;
        placed.get(placed.len() - 1 - back).cloned()
    }
}

/// The step that comes after a status. Written down a second time, on purpose.
fn next(status: &str) -> &'static str {
    match status {
        "ordered" => "processed",
        "processed" => "inTransit",
        "inTransit" => "outForDelivery",
        _ => "delivered",
    }
}
