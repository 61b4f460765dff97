//! The one door: nginx with the configuration that production uses.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::process::{Process, find_program};
use super::status_of;

/// As `scripts/up.sh` does it: the repository's nginx.conf, and two files beside it.
pub fn start(port: u16, replicas: &[u16]) -> Process {
    let configuration = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../nginx.conf");
    let prepare = |dir: &Path| {
        fs::copy(configuration, dir.join("nginx.conf")).expect("nginx.conf");
        let mut upstream = "upstream api {\n zone api 128k;\n".to_owned();
        for kind in ["max_fails=1 fail_timeout=2s", "backup max_fails=0"] {
            for replica in replicas {
                let _ = writeln!(upstream, " server 127.0.0.1:{replica} {kind};");
            }
        }
        upstream.push_str(" keepalive 64;\n keepalive_timeout 15s;\n keepalive_requests 10000;\n}");
        fs::write(dir.join("upstream.conf"), upstream).expect("upstream.conf");
        let at = dir.display();
        let mut listen = format!("listen 127.0.0.1:{port} backlog=4096 default_server;\n");
        let _ = writeln!(listen, "access_log {at}/access.json json;");
        for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
            let _ = writeln!(listen, "{kind}_temp_path {at}/{kind};");
        }
        fs::write(dir.join("listen.conf"), listen).expect("listen.conf");
        let is_root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
        let user = if is_root { " user root;" } else { "" };
        let main = format!("pid {at}/nginx.pid; daemon off;{user}");
        [
            "-p",
            &at.to_string(),
            "-c",
            &format!("{at}/nginx.conf"),
            "-e",
            &format!("{at}/log"),
            "-g",
            &main,
        ]
        .map(str::to_owned)
        .to_vec()
    };
    Process::start(&find_program("nginx"), &[], prepare)
        .ready(|| status_of(port, "/readyz") == Some(200))
}
