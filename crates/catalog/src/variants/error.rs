//! Why a variant is not written.

use diesel::result::{DatabaseErrorKind, Error as DieselError};
use domain::InvalidChoices;

use crate::custom_fields::Fault;
use crate::custom_fields::attributes::AttributeError;

use super::MAX_VARIANTS;

/// Why a variant was not written. An index counts the variants of the request from 0.
#[derive(Debug, thiserror::Error)]
pub enum VariantError {
    #[error("no such product on sale")]
    ProductNotFound,
    #[error("the product has version {0} by now")]
    StaleProduct(i64),
    #[error("no such variant on sale")]
    NotFound,
    #[error("the variant has version {0} by now")]
    Stale(i64),
    #[error("the variant `{0}` has an option or a value that would go")]
    OptionInUse(String),
    #[error("the product has no options")]
    NoOptions,
    #[error("a product has at most {MAX_VARIANTS} variants")]
    TooMany,
    #[error("`{0}` makes no SKU")]
    NoSku(String),
    /// Which one is not known where somebody else was faster.
    #[error("the SKU of variant {0:?} is taken")]
    SkuTaken(Option<usize>),
    #[error("the SKU `{0}` that the matrix makes is taken")]
    GeneratedSkuTaken(String),
    #[error("another variant has the choices of variant {0:?}")]
    ChoicesTaken(Option<usize>),
    #[error("variant {0}: {1}")]
    Choices(usize, InvalidChoices),
    #[error("variant {0}: {field}: {message}", field = .1.field, message = .1.message)]
    Fault(usize, Fault),
    #[error("the default variant stands for its product")]
    IsDefault,
    /// Units of it are counted, promised or held.
    #[error("the variant has stock")]
    HasStock,
    #[error("the variant is a bundle")]
    IsBundle,
    /// Which one.
    #[error("the variant is a part of the bundle `{0}`")]
    IsPart(String),
    #[error("part {0} names no variant on sale")]
    UnknownPart(usize),
    #[error("part {0} is a bundle")]
    PartIsBundle(usize),
    #[error("part {0} is the bundle itself")]
    PartOfItself(usize),
    #[error("part {0} is named before")]
    PartTwice(usize),
    #[error(transparent)]
    Db(DieselError),
}

impl VariantError {
    /// What is wrong with the attributes of a variant of the request.
    pub(super) fn of_attributes(index: usize, error: AttributeError) -> Self {
        match error {
            AttributeError::Fault(fault) => Self::Fault(index, fault),
            AttributeError::Db(error) => error.into(),
        }
    }
}

impl From<DieselError> for VariantError {
    fn from(error: DieselError) -> Self {
        if let DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, info) = &error {
            match info.constraint_name() {
                Some("variants_sku_key") => return Self::SkuTaken(None),
                Some("variants_choices_key") => return Self::ChoicesTaken(None),
                _ => {}
            }
        }
        Self::Db(error)
    }
}
