//! Which fault comes when, to whom and for how long, decided by the seed before the first one.
//!
//! - [`faults`]: the faults there are
//! - [`schedule`]: a seed's plan of them
//! - [`act`]: how each is done and undone
//! - [`log`]: what was really done, with the clock of the history

pub mod act;
pub mod faults;
pub mod log;
pub mod schedule;

pub use act::Nemesis;
pub use faults::{Excuse, Fault};
pub use log::{Log, Window};
pub use schedule::{Planned, plan};
