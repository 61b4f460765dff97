//! Requests that wait at the same time are placed together.
//!
//! A few writers per replica, each with one connection, take whatever waits: under low load that is
//! one request at once, under high load a set that shares its statements and its commit. Nobody
//! waits for a set to fill.
//!
//! A variant that many wait for is *hot*. Its requests are placed in sets of their own, one at a
//! time, because each set holds the variant's row until it commits: two of them would only wait for
//! each other, and everything else would wait with them.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use catalog::quotes::Wanted;
use db::{Db, DbError};
use diesel::PgConnection;
use tokio::sync::oneshot;

use super::{AnswerForm, Decision, PlaceError, Placed, Request, place_all};

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

/// Lines in a set: a few very long orders are enough for one.
const SET_LINES: usize = 2_000;
/// Requests that want a variant at the same time and make it hot.
const HOT: usize = 8;
/// Whoever has waited for so long is refused: its client is about to give up.
const PATIENCE: Duration = Duration::from_secs(2);

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
}

#[derive(Default)]
struct Room {
    waiting: VecDeque<Waiting>,
    /// How many of those who wait want it.
    demand: HashMap<Wanted, usize>,
    /// What a set that is being placed holds alone.
    held: HashSet<Wanted>,
    writers: usize,
}

struct Waiting {
    request: Arc<Request>,
    since: Instant,
    reply: oneshot::Sender<Reply>,
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
            self.queue.room().held.remove(hot);
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
        }
    }

    /// Places a request, together with those that wait when its turn comes.
    ///
    /// # Errors
    ///
    /// [`QueueError::Full`] at once, without any effect; else what [`place_all`] decides.
    pub async fn place(self: &Arc<Self>, db: &Db, request: Request) -> Reply {
        let (reply, answer) = oneshot::channel();
        let waiting = Waiting {
            request: Arc::new(request),
            since: Instant::now(),
            reply,
        };
        if self.enter(waiting)? {
            tokio::spawn(Arc::clone(self).write(db.clone()));
        }
        answer.await.unwrap_or(Err(DbError::Panicked.into()))
    }

    /// Tells whether another writer is needed.
    fn enter(&self, waiting: Waiting) -> Result<bool, QueueError> {
        let mut room = self.room();
        if room.waiting.len() >= self.limits.waiting {
            return Err(QueueError::Full);
        }
        let is_blocked = named(&waiting.request).any(|wanted| room.held.contains(wanted));
        let is_needed = !is_blocked && room.writers < self.limits.writers;
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
                    // There was no connection to be had.
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
            let decided = place_all(conn, &requests, self.form, false);
            let members = std::mem::take(&mut set.members);
            drop(set); // before anybody is told: they come back with their next order
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
        }
        Paused::Idle
    }

    /// Places a request by itself, where it may wait without holding up others.
    fn place_alone(&self, db: &Db, member: Waiting) {
        let (db, form) = (db.clone(), self.form);
        tokio::spawn(async move {
            let request = Arc::clone(&member.request);
            let placed = db
                .run(move |conn| {
                    let decisions = place_all(conn, &[&*request], form, true)?;
                    Ok::<_, DbError>(decisions.into_iter().next())
                })
                .await;
            member.tell(match placed {
                Ok(Some(Decision::Done(done))) => done.map_err(refusal),
                Ok(Some(Decision::Alone) | None) => Err(PlaceError::KeyBusy.into()),
                Err(error) => Err(error.into()),
            });
        });
    }

    /// The next set; `None` ends the writer.
    fn take(&self) -> Option<Set<'_>> {
        let mut room = self.room();
        let (mut members, mut hot, mut lines) = (Vec::<Waiting>::new(), None, 0);
        let mut keys = HashSet::new();
        let mut queue = std::mem::take(&mut room.waiting);
        let mut passed_over = VecDeque::new();
        while let Some(waiting) = queue.pop_front() {
            if waiting.since.elapsed() > PATIENCE {
                room.dismiss(&waiting);
                waiting.tell(Err(
                    DbError::Busy("too long a queue of orders".into()).into()
                ));
                continue;
            }
            let wants_hot = room.hot_one_of(&waiting.request);
            let fits = match members.first() {
                None => wants_hot
                    .as_ref()
                    .is_none_or(|hot| !room.held.contains(hot)),
                Some(_) => wants_hot == hot,
            };
            let key = waiting.request.key.as_ref();
            let key = key.map(|key| (key.scope.clone(), key.key.clone()));
            if !fits || key.is_some_and(|key| !keys.insert(key)) {
                passed_over.push_back(waiting);
                continue;
            }
            lines += waiting.request.lines.len();
            hot = wants_hot;
            members.push(waiting);
            if members.len() == self.limits.set_size || lines >= SET_LINES {
                break;
            }
        }
        passed_over.append(&mut queue);
        room.waiting = passed_over;
        if members.is_empty() {
            room.writers -= 1;
            return None;
        }
        members.iter().for_each(|member| room.dismiss(member));
        room.held.extend(hot.clone());
        Some(Set {
            members,
            hot,
            queue: self,
        })
    }

    /// Ends a writer, and everybody's waiting.
    fn dismiss(&self) -> VecDeque<Waiting> {
        let mut room = self.room();
        room.writers -= 1;
        room.demand.clear();
        std::mem::take(&mut room.waiting)
    }

    fn room(&self) -> MutexGuard<'_, Room> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Room {
    fn admit(&mut self, waiting: Waiting) {
        for wanted in named(&waiting.request) {
            *self.demand.entry(wanted.clone()).or_default() += 1;
        }
        self.waiting.push_back(waiting);
    }

    /// Forgets what somebody wanted who waits no more.
    fn dismiss(&mut self, waiting: &Waiting) {
        for wanted in named(&waiting.request) {
            if let Some(count) = self.demand.get_mut(wanted) {
                *count -= 1;
                if *count == 0 {
                    self.demand.remove(wanted);
                }
            }
        }
    }

    fn hot_one_of(&self, request: &Request) -> Option<Wanted> {
        let is_hot = |wanted: &&Wanted| {
            self.held.contains(*wanted) || self.demand.get(*wanted).is_some_and(|n| *n >= HOT)
        };
        named(request).find(is_hot).cloned()
    }
}

impl Waiting {
    fn tell(self, reply: Reply) {
        let _ = self.reply.send(reply); // whoever asked may be gone; the key remembers
    }
}

/// What counts for being hot: the lines of an ordinary order.
fn named(request: &Request) -> impl Iterator<Item = &Wanted> {
    request.lines.iter().take(16).map(|line| &line.wanted)
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
