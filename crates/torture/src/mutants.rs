//! Bugs that must be found.
