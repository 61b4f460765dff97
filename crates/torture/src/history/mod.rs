//! Every request and what came of it, one JSON object a line.
//!
//! An outcome has three values. `ok`: it happened. `fail`: it did not, and the answer proves it.
//! `info`: nobody knows, because the answer was lost, late or a 5xx. Time-outs are never failures.

mod file;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use file::{Completion, Invocation, Writer, read};

/// What was asked for, with what it depends on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "f", content = "arg", rename_all = "kebab-case")]
pub enum Action {
    /// Not a request: the shop as it was before the first one.
    Setup(Setup),
    /// `lines` are products and quantities.
    Order {
        user: i64,
        lines: Vec<(i64, i64)>,
        payment: String,
        token: Option<String>,
        shipping: String,
    },
    /// The key of an order with another body; there is no effect to have.
    Reuse {
        lines: Vec<(i64, i64)>,
    },
    Cancel {
        order: i64,
    },
    Advance {
        order: i64,
        to: String,
    },
    /// A compare and swap of the counted stock.
    Restock {
        product: i64,
        expected: i64,
        on_hand: i64,
    },
    /// The new price in minor units.
    Price {
        product: i64,
        amount: i64,
    },
    ReadOrder {
        order: i64,
    },
    /// Orders of a user, newest first; of everybody when `None`.
    ReadOrders {
        user: Option<i64>,
    },
    ReadStock {
        product: i64,
    },
    ReadProduct {
        product: i64,
    },
    ReadProducts,
    /// What follows in the log of events after a cursor; its oldest part when `None`.
    ReadEvents {
        after: Option<String>,
    },
}

impl Action {
    /// The name under which the report counts it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Setup(_) => "setup",
            Self::Order { .. } => "order",
            Self::Reuse { .. } => "reuse",
            Self::Cancel { .. } => "cancel",
            Self::Advance { .. } => "advance",
            Self::Restock { .. } => "restock",
            Self::Price { .. } => "price",
            Self::ReadOrder { .. } => "read-order",
            Self::ReadOrders { .. } => "read-orders",
            Self::ReadStock { .. } => "read-stock",
            Self::ReadProduct { .. } => "read-product",
            Self::ReadProducts => "read-products",
            Self::ReadEvents { .. } => "read-events",
        }
    }

    /// Whether it changes something.
    #[must_use]
    pub fn is_write(&self) -> bool {
        self.moves_stock() || matches!(self, Self::Advance { .. } | Self::Price { .. })
    }

    /// Whether it needs the counters of stock for itself. The key of an order with another body stands
    /// in the same queue.
    #[must_use]
    pub fn moves_stock(&self) -> bool {
        match self {
            Self::Order { .. }
            | Self::Reuse { .. }
            | Self::Cancel { .. }
            | Self::Restock { .. } => true,
            Self::Advance { to, .. } => to == "inTransit",
            _ => false,
        }
    }

    /// Whether the payment provider is scripted to be away for it, so that a 503 is what it asks for.
    #[must_use]
    pub fn is_unpayable(&self) -> bool {
        matches!(self, Self::Order { token: Some(token), .. } if token == "tok_error")
    }
}

/// The shop before the first request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setup {
    pub seed: u64,
    pub commit: String,
    pub replicas: usize,
    pub products: Vec<Stocked>,
    pub users: Vec<i64>,
}

impl Setup {
    /// What lines take from stock, each product once: of a bundle it is what it is made of.
    pub fn units(&self, lines: impl IntoIterator<Item = (i64, i64)>) -> BTreeMap<i64, i64> {
        let mut units = BTreeMap::new();
        for (id, quantity) in lines {
            let product = self.products.iter().find(|product| product.id == id);
            let parts = product.map_or(&[][..], |product| &product.parts);
            for (part, each) in parts {
                *units.entry(*part).or_default() += each * quantity;
            }
            if parts.is_empty() {
                *units.entry(id).or_default() += quantity;
            }
        }
        units
    }

    /// Products with stock of their own.
    pub fn stocked(&self) -> impl Iterator<Item = &Stocked> {
        let products = self.products.iter();
        products.filter(|product| product.parts.is_empty())
    }
}

/// A product as it was entered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stocked {
    pub id: i64,
    pub on_hand: i64,
    /// List price in minor units.
    pub price: i64,
    /// Products that a bundle is made of, and how many of each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<(i64, i64)>,
}

/// What an answer said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Seen {
    Order {
        order: OrderView,
    },
    Orders {
        orders: Vec<OrderView>,
        has_more: bool,
    },
    Stock {
        on_hand: i64,
        reserved: i64,
        safety: i64,
        backorder: i64,
        available: i64,
    },
    Product {
        price: i64,
    },
    Products {
        prices: Vec<(i64, i64)>,
    },
    Status {
        status: String,
    },
    Events {
        events: Vec<EventView>,
        next: String,
        has_more: bool,
    },
    Refused {
        code: String,
    },
    /// Nothing that is looked at, or nothing that could be read.
    Other {
        note: String,
    },
}

/// What is looked at in an order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderView {
    pub id: i64,
    pub user: i64,
    /// The address, which names the key it was placed with.
    pub key: String,
    pub status: String,
    pub version: i64,
    pub lines: Vec<LineView>,
    pub subtotal: i64,
    pub discount: i64,
    pub shipping: i64,
    pub total: i64,
    pub method: String,
    /// Empty where the answer had none.
    pub timeline: Vec<StepView>,
}

/// What is looked at in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineView {
    pub product: i64,
    pub quantity: i64,
    pub unit: i64,
    pub total: i64,
}

/// One entry of a timeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepView {
    pub version: i64,
    pub kind: String,
    pub from: Option<String>,
    pub to: Option<String>,
}

/// What is looked at in an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventView {
    pub id: String,
    pub kind: String,
    /// The kind and the id of what it happened to.
    pub resource: String,
    pub of: i64,
    pub sequence: i64,
}

/// Which part of a run a request belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Under load, with faults.
    Run,
    /// After the last heal: is it alive again?
    Probe,
    /// Unknown outcomes are found out.
    Resolve,
    /// The last look at everything.
    Final,
}

/// The kind of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Invoke,
    Ok,
    Fail,
    Info,
}

/// One line of the file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Entry {
    pub i: u64,
    pub t_ns: u64,
    /// The intent; its retries and duplicates share it.
    pub process: u64,
    #[serde(rename = "type")]
    pub kind: Kind,
    /// The line of the invocation that this one completes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<u64>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// When it should have been sent; latency counts from here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_ns: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The replica it was sent to, from 0; through nginx when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replica: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<Seen>,
    /// Of status and body, byte for byte.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub req_id: Option<String>,
}

/// One request from its start to its end.
#[derive(Clone, Debug)]
pub struct Call {
    pub i: u64,
    pub process: u64,
    pub action: Action,
    pub phase: Phase,
    pub key: Option<String>,
    pub replica: Option<usize>,
    pub due_ns: u64,
    pub invoked_ns: u64,
    /// [`u64::MAX`] for one that was under way when the file ended.
    pub ended_ns: u64,
    pub kind: Kind,
    pub status: Option<u16>,
    pub seen: Option<Seen>,
    pub hash: Option<String>,
    pub req_id: Option<String>,
}

/// A whole file, understood.
#[derive(Clone, Debug, Default)]
pub struct History {
    pub setup: Setup,
    /// In the order of their invocation.
    pub calls: Vec<Call>,
}

impl OrderView {
    /// Its products and quantities.
    pub fn asked(&self) -> impl Iterator<Item = (i64, i64)> {
        let lines = self.lines.iter();
        lines.map(|line| (line.product, line.quantity))
    }
}
