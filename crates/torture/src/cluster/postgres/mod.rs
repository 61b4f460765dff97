//! A durable Postgres that can die.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Signal, kill_process};

use super::janitor::Janitor;
use super::ports::free_port;
use super::process::{Process, Spec, children, find_program, output};
use crate::clock::wait_until;
use crate::{Fallible, doing};

const PATIENCE: Duration = Duration::from_secs(60);

/// The server, its data, and whether it runs.
#[derive(Debug)]
pub struct Postgres {
    bin: PathBuf,
    port: u16,
    spec: Spec,
    janitor: Arc<Janitor>,
    process: Option<Process>,
    /// The small disk its data is on, where there is one.
    small_disk: Option<PathBuf>,
}

impl Postgres {
    /// Makes a cluster below `dir` and starts it. `small` puts its data on a disk of its own that
    /// can be filled.
    pub fn start(
        dir: &Path,
        replicas: usize,
        small: bool,
        janitor: &Arc<Janitor>,
    ) -> Fallible<Self> {
        let bin = find_binaries()?;
        let port = free_port()?;
        let user = unprivileged_user()?;
        let small_disk = if small {
            small_disk(dir, janitor)?
        } else {
            None
        };
        let home = dir.join("postgres");
        create_for(&home, user)?;
        let data = match &small_disk {
            Some(disk) => {
                create_for(disk, user)?;
                disk.join("data")
            }
            None => home.join("data"),
        };
        let mut initdb = Command::new(bin.join("initdb"));
        initdb.arg("-D").arg(&data).current_dir("/");
        // The log of writes has its own place: Postgres cannot live without it.
        initdb.arg("--waldir").arg(home.join("wal"));
        initdb.args([
            "-U",
            "cartwright",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
        ]);
        if let Some((uid, gid)) = user {
            initdb.uid(uid).gid(gid);
        }
        output(&mut initdb)?;
        let connections = 40 + 30 * replicas;
        let args = format!(
            "-D {} -p {port} -k {} -c listen_addresses=127.0.0.1 -c fsync=on -c synchronous_commit=on \
             -c max_connections={connections} -c shared_buffers=128MB -c jit=off -c log_checkpoints=off",
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
        let mut postgres = Self {
            bin,
            port,
            spec,
            janitor: Arc::clone(janitor),
            process: None,
            small_disk,
        };
        postgres.resume()?;
        Ok(postgres)
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What it said.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.spec.log
    }

    /// Starts it again and waits until it answers.
    pub fn resume(&mut self) -> Fallible<()> {
        let (bin, port) = (self.bin.clone(), self.port);
        let mut process = Process::start(&self.spec, &self.janitor)?;
        let up = wait_until(PATIENCE, || {
            process.exit_code().is_some() || answers(&bin, port)
        });
        if let (true, None) = (up, process.exit_code()) {
            self.process = Some(process);
            return Ok(());
        }
        Err(format!(
            "Postgres did not come up; see {}",
            self.spec.log.display()
        ))
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

    /// Freezes or thaws the server; backends go on.
    pub fn signal(&self, signal: Signal) {
        if let Some(process) = &self.process {
            process.signal(signal);
        }
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

    /// `psql`, about to connect.
    #[must_use]
    pub fn psql(&self, database: &str) -> Command {
        let mut psql = Command::new(self.bin.join("psql"));
        psql.args([
            "-X",
            "-h",
            "127.0.0.1",
            "-U",
            "cartwright",
            "-v",
            "ON_ERROR_STOP=1",
            "-d",
            database,
        ]);
        psql.arg("-p").arg(self.port.to_string()).current_dir("/");
        psql
    }

    /// How to run some SQL in the background.
    #[must_use]
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

    /// Opens connections and leaves them idle until Postgres takes no more.
    #[must_use]
    pub fn hog_connections(&self, database: &str) -> Vec<TcpStream> {
        let mut hogs = Vec::new();
        while hogs.len() < 1_000 {
            match idle_connection(self.port, database) {
                Some(hog) => hogs.push(hog),
                None => break,
            }
        }
        hogs
    }

    /// The disk that can be filled.
    #[must_use]
    pub fn small_disk(&self) -> Option<&Path> {
        self.small_disk.as_deref()
    }
}

fn answers(bin: &Path, port: u16) -> bool {
    let mut ready = Command::new(bin.join("pg_isready"));
    ready.args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()]);
    output(&mut ready).is_ok()
}

/// Says hello in the wire protocol, version 3.0, and waits to be let in (`R`) or turned away (`E`).
fn idle_connection(port: u16, database: &str) -> Option<TcpStream> {
    let mut hello = 196_608_u32.to_be_bytes().to_vec();
    for word in ["user", "cartwright", "database", database, ""] {
        hello.extend_from_slice(word.as_bytes());
        hello.push(0);
    }
    let length = u32::try_from(hello.len() + 4).ok()?;
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
    stream.write_all(&length.to_be_bytes()).ok()?;
    stream.write_all(&hello).ok()?;
    let mut kind = [0];
    stream.read_exact(&mut kind).ok()?;
    (kind == *b"R").then_some(stream)
}

/// Mounts a file as a small file system; `None` where this machine does not allow it.
fn small_disk(dir: &Path, janitor: &Janitor) -> Fallible<Option<PathBuf>> {
    let (image, disk) = (dir.join("disk.img"), dir.join("disk"));
    let file = fs::File::create(&image).map_err(doing(image.display()))?;
    file.set_len(400 << 20).map_err(doing(image.display()))?;
    fs::create_dir_all(&disk).map_err(doing(disk.display()))?;
    let made = find_program("mkfs.ext4")
        .and_then(|mkfs| output(Command::new(mkfs).args(["-q", "-F", "-m", "0"]).arg(&image)));
    let mounted = made.and_then(|_| {
        output(
            Command::new("mount")
                .args(["-o", "loop"])
                .arg(&image)
                .arg(&disk),
        )
    });
    if mounted.is_err() {
        return Ok(None);
    }
    janitor.mounted(&disk)?;
    Ok(Some(disk))
}

/// The folder of the newest server that Debian has, else the one on the PATH.
fn find_binaries() -> Fallible<PathBuf> {
    let debian = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let newest = debian
        .filter_map(|entry| {
            let version: u32 = entry.file_name().to_str()?.parse().ok()?;
            let bin = entry.path().join("bin");
            bin.join("postgres").exists().then_some((version, bin))
        })
        .max();
    match newest {
        Some((_, bin)) => Ok(bin),
        None => Ok(find_program("initdb")?
            .parent()
            .map(Path::to_owned)
            .unwrap_or_default()),
    }
}

/// The user whom Postgres accepts when we are root, whom it refuses.
fn unprivileged_user() -> Fallible<Option<(u32, u32)>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let passwd = fs::read_to_string("/etc/passwd").map_err(doing("/etc/passwd"))?;
    let ids = |name: &str| {
        passwd.lines().find_map(|line| {
            let mut fields = line.split(':');
            (fields.next()? == name).then_some(())?;
            Some((fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?))
        })
    };
    ids("postgres")
        .or_else(|| ids("nobody"))
        .map(Some)
        .ok_or_else(|| "neither user `postgres` nor `nobody` exists".into())
}

fn create_for(dir: &Path, user: Option<(u32, u32)>) -> Fallible<()> {
    fs::create_dir_all(dir).map_err(doing(dir.display()))?;
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).map_err(doing(dir.display()))?;
    match user {
        Some((uid, gid)) => chown(dir, Some(uid), Some(gid)).map_err(doing(dir.display())),
        None => Ok(()),
    }
}
