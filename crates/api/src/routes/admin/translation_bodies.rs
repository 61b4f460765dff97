//! Translations as staff sends and sees them.

use catalog::translations::{categories, products};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::product_details::rich_text;
use crate::http::{Problem, text};
use crate::routes::attributes::Object;

/// Texts of a product in a language; where one is left out, the wider language or the shop's own is shown.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = ProductTexts)]
pub struct ProductTextsBody {
    #[schema(min_length = 1, max_length = 300, example = "Tasse, blau")]
    name: Option<String>,
    #[schema(max_length = 20_000)]
    description: Option<String>,
    /// Rich text, which is sanitised.
    #[schema(max_length = 50_000)]
    description_html: Option<String>,
    #[schema(max_length = 200)]
    seo_title: Option<String>,
    #[schema(max_length = 500)]
    seo_description: Option<String>,
    /// Values of translatable custom fields, by their keys.
    #[schema(value_type = Option<Object>, example = json!({"care": "Kalt waschen"}))]
    custom_fields: Option<Object>,
}

impl ProductTextsBody {
    /// Checks all of it.
    pub fn checked(self) -> Result<products::Texts, Problem> {
        Ok(products::Texts {
            name: within("name", self.name, 1, 300)?,
            description: within("description", self.description, 0, 20_000)?,
            description_html: self.description_html.map(rich_text).transpose()?,
            seo_title: within("seoTitle", self.seo_title, 0, 200)?,
            seo_description: within("seoDescription", self.seo_description, 0, 500)?,
            custom: self.custom_fields.unwrap_or_default(),
        })
    }
}

/// Texts of a category in a language; where one is left out, the wider language or the shop's own is shown.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = CategoryTexts)]
pub struct CategoryTextsBody {
    #[schema(min_length = 1, max_length = 300, example = "Kameras")]
    name: Option<String>,
    #[schema(max_length = 20_000)]
    description: Option<String>,
    /// Values of translatable custom fields, by their keys.
    #[schema(value_type = Option<Object>)]
    custom_fields: Option<Object>,
}

impl CategoryTextsBody {
    /// Checks all of it.
    pub fn checked(self) -> Result<categories::Texts, Problem> {
        Ok(categories::Texts {
            name: within("name", self.name, 1, 300)?,
            description: within("description", self.description, 0, 20_000)?,
            custom: self.custom_fields.unwrap_or_default(),
        })
    }
}

fn within(
    field: &'static str,
    given: Option<String>,
    min: usize,
    max: usize,
) -> Result<Option<String>, Problem> {
    given.map(|given| text(field, given, min, max)).transpose()
}

/// What a product says in a language; null where the wider language or the shop's own is shown.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProductTranslation)]
pub struct ProductTranslationBody {
    #[schema(example = "de")]
    locale: String,
    #[schema(required = true)]
    name: Option<String>,
    #[schema(required = true)]
    description: Option<String>,
    #[schema(required = true)]
    description_html: Option<String>,
    #[schema(required = true)]
    seo_title: Option<String>,
    #[schema(required = true)]
    seo_description: Option<String>,
    /// Values of custom fields that are said in it, by their keys.
    #[schema(value_type = Object)]
    custom_fields: Object,
}

impl From<(String, products::Texts)> for ProductTranslationBody {
    fn from((locale, texts): (String, products::Texts)) -> Self {
        Self {
            locale,
            name: texts.name,
            description: texts.description,
            description_html: texts.description_html,
            seo_title: texts.seo_title,
            seo_description: texts.seo_description,
            custom_fields: texts.custom,
        }
    }
}

/// All that a product says in other languages.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProductTranslations)]
pub struct ProductTranslationsBody {
    translations: Vec<ProductTranslationBody>,
}

impl From<Vec<(String, products::Texts)>> for ProductTranslationsBody {
    fn from(all: Vec<(String, products::Texts)>) -> Self {
        Self {
            translations: all.into_iter().map(Into::into).collect(),
        }
    }
}

/// What a category says in a language; null where the wider language or the shop's own is shown.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CategoryTranslation)]
pub struct CategoryTranslationBody {
    #[schema(example = "de")]
    locale: String,
    #[schema(required = true)]
    name: Option<String>,
    #[schema(required = true)]
    description: Option<String>,
    /// Values of custom fields that are said in it, by their keys.
    #[schema(value_type = Object)]
    custom_fields: Object,
}

impl From<(String, categories::Texts)> for CategoryTranslationBody {
    fn from((locale, texts): (String, categories::Texts)) -> Self {
        Self {
            locale,
            name: texts.name,
            description: texts.description,
            custom_fields: texts.custom,
        }
    }
}

/// All that a category says in other languages.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CategoryTranslations)]
pub struct CategoryTranslationsBody {
    translations: Vec<CategoryTranslationBody>,
}

impl From<Vec<(String, categories::Texts)>> for CategoryTranslationsBody {
    fn from(all: Vec<(String, categories::Texts)>) -> Self {
        Self {
            translations: all.into_iter().map(Into::into).collect(),
        }
    }
}
