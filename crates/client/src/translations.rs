//! Texts of products, categories and options in other languages. Staff.

use std::collections::BTreeMap;

use domain::{CategoryId, Locale, ProductId};
use reqwest::Method;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Answer, Client, Error, Request};

/// Texts of a product; `None` where the wider language or the shop's own is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProductTexts {
    /// What it is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Rich text, which the shop sanitises.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description_html: Option<String>,
    /// What a search engine is to be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seo_title: Option<String>,
    /// The same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seo_description: Option<String>,
    /// Values of translatable custom fields, by their keys.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub custom_fields: Map<String, Value>,
}

/// Texts of a category; `None` where the wider language or the shop's own is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CategoryTexts {
    /// What it is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Values of translatable custom fields, by their keys.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub custom_fields: Map<String, Value>,
}

/// How an option and its values are called, whatever products have them; what is not there is shown in the wider language or the
/// shop's own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct OptionTexts {
    /// The option.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// By the values themselves; up to 2,000.
    #[serde(default)]
    pub values: BTreeMap<String, String>,
}

/// What is said in a language.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Translation<T> {
    /// The language.
    pub locale: Locale,
    /// The texts.
    #[serde(flatten)]
    pub texts: T,
}

/// All translations, by their locales.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Translations<T> {
    /// One for each language.
    pub translations: Vec<Translation<T>>,
}

impl Client {
    /// Lists the translations of a product.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 404 for an unknown product.
    pub async fn list_product_translations(
        &self,
        id: ProductId,
    ) -> Result<Answer<Translations<ProductTexts>>, Error> {
        let path = format!("/api/admin/products/{id}/translations");
        self.fetch(Request::new(Method::GET, path)).await
    }

    /// Writes the texts of a product in a language, in place of those it had there, when `etag` is given only if the
    /// product still is what staff has read.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 412 when somebody else was faster.
    pub async fn put_product_translation(
        &self,
        id: ProductId,
        locale: Locale,
        texts: &ProductTexts,
        etag: Option<&str>,
    ) -> Result<Answer<Translation<ProductTexts>>, Error> {
        let path = format!("/api/admin/products/{id}/translations/{locale}");
        self.put_translation(path, texts, etag).await
    }

    /// Takes the texts of a product in a language away.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with the code `translation_not_found`.
    pub async fn delete_product_translation(
        &self,
        id: ProductId,
        locale: Locale,
    ) -> Result<(), Error> {
        let path = format!("/api/admin/products/{id}/translations/{locale}");
        self.accept(Request::new(Method::DELETE, path)).await?;
        Ok(())
    }

    /// Lists the translations of a category.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 404 for an unknown category.
    pub async fn list_category_translations(
        &self,
        id: CategoryId,
    ) -> Result<Answer<Translations<CategoryTexts>>, Error> {
        let path = format!("/api/admin/categories/{id}/translations");
        self.fetch(Request::new(Method::GET, path)).await
    }

    /// Writes the texts of a category in a language, in place of those it had there, when `etag` is given only if the
    /// category still is what staff has read.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 412 when somebody else was faster.
    pub async fn put_category_translation(
        &self,
        id: CategoryId,
        locale: Locale,
        texts: &CategoryTexts,
        etag: Option<&str>,
    ) -> Result<Answer<Translation<CategoryTexts>>, Error> {
        let path = format!("/api/admin/categories/{id}/translations/{locale}");
        self.put_translation(path, texts, etag).await
    }

    /// Takes the texts of a category in a language away.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with the code `translation_not_found`.
    pub async fn delete_category_translation(
        &self,
        id: CategoryId,
        locale: Locale,
    ) -> Result<(), Error> {
        let path = format!("/api/admin/categories/{id}/translations/{locale}");
        self.accept(Request::new(Method::DELETE, path)).await?;
        Ok(())
    }

    /// Lists how an option is called, by its own name.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 403 for who is not staff.
    pub async fn list_option_translations(
        &self,
        option: &str,
    ) -> Result<Answer<Translations<OptionTexts>>, Error> {
        let path = of_option(option);
        self.fetch(Request::new(Method::GET, path)).await
    }

    /// Writes how an option and its values are called in a language, in place of what was said there before, when `etag` is given only
    /// if that still is what staff has read.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 412 when somebody else was faster.
    pub async fn put_option_translation(
        &self,
        option: &str,
        locale: Locale,
        texts: &OptionTexts,
        etag: Option<&str>,
    ) -> Result<Answer<Translation<OptionTexts>>, Error> {
        let path = format!("{}/{locale}", of_option(option));
        self.put_translation(path, texts, etag).await
    }

    /// Takes away how an option is called in a language.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with the code `translation_not_found`.
    pub async fn delete_option_translation(
        &self,
        option: &str,
        locale: Locale,
    ) -> Result<(), Error> {
        let path = format!("{}/{locale}", of_option(option));
        self.accept(Request::new(Method::DELETE, path)).await?;
        Ok(())
    }

    async fn put_translation<T: Serialize + DeserializeOwned>(
        &self,
        path: String,
        texts: &T,
        etag: Option<&str>,
    ) -> Result<Answer<Translation<T>>, Error> {
        let request = Request::new(Method::PUT, path).json(texts)?;
        self.fetch(request.if_match(etag)?).await
    }
}

/// The name of an option may have anything in it.
fn of_option(name: &str) -> String {
    let encoded: String = name.bytes().map(percent).collect();
    format!("/api/admin/options/{encoded}/translations")
}

fn percent(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() {
        return char::from(byte).to_string();
    }
    format!("%{byte:02X}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::test_server::{Reply, TestServer};

    #[tokio::test]
    async fn texts_are_sent_and_read_as_the_api_has_them() {
        let answer = json!({"locale": "pt-BR", "name": "Xícara", "description": null});
        let server = TestServer::start(vec![Reply::With("200 OK", &[], answer.to_string())]).await;
        let shop = server.client().build().unwrap();
        let texts = CategoryTexts {
            name: Some("Xícara".into()),
            ..CategoryTexts::default()
        };

        let (id, locale) = (CategoryId::try_from(3).unwrap(), "pt-br".parse().unwrap());
        let written = shop.put_category_translation(id, locale, &texts, Some("\"4\""));
        let written = written.await.unwrap().body;

        assert_eq!((written.locale, written.texts), (locale, texts));
        let heard = server.heard();
        let line = "PUT /api/admin/categories/3/translations/pt-BR ";
        assert!(heard[0].starts_with(line), "{}", heard[0]);
        assert!(heard[0].to_lowercase().contains("if-match: \"4\""));
        assert!(heard[0].ends_with(r#"{"name":"Xícara"}"#), "{}", heard[0]);
    }

    #[tokio::test]
    async fn an_option_is_named_by_whatever_it_is_called() {
        let answer = json!({"locale": "de", "name": null, "values": {"red/blue": "Rot/Blau"}});
        let server = TestServer::start(vec![Reply::With("200 OK", &[], answer.to_string())]).await;
        let shop = server.client().build().unwrap();
        let texts = OptionTexts {
            name: None,
            values: BTreeMap::from([("red/blue".into(), "Rot/Blau".into())]),
        };

        let locale = "de".parse().unwrap();
        let written = shop.put_option_translation("Größe / Size?", locale, &texts, None);
        let written = written.await.unwrap().body;

        assert_eq!((written.locale, written.texts), (locale, texts));
        let line = "PUT /api/admin/options/Gr%C3%B6%C3%9Fe%20%2F%20Size%3F/translations/de ";
        let heard = server.heard();
        assert!(heard[0].starts_with(line), "{}", heard[0]);
    }
}
