//! What is done for one intent: one request, several, or one that follows from an answer.

use tokio::task::JoinSet;

use super::plan::Intent;
use super::shop::Ask;
use super::{Placed, Workload};
use crate::history::{Action, Completion, Kind, Phase, Seen};
use crate::{Fallible, doing};

/// Somebody with an intent.
pub(super) struct Pursuit {
    workload: Workload,
    process: u64,
    due_ns: u64,
    key: String,
}

impl Pursuit {
    pub(super) fn new(workload: Workload, process: u64, due_ns: u64) -> Self {
        Self {
            key: format!("torture-{:016x}-{process:08}", workload.setup.seed),
            workload,
            process,
            due_ns,
        }
    }

    /// Does all of it, until its outcome is known or its time is up.
    pub(super) async fn go(&self, intent: Intent) -> Fallible<()> {
        match intent {
            Intent::Order {
                user,
                lines,
                payment,
                token,
                shipping,
                twice,
                read_at,
            } => {
                let line = |(index, quantity): &(usize, i64)| (self.product(*index), *quantity);
                let action = Action::Order {
                    user: self.user(user),
                    lines: lines.iter().map(line).collect(),
                    payment: payment.into(),
                    token: token.map(str::to_owned),
                    shipping: shipping.into(),
                };
                let ask = self.write(action);
                self.workload.place(ask, twice, read_at).await
            }
            Intent::Rush { product, units } => self.rush(product, units).await,
            Intent::Repeat { pick } => self.repeat(pick).await,
            Intent::Reuse { pick } => self.reuse(pick).await,
            Intent::Cancel { pick } => self.cancel(pick).await,
            Intent::Advance { pick } => self.advance(pick).await,
            Intent::Restock { product, more } => self.restock(product, more).await,
            Intent::Price { product, amount } => {
                let product = self.product(product);
                let ask = self.write(Action::Price { product, amount });
                self.workload.shop.insist(ask).await.map(|_| ())
            }
            Intent::ReadOrder { pick, replica } => match self.workload.pick(pick) {
                Some(Placed { order, .. }) => self.look(Action::ReadOrder { order }, replica).await,
                None => Ok(()),
            },
            Intent::ReadOrders { user } => {
                let user = Some(self.user(user));
                self.look(Action::ReadOrders { user }, None).await
            }
            Intent::ReadStock { product } => {
                let product = self.product(product);
                self.look(Action::ReadStock { product }, None).await
            }
            Intent::ReadProduct { product, replica } => {
                let product = self.product(product);
                self.look(Action::ReadProduct { product }, replica).await
            }
            Intent::ReadProducts => self.look(Action::ReadProducts, None).await,
        }
    }

    fn product(&self, index: usize) -> i64 {
        let products = &self.workload.setup.products;
        products[index % products.len()].id
    }

    fn user(&self, index: usize) -> i64 {
        let users = &self.workload.setup.users;
        users[index % users.len()]
    }

    fn read(&self, action: Action, replica: Option<u64>) -> Ask {
        Ask {
            process: self.process,
            action,
            phase: Phase::Run,
            due_ns: self.due_ns,
            key: None,
            replica: replica
                .and_then(|pick| usize::try_from(pick % 1_000).ok())
                .map(|pick| pick % self.workload.shop.replicas()),
        }
    }

    fn write(&self, action: Action) -> Ask {
        Ask {
            key: Some(self.key.clone()),
            ..self.read(action, None)
        }
    }

    /// The key of an order that was placed before.
    fn again(&self, placed: &Placed, action: Action) -> Ask {
        Ask {
            process: placed.process,
            key: Some(placed.key.clone()),
            ..self.read(action, None)
        }
    }

    async fn look(&self, action: Action, replica: Option<u64>) -> Fallible<()> {
        let ask = self.read(action, replica);
        self.workload.shop.ask(&ask, None).await.map(|_| ())
    }

    async fn rush(&self, product: usize, units: Vec<i64>) -> Fallible<()> {
        let mut buyers = JoinSet::new();
        for (number, units) in units.into_iter().enumerate() {
            let action = Action::Order {
                user: self.user(number),
                lines: vec![(self.product(product), units)],
                payment: "invoice".into(),
                token: None,
                shipping: "std".into(),
            };
            let ask = Ask {
                key: Some(format!("{}-{number}", self.key)),
                ..self.read(action, None)
            };
            let workload = self.workload.clone();
            // Every other one clicks twice.
            let twice = number % 2 == 1;
            buyers.spawn(async move { workload.place(ask, twice, None).await });
        }
        while let Some(done) = buyers.join_next().await {
            done.map_err(doing("a buyer"))??;
        }
        Ok(())
    }

    async fn repeat(&self, pick: u64) -> Fallible<()> {
        let Some(placed) = self.workload.pick(pick) else {
            return Ok(());
        };
        let ask = self.again(&placed, placed.action.clone());
        self.workload.shop.insist(ask).await.map(|_| ())
    }

    async fn reuse(&self, pick: u64) -> Fallible<()> {
        let Some(placed) = self.workload.pick(pick) else {
            return Ok(());
        };
        let lines = vec![(self.product(0), 1)];
        let ask = self.again(&placed, Action::Reuse { lines });
        self.workload.shop.ask(&ask, None).await.map(|_| ())
    }

    async fn cancel(&self, pick: u64) -> Fallible<()> {
        let Some(Placed { order, .. }) = self.workload.pick(pick) else {
            return Ok(());
        };
        let ask = self.write(Action::Cancel { order });
        self.workload.move_to(ask, order, "cancelled").await
    }

    async fn advance(&self, pick: u64) -> Fallible<()> {
        let Some(Placed { order, status, .. }) = self.workload.pick(pick) else {
            return Ok(());
        };
        let to = next(status);
        let action = Action::Advance {
            order,
            to: to.into(),
        };
        self.workload.move_to(self.write(action), order, to).await
    }

    /// Counts stock: a look, and a compare and swap.
    async fn restock(&self, product: usize, more: i64) -> Fallible<()> {
        let product = self.product(product);
        let look = self.read(Action::ReadStock { product }, None);
        let (seen, _) = self.workload.shop.ask(&look, None).await?;
        if let Seen::Stock { on_hand, .. } = seen.seen {
            let action = Action::Restock {
                product,
                expected: on_hand,
                on_hand: on_hand + more,
            };
            self.workload.shop.insist(self.write(action)).await?;
        }
        Ok(())
    }
}

impl Workload {
    /// Places an order, perhaps twice at once, and perhaps reads it back where it may be unknown.
    async fn place(&self, ask: Ask, twice: bool, read_at: Option<u64>) -> Fallible<()> {
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
