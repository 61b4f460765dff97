//! The faults there are.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $low:literal..$high:literal, $place:ident;)*) => {
        /// A fault. Its text names it on the command line and in the log.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Fault { $($(#[$doc])* #[serde(rename = $text)] $name,)* }

        impl Fault {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Its name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            /// The shortest and the longest time until it is healed, in milliseconds.
            #[must_use]
            pub const fn duration_ms(self) -> (u64, u64) {
                match self { $(Self::$name => ($low, $high)),* }
            }

            /// What it befalls: two faults never share it at a time.
            #[must_use]
            pub const fn place(self) -> Place {
                match self { $(Self::$name => Place::$place),* }
            }
        }
    };
}

/// What a fault befalls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// One replica, or the wires to it.
    Replica,
    /// Every replica.
    Replicas,
    Postgres,
    Redis,
}

/// What the shop may refuse because of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Excuse {
    /// Somebody else is there to answer.
    Nothing,
    /// What a replica says itself that is cut off from Postgres: nginx passes it on, and does not know
    /// that the next replica could do better.
    WordOfOneReplica,
    /// Orders, their cancellation and shipment, and counts: the rows they need are locked.
    MovesOfStock,
    /// There is no room for anything new.
    Writes,
    /// Postgres, or every replica, is down.
    Everything,
}

faults! {
    /// SIGKILL, and started again.
    Kill9 = "kill9", 100..2_500, Replica;
    /// SIGTERM, which must end with exit code 0, and started again.
    Term = "term", 100..1_500, Replica;
    /// SIGSTOP, and SIGCONT.
    Stop = "stop", 2_000..6_000, Replica;
    /// One after the other, as an upgrade does it.
    Rolling = "rolling", 0..0, Replicas;
    /// SIGKILL to all at once.
    KillAll = "kill_all", 200..1_500, Replicas;
    /// SIGKILL to Postgres and everyone who works for it.
    PgKill9 = "pg_kill9", 0..1_500, Postgres;
    /// A fast shutdown, and started again.
    PgRestart = "pg_restart", 0..1_500, Postgres;
    /// SIGKILL to Postgres, whose standby, which may have been away at the end, takes its place.
    PgFailover = "pg_failover", 0..1_500, Postgres;
    /// All connections that are left are taken.
    PgConnHog = "pg_conn_hog", 2_000..5_000, Postgres;
    /// The rows of the hot products are locked by somebody who does nothing.
    LockHog = "lock_hog", 1_500..4_000, Postgres;
    /// The disk of the data is full.
    DiskFull = "disk_full", 2_000..5_000, Postgres;
    /// SIGKILL, and started again, empty.
    RedisKill = "redis_kill", 500..4_000, Redis;
    /// SIGSTOP, and SIGCONT.
    RedisStop = "redis_stop", 1_000..4_000, Redis;
    /// FLUSHALL.
    RedisFlush = "redis_flush", 0..0, Redis;
    /// No memory left, and nothing may be thrown out.
    RedisFull = "redis_full", 1_000..5_000, Redis;
    /// Killed and started again at once.
    RedisRestart = "redis_restart", 0..0, Redis;
    /// What one replica says to Postgres does not arrive.
    PartitionOut = "partition_out", 1_000..8_000, Replica;
    /// What Postgres says to one replica does not arrive.
    PartitionIn = "partition_in", 1_000..8_000, Replica;
    /// Neither arrives.
    PartitionBoth = "partition_both", 1_000..8_000, Replica;
    /// The same between one replica and Redis.
    RedisPartition = "redis_partition", 1_000..5_000, Replica;
    /// All connections of one replica to Postgres are cut off.
    Reset = "reset", 0..0, Replica;
    /// Tens of milliseconds more, each way, to Postgres and Redis.
    Latency = "latency", 2_000..5_000, Replica;
    /// Little fits through the wire to Postgres.
    Bandwidth = "bandwidth", 2_000..4_000, Replica;
    /// One replica runs an hour ahead or behind.
    ClockSkew = "clock_skew", 3_000..8_000, Replica;
    /// One replica runs another release.
    MixedVersion = "mixed_version", 4_000..10_000, Replica;
}

impl Fault {
    /// What the shop may refuse because of it.
    #[must_use]
    pub const fn excuses(self) -> Excuse {
        match self {
            Self::KillAll | Self::PgKill9 | Self::PgRestart | Self::PgFailover => {
                Excuse::Everything
            }
            Self::DiskFull => Excuse::Writes,
            Self::LockHog => Excuse::MovesOfStock,
            Self::PartitionOut | Self::PartitionIn | Self::PartitionBoth | Self::Reset => {
                Excuse::WordOfOneReplica
            }
            _ => Excuse::Nothing,
        }
    }

    /// Whether a replica starts while it is done or healed.
    #[must_use]
    pub const fn starts_replicas(self) -> bool {
        matches!(
            self,
            Self::Kill9
                | Self::Term
                | Self::Rolling
                | Self::KillAll
                | Self::ClockSkew
                | Self::MixedVersion
        )
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = || {
            Self::ALL
                .iter()
                .map(|fault| fault.name())
                .collect::<Vec<_>>()
                .join(", ")
        };
        let known = Self::ALL.iter().find(|fault| fault.name() == text);
        known
            .copied()
            .ok_or_else(|| format!("no fault is called `{text}`; there are {}", names()))
    }
}
