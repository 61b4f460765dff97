//! One program in a process group of its own.

use std::fs::OpenOptions;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::janitor::Janitor;
use crate::clock::wait_until;
use crate::{Fallible, doing};

/// How to start a program. Its environment is PATH and `variables`, nothing else.
#[derive(Clone, Debug)]
pub struct Spec {
    pub program: PathBuf,
    pub args: Vec<String>,
    pub variables: Vec<(String, String)>,
    /// Where standard output and error go; appended to.
    pub log: PathBuf,
    /// The user and group to run as; `None` is our own.
    pub user: Option<(u32, u32)>,
    /// What the janitor sends to end it.
    pub last_signal: &'static str,
}

/// A running program; dropping it kills its whole group.
#[derive(Debug)]
pub struct Process {
    child: Child,
    id: Pid,
    janitor: Arc<Janitor>,
    is_reaped: bool,
}

impl Process {
    /// Starts it.
    pub fn start(spec: &Spec, janitor: &Arc<Janitor>) -> Fallible<Self> {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&spec.log)
            .map_err(doing(spec.log.display()))?;
        let other_end = log.try_clone().map_err(doing(spec.log.display()))?;
        let mut command = Command::new(&spec.program);
        command
            .args(&spec.args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(spec.variables.iter().cloned())
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(other_end)
            .stderr(log)
            .process_group(0);
        if let Some((uid, gid)) = spec.user {
            command.uid(uid).gid(gid);
        }
        let child = command.spawn().map_err(doing(spec.program.display()))?;
        janitor.started(child.id(), spec.last_signal)?;
        Ok(Self {
            id: Pid::from_child(&child),
            child,
            janitor: Arc::clone(janitor),
            is_reaped: false,
        })
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal to the program itself; one that has ended hears nothing.
    pub fn signal(&self, signal: Signal) {
        if !self.is_reaped {
            // It fails only for a process that is a zombie already.
            let _ = kill_process(self.id, signal);
        }
    }

    /// Its end, without waiting: the exit code, or 128 and the signal.
    pub fn exit_code(&mut self) -> Option<i32> {
        // Until it is reaped its number is ours, so the janitor hears of it in time.
        let has_ended = has_ended(self.child.id());
        if has_ended && !self.is_reaped {
            let _ = self.janitor.ended(self.child.id());
            self.is_reaped = true;
        }
        let status = if has_ended || self.is_reaped {
            self.child.try_wait().ok().flatten()?
        } else {
            return None;
        };
        Some(
            status
                .code()
                .unwrap_or_else(|| 128 + status.signal().unwrap_or_default()),
        )
    }

    /// Waits for its end.
    pub fn wait(&mut self, patience: Duration) -> Option<i32> {
        let mut code = None;
        wait_until(patience, || {
            code = self.exit_code();
            code.is_some()
        });
        code
    }

    /// Kills its whole group and waits until it is gone.
    pub fn kill(&mut self) {
        if !self.is_reaped {
            let _ = kill_process_group(self.id, Signal::KILL);
            self.wait(Duration::from_secs(10));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Whether a child has ended and only waits to be reaped (proc(5)).
fn has_ended(pid: u32) -> bool {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else {
        return true;
    };
    let state = stat
        .rsplit_once(')')
        .map(|(_, fields)| fields.trim_start().as_bytes().first().copied());
    matches!(state, Some(Some(b'Z' | b'X')) | None)
}

/// The children of a process right now.
#[must_use]
pub fn children(pid: u32) -> Vec<Pid> {
    let listed = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let ids = listed.unwrap_or_default();
    ids.split_whitespace()
        .filter_map(|id| Pid::from_raw(id.parse().ok()?))
        .collect()
}

/// Where a program is, or what to install.
pub fn find_program(name: &str) -> Fallible<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/usr/local/sbin".into()])
        .map(|dir| dir.join(name))
        .find(|file| file.exists())
        .ok_or_else(|| {
            format!("{name} is missing: ./scripts/install-deps.sh installs what the scripts need")
        })
}

/// Runs a program to its end and returns what it said, or why it failed.
pub fn output(command: &mut Command) -> Fallible<String> {
    let name = Path::new(command.get_program()).display().to_string();
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(doing(&name))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{name}: {}: {}", output.status, said.trim()))
}
