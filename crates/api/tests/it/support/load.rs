//! Many requests, counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::{JoinHandle, JoinSet};

use super::{Answer, Shop, fresh_key, order_of};

/// Sends all requests at once and waits for all answers.
pub async fn all<F>(requests: impl IntoIterator<Item = F>) -> Vec<Answer>
where
    F: Future<Output = Answer> + Send + 'static,
{
    let tasks: Vec<JoinHandle<Answer>> = requests.into_iter().map(tokio::spawn).collect();
    let mut answers = Vec::with_capacity(tasks.len());
    for task in tasks {
        answers.push(task.await.expect("a request"));
    }
    answers
}

/// How many answers have this status.
pub fn with_status(answers: &[Answer], status: u16) -> usize {
    answers
        .iter()
        .filter(|answer| answer.status == status)
        .count()
}

/// A shop under a steady mix of reads and keyed orders, until it is told to stop.
pub struct Load {
    stop: Arc<AtomicBool>,
    task: JoinHandle<Outcome>,
}

/// What became of all requests of a load.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The key and the id of every order that was acknowledged.
    pub orders: Vec<(String, i64)>,
    pub reads: usize,
    /// Whatever was neither a 200 nor a 201.
    pub failures: Vec<String>,
}

impl Load {
    /// Starts about `per_second` requests a second: whether earlier ones are answered or not.
    pub fn start(shop: &Shop, user: i64, per_second: u32) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let task = tokio::spawn(run(shop.clone(), user, per_second, Arc::clone(&stop)));
        Self { stop, task }
    }

    /// Ends the load, and waits for what is under way.
    pub async fn stop(self) -> Outcome {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await.expect("the load runs")
    }
}

enum Done {
    Read,
    Order(String, i64),
    Failed(String),
}

async fn run(shop: Shop, user: i64, per_second: u32, stop: Arc<AtomicBool>) -> Outcome {
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / per_second);
    let mut requests = JoinSet::new();
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        ticks.tick().await;
        number += 1;
        requests.spawn(one(shop.clone(), user, number));
    }
    let mut outcome = Outcome::default();
    while let Some(done) = requests.join_next().await {
        match done.expect("a request") {
            Done::Read => outcome.reads += 1,
            Done::Order(key, id) => outcome.orders.push((key, id)),
            Done::Failed(why) => outcome.failures.push(why),
        }
    }
    outcome
}

async fn one(shop: Shop, user: i64, number: i64) -> Done {
    let product = number % 3 + 1;
    let (what, answer) = match number % 4 {
        0 => {
            let key = fresh_key();
            let body = order_of(user, &[product]);
            let answer = shop.post("/api/orders", &body).key(&key).try_send().await;
            (Some(key), answer)
        }
        1 => (None, shop.get("/api/products?limit=2").try_send().await),
        2 => (None, shop.get("/api/orders/1").try_send().await),
        _ => {
            let path = format!("/api/products/{product}");
            (None, shop.get(&path).try_send().await)
        }
    };
    match (what, answer) {
        (Some(key), Ok(answer)) if answer.status == 201 => {
            let id = answer.json()["orderId"].as_i64().expect("an order's id");
            Done::Order(key, id)
        }
        (None, Ok(answer)) if answer.status == 200 => Done::Read,
        (_, Ok(answer)) => {
            let body = String::from_utf8_lossy(&answer.body);
            Done::Failed(format!("{} {body}", answer.status))
        }
        (_, Err(error)) => Done::Failed(format!("{error:?}")),
    }
}
