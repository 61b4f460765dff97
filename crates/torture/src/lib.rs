//! Breaks a running Cartwright on purpose, and checks the history of what it answered.
//!
//! A test tool that is never shipped. It knows the shop only through its API and its processes:
//! what an order costs, which steps there are and what stock must be left is worked out here a
//! second time, on purpose without the code under test.
//!
//! - [`cluster`]: the five nodes as processes that can be killed, frozen and cut off
//! - [`proxy`]: the wire between a replica and what it needs, with a bad day
//! - [`nemesis`]: which fault comes when, all of it from a seed
//! - [`workload`]: what customers and staff do meanwhile, from the same seed, at a fixed rate
//! - [`history`]: every request and what came of it: done, refused, or not known
//! - [`check`]: what must be true of every history
//! - [`campaign`]: one run from an empty folder to a verdict
//! - [`report`]: the page that is read afterwards
//! - [`points`]: death at every fault point; [`mutants`]: bugs that must be found

pub mod campaign;
pub mod check;
pub mod clock;
pub mod cluster;
pub mod history;
pub mod mutants;
pub mod nemesis;
pub mod points;
pub mod proxy;
pub mod report;
pub mod rng;
pub mod workload;

/// What can go wrong in the tool itself, in words for the terminal.
pub type Fallible<T> = Result<T, String>;

/// Says what was being done when an error came.
pub(crate) fn doing<E: std::fmt::Display>(
    what: impl std::fmt::Display,
) -> impl FnOnce(E) -> String {
    move |error| format!("{what}: {error}")
}
