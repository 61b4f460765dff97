//! Pictures and other files, for staff; customers find them with what they belong to.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use domain::{Locale, MediaId, ProductId, VariantId};
use reqwest::Method;
use serde::{Deserialize, Serialize};

use crate::{Answer, Client, Error, Request};

const MEDIA: &str = "/api/admin/media";
/// A picture waits for those before it; the shop answers within 110 seconds.
const UPLOAD_PATIENCE: Duration = Duration::from_secs(120);

/// A picture, or another file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Media {
    /// Names the picture.
    pub id: MediaId,
    /// What staff finds it by.
    pub name: String,
    /// What is said for those who do not see it; products begin with it.
    pub alt: String,
    /// The same for readers of other languages.
    #[serde(default)]
    pub alts: BTreeMap<Locale, String>,
    /// `image/jpeg`, `image/png` or `image/webp` of a picture; anything else is another file.
    pub content_type: String,
    /// Of the original, as it is kept.
    pub bytes: u64,
    /// Of the original, in pixels; `None` for what is no picture.
    pub width: Option<u32>,
    /// The same.
    pub height: Option<u32>,
    /// The address of the original; see [`rendition_url`].
    pub url: String,
    /// Of the renditions there are, or will be, the smallest first.
    pub widths: Vec<u32>,
    /// Since when they are; the original is sent in their place as long as it is `None`.
    pub rendered_at: Option<DateTime<Utc>>,
    /// When it was sent.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// A page of pictures, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MediaPage {
    /// Those on the page.
    pub media: Vec<Media>,
    /// Whether there is another page.
    pub has_more: bool,
    /// Where that begins.
    pub next_cursor: Option<String>,
}

/// What is to be said of a picture; `None` stays.
#[derive(Debug, Clone, Default, Serialize)]
pub struct MediaChanges {
    /// What staff finds it by; at most 200 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What is said for those who do not see it; at most 1,000 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alt: Option<String>,
    /// The same for readers of other languages: each that is there is set, and `None` takes it away. Not for an upload.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub alts: BTreeMap<Locale, Option<String>>,
}

/// A picture of a product.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProductMedia {
    /// Names the picture.
    pub id: MediaId,
    /// The address of the original; see [`rendition_url`].
    pub url: String,
    /// `image/jpeg`, `image/png` or `image/webp`.
    pub content_type: String,
    /// Of the original, in pixels.
    pub width: u32,
    /// The same.
    pub height: u32,
    /// Of the renditions, the smallest first.
    pub widths: Vec<u32>,
    /// What is said for those who do not see it; empty where it only decorates.
    pub alt: String,
    /// The same for readers of other languages, as staff reads it.
    #[serde(default)]
    pub alts: BTreeMap<Locale, String>,
    /// The variants that it shows; empty where it shows no one in particular.
    pub variant_ids: Vec<VariantId>,
}

/// A picture that a product is to have.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewProductMedia {
    /// Names the picture.
    pub id: MediaId,
    /// `None`: what the picture says of itself by now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alt: Option<String>,
    /// The same for readers of other languages; `None` as above.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alts: Option<BTreeMap<Locale, String>>,
    /// The variants that it shows.
    pub variant_ids: Vec<VariantId>,
}

/// The pictures of a product in their order.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ProductMediaList {
    /// The first one stands for the product.
    pub media: Vec<ProductMedia>,
    /// Those that an import names and that are not there.
    #[serde(default)]
    pub missing: Vec<MissingPicture>,
}

/// A picture that is still to be fetched, or does not come.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct MissingPicture {
    /// What it is named by.
    pub src: String,
    /// Why it does not come; `None` as long as it may.
    pub message: Option<String>,
}

#[derive(Serialize)]
struct NewProductMediaList<'m> {
    media: &'m [NewProductMedia],
}

/// The address of a picture in one of its widths, by the address of its original.
///
/// ```
/// use client::media::rendition_url;
///
/// assert_eq!(rendition_url("/media/00ff/original.jpg", 320), "/media/00ff/320.webp");
/// ```
#[must_use]
pub fn rendition_url(original: &str, width: u32) -> String {
    let folder = original.rsplit_once('/').map_or("", |(folder, _)| folder);
    format!("{folder}/{width}.webp")
}

impl Client {
    /// Sends a picture (JPEG, PNG or WebP) or another file, such as a PDF. A picture is kept without metadata, and made
    /// smaller by a job; other files are kept as they are. A try may take 120 seconds, also where
    /// [`ClientBuilder::timeout`](crate::ClientBuilder::timeout) is less. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with the code `unusable_picture` for what is none, is broken or has too many pixels, and status 413
    /// for a larger file than the shop takes.
    pub async fn upload_media(
        &self,
        picture: Vec<u8>,
        said: &MediaChanges,
    ) -> Result<Answer<Media>, Error> {
        self.fetch(sending(picture, said)).await
    }

    /// Lists pictures, newest first, from where `cursor` of the page before says. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`].
    pub async fn list_media(
        &self,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Answer<MediaPage>, Error> {
        let request = Request::new(Method::GET, MEDIA).query("limit", &limit);
        self.fetch(request.query_if("cursor", cursor.as_ref()))
            .await
    }

    /// Reads what is known of a picture. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 404 for an unknown one.
    pub async fn get_media(&self, id: MediaId) -> Result<Answer<Media>, Error> {
        self.fetch(Request::new(Method::GET, format!("{MEDIA}/{id}")))
            .await
    }

    /// Changes what is said of a picture, when `etag` is given only if it still is what staff has read. Products keep
    /// what they say of it. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 412 when somebody else was faster.
    pub async fn update_media(
        &self,
        id: MediaId,
        changes: &MediaChanges,
        etag: Option<&str>,
    ) -> Result<Answer<Media>, Error> {
        let request = Request::new(Method::PATCH, format!("{MEDIA}/{id}")).json(changes)?;
        self.fetch(request.if_match(etag)?).await
    }

    /// Deletes a picture that no product has, when `etag` is given only if it still is what staff has read. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with the code `media_in_use`, and with status 412 when somebody else was faster.
    pub async fn delete_media(&self, id: MediaId, etag: Option<&str>) -> Result<(), Error> {
        let request = Request::new(Method::DELETE, format!("{MEDIA}/{id}"));
        self.accept(request.if_match(etag)?).await?;
        Ok(())
    }

    /// Reads the pictures of a product, whatever its status. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 404 for an unknown product.
    pub async fn get_product_media(
        &self,
        id: ProductId,
    ) -> Result<Answer<ProductMediaList>, Error> {
        let path = format!("/api/admin/products/{id}/media");
        self.fetch(Request::new(Method::GET, path)).await
    }

    /// Gives a product these pictures in this order, in place of those that it had, when `etag` is given only if the
    /// product still is what staff has read. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 412 when somebody else was faster, and status 422 for an unknown picture or variant.
    pub async fn put_product_media(
        &self,
        id: ProductId,
        media: &[NewProductMedia],
        etag: Option<&str>,
    ) -> Result<Answer<ProductMediaList>, Error> {
        let path = format!("/api/admin/products/{id}/media");
        let request = Request::new(Method::PUT, path).json(&NewProductMediaList { media })?;
        self.fetch(request.if_match(etag)?).await
    }
}

fn sending(picture: Vec<u8>, said: &MediaChanges) -> Request {
    Request::new(Method::POST, MEDIA)
        .query_if("name", said.name.as_ref())
        .query_if("alt", said.alt.as_ref())
        .raw_body("application/octet-stream", picture)
        .patience(UPLOAD_PATIENCE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_server::{Reply, TestServer};

    const MUG: &str = r#"{"id":7,"name":"","alt":"A mug","contentType":"image/png","bytes":120,"width":400,"height":300,
        "url":"/media/00/original.png","widths":[160,320],"renderedAt":null,"createdAt":"2026-11-29T10:00:00Z",
        "updatedAt":"2026-11-29T10:00:00Z"}"#;
    const LIST: &str = r#"{"media":[{"id":7,"url":"/media/00/original.png","contentType":"image/png","width":400,"height":300,
        "widths":[160],"alt":"A mug","variantIds":[3]}]}"#;

    #[tokio::test]
    async fn a_picture_is_sent_as_it_is_and_given_to_a_product() {
        let page = format!(r#"{{"media":[{MUG}],"limit":1,"hasMore":false}}"#);
        let replies = [MUG, &page, MUG, MUG, LIST, LIST, ""]
            .map(|body| Reply::With("200 OK", &[], body.to_owned()));
        let server = TestServer::start(replies.into()).await;
        let shop = server.client().build().unwrap();
        let said = MediaChanges {
            alt: Some("A mug".into()),
            ..MediaChanges::default()
        };

        let sent = shop
            .upload_media(b"PNG".to_vec(), &said)
            .await
            .unwrap()
            .body;
        let listed = shop.list_media(1, Some("next")).await.unwrap().body;
        shop.get_media(sent.id).await.unwrap();
        let etag = Some("\"1\"");
        shop.update_media(sent.id, &said, etag).await.unwrap();
        let product = ProductId::try_from(2).unwrap();
        let wanted = [NewProductMedia {
            id: sent.id,
            alt: None,
            alts: None,
            variant_ids: vec![VariantId::try_from(3).unwrap()],
        }];
        let put = shop.put_product_media(product, &wanted, etag);
        let put = put.await.unwrap().body;
        let read = shop.get_product_media(product).await.unwrap().body;
        shop.delete_media(sent.id, etag).await.unwrap();

        assert_eq!(listed.media, [sent]);
        assert_eq!(put, read);
        let heard = server.heard();
        assert!(
            heard[0].starts_with("POST /api/admin/media?alt=A+mug "),
            "{}",
            heard[0]
        );
        assert!(heard[0].ends_with("\r\n\r\nPNG"), "{}", heard[0]);
        assert!(heard[1].starts_with("GET /api/admin/media?limit=1&cursor=next "));
        assert!(heard[3].ends_with(r#"{"alt":"A mug"}"#), "{}", heard[3]);
        assert!(heard[4].starts_with("PUT /api/admin/products/2/media "));
        assert!(heard[4].ends_with(r#"{"media":[{"id":7,"variantIds":[3]}]}"#));
        assert!(heard[6].starts_with("DELETE /api/admin/media/7 "));
        let matches = server.headers("if-match");
        assert_eq!(matches[3].as_deref(), etag);
        assert_eq!(matches[4].as_deref(), etag);
        assert_eq!(matches[6].as_deref(), etag);
    }

    #[test]
    fn a_picture_may_take_longer_than_anything_else() {
        let shop = Client::builder("http://localhost").build().unwrap();
        let seconds = |request: &Request| {
            let (timeout, deadline) = shop.limits(request);
            (timeout.as_secs(), deadline.as_secs())
        };

        let picture = sending(b"PNG".to_vec(), &MediaChanges::default());
        let other = Request::new(Method::GET, MEDIA);

        assert_eq!(seconds(&picture), (120, 120));
        assert_eq!(seconds(&other), (10, 60));
    }
}
