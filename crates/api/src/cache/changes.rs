//! How replicas hear of changes: Postgres tells of every committed one, and Redis tells sooner.
//!
//! Either path is enough. Messages may be lost while a path is down, so a path that comes back
//! makes both tiers forget what they hold; entries also expire by themselves.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use db::listen::{self, Heard};
use deadpool_redis::redis;
use domain::ProductId;
use futures_util::StreamExt as _;

use super::{Cache, Namespace};

/// Stops the listeners when it is dropped.
pub struct Listeners {
    _postgres: mpsc::Sender<()>,
    redis: Option<tokio::task::JoinHandle<()>>,
}

impl Drop for Listeners {
    fn drop(&mut self) {
        if let Some(task) = &self.redis {
            task.abort();
        }
    }
}

/// Starts to listen on every path there is.
#[must_use]
pub fn listen(cache: &Arc<Cache>, database_url: String, redis_url: &str) -> Listeners {
    let (stop, stopped) = mpsc::channel();
    let (hear, mut heard) = tokio::sync::mpsc::unbounded_channel();
    listen::spawn(
        database_url,
        catalog::editing::CHANGES_CHANNEL,
        stopped,
        move |message| {
            let _ = hear.send(message);
        },
    );
    let listening = Arc::clone(cache);
    tokio::spawn(async move {
        while let Some(message) = heard.recv().await {
            match message {
                Heard::Reconnected => listening.everything_changed().await,
                Heard::Message(payload) => apply(&listening, &payload, Told::ByPostgres).await,
            }
        }
    });
    let redis = cache.shared.as_ref().map(|shared| {
        let (url, channel) = (redis_url.to_owned(), shared.channel());
        tokio::spawn(subscribe(Arc::clone(cache), url, channel))
    });
    Listeners {
        _postgres: stop,
        redis,
    }
}

/// Who told of a change.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    /// The writer may not be a replica (an import, say), so nobody may have told Redis yet.
    ByPostgres,
    /// The writer has invalidated Redis before it told.
    ByRedis,
}

async fn apply(cache: &Cache, payload: &str, told: Told) {
    let namespaces = match payload {
        catalog::categories::CHANGED => Ok(super::CATEGORIES),
        product => product
            .parse::<ProductId>()
            .map(|id| [Namespace::ProductLists, Namespace::Product(id)]),
    };
    match (namespaces, told) {
        (Ok(namespaces), Told::ByRedis) => {
            namespaces
                .into_iter()
                .for_each(|namespace| cache.generations.bump(namespace));
        }
        (Ok(namespaces), Told::ByPostgres) => {
            for namespace in namespaces {
                cache.forget(namespace).await;
            }
        }
        (Err(_), _) => cache.everything_changed().await, // `*`: more than one
    }
}

async fn subscribe(cache: Arc<Cache>, url: String, channel: String) {
    let mut pause = Duration::from_millis(100);
    loop {
        match follow(&cache, &url, &channel).await {
            Ok(()) => pause = Duration::from_millis(100),
            Err(error) => log::debug!(error:% = error; "not subscribed to Redis"),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(2));
    }
}

async fn follow(cache: &Cache, url: &str, channel: &str) -> redis::RedisResult<()> {
    let mut subscription = redis::Client::open(url)?.get_async_pubsub().await?;
    subscription.subscribe(channel).await?;
    cache.everything_changed().await;
    let mut messages = subscription.on_message();
    while let Some(message) = messages.next().await {
        apply(cache, &message.get_payload::<String>()?, Told::ByRedis).await;
    }
    Ok(())
}
