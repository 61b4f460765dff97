//! Orders: placing, paying, moving on.

mod holding;
mod payments;
mod placing;
mod sets;
mod steps;
