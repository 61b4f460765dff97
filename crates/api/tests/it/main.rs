//! The server as it runs in production: replicas of the binary behind nginx, with Postgres and Redis.
//!
//! Laid out like the routes; every answer is checked against the OpenAPI document.

mod access;
mod arrows;
mod bundles;
mod cache;
mod categories;
mod cli;
mod collections;
mod concurrency;
mod custom_fields;
mod doctor;
mod dry_run;
mod errors;
mod events;
mod exports;
mod faults;
mod idempotency;
mod imports;
mod jobs;
mod media;
mod option_translations;
mod orders;
mod price_lists;
mod prices;
mod product_reads;
mod products;
mod publishing;
mod related;
mod sales;
mod search;
mod service;
mod sessions;
mod stock;
mod support;
mod translations;
mod users;
mod variants;
