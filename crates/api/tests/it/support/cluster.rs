//! The five nodes, or as many as a test asks for.

use std::io::Write as _;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard};

use db::testing::{self, TestDatabase};
use diesel::PgConnection;

use super::process::{Process, find_program};
use super::{Shop, free_port, nginx, status_of};

/// The server under test.
pub const CARTWRIGHT: &str = env!("CARGO_BIN_EXE_cartwright");
/// The administrator of all clusters.
pub const ADMIN_EMAIL: &str = "admin@example.com";
pub const ADMIN_PASSWORD: &str = "not the public one";

/// A seeded shop: its own database, Redis, replicas and nginx.
pub struct Cluster {
    pub database: TestDatabase,
    settings: Vec<(String, String)>,
    redis_port: u16,
    redis: Mutex<Option<Process>>,
    /// What the binary is started with.
    command: Vec<String>,
    replicas: Vec<Replica>,
    nginx_port: u16,
    _nginx: Process,
    /// Where the bytes of pictures are.
    media: tempfile::TempDir,
}

struct Replica {
    port: u16,
    metrics_port: u16,
    process: Mutex<Option<Process>>,
}

impl Cluster {
    /// Starts everything and waits until nginx finds a ready replica.
    pub fn start(access: &str, replicas: usize) -> Self {
        Self::with(access, replicas, true, testing::database(&api::OWNERS))
    }

    /// Starts without Redis: replicas hear of changes through Postgres alone.
    pub fn without_redis(access: &str, replicas: usize) -> Self {
        Self::with(access, replicas, false, testing::database(&api::OWNERS))
    }

    /// Starts with settings that differ: names without their prefix, and values.
    pub fn with_settings(access: &str, replicas: usize, settings: &[(&str, &str)]) -> Self {
        let database = testing::database(&api::OWNERS);
        Self::launch(access, replicas, true, database, settings, &["serve"])
    }

    /// The same in open access, without Redis, with a command of the caller's.
    pub fn with_command(replicas: usize, settings: &[(&str, &str)], command: &[&str]) -> Self {
        let database = testing::database(&api::OWNERS);
        Self::launch("open", replicas, false, database, settings, command)
    }

    /// Starts on a database of the caller's.
    pub fn with(access: &str, replicas: usize, has_redis: bool, database: TestDatabase) -> Self {
        Self::launch(access, replicas, has_redis, database, &[], &["serve"])
    }

    fn launch(
        access: &str,
        replicas: usize,
        has_redis: bool,
        database: TestDatabase,
        more: &[(&str, &str)],
        command: &[&str],
    ) -> Self {
        let redis_port = free_port();
        let redis_url = if has_redis {
            format!("redis://127.0.0.1:{redis_port}")
        } else {
            String::new()
        };
        let media = tempfile::tempdir().expect("a folder for pictures");
        let settings = [
            ("MEDIA__DIRECTORY", media.path().to_str().expect("UTF-8")),
            ("ACCESS", access),
            ("ADMIN__EMAIL", ADMIN_EMAIL),
            ("ADMIN__PASSWORD", ADMIN_PASSWORD),
            ("DATABASE__URL", &database.url),
            ("DATABASE__POOL_SIZE", "12"),
            ("REDIS__URL", &redis_url),
            ("METRICS__BIND", ""),
            ("HTTP__WORKERS", "2"),
        ];
        let settings: Vec<(String, String)> = settings
            .iter()
            .chain(more)
            .map(|(name, value)| (format!("CARTWRIGHT__{name}"), (*value).to_owned()))
            .collect();
        let command: Vec<String> = command.iter().map(|word| (*word).to_owned()).collect();
        let replicas: Vec<Replica> = (0..replicas).map(|_| Replica::new()).collect();
        let nginx_port = free_port();
        let redis = has_redis.then(|| start_redis(redis_port));
        let seeded = run(&settings, &["seed", "--demo"], "");
        assert!(seeded.status.success(), "seed: {seeded:?}");
        for replica in &replicas {
            *replica.process() = Some(replica.launch(&settings, &command));
        }
        for replica in &replicas {
            replica.wait_until_ready();
        }
        let ports: Vec<u16> = replicas.iter().map(|replica| replica.port).collect();
        Self {
            _nginx: nginx::start(nginx_port, &ports),
            database,
            settings,
            redis_port,
            redis: Mutex::new(redis),
            command,
            replicas,
            nginx_port,
            media,
        }
    }

    /// Where the bytes of pictures are, unless they are elsewhere.
    pub fn media_dir(&self) -> &Path {
        self.media.path()
    }

    /// A client that goes through nginx.
    pub fn shop(&self) -> Shop {
        Shop::new(format!("http://127.0.0.1:{}", self.nginx_port))
    }

    /// A client of one replica, from 0.
    pub fn replica(&self, index: usize) -> Shop {
        Shop::new(format!("http://127.0.0.1:{}", self.replicas[index].port))
    }

    /// A client of an administrator, through nginx. The login itself is not: nginx slows those down.
    pub async fn admin(&self) -> Shop {
        let token = self.token(ADMIN_EMAIL, ADMIN_PASSWORD).await;
        self.shop().with_token(&token)
    }

    /// Logs in at a replica.
    pub async fn token(&self, email: &str, password: &str) -> String {
        self.replica(0).log_in(email, password).await
    }

    /// Where a replica listens.
    pub fn address(&self, index: usize) -> String {
        format!("127.0.0.1:{}", self.replicas[index].port)
    }

    /// Where a replica tells what it counted.
    pub fn metrics_url(&self, index: usize) -> String {
        format!(
            "http://127.0.0.1:{}/metrics",
            self.replicas[index].metrics_port
        )
    }

    pub fn conn(&self) -> PgConnection {
        self.database.connect()
    }

    /// Runs a subcommand of the binary with the settings of this shop.
    pub fn run(&self, args: &[&str], input: &str) -> Output {
        run(&self.settings, args, input)
    }

    /// Sends a signal to a replica.
    pub fn signal(&self, index: usize, signal: &str) {
        let process = self.replicas[index].process();
        process.as_ref().expect("it runs").signal(signal);
    }

    /// Asks a replica to stop and returns its exit code.
    pub fn stop(&self, index: usize) -> i32 {
        self.signal(index, "TERM");
        let process = self.replicas[index].process().take();
        process.expect("it runs").wait_for_exit()
    }

    /// Starts a replica again on its port, and returns when it is ready.
    pub fn restart(&self, index: usize) {
        let replica = &self.replicas[index];
        drop(replica.process().take());
        *replica.process() = Some(replica.launch(&self.settings, &self.command));
        replica.wait_until_ready();
    }

    /// The process id of a replica.
    pub fn pid(&self, index: usize) -> u32 {
        let process = self.replicas[index].process();
        let pid = process.as_ref().expect("it runs").id();
        pid.parse().expect("a number")
    }

    /// Which replica has this process id.
    pub fn find_replica(&self, pid: &str) -> Option<usize> {
        let has = |replica: &Replica| replica.process().as_ref().is_some_and(|p| p.id() == pid);
        self.replicas.iter().position(has)
    }

    /// Starts one more process with a command of its own, and returns it with its port.
    pub fn start_beside(&self, command: &[&str]) -> (Process, u16) {
        let replica = Replica::new();
        let command: Vec<String> = command.iter().map(|word| (*word).to_owned()).collect();
        let process = replica.launch(&self.settings, &command);
        let process = process.ready(|| status_of(replica.port, "/readyz") == Some(200));
        (process, replica.port)
    }

    pub fn kill_redis(&self) {
        let redis = self.redis.lock().expect("not poisoned").take();
        redis.expect("it runs").signal("KILL");
    }

    /// Sends a signal to Redis.
    pub fn signal_redis(&self, signal: &str) {
        let redis = self.redis.lock().expect("not poisoned");
        redis.as_ref().expect("it runs").signal(signal);
    }

    pub fn start_redis(&self) {
        *self.redis.lock().expect("not poisoned") = Some(start_redis(self.redis_port));
    }

    pub fn redis_url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.redis_port)
    }
}

impl Replica {
    fn new() -> Self {
        Self {
            port: free_port(),
            metrics_port: free_port(),
            process: Mutex::new(None),
        }
    }

    fn process(&self) -> MutexGuard<'_, Option<Process>> {
        self.process.lock().expect("not poisoned")
    }

    fn launch(&self, settings: &[(String, String)], command: &[String]) -> Process {
        let mut settings = settings.to_vec();
        for (name, port) in [("HTTP", self.port), ("METRICS", self.metrics_port)] {
            let address = format!("127.0.0.1:{port}");
            settings.push((format!("CARTWRIGHT__{name}__BIND"), address));
        }
        Process::start(Path::new(CARTWRIGHT), &settings, |_| command.to_vec())
    }

    fn wait_until_ready(&self) {
        let process = self.process().take().expect("it was launched");
        let ready = process.ready(|| status_of(self.port, "/readyz") == Some(200));
        *self.process() = Some(ready);
    }
}

/// Runs the binary to its end.
pub fn run(settings: &[(String, String)], args: &[&str], input: &str) -> Output {
    let mut child = Command::new(CARTWRIGHT)
        .args(args)
        .env_clear()
        .envs(settings.iter().cloned())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut stdin = child.stdin.take().expect("piped");
    // A program that does not read its input may be gone already.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output().expect("the binary ends")
}

fn start_redis(port: u16) -> Process {
    let args = |dir: &Path| {
        let words = "--bind 127.0.0.1 --save '' --appendonly no --port";
        let mut args: Vec<String> = words
            .split(' ')
            .map(|word| word.replace("''", ""))
            .collect();
        args.extend([port.to_string(), "--dir".into(), dir.display().to_string()]);
        args
    };
    Process::start(&find_program("redis-server"), &[], args)
        .ready(|| TcpStream::connect(("127.0.0.1", port)).is_ok())
}
