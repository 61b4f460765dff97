//! After the faults: signs of life, unknown outcomes, the last look at everything.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Workload;
use super::plan::{HOT, SCARCE};
use super::shop::Ask;
use crate::history::{self, Action, Kind, Phase, Seen};
use crate::{Fallible, doing};

/// What a shop has after the last heal to be well again.
pub const RECOVERY: Duration = Duration::from_secs(10);
/// How long it has to stay well.
const CALM: Duration = Duration::from_secs(3);
const PROBE_EVERY: Duration = Duration::from_millis(100);
/// Processes that belong to no intent of the plan.
const PROBES: u64 = 1_000_000_000;
const FINAL: u64 = 2_000_000_000;
/// How many requests of the last look are under way at once.
const SIDE_BY_SIDE: usize = 8;

impl Workload {
    /// Sends probes, a read and a keyed order at a time, until the shop was well for a while; at
    /// most for [`RECOVERY`] and that while.
    pub async fn probe(&self) -> Fallible<()> {
        let started = Instant::now();
        let mut well_since = None;
        let mut number = PROBES;
        while started.elapsed() < RECOVERY + CALM {
            let at = Instant::now();
            let product = self.setup.products[HOT + SCARCE].id;
            let ask = |process, action, key| Ask {
                process,
                action,
                phase: Phase::Probe,
                due_ns: self.shop.now_ns(),
                key,
                replica: None,
            };
            let order = Action::Order {
                user: self.setup.users[0],
                lines: vec![(product, 1)],
                payment: "cod".into(),
                token: None,
                shipping: "std".into(),
            };
            let key = format!("torture-{:016x}-{number:08}", self.setup.seed);
            let (read, write) = (
                ask(number, Action::ReadProducts, None),
                ask(number, order, Some(key)),
            );
            let (read, write) =
                tokio::join!(self.shop.ask(&read, None), self.shop.ask(&write, None));
            let is_well = read?.0.kind == Kind::Ok && write?.0.kind == Kind::Ok;
            well_since = if is_well {
                well_since.or(Some(at))
            } else {
                None
            };
            if well_since.is_some_and(|since| since.elapsed() >= CALM) {
                return Ok(());
            }
            number += 1;
            tokio::time::sleep_until(at + PROBE_EVERY).await;
        }
        Ok(())
    }

    /// Finds out what became of every write whose outcome is unknown, by sending it again.
    ///
    /// Returns how many there were.
    pub async fn resolve(&self, path: &Path) -> Fallible<usize> {
        self.shop.history().flush()?;
        let mut open = BTreeMap::new();
        let mut known = HashSet::new();
        for call in history::read(path)?.calls {
            let (Some(key), false) = (call.key, matches!(call.action, Action::Reuse { .. })) else {
                continue;
            };
            match call.kind {
                Kind::Ok => drop(known.insert(key)),
                Kind::Info => drop(open.insert(key, (call.process, call.action))),
                Kind::Fail | Kind::Invoke => {}
            }
        }
        open.retain(|key, _| !known.contains(key));
        let count = open.len();
        let ask = |(key, (process, action))| Ask {
            process,
            action,
            phase: Phase::Resolve,
            due_ns: self.shop.now_ns(),
            key: Some(key),
            replica: None,
        };
        self.side_by_side(open.into_iter().map(ask), true).await?;
        Ok(count)
    }

    /// Reads every order with its timeline, all stock, and the log of events from its beginning.
    pub async fn look_at_everything(&self) -> Fallible<()> {
        let ask = |action| Ask {
            process: FINAL,
            action,
            phase: Phase::Final,
            due_ns: self.shop.now_ns(),
            key: None,
            replica: None,
        };
        let mut ids = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let all = ask(Action::ReadOrders { user: None });
            let (completion, body) = self.shop.ask(&all, cursor.as_deref()).await?;
            let Seen::Orders { orders, has_more } = completion.seen else {
                return Err(format!(
                    "the orders cannot be read at the end: {completion:?}"
                ));
            };
            ids.extend(orders.iter().map(|order| order.id));
            let page: serde_json::Value = serde_json::from_slice(&body).map_err(doing("a page"))?;
            cursor = page["nextCursor"].as_str().map(str::to_owned);
            if !has_more || cursor.is_none() {
                break;
            }
        }
        let orders = ids.into_iter().map(|order| Action::ReadOrder { order });
        let stock = self.setup.stocked().map(|product| Action::ReadStock {
            product: product.id,
        });
        let asks: Vec<Ask> = orders.chain(stock).map(ask).collect();
        self.side_by_side(asks.into_iter(), false).await?;
        let mut after = None;
        loop {
            let page = ask(Action::ReadEvents { after });
            let (completion, _) = self.shop.ask(&page, None).await?;
            let Seen::Events { events, next, .. } = completion.seen else {
                return Err(format!(
                    "the events cannot be read at the end: {completion:?}"
                ));
            };
            if events.is_empty() {
                return Ok(());
            }
            after = Some(next);
        }
    }

    async fn side_by_side(
        &self,
        mut asks: impl Iterator<Item = Ask>,
        insist: bool,
    ) -> Fallible<()> {
        let mut under_way = JoinSet::new();
        loop {
            while under_way.len() < SIDE_BY_SIDE {
                let Some(ask) = asks.next() else { break };
                let shop = self.shop.clone();
                under_way.spawn(async move {
                    match insist {
                        true => shop.insist(ask).await,
                        false => shop.ask(&ask, None).await,
                    }
                });
            }
            match under_way.join_next().await {
                Some(done) => done.map_err(doing("a request"))??,
                None => return Ok(()),
            };
        }
    }
}
