//! A private Postgres server as a child process.
//!
//! It listens on a unix socket only, in a folder that no other user can enter, and ends with us.

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use diesel::{Connection, PgConnection};

use crate::leash::{Leashed, Unprivileged, unprivileged_user};

/// A running server. Dropping it stops the server; the data stays unless it was throw-away.
#[derive(Debug)]
pub struct Server {
    _leash: Leashed,
    socket_dir: PathBuf,
}

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    #[error("no Postgres server is installed; on Debian: apt-get install postgresql")]
    NotInstalled,
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error("initdb failed: {0}")]
    Init(String),
    #[error("Postgres did not come up within {0:?}; see {1}")]
    NotReady(Duration, PathBuf),
    #[error("{0} belongs to a server that runs already, as process {1}")]
    InUse(PathBuf, u32),
}

/// How careful the server is with its data.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// Every commit reaches the disk.
    Full,
    /// For tests: fast, and deleted at the end.
    ThrowAway,
}

impl Server {
    /// Starts the server whose data lives in `dir`, creating it on first use.
    ///
    /// # Errors
    ///
    /// [`EmbeddedError`].
    pub fn start(dir: &Path) -> Result<Self, EmbeddedError> {
        Self::launch(dir, Durability::Full)
    }

    pub(crate) fn launch(dir: &Path, durability: Durability) -> Result<Self, EmbeddedError> {
        crate::survive_exit();
        let user = unprivileged_user().map_err(at(Path::new("/etc/passwd")))?;
        let dir = create_private(dir, user)?;
        let data = dir.join("postgres");
        let bin = find_binaries().ok_or(EmbeddedError::NotInstalled)?;
        if data.exists() {
            wait_for_predecessor(&data)?;
        } else {
            create_cluster(&bin, &dir, &data, user, durability)?;
        }
        let socket_dir = match durability {
            // A socket's path may have no more than 107 bytes, so it cannot live beside the data.
            Durability::Full => {
                let name = format!("cartwright-{}", uuid::Uuid::now_v7().simple());
                create_private(&std::env::temp_dir().join(name), user)?
            }
            Durability::ThrowAway => dir.clone(),
        };
        let log_path = dir.join("postgres.log");
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log_path);
        let leash = Leashed::spawn(
            &bin.join("postgres"),
            &server_args(&data, &socket_dir, durability),
            user,
            Stdio::from(log.map_err(at(&log_path))?),
            Some(socket_dir.clone()),
        )
        .map_err(at(&bin))?;
        let server = Self {
            _leash: leash,
            socket_dir,
        };
        server.wait_until_ready(&log_path)?;
        Ok(server)
    }

    /// The address of a database of this server.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!(
            "host={} user=cartwright dbname={database}",
            self.socket_dir.display()
        )
    }

    fn wait_until_ready(&self, log_path: &Path) -> Result<(), EmbeddedError> {
        const PATIENCE: Duration = Duration::from_secs(30);
        let answers = || PgConnection::establish(&self.url("postgres")).is_ok();
        if !wait_until(PATIENCE, answers) {
            return Err(EmbeddedError::NotReady(PATIENCE, log_path.to_owned()));
        }
        Ok(())
    }
}

/// Waits for a server whose owner was killed a moment ago and which is still shutting down.
fn wait_for_predecessor(data: &Path) -> Result<(), EmbeddedError> {
    let lock = data.join("postmaster.pid");
    let owner = || lock_holder(&lock).filter(|pid| is_postgres(*pid));
    if !wait_until(Duration::from_secs(10), || owner().is_none())
        && let Some(pid) = owner()
    {
        return Err(EmbeddedError::InUse(data.to_owned(), pid));
    }
    // Postgres refuses to start while any process of its user has the number in the lock, also one
    // that got it after a power loss. Should a server start here at this moment, the shared memory
    // of the folder still tells the two of us apart.
    if lock_holder(&lock).is_some_and(|pid| !is_postgres(pid)) {
        fs::remove_file(&lock).map_err(at(&lock))?;
    }
    Ok(())
}

/// The number in a lock, if a process has it.
fn lock_holder(lock: &Path) -> Option<u32> {
    let pid = fs::read_to_string(lock).ok()?;
    let pid: u32 = pid.lines().next()?.trim().parse().ok()?;
    Path::new(&format!("/proc/{pid}")).exists().then_some(pid)
}

fn is_postgres(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/comm"))
        .is_ok_and(|name| matches!(name.trim_end(), "postgres" | "postmaster"))
}

fn wait_until(patience: Duration, done: impl Fn() -> bool) -> bool {
    let deadline = Instant::now() + patience;
    let (_stop, pause) = std::sync::mpsc::channel::<()>();
    while Instant::now() < deadline {
        if done() {
            return true;
        }
        let _ = pause.recv_timeout(Duration::from_millis(20));
    }
    done()
}

fn server_args(data: &Path, socket_dir: &Path, durability: Durability) -> Vec<String> {
    let mut args = vec![
        "-D".to_owned(),
        data.display().to_string(),
        "-k".to_owned(),
        socket_dir.display().to_string(),
        "-c".to_owned(),
        "listen_addresses=".to_owned(),
        "-c".to_owned(),
        "max_connections=200".to_owned(),
    ];
    if durability == Durability::ThrowAway {
        args.push("-F".to_owned());
    }
    args
}

/// Creates the data under another name first: an attempt that was cut off leaves nothing that
/// looks like a database.
fn create_cluster(
    bin: &Path,
    dir: &Path,
    data: &Path,
    user: Option<Unprivileged>,
    durability: Durability,
) -> Result<(), EmbeddedError> {
    let unfinished = dir.join("postgres.new");
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).map_err(at(&unfinished))?;
    }
    initdb(bin, &unfinished, user, durability)?;
    fs::rename(&unfinished, data).map_err(at(data))
}

fn initdb(
    bin: &Path,
    data: &Path,
    user: Option<Unprivileged>,
    durability: Durability,
) -> Result<(), EmbeddedError> {
    use std::os::unix::process::CommandExt;
    let mut command = Command::new(bin.join("initdb"));
    command.arg("-D").arg(data).current_dir("/");
    command.args([
        "-U",
        "cartwright",
        "--auth=trust",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
    ]);
    if durability == Durability::ThrowAway {
        command.arg("--no-sync");
    }
    if let Some(Unprivileged { uid, gid }) = user {
        command.uid(uid).gid(gid);
    }
    let output = command.output().map_err(at(bin))?;
    if output.status.success() {
        return Ok(());
    }
    Err(EmbeddedError::Init(
        String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    ))
}

/// The folder of `initdb` and `postgres`: the newest server Debian has, else the PATH.
fn find_binaries() -> Option<PathBuf> {
    let debian = fs::read_dir("/usr/lib/postgresql")
        .ok()
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
    let on_path = || {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path)
            .find(|dir| dir.join("initdb").exists() && dir.join("postgres").exists())
    };
    newest.map(|(_, bin)| bin).or_else(on_path)
}

/// Creates a folder that only the server's user (and root) can enter.
fn create_private(dir: &Path, user: Option<Unprivileged>) -> Result<PathBuf, EmbeddedError> {
    fs::create_dir_all(dir).map_err(at(dir))?;
    let dir = dir.canonicalize().map_err(at(dir))?;
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o700)).map_err(at(&dir))?;
    if let Some(Unprivileged { uid, gid }) = user {
        chown(&dir, Some(uid), Some(gid)).map_err(at(&dir))?;
    }
    Ok(dir)
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> EmbeddedError {
    let path = path.to_owned();
    move |source| EmbeddedError::Io { path, source }
}
