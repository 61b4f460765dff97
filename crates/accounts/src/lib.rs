//! Who may do what: users, credentials, sessions and roles.
