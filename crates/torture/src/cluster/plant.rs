//! Bugs in functions of the database: a piece of their text is replaced.

use super::DATABASE;
use super::postgres::Postgres;
use crate::Fallible;

/// One replacement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plant {
    /// Schema and name; the newest of those that differ in their parameters, which this release calls.
    pub function: &'static str,
    pub from: &'static str,
    pub to: &'static str,
}

impl Plant {
    /// Replaces it.
    ///
    /// # Errors
    ///
    /// When the function does not have that piece any more: the mutant is to be written anew.
    pub fn apply(&self, postgres: &Postgres) -> Fallible<()> {
        let quote = |text: &str| format!("'{}'", text.replace('\'', "''"));
        let (function, from, to) = (quote(self.function), quote(self.from), quote(self.to));
        let sql = format!(
            "DO $plant$ DECLARE was text := pg_get_functiondef( \
                 (SELECT oid FROM pg_proc WHERE pronamespace::regnamespace || '.' || proname = {function} ORDER BY oid DESC LIMIT 1)); BEGIN \
               IF strpos(was, {from}) = 0 THEN RAISE EXCEPTION 'nothing to replace in %', {function}; END IF; \
               EXECUTE replace(was, {from}, {to}); END $plant$"
        );
        postgres.sql(DATABASE, &sql).map(|_| ())
    }
}
