//! Custom fields, and what is kept of products, variants and categories. Staff.

use chrono::{DateTime, Utc};
use domain::{
    CategoryId, CustomFieldId, CustomResource, CustomType, MediaId, ProductId, VariantId,
};
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Answer, Client, Error, Job, Request};

/// What the values of a custom field are.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CustomField {
    /// Names the definition.
    pub id: CustomFieldId,
    /// What has it.
    pub resource: CustomResource,
    /// Names it among those of the resource.
    pub key: String,
    /// For people.
    pub name: String,
    /// What its values are.
    #[serde(rename = "type")]
    pub of: CustomType,
    /// What they have to be.
    pub validation: CustomFieldValidation,
    /// Who sees them.
    pub visibility: Visibility,
    /// Whether products are found by them.
    pub filterable: bool,
    /// Whether they can be said in other languages.
    #[serde(default)]
    pub translatable: bool,
    /// Whether all values follow the definition by now; if not, a job is about to see to it.
    pub is_applied: bool,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// Who sees the values of a custom field.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Visibility {
    /// Everybody.
    Public,
    /// Staff.
    #[default]
    Private,
}

/// What values have to be; `None` asks nothing. Those of a list are rules of its items.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CustomFieldValidation {
    /// Whether every product, or every category, has to have a value.
    pub required: bool,
    /// Characters of a text; 1 when `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_length: Option<u32>,
    /// The same; 16,000 when `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u32>,
    /// The lowest number or date, as a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<String>,
    /// The highest number or date, as a text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<String>,
    /// A regular expression that the whole text has to match.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// The texts that an enum is one of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// What a list is a list of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item_type: Option<CustomType>,
    /// How many values a list may have; 100 when `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_items: Option<u32>,
    /// What a reference names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub references: Option<CustomResource>,
}

/// A custom field to be defined.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewCustomField {
    /// What has it.
    pub resource: CustomResource,
    /// A small letter, and up to 63 letters, digits and underscores.
    pub key: String,
    /// For people.
    pub name: String,
    /// What its values are.
    #[serde(rename = "type")]
    pub of: CustomType,
    /// What they have to be.
    pub validation: CustomFieldValidation,
    /// Who sees them.
    pub visibility: Visibility,
    /// Whether products are found by them.
    pub filterable: bool,
    /// Whether they can be said in other languages: texts of products and categories.
    pub translatable: bool,
}

/// What to change in a definition; `None` stays as it is.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CustomFieldChanges {
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What its values are.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub of: Option<CustomType>,
    /// What they have to be, all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation: Option<CustomFieldValidation>,
    /// Who sees them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visibility: Option<Visibility>,
    /// Whether products are found by them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filterable: Option<bool>,
    /// Whether they can be said in other languages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub translatable: Option<bool>,
}

/// Some custom fields.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CustomFieldPage {
    /// At most `limit`, oldest first.
    pub custom_fields: Vec<CustomField>,
    /// How many a page has.
    pub limit: u32,
    /// Whether more follow.
    pub has_more: bool,
    /// Where the next page starts.
    pub next_cursor: Option<String>,
}

/// What something is that has custom fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Thing {
    /// A product.
    Product(ProductId),
    /// A variant of a product.
    Variant(ProductId, VariantId),
    /// A category.
    Category(CategoryId),
}

impl Thing {
    fn path(self) -> String {
        match self {
            Self::Product(id) => format!("/api/admin/products/{id}"),
            Self::Variant(product, id) => format!("/api/admin/products/{product}/variants/{id}"),
            Self::Category(id) => format!("/api/admin/categories/{id}"),
        }
    }
}

/// A file that a value of a custom field names by its id.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NamedFile {
    /// The value.
    pub id: MediaId,
    /// What staff calls it.
    pub name: String,
    /// What it is.
    pub content_type: String,
    /// How large it is.
    pub bytes: u64,
    /// Where it is.
    pub url: String,
}

/// What is kept of something, as staff sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Attributes {
    /// Values of custom fields, by their keys.
    pub custom_fields: Map<String, Value>,
    /// The files that these name.
    pub files: Vec<NamedFile>,
    /// What programs keep there for everybody to read.
    pub metadata: Map<String, Value>,
    /// What programs keep there for staff.
    pub private_metadata: Map<String, Value>,
}

/// What of it is to be different: each member is set, and null takes it away.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AttributeChanges {
    /// Values of custom fields, by their keys.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub custom_fields: Map<String, Value>,
    /// What programs keep there for everybody to read.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
    /// What programs keep there for staff.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub private_metadata: Map<String, Value>,
}

impl Client {
    /// Defines a custom field. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with the codes `key_taken`, `values_missing` and `too_many_custom_fields`.
    pub async fn create_custom_field(
        &self,
        field: &NewCustomField,
    ) -> Result<Answer<CustomField>, Error> {
        self.fetch(Request::new(Method::POST, "/api/admin/custom-fields").json(field)?)
            .await
    }

    /// Lists custom fields of a resource, or of all, oldest first. Staff.
    ///
    /// # Errors
    ///
    /// Those of every request.
    pub async fn list_custom_fields(
        &self,
        resource: Option<CustomResource>,
        limit: Option<u32>,
        cursor: Option<&str>,
    ) -> Result<Answer<CustomFieldPage>, Error> {
        let request = Request::new(Method::GET, "/api/admin/custom-fields")
            .query_if("resource", resource.as_ref())
            .query_if("limit", limit.as_ref())
            .query_if("cursor", cursor.as_ref());
        self.fetch(request).await
    }

    /// Reads the definition of a custom field. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 404 for an unknown one.
    pub async fn get_custom_field(&self, id: CustomFieldId) -> Result<Answer<CustomField>, Error> {
        let path = format!("/api/admin/custom-fields/{id}");
        self.fetch(Request::new(Method::GET, path)).await
    }

    /// Changes a definition, when `etag` is given only if it still is what was read. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with the codes `values_conflict` and `values_missing`, and with status 412 when somebody else was faster.
    pub async fn patch_custom_field(
        &self,
        id: CustomFieldId,
        changes: &CustomFieldChanges,
        etag: Option<&str>,
    ) -> Result<Answer<CustomField>, Error> {
        let path = format!("/api/admin/custom-fields/{id}");
        let request = Request::new(Method::PATCH, path).json(changes)?;
        self.fetch(request.if_match(etag)?).await
    }

    /// Removes a custom field, and returns the job that takes its values away. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 404 for an unknown one.
    pub async fn remove_custom_field(&self, id: CustomFieldId) -> Result<Answer<Job>, Error> {
        let path = format!("/api/admin/custom-fields/{id}");
        self.fetch(Request::new(Method::DELETE, path)).await
    }

    /// Reads what is kept of something. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 404 for an unknown one.
    pub async fn get_attributes(&self, of: Thing) -> Result<Answer<Attributes>, Error> {
        self.fetch(Request::new(Method::GET, of.path())).await
    }

    /// Changes what is kept of something, when `etag` is given only if it still is what was read. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 422 and the field at fault, and with status 412 when somebody else was faster.
    pub async fn patch_attributes(
        &self,
        of: Thing,
        changes: &AttributeChanges,
        etag: Option<&str>,
    ) -> Result<Answer<Attributes>, Error> {
        let request = Request::new(Method::PATCH, of.path()).json(changes)?;
        self.fetch(request.if_match(etag)?).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::test_server::{Reply, TestServer};

    #[tokio::test]
    async fn values_are_sent_to_what_has_them_and_null_among_them() {
        let kept = json!({"id": 3, "customFields": {"material": "wool"}, "metadata": {}, "privateMetadata": {}});
        let reply = Reply::With("200 OK", &[], kept.to_string());
        let server = TestServer::start(vec![reply]).await;
        let shop = server.client().build().unwrap();
        let changes = AttributeChanges {
            custom_fields: Map::from_iter([
                ("material".to_owned(), json!("wool")),
                ("weight".to_owned(), Value::Null),
            ]),
            ..AttributeChanges::default()
        };

        let variant = Thing::Variant(3.try_into().unwrap(), 7.try_into().unwrap());
        let kept = shop
            .patch_attributes(variant, &changes, Some("\"2\""))
            .await;

        assert_eq!(kept.unwrap().body.custom_fields["material"], "wool");
        let heard = server.heard();
        assert!(heard[0].starts_with("PATCH /api/admin/products/3/variants/7 "));
        assert!(heard[0].contains("if-match: \"2\""), "{}", heard[0]);
        let sent = r#"{"customFields":{"material":"wool","weight":null}}"#;
        assert!(heard[0].ends_with(sent), "{}", heard[0]);
    }
}
