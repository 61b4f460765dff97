//! Requests that wait at the same time are placed together.
//!
//! A few writers per replica, each with one connection, take whatever waits: under low load that is
//! one request at once, under high load a set that shares its statements and its commit. Nobody
//! waits for a set to fill.
//!
//! A variant that many wait for is *hot*. Its requests are placed in sets of their own, one at a
//! time, because each set holds the variant's row until it commits: two of them would only wait for
//! each other, and everything else would wait with them.

mod room;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use catalog::quotes::Wanted;
use db::{Db, DbError};
use diesel::PgConnection;
use tokio::sync::{Semaphore, oneshot};

use self::room::{HOT, Room, Waiting};
use super::{
    AnswerForm, Decision, PATIENCE, PlaceError, Placed, Request, place, place_all, place_from_hold,
};

/// How many requests may wait, and how they are taken.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Sets that are placed at the same time.
    pub writers: usize,
    /// Requests in a set.
    pub set_size: usize,
    /// Requests that may wait; one more is refused at once.
    pub waiting: usize,
}

/// How many requests a replica places by themselves at a time.
const ALONE: usize = 4;

/// After each set a hot variant is left alone for one and a half times as long as the set took, and
/// no longer than this. Those who come meanwhile share the next set, and everybody else gets the
/// machine, which the hot variant's crowd would take for ever smaller sets.
const LONGEST_REST: Duration = Duration::from_millis(20);

/// Why a request has no order.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// Too many requests wait already.
    #[error("too many orders are waiting")]
    Full,
    #[error(transparent)]
    Refused(#[from] PlaceError),
    #[error(transparent)]
    Db(#[from] DbError),
}

type Reply = Result<Placed, QueueError>;

/// The waiting room of one replica.
pub struct Queue {
    limits: Limits,
    form: AnswerForm,
    room: Mutex<Room>,
    /// For requests that are placed by themselves: they may wait for locks, and are not to take
    /// every connection there is.
    alone: Arc<Semaphore>,
}

/// Requests that are being placed, and the hot variant that they hold.
struct Set<'q> {
    members: Vec<Waiting>,
    hot: Option<Wanted>,
    queue: &'q Queue,
}

impl Drop for Set<'_> {
    fn drop(&mut self) {
        if let Some(hot) = &self.hot {
            self.queue.room().release(hot);
        }
    }
}

/// Why a writer gave its connection back.
enum Paused {
    /// Nobody waits that it could serve.
    Idle,
    /// A set was not placed.
    Failed(Vec<Waiting>, DbError),
}

impl Queue {
    /// An empty one.
    #[must_use]
    pub fn new(limits: Limits, form: AnswerForm) -> Self {
        Self {
            limits,
            form,
            room: Mutex::default(),
            alone: Arc::new(Semaphore::new(ALONE)),
        }
    }

    /// Places a request, together with those that wait when its turn comes; by itself where it takes the place of a
    /// hold, which staff does one by one.
    ///
    /// # Errors
    ///
    /// [`QueueError::Full`] at once, without any effect; else what [`place_all`] or [`place`](super::place) decides.
    pub async fn place(self: &Arc<Self>, db: &Db, request: Request) -> Reply {
        let (reply, answer) = oneshot::channel();
        let waiting = Waiting {
            request: Arc::new(request),
            reply,
        };
        if waiting.request.hold.is_some() {
            self.place_alone(db, waiting);
        } else if self.enter(waiting)? {
            tokio::spawn(Arc::clone(self).write(db.clone()));
        }
        answer.await.unwrap_or(Err(DbError::Panicked.into()))
    }

    /// Tells whether another writer is needed.
    fn enter(&self, waiting: Waiting) -> Result<bool, QueueError> {
        let mut room = self.room();
        if room.len() >= self.limits.waiting {
            return Err(QueueError::Full);
        }
        let is_needed = !room.is_blocked(&waiting) && room.writers < self.limits.writers;
        room.writers += usize::from(is_needed);
        room.admit(waiting);
        Ok(is_needed)
    }

    /// A writer: places one set after the other until nobody waits that it could serve.
    async fn write(self: Arc<Self>, db: Db) {
        loop {
            let (queue, pool) = (Arc::clone(&self), db.clone());
            let paused = db
                .run(move |conn| Ok::<_, DbError>(queue.place_sets(conn, &pool)))
                .await;
            match paused {
                Ok(Paused::Idle) => return,
                // The connection broke, perhaps at COMMIT: only the key can tell what became of it.
                Ok(Paused::Failed(members, error @ DbError::Unavailable(_))) => {
                    members
                        .into_iter()
                        .for_each(|m| m.tell(Err(copy(&error).into())));
                }
                Ok(Paused::Failed(members, error)) => {
                    log::warn!(members = members.len(), error:% = error; "a set of orders failed; placing them one by one");
                    members.into_iter().for_each(|m| self.place_alone(&db, m));
                }
                Err(DbError::Panicked) => {} // its members are told by the loss of their channels
                Err(error) => {
                    // There was no connection to be had; another writer may have one.
                    self.dismiss()
                        .into_iter()
                        .for_each(|m| m.tell(Err(copy(&error).into())));
                    return;
                }
            }
        }
    }

    fn place_sets(self: &Arc<Self>, conn: &mut PgConnection, db: &Db) -> Paused {
        while let Some(mut set) = self.take() {
            let requests: Vec<&Request> = set.members.iter().map(|m| &*m.request).collect();
            metrics::histogram!("orders_set_size").record(requests.len() as f64);
            let (began, size) = (Instant::now(), requests.len());
            let decided = place_all(conn, &requests, self.form);
            let members = std::mem::take(&mut set.members);
            match decided {
                Err(error) => return Paused::Failed(members, error.into()),
                Ok(decisions) => {
                    for (member, decision) in members.into_iter().zip(decisions) {
                        match decision {
                            Decision::Done(done) => member.tell(done.map_err(refusal)),
                            Decision::Alone => self.place_alone(db, member),
                        }
                    }
                }
            }
            if set.hot.is_some() && size >= HOT {
                self.rest(began.elapsed());
            }
        }
        Paused::Idle
    }

    /// Leaves a hot variant alone for a while after a set that took so long. The last writer that is
    /// awake goes on: others wait too.
    fn rest(&self, took: Duration) {
        if !self.room().let_rest(self.limits.writers) {
            return;
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "a blocking thread, and the time itself is wanted"
        )]
        std::thread::sleep((took * 3 / 2).min(LONGEST_REST));
        self.room().resting -= 1;
    }

    /// Places a request by itself, where it may wait without holding up others.
    fn place_alone(&self, db: &Db, member: Waiting) {
        let (db, form, alone) = (db.clone(), self.form, Arc::clone(&self.alone));
        tokio::spawn(async move {
            let _permit = alone.acquire_owned().await;
            if member.request.received.elapsed() > PATIENCE {
                return member.tell(Err(PlaceError::Late.into()));
            }
            let request = Arc::clone(&member.request);
            let place = move |conn: &mut PgConnection| match request.hold {
                Some(hold) => place_from_hold(conn, &request, hold, form),
                None => place(conn, &request, form),
            };
            let placed = db.run(move |conn| Ok::<_, DbError>(place(conn)?)).await;
            member.tell(match placed {
                Ok(done) => done.map_err(refusal),
                Err(error) => Err(error.into()),
            });
        });
    }

    /// The next set; `None` ends the writer.
    fn take(&self) -> Option<Set<'_>> {
        let mut room = self.room();
        let (members, hot) = room.take(self.limits.set_size);
        if members.is_empty() {
            room.writers -= 1;
            return None;
        }
        Some(Set {
            members,
            hot,
            queue: self,
        })
    }

    /// Ends a writer, and everybody's waiting where it was the last one.
    fn dismiss(&self) -> VecDeque<Waiting> {
        let mut room = self.room();
        room.writers -= 1;
        match room.writers {
            0 => room.empty(),
            _ => VecDeque::new(),
        }
    }

    fn room(&self) -> MutexGuard<'_, Room> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refusal(error: PlaceError) -> QueueError {
    match error {
        PlaceError::Db(error) => DbError::from(error).into(),
        error => error.into(),
    }
}

/// The same error for several.
fn copy(error: &DbError) -> DbError {
    match error {
        DbError::Unavailable(why) => DbError::Unavailable(why.clone()),
        DbError::Busy(why) => DbError::Busy(why.clone()),
        DbError::Query(_) | DbError::Panicked => DbError::Panicked,
    }
}
