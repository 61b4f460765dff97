//! Why a category is not written.

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use domain::CategoryId;

use super::MAX_DEPTH;
use crate::custom_fields::Fault;
use crate::custom_fields::attributes::AttributeError;

/// Why a category was not written. An index counts the parents or the products of the request from 0.
#[derive(Debug, thiserror::Error)]
pub enum CategoryError {
    #[error("no such category")]
    NotFound,
    #[error("the category has version {0} by now")]
    Stale(i64),
    #[error("the slug is taken")]
    SlugTaken,
    #[error("parent {0} does not exist")]
    UnknownParent(usize),
    #[error("parent {0} is the category itself, or below it")]
    Cycle(usize),
    #[error("below parent {0} a category would be deeper than {MAX_DEPTH} levels")]
    TooDeep(usize),
    #[error("category {0} has no other parent")]
    HasChildren(CategoryId),
    #[error("{}: {}", .0.field, .0.message)]
    Fault(Fault),
    #[error("product {0} does not exist")]
    UnknownProduct(usize),
    #[error(transparent)]
    Db(DieselError),
}

impl From<AttributeError> for CategoryError {
    fn from(error: AttributeError) -> Self {
        match error {
            AttributeError::Fault(fault) => Self::Fault(fault),
            AttributeError::Db(error) => error.into(),
        }
    }
}

impl From<DieselError> for CategoryError {
    fn from(error: DieselError) -> Self {
        match &error {
            DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, info)
                if info.constraint_name() == Some("categories_slug_key") =>
            {
                Self::SlugTaken
            }
            _ => Self::Db(error),
        }
    }
}
