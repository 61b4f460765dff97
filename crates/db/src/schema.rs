//! Tables of schema `platform`, as Diesel sees them.

diesel::table! {
    platform.outbox (id) {
        id -> BigInt,
        event_id -> Uuid,
        kind -> Text,
        resource_type -> Text,
        resource_id -> BigInt,
        payload -> Jsonb,
        occurred_at -> Timestamptz,
        sent_at -> Nullable<Timestamptz>,
    }
}
