//! How each fault is done and undone.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::faults::{Fault, Place};
use super::log::{Event, Log};
use super::schedule::Planned;
use crate::clock::{pause, pause_until};
use crate::cluster::process::Process;
use crate::cluster::{Cluster, DATABASE};
use crate::proxy::Wire;
use crate::{Fallible, doing};

/// How long nginx shuns a replica that failed (`fail_timeout`); an upgrade waits for it.
const FAIL_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a standby is away before a failover to it.
const LOST: Duration = Duration::from_secs(1);

/// Whoever breaks things.
#[derive(Debug)]
pub struct Nemesis {
    pub cluster: Cluster,
    pub log: Log,
    /// The other release, for [`Fault::MixedVersion`].
    pub other_binary: Option<PathBuf>,
    /// Wall clocks that are ahead and behind, or why there are none.
    wrong_clocks: Fallible<[PathBuf; 2]>,
    hogs: Vec<TcpStream>,
    lock_hog: Option<Process>,
}

impl Nemesis {
    /// Takes charge of a cluster.
    #[must_use]
    pub fn new(cluster: Cluster, log: Log, other_binary: Option<PathBuf>) -> Self {
        let ahead = cluster.build_clock(3_600);
        let wrong_clocks = ahead.and_then(|ahead| Ok([ahead, cluster.build_clock(-3_600)?]));
        Self {
            wrong_clocks,
            cluster,
            log,
            other_binary,
            hogs: Vec::new(),
            lock_hog: None,
        }
    }

    /// Does and undoes everything that is planned, counted from `started`.
    pub fn follow(&mut self, plan: &[Planned], started: Instant) -> Fallible<()> {
        let mut moments = BTreeMap::new();
        for (number, planned) in plan.iter().enumerate() {
            moments.insert((planned.begins, number, false), planned);
            moments.insert((planned.ends, number, true), planned);
        }
        let mut skipped = Vec::new();
        for ((at, number, heals), planned) in moments {
            pause_until(started + at);
            let replica = (planned.fault.place() == Place::Replica).then_some(planned.replica);
            if !heals {
                if let Some(why) = self.refuses(planned.fault) {
                    self.log
                        .write(Event::Skip, planned.fault, number, replica, &why)?;
                    skipped.push(number);
                    continue;
                }
                self.log
                    .write(Event::Fault, planned.fault, number, replica, "")?;
                if let Some(wrong) = self.break_it(planned)? {
                    self.log
                        .write(Event::Wrong, planned.fault, number, replica, &wrong)?;
                }
            } else if !skipped.contains(&number) {
                self.heal(planned)?;
                self.log
                    .write(Event::Heal, planned.fault, number, replica, "")?;
                self.cluster.postgres.follow_again()?;
            }
            self.cluster.note_ids();
        }
        Ok(())
    }

    /// Why a fault cannot be done here.
    fn refuses(&self, fault: Fault) -> Option<String> {
        match fault {
            Fault::MixedVersion if self.other_binary.is_none() => {
                Some("needs --other-binary".into())
            }
            Fault::ClockSkew => self.wrong_clocks.as_ref().err().cloned(),
            Fault::PgFailover if !self.cluster.postgres.can_fail_over() => {
                Some("needs --standby synchronous".into())
            }
            Fault::DiskFull if self.cluster.postgres.small_disk().is_none() => Some(
                "needs Postgres to be on a small disk now: --disk-full as root, where loop mounts are allowed"
                    .into(),
            ),
            _ => None,
        }
    }

    /// Returns what did not go as it must.
    fn break_it(&mut self, planned: &Planned) -> Fallible<Option<String>> {
        let cluster = &mut self.cluster;
        let replica = &mut cluster.replicas[planned.replica];
        match planned.fault {
            Fault::Kill9 => replica.kill(),
            Fault::Term => return Ok(stopped(replica.stop())),
            Fault::Stop => replica.signal(Signal::STOP),
            Fault::Rolling => {
                let mut wrong = None;
                for replica in &mut cluster.replicas {
                    wrong = stopped(replica.stop()).or(wrong);
                    replica.start()?;
                    pause(FAIL_TIMEOUT);
                }
                return Ok(wrong);
            }
            Fault::KillAll => cluster
                .replicas
                .iter_mut()
                .for_each(|replica| replica.kill()),
            Fault::PgKill9 => cluster.postgres.kill(),
            Fault::PgFailover => {
                if planned.choice.is_multiple_of(2) {
                    // What is written now waits for the standby, and is lost.
                    cluster.postgres.kill_standby();
                    pause(LOST);
                }
                cluster.postgres.kill();
            }
            Fault::PgRestart => cluster.postgres.stop()?,
            Fault::PgConnHog => self.hogs = cluster.postgres.hog_connections(DATABASE),
            Fault::LockHog => {
                // Or the lock would outlive its client by the rest of the minute.
                let sql = "SET client_connection_check_interval = 100; BEGIN; SELECT 1 FROM catalog.stock_levels ORDER BY variant_id LIMIT 3 FOR UPDATE; SELECT pg_sleep(60)";
                let spec = cluster.postgres.background(DATABASE, sql);
                self.lock_hog = Some(Process::start(&spec, &cluster.janitor)?);
            }
            Fault::DiskFull => fill(cluster)?,
            Fault::RedisKill => cluster.redis.kill(),
            Fault::RedisStop => cluster.redis.signal(Signal::STOP),
            Fault::RedisFlush => drop(cluster.redis.say("FLUSHALL")),
            Fault::RedisFull => {
                let _ = cluster.redis.say("CONFIG SET maxmemory-policy noeviction");
                let _ = cluster.redis.say("CONFIG SET maxmemory 1");
            }
            Fault::RedisRestart => {
                cluster.redis.kill();
                cluster.redis.resume()?;
            }
            Fault::PartitionOut => replica.to_postgres.set(|wire| wire.is_deaf = true),
            Fault::PartitionIn => replica.to_postgres.set(|wire| wire.is_mute = true),
            Fault::PartitionBoth => replica.to_postgres.set(cut),
            Fault::RedisPartition => replica.to_redis.set(cut),
            Fault::Reset => replica.to_postgres.set(|wire| wire.resets += 1),
            Fault::Latency => {
                let latency = Duration::from_millis(5 + planned.choice % 20);
                replica.to_postgres.set(|wire| wire.latency = latency);
                replica.to_redis.set(|wire| wire.latency = latency * 4);
            }
            Fault::Bandwidth => replica.to_postgres.set(|wire| wire.bandwidth = 400_000),
            Fault::ClockSkew => {
                let wrong = stopped(replica.stop());
                if let Ok(clocks) = &self.wrong_clocks {
                    let number = usize::from(!planned.choice.is_multiple_of(2));
                    replica.prepare_clock(Some(&clocks[number]));
                }
                replica.start()?;
                return Ok(wrong);
            }
            Fault::MixedVersion => {
                let wrong = stopped(replica.stop());
                if let Some(other) = &self.other_binary {
                    replica.prepare(other, None);
                }
                replica.start()?;
                return Ok(wrong);
            }
        }
        Ok(None)
    }

    fn heal(&mut self, planned: &Planned) -> Fallible<()> {
        let cluster = &mut self.cluster;
        let replica = &mut cluster.replicas[planned.replica];
        match planned.fault {
            Fault::Kill9 | Fault::Term => replica.start()?,
            Fault::Stop => replica.signal(Signal::CONT),
            Fault::KillAll => {
                for replica in &mut cluster.replicas {
                    replica.launch()?;
                }
                for replica in &mut cluster.replicas {
                    replica.wait_until_ready()?;
                }
            }
            Fault::PgKill9 | Fault::PgRestart => cluster.postgres.resume()?,
            Fault::PgFailover => cluster.fail_over()?,
            Fault::PgConnHog => self.hogs.clear(),
            Fault::LockHog => self.lock_hog = None,
            Fault::DiskFull => {
                if let Some(disk) = cluster.postgres.small_disk() {
                    std::fs::remove_file(disk.join(FILLER)).map_err(doing("the filler"))?;
                }
            }
            Fault::RedisKill => cluster.redis.resume()?,
            Fault::RedisStop => cluster.redis.signal(Signal::CONT),
            Fault::RedisFull => {
                let _ = cluster.redis.say("CONFIG SET maxmemory 64mb");
                let _ = cluster.redis.say("CONFIG SET maxmemory-policy allkeys-lru");
            }
            Fault::PartitionOut | Fault::PartitionIn | Fault::PartitionBoth | Fault::Bandwidth => {
                replica.to_postgres.heal();
            }
            Fault::RedisPartition => replica.to_redis.heal(),
            Fault::Latency => {
                replica.to_postgres.heal();
                replica.to_redis.heal();
            }
            Fault::ClockSkew | Fault::MixedVersion => {
                replica.stop();
                replica.prepare_clock(None);
                replica.prepare(&cluster.binary, None);
                replica.start()?;
            }
            Fault::Rolling | Fault::RedisFlush | Fault::RedisRestart | Fault::Reset => {}
        }
        Ok(())
    }
}

fn cut(wire: &mut Wire) {
    wire.is_deaf = true;
    wire.is_mute = true;
}

/// A replica that is asked to stop ends with 0, and in time.
fn stopped(code: Option<i32>) -> Option<String> {
    match code {
        Some(0) => None,
        Some(code) => Some(format!(
            "a replica that was asked to stop ended with {code}"
        )),
        None => Some("a replica did not stop within 25 s".into()),
    }
}

const FILLER: &str = "filler";

/// Writes until the disk has no room.
fn fill(cluster: &Cluster) -> Fallible<()> {
    let disk = cluster
        .postgres
        .small_disk()
        .ok_or("there is no small disk")?;
    let mut filler = File::create(disk.join(FILLER)).map_err(doing("the filler"))?;
    let mut piece = vec![0; 1 << 20];
    loop {
        match filler.write(&piece) {
            Ok(written) if written > 0 => {}
            // Smaller and smaller, until not even a page of Postgres finds room.
            _ if piece.len() > 4_096 => piece.truncate(piece.len() / 16),
            _ => break,
        }
    }
    let _ = filler.sync_all();
    Ok(())
}
