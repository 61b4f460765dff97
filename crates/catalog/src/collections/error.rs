//! Why a collection is not written, or not listed.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

/// Why a collection was not written. An index counts the products or the conditions of the request from 0.
#[derive(Debug, thiserror::Error)]
pub enum CollectionError {
    #[error("no such collection")]
    NotFound,
    #[error("the collection has version {0} by now")]
    Stale(i64),
    #[error("the slug is taken")]
    SlugTaken,
    #[error("the collection is a list by hand")]
    HasNoRules,
    #[error("the collection has rules")]
    HasRules,
    #[error("what rules find has no places")]
    ManualOrder,
    #[error("the category of condition {0} does not exist")]
    UnknownCategory(usize),
    #[error("product {0} does not exist")]
    UnknownProduct(usize),
    #[error(transparent)]
    Db(DieselError),
}

impl From<DieselError> for CollectionError {
    fn from(error: DieselError) -> Self {
        match &error {
            DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, info)
                if info.constraint_name() == Some("collections_slug_key") =>
            {
                Self::SlugTaken
            }
            _ => Self::Db(error),
        }
    }
}
