//! What a server of our own needs of this machine.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cluster::janitor::Janitor;
use crate::cluster::process::{find_program, output};
use crate::{Fallible, doing};

/// A user and a group.
pub type Ids = (u32, u32);

/// The folder of the newest server that Debian has, else the one on the PATH.
pub fn find_binaries() -> Fallible<PathBuf> {
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
pub fn unprivileged_user() -> Fallible<Option<Ids>> {
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

/// Makes a folder that is this user's alone.
pub fn create_for(dir: &Path, user: Option<Ids>) -> Fallible<()> {
    fs::create_dir_all(dir).map_err(doing(dir.display()))?;
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).map_err(doing(dir.display()))?;
    match user {
        Some((uid, gid)) => chown(dir, Some(uid), Some(gid)).map_err(doing(dir.display())),
        None => Ok(()),
    }
}

/// Mounts a file as a small file system; `None` where this machine does not allow it.
pub fn small_disk(dir: &Path, janitor: &Janitor) -> Fallible<Option<PathBuf>> {
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
