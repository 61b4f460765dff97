CREATE TABLE accounts.users (
    id               bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT users_pkey PRIMARY KEY,
    name             text        NOT NULL,
    email            text        NOT NULL,
    -- What uniqueness compares; see Email in the domain.
    email_normalised text        NOT NULL CONSTRAINT users_email_normalised_key UNIQUE,
    phone_number     text,
    role             text        NOT NULL CONSTRAINT users_role_known CHECK (role IN ('customer', 'staff', 'admin')),
    -- Argon2id in PHC form; NULL: nobody can log in.
    password_hash    text,
    -- Registered without a token while access was open, and never logged in since.
    is_open          boolean     NOT NULL DEFAULT false,
    created_at       timestamptz NOT NULL DEFAULT now(),
    last_login_at    timestamptz
);

CREATE TABLE accounts.sessions (
    -- SHA-256 of the token; the token itself is nowhere.
    token_hash bytea       CONSTRAINT sessions_pkey PRIMARY KEY,
    user_id    bigint      NOT NULL CONSTRAINT sessions_user_id_fkey REFERENCES accounts.users,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL DEFAULT now() + interval '30 days'
);
CREATE INDEX sessions_user_id_idx ON accounts.sessions (user_id);
CREATE INDEX sessions_expires_at_idx ON accounts.sessions (expires_at);
