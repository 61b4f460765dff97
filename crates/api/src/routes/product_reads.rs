//! Products that are asked for at the same time are read together.
//!
//! A few readers in each replica take whatever waits: under low load one product at once, under high load a set that shares its
//! statements and its trips to Postgres. Nobody waits for a set to fill.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use catalog::prices::Market;
use catalog::products;
use db::{Db, DbError};
use diesel::PgConnection;
use diesel::result::Error::DeserializationError;
use domain::ProductId;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::product_bodies::{ProductBody, translate};
use super::products::to_bytes;
use crate::http::Problem;

/// Sets that are read at the same time.
const READERS: usize = 2;
/// Products in a set.
const SET_SIZE: usize = 32;

/// The finished bytes of a product; `None` where it is not on sale.
type Reply = Result<Option<Vec<u8>>, Problem>;

/// The waiting room of one replica.
pub struct ProductReads {
    db: Db,
    patience: Duration,
    room: Mutex<Room>,
}

#[derive(Default)]
struct Room {
    waiting: VecDeque<Waiting>,
    readers: usize,
    tickets: u64,
}

/// A request whose turn has not come.
struct Waiting {
    ticket: u64,
    id: ProductId,
    market: Market,
    reply: oneshot::Sender<Reply>,
}

impl ProductReads {
    /// An empty one; `patience` is how long a request waits for its turn.
    #[must_use]
    pub fn new(db: Db, patience: Duration) -> Self {
        Self {
            db,
            patience,
            room: Mutex::default(),
        }
    }

    /// Reads a product on sale, together with those that wait when its turn comes.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub async fn get(self: &Arc<Self>, id: ProductId, market: Market) -> Reply {
        let (reply, mut answer) = oneshot::channel();
        let (ticket, needs_reader) = self.enter(id, market, reply);
        if needs_reader {
            tokio::spawn(Arc::clone(self).serve());
        }
        let answer = match timeout(self.patience, &mut answer).await {
            Ok(answer) => answer,
            Err(_) if self.leave(ticket) => {
                return Err(DbError::Busy("no reader of products is free".into()).into());
            }
            Err(_) => answer.await,
        };
        answer.unwrap_or_else(|_| Err(DbError::Panicked.into()))
    }

    /// Tells the request's number, and whether another reader is needed.
    fn enter(&self, id: ProductId, market: Market, reply: oneshot::Sender<Reply>) -> (u64, bool) {
        let mut room = self.room();
        room.tickets += 1;
        let ticket = room.tickets;
        room.waiting.push_back(Waiting {
            ticket,
            id,
            market,
            reply,
        });
        let is_needed = room.readers < READERS;
        room.readers += usize::from(is_needed);
        (ticket, is_needed)
    }

    /// Whether the request's turn had not come.
    fn leave(&self, ticket: u64) -> bool {
        let mut room = self.room();
        let place = room.waiting.iter().position(|w| w.ticket == ticket);
        place.and_then(|place| room.waiting.remove(place)).is_some()
    }

    /// A reader: reads one set after the other until nobody waits. Between two of them others have the connection.
    async fn serve(self: Arc<Self>) {
        loop {
            let reads = Arc::clone(&self);
            let read = move |conn: &mut PgConnection| Ok::<_, DbError>(reads.read_next(conn));
            match self.db.run(read).await {
                Ok(true) | Err(DbError::Panicked) => {} // then its members are told by the loss of their channels
                Ok(false) => return,
                Err(error) => {
                    let problem = Problem::from(error);
                    let dismissed = self.dismiss();
                    dismissed
                        .into_iter()
                        .for_each(|w| w.tell(Err(problem.clone())));
                    return;
                }
            }
        }
    }

    /// Reads the next set; `false` ends the reader.
    fn read_next(&self, conn: &mut PgConnection) -> bool {
        let set = self.take();
        if let Some(first) = set.first() {
            metrics::histogram!("product_reads_set_size").record(set.len() as f64);
            let market = first.market;
            read_set(conn, set, market);
            return true;
        }
        false
    }

    /// Those who wait for the same market as the first one. Nobody ends the reader.
    fn take(&self) -> Vec<Waiting> {
        let mut room = self.room();
        room.waiting.retain(|waiting| !waiting.reply.is_closed());
        let mut set = Vec::new();
        let market = room.waiting.front().map(|first| first.market);
        let mut others = VecDeque::new();
        while set.len() < SET_SIZE
            && let Some(waiting) = room.waiting.pop_front()
        {
            if Some(waiting.market) == market {
                set.push(waiting);
            } else {
                others.push_back(waiting);
            }
        }
        others.append(&mut room.waiting);
        room.waiting = others;
        if set.is_empty() {
            room.readers -= 1;
        }
        set
    }

    /// Ends a reader that had no connection, and everybody's waiting where it was the last one.
    fn dismiss(&self) -> VecDeque<Waiting> {
        let mut room = self.room();
        room.readers -= 1;
        match room.readers {
            0 => std::mem::take(&mut room.waiting),
            _ => VecDeque::new(),
        }
    }

    fn room(&self) -> MutexGuard<'_, Room> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn tell(self, reply: Reply) {
        let _ = self.reply.send(reply); // it may wait no more
    }
}

fn read_set(conn: &mut PgConnection, set: Vec<Waiting>, market: Market) {
    match read(conn, &set, market) {
        Ok(bodies) => {
            for waiting in set {
                let body = bodies.get(&waiting.id).map(to_bytes);
                waiting.tell(body.transpose());
            }
        }
        // A product that cannot be read is nobody else's trouble.
        Err(DeserializationError(_)) if set.len() > 1 => {
            for waiting in set {
                read_set(conn, vec![waiting], market);
            }
        }
        Err(error) => {
            let problem = Problem::from(error);
            set.into_iter().for_each(|w| w.tell(Err(problem.clone())));
        }
    }
}

fn read(
    conn: &mut PgConnection,
    set: &[Waiting],
    market: Market,
) -> diesel::QueryResult<HashMap<ProductId, ProductBody>> {
    let mut ids: Vec<i64> = set.iter().map(|waiting| waiting.id.get()).collect();
    ids.sort_unstable();
    ids.dedup();
    let found = products::find_together(conn, ids, market)?;
    let mut bodies = ProductBody::of_all(conn, found)?;
    translate(conn, &mut bodies, market)?;
    Ok(bodies.into_iter().map(|body| (body.id, body)).collect())
}
