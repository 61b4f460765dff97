//! Texts of products, categories and options in other languages than the shop's own.
//!
//! What is not said in a locale is looked for in wider ones (`pt-BR`, then `pt`), text by text, and at last in the shop's
//! own language. A translation is part of its product or category: to write one is a change of that. Options are no things of their
//! own but words of products: see [`options`].

pub mod categories;
pub mod custom;
pub mod options;
pub mod products;

use domain::Locale;

/// The most locales of one product or category.
pub const MAX_LOCALES: i64 = 200;

/// Why a translation was not written.
#[derive(Debug, thiserror::Error)]
pub enum TranslationError<E> {
    #[error("there is no translation into this locale")]
    NotThere,
    #[error("there are at most {MAX_LOCALES} translations")]
    TooMany,
    #[error(transparent)]
    Edit(E),
}

/// The new version of what was translated.
type Written<E> = Result<i64, TranslationError<E>>;

pub(crate) fn locales(locale: &Locale) -> Vec<String> {
    locale.with_fallbacks().map(String::from).collect()
}

/// The first that says something counts, text by text.
fn fill(text: &mut Option<String>, wider: Option<String>) {
    if text.is_none() {
        *text = wider;
    }
}

/// `others` are the translations there are beside the one that was written.
fn within_bounds<E>(others: i64, version: i64) -> Written<E> {
    if others < MAX_LOCALES {
        return Ok(version);
    }
    Err(TranslationError::TooMany)
}

fn was_there<E>(rows: usize, version: i64) -> Written<E> {
    if rows > 0 {
        return Ok(version);
    }
    Err(TranslationError::NotThere)
}
