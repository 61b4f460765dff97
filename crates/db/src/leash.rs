//! A child server that never outlives us, however we end.
//!
//! The server's parent is a small shell that reads a pipe whose other end we hold. When we drop it,
//! exit, panic or are killed, the pipe closes, and the shell sends the server SIGINT (for Postgres:
//! fast shutdown), waits, and removes what is temporary. A parent-death signal would not do: it
//! fires when the *thread* that spawned the child ends.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// `$0` is the folder to remove at the end (or empty), the rest is the server's command line.
/// The shell must not die of the terminal's Ctrl-C before the server has.
const LEASH: &str = r#"trap '' INT TERM HUP
exec 3<&0
(trap - INT TERM HUP; exec "$@" </dev/null 3<&-) & server=$!
read -r _ <&3
# TERM too, for programs without a handler: the shell lets what it runs in the background ignore INT.
kill -INT $server 2>/dev/null; kill -TERM $server 2>/dev/null; wait $server 2>/dev/null
[ -z "$0" ] || rm -rf "$0""#;

/// A server as a child process; dropping it stops the server and waits for its end.
#[derive(Debug)]
pub struct Leashed {
    shell: Child,
}

/// The user an otherwise root-owned server runs as.
#[derive(Clone, Copy, Debug)]
pub struct Unprivileged {
    pub uid: u32,
    pub gid: u32,
}

impl Leashed {
    /// Starts `program` on a leash. `remove_at_end` is deleted once the server has stopped.
    pub fn spawn(
        program: &Path,
        args: &[String],
        user: Option<Unprivileged>,
        log: Stdio,
        remove_at_end: Option<PathBuf>,
    ) -> io::Result<Self> {
        let mut shell = Command::new("/bin/sh");
        shell
            .arg("-c")
            .arg(LEASH)
            .arg(remove_at_end.unwrap_or_default());
        shell.arg(program).args(args).current_dir("/");
        shell
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log)
            .process_group(0);
        if let Some(Unprivileged { uid, gid }) = user {
            shell.uid(uid).gid(gid);
        }
        Ok(Self {
            shell: shell.spawn()?,
        })
    }
}

impl Drop for Leashed {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        if let Err(error) = self.shell.wait() {
            log::warn!(error:% = error; "a child server did not stop cleanly");
        }
    }
}

/// Finds an unprivileged user when this process is root, whom Postgres refuses.
///
/// Returns `None` when we are not root.
pub fn unprivileged_user() -> io::Result<Option<Unprivileged>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let is_root = status
        .lines()
        .find_map(|line| line.strip_prefix("Uid:"))
        .and_then(|uids| uids.split_whitespace().nth(1))
        == Some("0");
    if !is_root {
        return Ok(None);
    }
    let passwd = std::fs::read_to_string("/etc/passwd")?;
    ["postgres", "nobody"]
        .iter()
        .find_map(|name| passwd.lines().find_map(|line| parse_passwd(line, name)))
        .map(Some)
        .ok_or_else(|| io::Error::other("neither user `postgres` nor `nobody` exists"))
}

fn parse_passwd(line: &str, name: &str) -> Option<Unprivileged> {
    let mut fields = line.split(':');
    (fields.next()? == name).then_some(())?;
    let (uid, gid) = (fields.nth(1)?, fields.next()?);
    Some(Unprivileged {
        uid: uid.parse().ok()?,
        gid: gid.parse().ok()?,
    })
}
