//! Postgres for Cartwright: the pool, migrations, outbox, idempotency keys and test databases.
