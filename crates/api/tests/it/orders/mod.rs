//! Orders: placing, paying, moving on.

mod payments;
mod placing;
mod sets;
mod steps;
