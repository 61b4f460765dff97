//! One replica of the real binary.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;

use super::janitor::Janitor;
use super::ports::{free_port, status_of};
use super::process::{Process, Spec};
use crate::clock::wait_until;
use crate::proxy::Proxy;
use crate::{Fallible, doing};

/// How long a replica may take to be ready on a busy machine.
const PATIENCE: Duration = Duration::from_secs(40);
/// How long a program may take to say its version.
const START: Duration = Duration::from_secs(5);
/// What the documentation promises for SIGTERM.
const DRAIN: Duration = Duration::from_secs(25);

/// Where libfaketime is. The library itself: the program of that name runs a replica as its child,
/// which would then live on when that program is killed.
fn find_faketime() -> Fallible<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib")
        .into_iter()
        .flatten()
        .flatten();
    let library = |folder: std::fs::DirEntry| folder.path().join("faketime/libfaketimeMT.so.1");
    folders
        .map(library)
        .find(|file| file.exists())
        .ok_or_else(|| {
            "libfaketime is missing: ./scripts/install-deps.sh faketime installs it".into()
        })
}

/// Whether a program starts under another clock. One with jemalloc does not: that asks for the time while it is set up, libfaketime
/// asks it for memory to say so, and they wait for each other.
pub fn check_faketime(program: &Path) -> Fallible<()> {
    let mut version = Command::new(program)
        .arg("--version")
        .env("LD_PRELOAD", find_faketime()?)
        .env("FAKETIME", "+1s")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(doing("try libfaketime"))?;
    if wait_until(START, || !matches!(version.try_wait(), Ok(None))) {
        return Ok(());
    }
    let _ = version.kill().and_then(|()| version.wait()); // it has done nothing
    Err("this binary does not start under libfaketime; one with the feature api/faults does".into())
}

/// A replica, the wires to what it needs, and whether it runs.
#[derive(Debug)]
pub struct Replica {
    port: u16,
    spec: Spec,
    janitor: Arc<Janitor>,
    process: Option<Process>,
    pub to_postgres: Proxy,
    pub to_redis: Proxy,
}

impl Replica {
    /// Prepares a replica; nothing runs yet.
    pub fn new(
        number: usize,
        spec: &Spec,
        dir: &Path,
        wires: (Proxy, Proxy),
        janitor: &Arc<Janitor>,
    ) -> Fallible<Self> {
        let port = free_port()?;
        let (to_postgres, to_redis) = wires;
        let mut spec = spec.clone();
        spec.log = dir.join(format!("replica{number}.log"));
        spec.args = vec!["serve".into()];
        let variables = [
            ("HTTP__BIND", format!("127.0.0.1:{port}")),
            (
                "DATABASE__URL",
                format!(
                    "postgres://cartwright@127.0.0.1:{}/cartwright",
                    to_postgres.port()
                ),
            ),
            (
                "REDIS__URL",
                format!("redis://127.0.0.1:{}", to_redis.port()),
            ),
        ];
        for (name, value) in variables {
            spec.variables.push((format!("CARTWRIGHT__{name}"), value));
        }
        Ok(Self {
            port,
            spec,
            janitor: Arc::clone(janitor),
            process: None,
            to_postgres,
            to_redis,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its process id, while it runs.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.process.as_ref().map(Process::id)
    }

    /// Chooses the binary and a variable for the next start.
    pub fn prepare(&mut self, binary: &Path, variable: Option<(&str, &str)>) {
        binary.clone_into(&mut self.spec.program);
        self.spec.args = vec!["serve".into()];
        if let Some((name, value)) = variable {
            self.spec.variables.retain(|(known, _)| known != name);
            self.spec.variables.push((name.into(), value.into()));
        }
    }

    /// Puts the next start under another clock, such as `+3600s`. Durations stay as they are.
    pub fn prepare_clock(&mut self, offset: &str) -> Fallible<()> {
        let library = find_faketime()?.display().to_string();
        for (name, value) in [
            ("LD_PRELOAD", library.as_str()),
            ("FAKETIME", offset),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
            ("DONT_FAKE_MONOTONIC", "1"),
        ] {
            self.spec.variables.push((name.into(), value.into()));
        }
        Ok(())
    }

    /// Puts the next start under the machine's clock again.
    pub fn forget_clock(&mut self) {
        self.spec
            .variables
            .retain(|(name, _)| name != "LD_PRELOAD" && !name.contains("FAKE"));
    }

    /// Starts it without waiting.
    pub fn launch(&mut self) -> Fallible<()> {
        drop(self.process.take());
        self.process = Some(Process::start(&self.spec, &self.janitor)?);
        Ok(())
    }

    /// Waits until it is ready; one that ends meanwhile, because what it needs is away, is started
    /// again.
    pub fn wait_until_ready(&mut self) -> Fallible<()> {
        let mut outcome = Ok(());
        let up = wait_until(PATIENCE, || {
            if self
                .process
                .as_mut()
                .is_none_or(|process| process.exit_code().is_some())
            {
                outcome = self.launch();
            }
            outcome.is_err() || status_of(self.port, "/readyz") == Some(200)
        });
        outcome?;
        // That somebody answers there does not mean that it is this one.
        if let Some(code) = self.exit_code() {
            return Err(format!(
                "a replica ended with {code}; see {}",
                self.spec.log.display()
            ));
        }
        up.then_some(())
            .ok_or_else(|| format!("a replica is not ready; see {}", self.spec.log.display()))
    }

    /// Starts it and waits until it is ready.
    pub fn start(&mut self) -> Fallible<()> {
        self.launch()?;
        self.wait_until_ready()
    }

    /// Whether it answers that it is ready.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        status_of(self.port, "/readyz") == Some(200)
    }

    /// The exit code of one that ended by itself.
    pub fn exit_code(&mut self) -> Option<i32> {
        self.process.as_mut().and_then(Process::exit_code)
    }

    /// Kills it.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Asks it to stop, and returns its exit code; `None` when it did not within its time.
    pub fn stop(&mut self) -> Option<i32> {
        let mut process = self.process.take()?;
        process.signal(Signal::TERM);
        process.wait(DRAIN)
    }

    /// Freezes or thaws it.
    pub fn signal(&self, signal: Signal) {
        if let Some(process) = &self.process {
            process.signal(signal);
        }
    }
}
