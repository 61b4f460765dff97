//! Wall clocks that are wrong, for programs that are started under them.
//!
//! libfaketime cannot be used: beside jemalloc, which the server has, it never starts (wolfcw/libfaketime#130).

use std::path::{Path, PathBuf};
use std::process::Command;

use super::process::output;
use crate::{Fallible, doing};

/// Builds what moves a wall clock by so many seconds when it is loaded before a program. It needs a C compiler, as the build of the
/// server does.
pub fn build(dir: &Path, seconds: i32) -> Fallible<PathBuf> {
    let source = dir.join("wall_clock.c");
    let library = dir.join(format!("wall_clock{seconds:+}.so"));
    std::fs::write(&source, include_str!("wall_clock.c")).map_err(doing(source.display()))?;
    let mut compiler = Command::new("cc");
    compiler
        .args(["-shared", "-fPIC", "-O2", "-o"])
        .args([&library, &source])
        .arg(format!("-DOFFSET={seconds}"));
    output(&mut compiler)?;
    Ok(library)
}

#[cfg(test)]
mod tests {
    use std::time::{SystemTime, UNIX_EPOCH};

    use super::*;

    #[test]
    fn a_program_is_told_another_time() {
        let dir = tempfile::tempdir().unwrap();
        for offset in [3_600, -3_600] {
            let library = build(dir.path(), offset).unwrap();
            let mut date = Command::new("date");
            date.arg("+%s").env("LD_PRELOAD", library);
            let told: i64 = output(&mut date).unwrap().trim().parse().unwrap();
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            let ahead = told - i64::try_from(now.as_secs()).unwrap();
            assert!((ahead - i64::from(offset)).abs() < 60, "{ahead}");
        }
    }
}
