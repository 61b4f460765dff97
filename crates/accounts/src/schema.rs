//! Tables of schema `accounts`, as Diesel sees them.

diesel::table! {
    accounts.users (id) {
        id -> BigInt,
        name -> Text,
        email -> Text,
        email_normalised -> Text,
        phone_number -> Nullable<Text>,
        role -> Text,
        password_hash -> Nullable<Text>,
        is_open -> Bool,
        created_at -> Timestamptz,
        last_login_at -> Nullable<Timestamptz>,
        customer_groups -> Array<Text>,
        version -> BigInt,
        permissions -> Nullable<Array<Text>>,
    }
}

diesel::table! {
    accounts.sessions (token_hash) {
        token_hash -> Binary,
        user_id -> BigInt,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
    }
}

diesel::joinable!(sessions -> users (user_id));
diesel::allow_tables_to_appear_in_same_query!(users, sessions);
