//! The five nodes, or as many as a run asks for, as processes that can be killed, frozen and cut off.
//!
//! Everything listens on free ports of the loopback interface, lives in one temporary folder, and is
//! gone at the end however that comes: see [`janitor`].

pub mod janitor;
pub mod nginx;
pub mod plant;
pub mod ports;
pub mod postgres;
pub mod process;
pub mod redis;
pub mod replica;
pub mod wall_clock;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use janitor::Janitor;
use nginx::Nginx;
use plant::Plant;
use postgres::{Postgres, Shape};
use process::{Spec, output};
use redis::Redis;
use replica::Replica;
use tokio::runtime::Handle;

use crate::proxy::Proxy;
use crate::{Fallible, doing};

/// The administrator of all runs.
pub const ADMIN_EMAIL: &str = "admin@example.com";
pub const ADMIN_PASSWORD: &str = "not the public one";
/// The database of the shop.
pub const DATABASE: &str = "cartwright";

/// Where the consumers and jobs of a binary with fault points write what they did.
const PROBES: &str = "CREATE SCHEMA torture; \
    CREATE TABLE torture.delivered (consumer text NOT NULL, event_id uuid NOT NULL); \
    CREATE INDEX ON torture.delivered (event_id); \
    CREATE TABLE torture.done (job_id bigint NOT NULL)";

/// What to start.
#[derive(Clone, Debug)]
pub struct Options {
    /// The server binary.
    pub binary: PathBuf,
    /// The repository's nginx.conf.
    pub nginx_conf: PathBuf,
    pub replicas: usize,
    pub postgres: Shape,
    /// Bugs in functions of the database.
    pub plants: Vec<Plant>,
    /// More variables for all replicas.
    pub variables: Vec<(String, String)>,
}

/// Process ids of the replicas, by number from 0, for whoever watches them.
pub type Ids = Arc<Mutex<Vec<Option<u32>>>>;

/// All nodes of one shop. Fields end in this order: the janitor last.
#[derive(Debug)]
pub struct Cluster {
    nginx: Nginx,
    pub replicas: Vec<Replica>,
    pub redis: Redis,
    pub postgres: Postgres,
    pub binary: PathBuf,
    settings: Spec,
    ids: Ids,
    dir: PathBuf,
    pub janitor: Arc<Janitor>,
}

impl Cluster {
    /// Starts everything and waits until nginx finds a ready replica.
    pub fn start(options: &Options, runtime: &Handle) -> Fallible<Self> {
        let dir = tempfile::Builder::new()
            .prefix("cartwright-torture-")
            .tempdir();
        let dir = dir.map_err(doing("a temporary folder"))?.keep();
        // The user postgres looks into it.
        let open = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&dir, open).map_err(doing(dir.display()))?;
        let janitor = Arc::new(Janitor::watch(&dir)?);
        let postgres = Postgres::start(&dir, options.replicas, options.postgres, &janitor)?;
        postgres.sql("postgres", &format!("CREATE DATABASE {DATABASE}"))?;
        let redis = Redis::start(&dir, &janitor)?;

        let settings = settings(options, &dir, &redis);
        output(&mut command(
            &options.binary,
            &["seed"],
            &settings,
            &postgres,
        ))?;
        postgres.sql(DATABASE, PROBES)?;
        for plant in &options.plants {
            plant.apply(&postgres)?;
        }
        let mut replicas = Vec::new();
        for number in 1..=options.replicas {
            let wires = (
                Proxy::to(postgres.port(), runtime)?,
                Proxy::to(redis.port(), runtime)?,
            );
            let mut replica = Replica::new(number, &settings, &dir, wires, &janitor)?;
            replica.launch()?;
            replicas.push(replica);
        }
        for replica in &mut replicas {
            replica.wait_until_ready()?;
        }
        let ports: Vec<u16> = replicas.iter().map(Replica::port).collect();
        let nginx = Nginx::start(&dir, &options.nginx_conf, &ports, &janitor)?;
        let cluster = Self {
            nginx,
            replicas,
            redis,
            postgres,
            binary: options.binary.clone(),
            settings,
            ids: Ids::default(),
            dir,
            janitor,
        };
        cluster.note_ids();
        Ok(cluster)
    }

    /// The address of nginx.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.nginx.port())
    }

    /// The addresses of the replicas.
    #[must_use]
    pub fn replica_urls(&self) -> Vec<String> {
        let url = |replica: &Replica| format!("http://127.0.0.1:{}", replica.port());
        self.replicas.iter().map(url).collect()
    }

    /// Where process ids are noted.
    #[must_use]
    pub fn ids(&self) -> Ids {
        Arc::clone(&self.ids)
    }

    /// Puts the standby in the place of Postgres, which is dead, and leads all wires to it.
    pub fn fail_over(&mut self) -> Fallible<()> {
        self.postgres.fail_over()?;
        for replica in &self.replicas {
            replica.to_postgres.lead_to(self.postgres.port());
        }
        Ok(())
    }

    /// Notes the process ids as they are now.
    pub fn note_ids(&self) {
        if let Ok(mut ids) = self.ids.lock() {
            *ids = self.replicas.iter().map(Replica::id).collect();
        }
    }

    /// Runs a subcommand of the server binary with the settings of this shop.
    #[must_use]
    pub fn command(&self, binary: &Path, args: &[&str]) -> Command {
        command(binary, args, &self.settings, &self.postgres)
    }

    /// Builds a wall clock that is so many seconds ahead of the machine's.
    pub fn build_clock(&self, seconds: i32) -> Fallible<PathBuf> {
        wall_clock::build(&self.dir, seconds)
    }

    /// Copies what the nodes said to a folder that stays.
    pub fn keep_logs(&self, to: &Path) -> Fallible<()> {
        std::fs::create_dir_all(to).map_err(doing(to.display()))?;
        let mut logs = vec![
            (self.dir.join("nginx/log"), "nginx.log".to_owned()),
            (
                self.dir.join("nginx/access.json"),
                "nginx-access.json".to_owned(),
            ),
        ];
        for (number, log) in (1..).zip(self.postgres.logs()) {
            logs.push((log.to_owned(), format!("postgres{number}.log")));
        }
        for number in 1..=self.replicas.len() {
            let name = format!("replica{number}.log");
            logs.push((self.dir.join(&name), name));
        }
        for (from, name) in logs {
            std::fs::copy(&from, to.join(name)).map_err(doing(from.display()))?;
        }
        Ok(())
    }

    /// What a replica has written to its log so far.
    #[must_use]
    pub fn replica_log(&self, number: usize) -> String {
        let path = self.dir.join(format!("replica{}.log", number + 1));
        std::fs::read_to_string(path).unwrap_or_default()
    }
}

fn command(binary: &Path, args: &[&str], settings: &Spec, postgres: &Postgres) -> Command {
    let mut command = Command::new(binary);
    command
        .args(args)
        .env_clear()
        .envs(settings.variables.iter().cloned())
        .env("CARTWRIGHT__DATABASE__URL", database_url(postgres.port()));
    command
}

fn database_url(port: u16) -> String {
    format!("postgres://cartwright@127.0.0.1:{port}/{DATABASE}")
}

fn settings(options: &Options, dir: &Path, redis: &Redis) -> Spec {
    let values = [
        ("ACCESS", "open".to_owned()),
        ("ADMIN__EMAIL", ADMIN_EMAIL.to_owned()),
        ("ADMIN__PASSWORD", ADMIN_PASSWORD.to_owned()),
        ("DATABASE__POOL_SIZE", "12".to_owned()),
        ("REDIS__URL", format!("redis://127.0.0.1:{}", redis.port())),
        ("METRICS__BIND", String::new()),
        ("HTTP__WORKERS", "2".to_owned()),
        ("LOG__LEVEL", "warn".to_owned()),
        // Shorter than a replica is frozen.
        ("JOBS__LEASE_SECONDS", "2".to_owned()),
        // The shortest there is, so that orders expire within a run.
        ("ORDERS__UNPAID_EXPIRY_MINUTES", "1".to_owned()),
    ];
    let variables = values
        .into_iter()
        .map(|(name, value)| (format!("CARTWRIGHT__{name}"), value))
        .chain([("CARTWRIGHT_PROBES".to_owned(), "1".to_owned())]);
    Spec {
        program: options.binary.clone(),
        args: Vec::new(),
        variables: variables.chain(options.variables.iter().cloned()).collect(),
        log: dir.join("log"),
        user: None,
        last_signal: "KILL",
    }
}
