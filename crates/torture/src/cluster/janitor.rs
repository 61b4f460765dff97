//! Ends everything that was started, however we end.
//!
//! A small shell reads a pipe whose other end we hold. We tell it what we start and what has ended.
//! When the pipe closes, because we are done, panic or are killed, it ends whatever is left.

use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Mutex;

use crate::{Fallible, doing};

/// `$0` is the folder to remove at the end. Lines are `+ SIGNAL GROUP`, `- GROUP` and `mount DIR`.
const JANITOR: &str = r#"trap '' INT TERM HUP
left= mounts=
while read -r word one two; do
  case $word in
    +) left="$left $one:$two" ;;
    -) kept=; for entry in $left; do [ "${entry#*:}" = "$one" ] || kept="$kept $entry"; done; left=$kept ;;
    mount) mounts="$mounts $one" ;;
  esac
done
for entry in $left; do
  kill -s "${entry%%:*}" -- "-${entry#*:}" 2>/dev/null; kill -s CONT -- "-${entry#*:}" 2>/dev/null
done
for mount in $mounts; do
  for try in 1 2 3 4 5 6 7 8 9 10; do umount "$mount" 2>/dev/null && break; sleep 0.3; done
done
for try in 1 2 3 4 5 6 7 8 9 10; do rm -rf "$0" 2>/dev/null && break; sleep 0.3; done"#;

/// The shell, and our end of its pipe.
#[derive(Debug)]
pub struct Janitor {
    shell: Mutex<Child>,
    orders: Mutex<Option<ChildStdin>>,
}

impl Janitor {
    /// Starts to watch over a folder.
    pub fn watch(dir: &Path) -> Fallible<Self> {
        let mut shell = Command::new("/bin/sh")
            .args(["-c", JANITOR])
            .arg(dir)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(doing("starting a shell"))?;
        let orders = shell.stdin.take();
        Ok(Self {
            shell: Mutex::new(shell),
            orders: Mutex::new(orders),
        })
    }

    /// A process group was started; `signal` ends it.
    pub fn started(&self, group: u32, signal: &str) -> Fallible<()> {
        self.tell(&format!("+ {signal} {group}"))
    }

    /// A process group has ended. To be said before its number is given back.
    pub fn ended(&self, group: u32) -> Fallible<()> {
        self.tell(&format!("- {group}"))
    }

    /// A file system was mounted.
    pub fn mounted(&self, dir: &Path) -> Fallible<()> {
        self.tell(&format!("mount {}", dir.display()))
    }

    fn tell(&self, order: &str) -> Fallible<()> {
        let mut pipe = self.orders.lock().map_err(doing("the janitor's pipe"))?;
        let pipe = pipe.as_mut().ok_or("the janitor has gone home")?;
        let say = |pipe: &mut ChildStdin| -> io::Result<()> {
            writeln!(pipe, "{order}")?;
            pipe.flush()
        };
        say(pipe).map_err(doing("telling the janitor"))
    }
}

impl Drop for Janitor {
    fn drop(&mut self) {
        if let Ok(mut pipe) = self.orders.lock() {
            drop(pipe.take());
        }
        if let Ok(mut shell) = self.shell.lock() {
            let _ = shell.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::wait_until;

    /// A sleeping process in a group of its own.
    fn sleeper() -> Child {
        let mut sleep = Command::new("sleep");
        sleep.arg("600").process_group(0).spawn().unwrap()
    }

    #[test]
    fn what_is_left_ends_with_us_and_what_had_ended_is_left_alone() {
        let dir = tempfile::tempdir().unwrap().keep();
        let janitor = Janitor::watch(&dir).unwrap();
        let (mut left, mut spared) = (sleeper(), sleeper());
        for child in [&left, &spared] {
            janitor.started(child.id(), "KILL").unwrap();
        }
        janitor.ended(spared.id()).unwrap();

        drop(janitor);

        let gone = wait_until(Duration::from_secs(10), || {
            left.try_wait().unwrap().is_some()
        });
        assert!(gone && !dir.exists());
        assert!(spared.try_wait().unwrap().is_none());
        spared.kill().unwrap();
        spared.wait().unwrap();
    }
}
