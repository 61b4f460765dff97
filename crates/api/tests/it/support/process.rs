//! One program on a leash: it ends with the test process, however that ends.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use db::testing::Leashed;

use super::{fresh_dir, wait_until};

/// Notes the program's id and becomes it.
const NOTE_ID: &str = r#"echo $$ >"$0/pid.new"; mv "$0/pid.new" "$0/pid"; exec "$@""#;

/// A running program; dropping it stops it and removes its folder.
pub struct Process {
    _leash: Leashed,
    dir: PathBuf,
    name: String,
}

impl Process {
    /// Starts `program` with `variables` as its only environment, in a folder of its own that
    /// `prepare` may fill. What it says on standard error goes to `log` there.
    pub fn start(
        program: &Path,
        variables: &[(String, String)],
        prepare: impl FnOnce(&Path) -> Vec<String>,
    ) -> Self {
        let dir = fresh_dir();
        fs::create_dir_all(&dir).expect("a folder for a process");
        let arguments = prepare(&dir);
        let log = File::create(dir.join("log")).expect("a log");
        let mut args = vec!["-c".into(), NOTE_ID.into(), dir.display().to_string()];
        // A shell ignores SIGINT for what it starts in the background, and a shell that is started
        // so cannot change that.
        let env = ["/usr/bin/env", "--default-signal=INT", "-i"];
        args.extend(env.map(str::to_owned));
        let path = std::env::var("PATH").unwrap_or_default();
        args.push(format!("PATH={path}"));
        args.extend(
            variables
                .iter()
                .map(|(name, value)| format!("{name}={value}")),
        );
        args.push(program.display().to_string());
        args.extend(arguments);
        let leash = Leashed::spawn(
            Path::new("/bin/sh"),
            &args,
            None,
            Stdio::from(log),
            Some(dir.clone()),
        );
        Self {
            _leash: leash.expect("a shell"),
            dir,
            name: program.display().to_string(),
        }
    }

    /// Waits until `is_ready`; a program that ends before that fails the test with its log.
    pub fn ready(self, is_ready: impl Fn() -> bool) -> Self {
        wait_until(&format!("{} is ready", self.name), || {
            assert!(self.exit_code().is_none(), "{}: {}", self.name, self.log());
            is_ready()
        });
        self
    }

    /// Sends a signal: `KILL`, `TERM`, `STOP`, `CONT`.
    pub fn signal(&self, signal: &str) {
        assert!(self.exit_code().is_none(), "{} is gone", self.name);
        let pid = self.id();
        let sent = Command::new("/bin/sh")
            .args(["-c", "kill -s \"$0\" \"$1\"", signal, &pid])
            .status();
        assert!(sent.expect("a shell").success(), "{signal} to {pid}");
    }

    /// Waits for its end. 128 and more: a signal.
    pub fn wait_for_exit(&self) -> i32 {
        wait_until(&format!("{} ends", self.name), || {
            self.exit_code().is_some()
        });
        self.exit_code().expect("it ended")
    }

    /// The process id.
    pub fn id(&self) -> String {
        let file = self.dir.join("pid");
        wait_until("a process notes its id", || file.exists());
        let pid = fs::read_to_string(file).expect("a process id");
        pid.trim().to_owned()
    }

    /// The leash waits for its program only at the end, so what has ended is still listed (proc(5)).
    fn exit_code(&self) -> Option<i32> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.id())).expect("it is listed");
        let (_, fields) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let code: i32 = fields.last()?.parse().ok()?;
        let signal = code & 0x7f;
        (fields[0] == "Z").then_some(if signal > 0 { 128 + signal } else { code >> 8 })
    }

    /// What it said.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }
}

/// Where a program is, or what to install.
pub fn find_program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/usr/local/sbin".into()])
        .map(|dir| dir.join(name))
        .find(|file| file.exists())
        .unwrap_or_else(|| {
            panic!("{name} is missing: ./scripts/install-deps.sh installs what tests need")
        })
}
