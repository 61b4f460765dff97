//! One server, its data, and whether it runs.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Signal, kill_process};

use super::setup::{Ids, create_for};
use crate::clock::wait_until;
use crate::cluster::janitor::Janitor;
use crate::cluster::ports::free_port;
use crate::cluster::process::{Process, Spec, children, output};
use crate::{Fallible, doing};

const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub struct Node {
    bin: PathBuf,
    port: u16,
    data: PathBuf,
    /// The log of writes has its own place: Postgres cannot live without it.
    wal: PathBuf,
    spec: Spec,
    janitor: Arc<Janitor>,
    process: Option<Process>,
    /// The small disk its data is on, where there is one.
    small_disk: Option<PathBuf>,
}

impl Node {
    /// Prepares a durable server with its home in `home`, and its data there or on a small disk. There is no data yet.
    pub fn new(
        bin: &Path,
        home: &Path,
        small_disk: Option<PathBuf>,
        (user, connections): (Option<Ids>, usize),
        janitor: &Arc<Janitor>,
    ) -> Fallible<Self> {
        let port = free_port()?;
        create_for(home, user)?;
        if let Some(disk) = &small_disk {
            create_for(disk, user)?;
        }
        let data = small_disk.as_deref().unwrap_or(home).join("data");
        let args = format!(
            "-D {} -p {port} -k {} -c listen_addresses=127.0.0.1 -c fsync=on -c synchronous_commit=on \
             -c max_connections={connections} -c shared_buffers=128MB -c jit=off -c log_checkpoints=off \
             -c wal_retrieve_retry_interval=100ms",
            data.display(),
            home.display(),
        );
        let spec = Spec {
            program: bin.join("postgres"),
            args: args.split_whitespace().map(str::to_owned).collect(),
            variables: Vec::new(),
            log: home.join("log"),
            user,
            last_signal: "QUIT",
        };
        Ok(Self {
            bin: bin.to_owned(),
            port,
            data,
            wal: home.join("wal"),
            spec,
            janitor: Arc::clone(janitor),
            process: None,
            small_disk,
        })
    }

    /// Makes its data: empty, with one user who may do everything.
    pub fn initialise(&self) -> Fallible<()> {
        let options = "-U cartwright --auth=trust --encoding=UTF8 --locale=C.UTF-8";
        let mut initdb = self.maker("initdb");
        output(initdb.args(options.split(' '))).map(|_| ())
    }

    /// Makes its data anew, as a copy of what another server has, which it follows from then on.
    pub fn copy(&self, primary: &Self) -> Fallible<()> {
        for folder in [&self.data, &self.wal] {
            if folder.exists() {
                fs::remove_dir_all(folder).map_err(doing(folder.display()))?;
            }
        }
        let mut copy = self.maker("pg_basebackup");
        copy.args(["-h", "127.0.0.1", "-p", &primary.port.to_string()]);
        output(copy.args("-U cartwright -R -X stream -c fast".split(' '))).map(|_| ())
    }

    /// A program that is about to make the data.
    fn maker(&self, program: &str) -> Command {
        let mut maker = Command::new(self.bin.join(program));
        maker.arg("-D").arg(&self.data);
        maker.arg("--waldir").arg(&self.wal).current_dir("/");
        if let Some((uid, gid)) = self.spec.user {
            maker.uid(uid).gid(gid);
        }
        maker
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What it said.
    pub fn log(&self) -> &Path {
        &self.spec.log
    }

    /// The disk that can be filled.
    pub fn small_disk(&self) -> Option<&Path> {
        self.small_disk.as_deref()
    }

    /// Starts it and waits until it answers.
    pub fn start(&mut self) -> Fallible<()> {
        let mut process = Process::start(&self.spec, &self.janitor)?;
        let up = wait_until(PATIENCE, || process.exit_code().is_some() || self.answers());
        if let (true, None) = (up, process.exit_code()) {
            self.process = Some(process);
            return Ok(());
        }
        Err(format!(
            "Postgres did not come up; see {}",
            self.spec.log.display()
        ))
    }

    /// Whether it was started and not ended by us.
    pub fn is_running(&self) -> bool {
        self.process.is_some()
    }

    fn answers(&self) -> bool {
        let mut ready = Command::new(self.bin.join("pg_isready"));
        ready.args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()]);
        output(&mut ready).is_ok()
    }

    /// Kills the server and everyone who works for it, as a power cut would: no goodbye.
    pub fn kill(&mut self) {
        let Some(mut process) = self.process.take() else {
            return;
        };
        // Stopped first, so that it neither notices nor cleans up.
        process.signal(Signal::STOP);
        for backend in children(process.id()) {
            let _ = kill_process(backend, Signal::KILL);
        }
        process.kill();
    }

    /// Asks it to end, cutting off whoever is connected (a fast shutdown).
    pub fn stop(&mut self) -> Fallible<()> {
        let Some(mut process) = self.process.take() else {
            return Ok(());
        };
        process.signal(Signal::INT);
        process
            .wait(PATIENCE)
            .map(|_| ())
            .ok_or_else(|| "Postgres did not stop".into())
    }

    /// Runs some SQL and returns its rows, fields separated by tabs.
    pub fn sql(&self, database: &str, sql: &str) -> Fallible<Vec<Vec<String>>> {
        let text = output(self.psql(database).args(["-Atq", "-F", "\t", "-c", sql]))?;
        let fields = |line: &str| line.split('\t').map(str::to_owned).collect();
        Ok(text
            .lines()
            .filter(|line| !line.is_empty())
            .map(fields)
            .collect())
    }

    /// How to run some SQL in the background.
    pub fn background(&self, database: &str, sql: &str) -> Spec {
        let psql = self.psql(database);
        let mut args: Vec<String> = psql
            .get_args()
            .map(|arg| arg.to_string_lossy().into_owned())
            .collect();
        args.extend(["-c".to_owned(), sql.to_owned()]);
        Spec {
            program: self.bin.join("psql"),
            args,
            user: None,
            last_signal: "KILL",
            ..self.spec.clone()
        }
    }

    /// `psql`, about to connect.
    fn psql(&self, database: &str) -> Command {
        let mut psql = Command::new(self.bin.join("psql"));
        psql.args(["-X", "-h", "127.0.0.1", "-p", &self.port.to_string()]);
        psql.args(["-U", "cartwright", "-d", database]);
        psql.args(["-v", "ON_ERROR_STOP=1"]).current_dir("/");
        psql
    }
}
