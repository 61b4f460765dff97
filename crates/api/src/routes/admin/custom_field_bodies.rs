//! Definitions of custom fields as staff sends and sees them.

use catalog::custom_fields::defining::{FieldChanges, NewField};
use catalog::custom_fields::{CustomField, Rules};
use chrono::{DateTime, Utc};
use domain::{Cursor, CustomFieldId, CustomResource, CustomType};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::{Problem, text};

/// A custom field to be defined.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewCustomField)]
pub struct NewCustomFieldBody {
    /// `product`, `variant` or `category`.
    #[schema(value_type = String, example = "product")]
    resource: CustomResource,
    /// Names it among those of the resource: a small letter, and up to 63 letters, digits and underscores.
    #[schema(example = "material", pattern = "^[a-z][A-Za-z0-9_]{0,63}$")]
    key: String,
    /// For people.
    #[serde(default)]
    #[schema(max_length = 300)]
    name: String,
    /// `text`, `richText`, `int`, `decimal`, `bool`, `date`, `enum`, `money`, `reference`, `file`, `list` or `json`.
    #[serde(rename = "type")]
    #[schema(value_type = String, example = "enum")]
    of: CustomType,
    #[serde(default)]
    validation: ValidationBody,
    /// Who sees its values: `public` for everybody, `private` (where it is left out) for staff.
    #[schema(value_type = Option<String>)]
    visibility: Option<Visibility>,
    /// Whether products are found by its values.
    #[serde(default)]
    filterable: bool,
    /// Whether its values can be said in other languages: texts of products and categories.
    #[serde(default)]
    translatable: bool,
}

impl NewCustomFieldBody {
    /// Checks what can be checked without the other definitions.
    pub fn checked(self) -> Result<NewField, Problem> {
        let mut letters = self.key.chars();
        let is_known = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let begins = letters.next().is_some_and(|c| c.is_ascii_lowercase());
        if !begins || self.key.len() > 64 || !letters.all(is_known) {
            let rule = "must be a small letter, and up to 63 letters, digits and underscores";
            return Err(Problem::invalid("key", "invalid", rule));
        }
        Ok(NewField {
            resource: self.resource,
            key: self.key,
            name: text("name", self.name, 0, 300)?,
            of: self.of,
            rules: self.validation.into(),
            is_public: self.visibility == Some(Visibility::Public),
            is_filterable: self.filterable,
            is_translatable: self.translatable,
        })
    }
}

/// What is to be different.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = CustomFieldChanges)]
pub struct CustomFieldChangesBody {
    #[schema(max_length = 300)]
    name: Option<String>,
    #[serde(rename = "type")]
    #[schema(value_type = Option<String>)]
    of: Option<CustomType>,
    /// All of it.
    validation: Option<ValidationBody>,
    #[schema(value_type = Option<String>)]
    visibility: Option<Visibility>,
    filterable: Option<bool>,
    translatable: Option<bool>,
}

impl CustomFieldChangesBody {
    /// Checks what can be checked without the definition.
    pub fn checked(self) -> Result<FieldChanges, Problem> {
        let name = self.name.map(|name| text("name", name, 0, 300));
        Ok(FieldChanges {
            name: name.transpose()?,
            of: self.of,
            rules: self.validation.map(Into::into),
            is_public: self.visibility.map(|it| it == Visibility::Public),
            is_filterable: self.filterable,
            is_translatable: self.translatable,
        })
    }
}

/// Who sees the values of a field.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(try_from = "String", rename_all = "camelCase")]
pub enum Visibility {
    Public,
    Private,
}

impl TryFrom<String> for Visibility {
    type Error = &'static str;

    /// By hand: a number would else count as malformed JSON, which names no field.
    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.as_str() {
            "public" => Ok(Self::Public),
            "private" => Ok(Self::Private),
            _ => Err("must be public or private"),
        }
    }
}

/// What values have to be; what is left out asks nothing. Rules for the values of a list are those of its items.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = CustomFieldValidation)]
pub struct ValidationBody {
    /// Whether every product, or every category, has to have a value.
    #[serde(default)]
    required: bool,
    /// Characters of a text; 1 where it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 16_000)]
    min_length: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 16_000)]
    max_length: Option<u32>,
    /// The lowest number or date, as a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "0.5")]
    min: Option<String>,
    /// The highest number or date, as a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<String>,
    /// A regular expression that the whole text has to match; without look-around and references back.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 300)]
    pattern: Option<String>,
    /// The texts that an enum is one of.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_items = 1, max_items = 200)]
    values: Option<Vec<String>>,
    /// What a list is a list of: `text`, `int`, `decimal`, `date`, `enum`, `reference` or `file`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    item_type: Option<CustomType>,
    /// How many values a list may have; 100 where it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 500)]
    max_items: Option<u32>,
    /// What a reference names: `product`, `variant` or `category`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    references: Option<CustomResource>,
}

impl From<ValidationBody> for Rules {
    fn from(body: ValidationBody) -> Self {
        Self {
            required: body.required,
            min_length: body.min_length,
            max_length: body.max_length,
            min: body.min,
            max: body.max,
            pattern: body.pattern.map(Into::into),
            values: body.values.unwrap_or_default(),
            item_type: body.item_type,
            max_items: body.max_items,
            references: body.references,
        }
    }
}

impl From<Rules> for ValidationBody {
    fn from(rules: Rules) -> Self {
        Self {
            required: rules.required,
            min_length: rules.min_length,
            max_length: rules.max_length,
            min: rules.min,
            max: rules.max,
            pattern: rules.pattern.map(Into::into),
            values: Some(rules.values).filter(|values| !values.is_empty()),
            item_type: rules.item_type,
            max_items: rules.max_items,
            references: rules.references,
        }
    }
}

/// A custom field.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CustomField)]
pub struct CustomFieldBody {
    #[schema(value_type = i64)]
    id: CustomFieldId,
    /// `product`, `variant` or `category`.
    #[schema(value_type = String)]
    resource: CustomResource,
    key: String,
    name: String,
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    of: CustomType,
    validation: ValidationBody,
    /// `public` or `private`.
    #[schema(value_type = String)]
    visibility: Visibility,
    filterable: bool,
    /// Whether its values can be said in other languages.
    translatable: bool,
    /// Whether all values are seen by those who may, and found where they are to be; if not, a job is about to see to it.
    is_applied: bool,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<CustomField> for CustomFieldBody {
    fn from(field: CustomField) -> Self {
        Self {
            is_applied: field.is_applied(),
            id: field.id,
            resource: field.resource,
            key: field.key,
            name: field.name,
            of: field.of,
            validation: field.rules.into(),
            visibility: if field.is_public {
                Visibility::Public
            } else {
                Visibility::Private
            },
            filterable: field.is_filterable,
            translatable: field.is_translatable,
            created_at: field.created_at,
            updated_at: field.updated_at,
        }
    }
}

/// A page of custom fields, oldest first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CustomFieldPage)]
pub struct CustomFieldPageBody {
    pub custom_fields: Vec<CustomFieldBody>,
    pub limit: i64,
    pub has_more: bool,
    /// Where to go on, where there is more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub next_cursor: Option<Cursor>,
}
