//! A durable Postgres that can die, and a standby that takes its place.

mod hogs;
mod node;
mod setup;

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;

use self::node::Node;
use super::janitor::Janitor;
use super::process::Spec;
use crate::Fallible;
use crate::clock::wait_until;

/// How long a standby may take to catch up.
const PATIENCE: Duration = Duration::from_secs(30);

/// How the servers are made.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shape {
    /// The data of the first is on a small disk of its own, so that it can be full.
    pub small_disk: bool,
    /// Another one that can take its place.
    pub standby: Option<Standby>,
}

/// What a commit waits for before it is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Standby {
    /// The standby's disk: it has everything.
    Synchronous,
    /// Nothing: whatever is on its way is lost, which has to be found.
    Asynchronous,
}

/// The server of the shop, and its standby, where there is one.
#[derive(Debug)]
pub struct Postgres {
    primary: Node,
    standby: Option<Node>,
    /// Commits wait for the standby.
    waits: bool,
    /// The standby has begun to follow, and has not taken over since.
    is_followed: bool,
}

impl Postgres {
    /// Makes a cluster below `dir` and starts it.
    pub fn start(
        dir: &Path,
        replicas: usize,
        shape: Shape,
        janitor: &Arc<Janitor>,
    ) -> Fallible<Self> {
        let bin = setup::find_binaries()?;
        let limits = (setup::unprivileged_user()?, 40 + 30 * replicas);
        let small_disk = if shape.small_disk {
            setup::small_disk(dir, janitor)?
        } else {
            None
        };
        let node = |name: &str, disk: Option<PathBuf>| {
            Node::new(&bin, &dir.join(name), disk, limits, janitor)
        };
        let mut primary = node("postgres", small_disk)?;
        primary.initialise()?;
        primary.start()?;
        let standby = shape.standby.map(|_| node("standby", None)).transpose()?;
        let mut postgres = Self {
            primary,
            standby,
            waits: shape.standby == Some(Standby::Synchronous),
            is_followed: false,
        };
        postgres.follow_again()?;
        Ok(postgres)
    }

    /// Where it listens: what took its place, after it did.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.primary.port()
    }

    /// What each server said.
    pub fn logs(&self) -> impl Iterator<Item = &Path> {
        [Some(&self.primary), self.standby.as_ref()]
            .into_iter()
            .flatten()
            .map(Node::log)
    }

    /// Starts it again and waits until it answers.
    pub fn resume(&mut self) -> Fallible<()> {
        self.primary.start()
    }

    /// Kills the server and everyone who works for it, as a power cut would: no goodbye.
    pub fn kill(&mut self) {
        self.primary.kill();
    }

    /// Kills the standby, without which nothing is acknowledged any more.
    pub fn kill_standby(&mut self) {
        if let Some(standby) = &mut self.standby {
            standby.kill();
        }
    }

    /// Asks it to end, cutting off whoever is connected (a fast shutdown).
    pub fn stop(&mut self) -> Fallible<()> {
        self.primary.stop()
    }

    /// Whether there is a standby.
    #[must_use]
    pub fn can_fail_over(&self) -> bool {
        self.is_followed
    }

    /// Puts the standby, dead or alive, in the place of the server, which is dead.
    pub fn fail_over(&mut self) -> Fallible<()> {
        let standby = self.standby.as_mut().ok_or("there is no standby")?;
        if !standby.is_running() {
            standby.start()?;
        }
        standby.sql("postgres", "SELECT pg_promote()")?;
        std::mem::swap(&mut self.primary, standby);
        self.is_followed = false;
        Ok(())
    }

    /// Makes the server that is not in use a standby of the one that is, unless it is already.
    pub fn follow_again(&mut self) -> Fallible<()> {
        let Some(standby) = self.standby.as_mut().filter(|_| !self.is_followed) else {
            return Ok(());
        };
        standby.copy(&self.primary)?;
        standby.start()?;
        let followers = "SELECT pid FROM pg_stat_replication WHERE state = 'streaming'";
        let is_streaming = || {
            let rows = self.primary.sql("postgres", followers);
            rows.is_ok_and(|rows| !rows.is_empty())
        };
        if !wait_until(PATIENCE, is_streaming) {
            return Err(format!(
                "the standby does not follow; see {}",
                standby.log().display()
            ));
        }
        if self.waits {
            // After the copy was made, so that it does not wait for one itself if it takes over.
            let wait = "ALTER SYSTEM SET synchronous_standby_names = '*'";
            self.primary.sql("postgres", wait)?;
            self.primary.sql("postgres", "SELECT pg_reload_conf()")?;
        }
        self.is_followed = true;
        Ok(())
    }

    /// Runs some SQL and returns its rows, fields separated by tabs.
    pub fn sql(&self, database: &str, sql: &str) -> Fallible<Vec<Vec<String>>> {
        self.primary.sql(database, sql)
    }

    /// How to run some SQL in the background.
    #[must_use]
    pub fn background(&self, database: &str, sql: &str) -> Spec {
        self.primary.background(database, sql)
    }

    /// Opens connections and leaves them idle until Postgres takes no more.
    #[must_use]
    pub fn hog_connections(&self, database: &str) -> Vec<TcpStream> {
        hogs::take_all(self.port(), database)
    }

    /// The disk that can be filled, while the data is there.
    #[must_use]
    pub fn small_disk(&self) -> Option<&Path> {
        self.primary.small_disk()
    }
}
