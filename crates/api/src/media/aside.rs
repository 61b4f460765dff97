//! Pictures are worked on in a process of its own, which is this program again.
//!
//! Whoever is not waited for any more is killed, and one whose parent died ends by its limit of CPU time. It has a process
//! group of its own, so that Ctrl-C, which the parent answers by finishing what is under way, does not reach it.

use std::ffi::OsStr;
use std::panic::{self, UnwindSafe};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::process::Command;
use tokio::time::timeout;

use super::Media;
use super::picture::{self, Picture, PictureError};

/// The subcommand; nobody else is to use it.
pub const COMMAND: &str = "picture";

/// How long one picture may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why nothing came of a picture.
#[derive(Debug, thiserror::Error)]
pub enum AsideError {
    #[error(transparent)]
    Picture(#[from] PictureError),
    #[error("too many pictures are worked on")]
    Busy,
    /// The process ended before it answered, or took too long: somebody stopped it, memory ran out, or the machine is
    /// busy. That says nothing about the picture.
    #[error("its process gave no answer: {0}")]
    Unanswered(String),
}

impl From<std::io::Error> for AsideError {
    fn from(error: std::io::Error) -> Self {
        PictureError::from(error).into()
    }
}

/// Cleans the picture in a file; see [`picture::clean`].
///
/// # Errors
///
/// [`AsideError`].
pub async fn clean(media: &Media, from: &Path, to: &Path) -> Result<Picture, AsideError> {
    let max_pixels = media.max_pixels.to_string();
    let (from, to) = (from.as_os_str(), to.as_os_str());
    let args = [OsStr::new("clean"), from, to, OsStr::new(&max_pixels)];
    ask(media, args).await
}

/// Writes a picture in these widths into a directory; see [`picture::render`].
///
/// # Errors
///
/// [`AsideError`].
pub async fn render(
    media: &Media,
    from: &Path,
    into: &Path,
    widths: &[u32],
) -> Result<(), AsideError> {
    let widths: Vec<String> = widths.iter().map(u32::to_string).collect();
    let widths = widths.join(",");
    let (from, into) = (from.as_os_str(), into.as_os_str());
    let args = [OsStr::new("render"), from, into, OsStr::new(&widths)];
    ask(media, args).await
}

async fn ask<T: DeserializeOwned>(media: &Media, args: [&OsStr; 4]) -> Result<T, AsideError> {
    // Held no longer than the process lives: a store that is slow delays nobody else.
    let _turn = media.turn().await.ok_or(AsideError::Busy)?;
    let child = Command::new(program()?)
        .arg(COMMAND)
        .args(args)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()?;
    let output = timeout(PATIENCE, child.wait_with_output()).await;
    let output = output.map_err(|_| AsideError::Unanswered("it takes too long".into()))??;
    let answer: Result<Result<T, PictureError>, _> = serde_json::from_slice(&output.stdout);
    let answer = answer.map_err(|_| AsideError::Unanswered(output.status.to_string()))?;
    Ok(answer?)
}

/// This program, also where another version of it has been installed in its place.
fn program() -> std::io::Result<std::path::PathBuf> {
    if cfg!(target_os = "linux") {
        return Ok("/proc/self/exe".into());
    }
    std::env::current_exe()
}

/// What the process does: one thing, of which it tells on standard output.
///
/// # Errors
///
/// Where it cannot tell.
pub fn work(what: &str, from: &Path, to: &Path, numbers: &str) -> std::io::Result<()> {
    let seconds = Some(PATIENCE.as_secs());
    let limit = rustix::process::Rlimit {
        current: seconds,
        maximum: seconds,
    };
    rustix::process::setrlimit(rustix::process::Resource::Cpu, limit)?;
    // Orders go first.
    let _ = rustix::process::nice(10);
    match what {
        "clean" => {
            let max_pixels = numbers.parse().unwrap_or_default();
            tell(|| picture::clean(from, to, max_pixels))
        }
        _ => {
            let widths = numbers.split(',').filter_map(|width| width.parse().ok());
            let widths: Vec<u32> = widths.collect();
            tell(|| picture::render(from, to, &widths))
        }
    }
}

fn tell<T: Serialize>(
    work: impl FnOnce() -> Result<T, PictureError> + UnwindSafe,
) -> std::io::Result<()> {
    // Only the picture makes a decoder panic: another time it would be no better.
    let gave_up = |_| Err(PictureError::Broken("the decoder gave up".into()));
    let answer = panic::catch_unwind(work).unwrap_or_else(gave_up);
    println!("{}", serde_json::to_string(&answer)?);
    Ok(())
}
