//! Histories by hand, for the tests of the checks: good ones, and ones with one thing wrong.

use crate::history::{
    Action, Call, History, Kind, LineView, OrderView, Phase, Seen, Setup, StepView, Stocked,
};
use crate::nemesis::{Fault, Window};

use super::{Evidence, Finding};

/// A shop with one product, 10 on hand at 5.00, and whatever is told of it.
pub struct Story {
    pub history: History,
    pub windows: Vec<Window>,
    now: u64,
}

/// A second of the story.
pub const SECOND: u64 = 1_000_000_000;

impl Story {
    pub fn new() -> Self {
        let products = vec![Stocked {
            id: 1,
            on_hand: 10,
            price: 500,
            ..Stocked::default()
        }];
        let setup = Setup {
            products,
            users: vec![2],
            replicas: 2,
            ..Setup::default()
        };
        Self {
            history: History {
                setup,
                calls: Vec::new(),
            },
            windows: Vec::new(),
            now: SECOND,
        }
    }

    /// A request that takes a tenth of a second, one after the other.
    pub fn call(&mut self, action: Action, key: Option<&str>, kind: Kind, seen: Seen) -> &mut Call {
        let i = self.history.calls.len() as u64;
        let (invoked_ns, ended_ns) = (self.now, self.now + SECOND / 10);
        self.now = ended_ns + SECOND / 10;
        self.history.calls.push(Call {
            i,
            process: i,
            action,
            phase: Phase::Run,
            key: key.map(str::to_owned),
            replica: None,
            due_ns: invoked_ns,
            invoked_ns,
            ended_ns,
            kind,
            status: Some(match kind {
                Kind::Ok => 200,
                Kind::Fail => 409,
                _ => 503,
            }),
            seen: Some(seen),
            hash: key
                .filter(|_| kind == Kind::Ok)
                .map(|key| format!("answer to {key}")),
            req_id: None,
        });
        self.history.calls.last_mut().unwrap()
    }

    /// An order of some units under a key, acknowledged with an id.
    pub fn placed(&mut self, key: &str, id: i64, units: i64) -> &mut Call {
        let order = order(key, id, units);
        self.call(buy(units), Some(key), Kind::Ok, Seen::Order { order })
    }

    /// An order that nobody knows the fate of.
    pub fn lost(&mut self, key: &str, units: i64) -> &mut Call {
        self.call(buy(units), Some(key), Kind::Info, other())
    }

    /// The order is cancelled, under a key.
    pub fn cancelled(&mut self, key: &str, order: i64) -> &mut Call {
        let status = "cancelled".into();
        let (cancel, seen) = (Action::Cancel { order }, Seen::Status { status });
        self.call(cancel, Some(key), Kind::Ok, seen)
    }

    pub fn stock(&mut self, on_hand: i64, reserved: i64) -> &mut Call {
        self.call(
            Action::ReadStock { product: 1 },
            None,
            Kind::Ok,
            stock(on_hand, reserved),
        )
    }

    /// The last look: these orders, and this stock.
    pub fn ends_with(&mut self, orders: &[OrderView], on_hand: i64, reserved: i64) {
        for order in orders {
            let seen = Seen::Order {
                order: order.clone(),
            };
            self.call(Action::ReadOrder { order: order.id }, None, Kind::Ok, seen)
                .phase = Phase::Final;
        }
        self.stock(on_hand, reserved).phase = Phase::Final;
    }

    pub fn window(&mut self, fault: Fault, from: u64, to: u64) {
        self.windows.push(Window {
            fault,
            replica: None,
            begins_ns: from,
            ends_ns: to,
        });
    }

    /// The kinds of what a check finds.
    pub fn found(&self, check: fn(&Evidence<'_>) -> Vec<Finding>) -> Vec<String> {
        let evidence = Evidence::new(&self.history, &self.windows);
        check(&evidence)
            .into_iter()
            .map(|finding| finding.kind)
            .collect()
    }
}

pub fn buy(units: i64) -> Action {
    Action::Order {
        user: 2,
        lines: vec![(1, units)],
        payment: "cod".into(),
        token: None,
        shipping: "std".into(),
    }
}

pub fn stock(on_hand: i64, reserved: i64) -> Seen {
    Seen::Stock {
        on_hand,
        reserved,
        safety: 0,
        backorder: 0,
        available: on_hand - reserved,
    }
}

pub fn other() -> Seen {
    Seen::Other {
        note: String::new(),
    }
}

/// An order as it was placed.
pub fn order(key: &str, id: i64, units: i64) -> OrderView {
    OrderView {
        id,
        user: 2,
        key: key.into(),
        status: "ordered".into(),
        version: 1,
        lines: vec![LineView {
            product: 1,
            quantity: units,
            unit: 500,
            total: 500 * units,
        }],
        subtotal: 500 * units,
        discount: 0,
        shipping: 0,
        total: 500 * units,
        method: "std".into(),
        timeline: vec![step(1, None, "ordered")],
    }
}

pub fn step(version: i64, from: Option<&str>, to: &str) -> StepView {
    let kind = if version == 1 { "placed" } else { "status" };
    StepView {
        version,
        kind: kind.into(),
        from: from.map(str::to_owned),
        to: Some(to.into()),
    }
}

/// The same order, cancelled.
pub fn cancelled(mut order: OrderView) -> OrderView {
    order.timeline.push(step(2, Some("ordered"), "cancelled"));
    order.status = "cancelled".into();
    order.version = 2;
    order
}
