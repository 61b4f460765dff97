//! The server as it runs in production: replicas of the binary behind nginx, with Postgres and Redis.
//!
//! Laid out like the routes; every answer is checked against the OpenAPI document.

mod cache;
mod concurrency;
mod faults;
mod idempotency;
mod orders;
mod products;
mod service;
mod sessions;
mod support;
mod users;
