//! The server binary `cartwright`.
fn main() {}
