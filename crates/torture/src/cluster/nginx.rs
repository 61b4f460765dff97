//! The one door: nginx with the configuration that production uses.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::janitor::Janitor;
use super::ports::{free_port, status_of};
use super::process::{Process, Spec, find_program};
use crate::clock::wait_until;
use crate::{Fallible, doing};

/// The door; it is never harmed.
#[derive(Debug)]
pub struct Nginx {
    port: u16,
    _process: Process,
}

impl Nginx {
    /// Starts it in front of these ports, with the two files beside its configuration that
    /// `scripts/up.sh` writes too.
    pub fn start(
        dir: &Path,
        configuration: &Path,
        replicas: &[u16],
        janitor: &Arc<Janitor>,
    ) -> Fallible<Self> {
        let port = free_port()?;
        let home = dir.join("nginx");
        fs::create_dir_all(&home).map_err(doing(home.display()))?;
        fs::copy(configuration, home.join("nginx.conf")).map_err(doing(configuration.display()))?;
        let mut upstream = "upstream api {\n zone api 128k;\n".to_owned();
        for kind in ["max_fails=1 fail_timeout=2s", "backup max_fails=0"] {
            for replica in replicas {
                let _ = writeln!(upstream, " server 127.0.0.1:{replica} {kind};");
            }
        }
        upstream.push_str(" keepalive 64;\n keepalive_timeout 15s;\n keepalive_requests 10000;\n}");
        fs::write(home.join("upstream.conf"), upstream).map_err(doing("upstream.conf"))?;
        let at = home.display();
        let mut listen = format!("listen 127.0.0.1:{port} backlog=4096 default_server;\n");
        let _ = writeln!(
            listen,
            "access_log {at}/access.json json buffer=64k flush=1s;"
        );
        for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
            let _ = writeln!(listen, "{kind}_temp_path {at}/{kind};");
        }
        fs::write(home.join("listen.conf"), listen).map_err(doing("listen.conf"))?;
        // As root nginx would hand its requests to a user who may not reach this folder.
        let user = if rustix::process::geteuid().is_root() {
            " user root;"
        } else {
            ""
        };
        let spec = Spec {
            program: find_program("nginx")?,
            args: vec![
                "-p".into(),
                at.to_string(),
                "-c".into(),
                format!("{at}/nginx.conf"),
                "-e".into(),
                format!("{at}/log"),
                "-g".into(),
                format!("pid {at}/nginx.pid; daemon off;{user}"),
            ],
            variables: Vec::new(),
            log: home.join("out"),
            user: None,
            last_signal: "KILL",
        };
        let process = Process::start(&spec, janitor)?;
        let up = wait_until(Duration::from_secs(20), || {
            status_of(port, "/readyz") == Some(200)
        });
        let nginx = Self {
            port,
            _process: process,
        };
        up.then_some(nginx)
            .ok_or_else(|| format!("nginx finds no ready replica; see {at}/log"))
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
}
