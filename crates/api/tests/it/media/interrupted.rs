//! The process that works on a picture ends before it answers, which is not the picture's fault.

use std::fs;
use std::process::Command;

use image::ImageFormat;

use super::{SOON, kept_in, picture, rendered, rendition, send, upload};
use crate::support::{Cluster, eventually};

/// A process that works on a picture.
#[derive(Clone, Copy)]
struct Child {
    pid: u32,
    group: u32,
}

/// The one of this process (proc(5)).
fn child_of(parent: u32) -> Option<Child> {
    let processes = fs::read_dir("/proc").expect("processes");
    processes.filter_map(Result::ok).find_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        let (_, rest) = stat.rsplit_once(") ")?;
        let mut fields = rest.split(' ').skip(1).map(str::parse::<u32>);
        let (its_parent, group) = (fields.next()?.ok()?, fields.next()?.ok()?);
        let words = fs::read_to_string(entry.path().join("cmdline")).ok()?;
        let is_picture = its_parent == parent && words.split('\0').nth(1) == Some("picture");
        is_picture.then_some(Child { pid, group })
    })
}

/// Kills the next one, as the machine does where memory runs out.
async fn kill_child_of(parent: u32) -> Child {
    let child = std::cell::Cell::new(None);
    let found = || {
        child.set(child_of(parent));
        std::future::ready(child.get().is_some_and(|child: Child| kill(child.pid)))
    };
    eventually("a picture is worked on", SOON, found).await;
    child.get().expect("it was found")
}

fn kill(pid: u32) -> bool {
    let script = ["-c", "kill -s KILL \"$0\"", &pid.to_string()];
    let killed = Command::new("/bin/sh").args(script).status();
    killed.expect("a shell").success()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_whose_process_is_killed_is_none_the_worse_for_it() {
    let cluster = Cluster::with_command(1, &[], &["serve", "--with-worker=false"]);
    let staff = cluster.admin().await;
    let bytes = picture(5_900, 4_000, ImageFormat::Jpeg);

    let sent = send(&staff, "", bytes.clone()).send();
    let (interrupted, child) = tokio::join!(sent, kill_child_of(cluster.pid(0)));

    interrupted.refused(503, "picture_interrupted");
    assert_eq!(kept_in(&cluster, "true"), 0);
    // What is sent to the group of the replica, as Ctrl-C is, does not reach it.
    assert_eq!(child.group, child.pid);
    let media = upload(&staff, "", bytes).await;
    let (worker, _) = cluster.start_beside(&["worker"]);
    kill_child_of(worker.id().parse().expect("a number")).await;
    rendered(&staff, &media).await;
    let served = cluster.replica(0).get(&rendition(&media, 160)).send().await;
    assert_eq!(served.header("content-type"), Some("image/webp"));
}
