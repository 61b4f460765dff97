//! What customers and staff do, at a fixed rate whether they are answered or not.
//!
//! Nobody waits for somebody else's answer before acting (no coordinated omission): a request that
//! hangs delays none of the next ones, and its latency counts from when it was due.
//!
//! - [`plan`]: what happens when, from the seed
//! - [`pursuit`]: what is done for one intent
//! - [`shop`]: requests, noted in the history
//! - [`answers`]: what is looked at in an answer
//! - [`following`]: somebody who follows the log of events all the time
//! - [`finish`]: after the faults: signs of life, unknown outcomes, the last look at everything

pub mod answers;
pub mod finish;
mod following;
pub mod plan;
mod pursuit;
pub mod shop;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use tokio::task::JoinSet;

use crate::history::{Action, Setup, Stocked, Writer};
use crate::{Fallible, doing};
use plan::{Plan, stock_and_price};
use pursuit::Pursuit;
use shop::Shop;

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
            setup.products.push(Stocked {
                id,
                on_hand,
                price,
                ..Stocked::default()
            });
        }
        let bundle = bundle(&shop, &setup.products).await?;
        setup.products.push(bundle);
        shop.history().setup(setup.clone())?;
        Ok(Self {
            shop,
            setup: Arc::new(setup),
            placed: Arc::default(),
        })
    }

    /// Keeps everything busy that a replica has, while its database is slow.
    pub async fn crowd(&self) -> Fallible<()> {
        self.shop.crowd().await
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
            let pursuit = Pursuit::new(workload, number + 1, due_ns);
            intents.spawn(async move { pursuit.go(intent).await });
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
}

/// Makes the bundle, of products that are there.
async fn bundle(shop: &Shop, products: &[Stocked]) -> Fallible<Stocked> {
    let price = plan::BUNDLE_PRICE;
    let body = json!({"name": "Bundle", "sku": "BUNDLE", "price": answers::decimal(price)});
    let id = shop.prepare("/api/products", &body).await?;
    let parts = plan::PARTS.map(|(product, quantity)| (products[product].id, quantity));
    let mut components = Vec::new();
    for (product, quantity) in parts {
        let variant = variant(shop, product).await?;
        components.push(json!({"variantId": variant, "quantity": quantity}));
    }
    let variant = variant(shop, id).await?;
    let path = format!("/api/admin/products/{id}/variants/{variant}/components");
    let body = json!({"components": components});
    shop.set(Method::PUT, &path, Some(&body)).await?;
    Ok(Stocked {
        id,
        on_hand: 0,
        price,
        parts: parts.to_vec(),
    })
}

/// The one variant of a product.
async fn variant(shop: &Shop, product: i64) -> Fallible<i64> {
    let path = format!("/api/admin/products/{product}/variants");
    let answer = shop.set(Method::GET, &path, None).await?;
    let id = answer["variants"][0]["id"].as_i64();
    id.ok_or_else(|| format!("{path}: {answer}"))
}
