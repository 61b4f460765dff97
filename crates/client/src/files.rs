//! Files, in and out, for staff.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::Method;
use reqwest::header::RANGE;
use serde::{Deserialize, Serialize};

use crate::{Answer, Client, Error, Request};

const IMPORTS: &str = "/api/admin/imports";
const EXPORTS: &str = "/api/admin/exports";
/// A file of a gigabyte takes long to be sent and kept; the shop answers before that is over.
const IMPORT_PATIENCE: Duration = Duration::from_secs(300);

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileType {
    /// Of the shop's own form, or of another system's that exports CSV.
    Csv,
    /// Of the shop's own form.
    Ndjson,
    /// Of another system's form.
    Json,
}

impl FileType {
    const fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv",
            Self::Ndjson => "application/x-ndjson",
            Self::Json => "application/json",
        }
    }
}

/// What a file tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ImportKind {
    /// Products with their variants.
    #[default]
    Products,
    /// Prices of variants that are there, as CSV.
    Prices,
    /// Counted stock of variants that are there, as CSV.
    Stock,
    /// Collections with the products in them.
    Collections,
    /// Categories and where they stand.
    Categories,
    /// How options and their values are called in other languages.
    Options,
}

impl ImportKind {
    const fn code(self) -> &'static str {
        match self {
            Self::Products => "products",
            Self::Prices => "prices",
            Self::Stock => "stock",
            Self::Collections => "collections",
            Self::Categories => "categories",
            Self::Options => "options",
        }
    }
}

/// What a file of the shop tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportKind {
    /// Products with their variants; `on_sale` leaves out those that customers do not see.
    Products {
        /// Whether what customers do not see is left out.
        on_sale: bool,
    },
    /// Collections with the products in them.
    Collections,
    /// Categories and where they stand.
    Categories,
    /// How options and their values are called in other languages.
    Options,
}

/// How a file is to be read.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// What the file tells of.
    pub kind: ImportKind,
    /// Tell what would happen, and write nothing.
    pub validate: bool,
    /// End at the first row that is refused.
    pub stop: bool,
    /// What the file comes from, such as `spree`; the shop's own form when `None`.
    pub profile: Option<String>,
    /// The currency of all prices, where a file of this profile does not say it.
    pub currency: Option<String>,
}

impl ImportOptions {
    fn request(&self) -> Request {
        Request::new(Method::POST, IMPORTS)
            .query("kind", &self.kind.code())
            .query_if("mode", self.validate.then_some("validate").as_ref())
            .query_if("onError", self.stop.then_some("stop").as_ref())
            .query_if("profile", self.profile.as_ref())
            .query_if("currency", self.currency.as_ref())
    }
}

/// A file that is read into the shop.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Import {
    /// Names the import.
    pub id: i64,
    /// `uploading`, `waiting`, `running`, `succeeded`, `stopped`, `failed` or `cancelled`.
    pub state: String,
    /// Where the file is fetched from; `None` where somebody sends it.
    #[serde(default)]
    pub url: Option<String>,
    /// Of the file.
    pub bytes: u64,
    /// What became of its rows so far.
    pub rows: ImportRows,
    /// Products that began.
    pub products: u64,
    /// Prices that came into force.
    pub prices: u64,
    /// Why it failed.
    pub error: Option<String>,
    /// When the file began to come.
    pub created_at: DateTime<Utc>,
    /// When it was over; `None` as long as it is not.
    pub finished_at: Option<DateTime<Utc>>,
}

/// How many rows were read, and what became of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct ImportRows {
    /// The sum of the others.
    pub read: u64,
    /// Variants that are new.
    pub created: u64,
    /// Rows that changed something.
    pub updated: u64,
    /// Rows that changed nothing.
    pub unchanged: u64,
    /// Rows that were not taken.
    pub refused: u64,
}

/// A file of the shop, as it was at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Export {
    /// Names the export.
    pub id: i64,
    /// `waiting`, `running`, `succeeded` or `failed`.
    pub state: String,
    /// The moment that the file tells of; `None` before it is written.
    pub as_of: Option<DateTime<Utc>>,
    /// Of the file.
    pub bytes: u64,
    /// How many products it has.
    pub products: u64,
    /// How many rows it has, as an import counts them.
    #[serde(default)]
    pub rows: u64,
    /// When it was over; `None` as long as it is not.
    pub finished_at: Option<DateTime<Utc>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewExport {
    kind: &'static str,
    format: &'static str,
    on_sale: bool,
}

impl Client {
    /// Sends a file, to be read by a job. Staff.
    ///
    /// A try may take 300 seconds, also where [`ClientBuilder::timeout`](crate::ClientBuilder::timeout) is less.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with the code `unreadable_file` where no row of it would be read, and status 413 for a larger one
    /// than the shop takes.
    pub async fn import_file(
        &self,
        file: Vec<u8>,
        file_type: FileType,
        options: &ImportOptions,
    ) -> Result<Answer<Import>, Error> {
        self.fetch(sending(file, file_type, options)).await
    }

    /// Has a file fetched from its address, and read, by jobs. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with the code `invalid_query` for an address that is none, or is not public. What is wrong with the
    /// file, or with whoever should send it, is told by [`Client::get_import`].
    pub async fn import_url(
        &self,
        url: &str,
        file_type: FileType,
        options: &ImportOptions,
    ) -> Result<Answer<Import>, Error> {
        let request = options
            .request()
            .query("url", &url)
            .raw_body(file_type.content_type(), Vec::new());
        self.fetch(request).await
    }

    /// Reads an import: how far it is, and what became of its rows. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 404 for an unknown one.
    pub async fn get_import(&self, id: i64) -> Result<Answer<Import>, Error> {
        self.fetch(Request::new(Method::GET, format!("{IMPORTS}/{id}")))
            .await
    }

    /// Ends an import that is not over; what is written of it stays. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with the code `import_over`.
    pub async fn cancel_import(&self, id: i64) -> Result<Answer<Import>, Error> {
        self.fetch(Request::new(Method::POST, format!("{IMPORTS}/{id}/cancel")))
            .await
    }

    /// Forgets an import that is over, with its results. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with the code `import_unfinished`.
    pub async fn delete_import(&self, id: i64) -> Result<Answer<Vec<u8>>, Error> {
        self.accept(Request::new(Method::DELETE, format!("{IMPORTS}/{id}")))
            .await
    }

    /// Fetches what became of each row so far, as CSV. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 404 for an unknown import.
    pub async fn import_results(&self, id: i64) -> Result<Answer<Vec<u8>>, Error> {
        self.accept(Request::new(Method::GET, format!("{IMPORTS}/{id}/results")))
            .await
    }

    /// Has a file of all products written, or of those that customers see. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`].
    pub async fn export_products(
        &self,
        ndjson: bool,
        on_sale: bool,
    ) -> Result<Answer<Export>, Error> {
        self.export(ExportKind::Products { on_sale }, ndjson).await
    }

    /// Has a file of the shop written. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`].
    pub async fn export(&self, kind: ExportKind, ndjson: bool) -> Result<Answer<Export>, Error> {
        let (kind, on_sale) = match kind {
            ExportKind::Products { on_sale } => ("products", on_sale),
            ExportKind::Collections => ("collections", false),
            ExportKind::Categories => ("categories", false),
            ExportKind::Options => ("options", false),
        };
        let body = NewExport {
            kind,
            format: if ndjson { "ndjson" } else { "csv" },
            on_sale,
        };
        self.fetch(Request::new(Method::POST, EXPORTS).json(&body)?)
            .await
    }

    /// Reads an export. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with status 404 for an unknown one.
    pub async fn get_export(&self, id: i64) -> Result<Answer<Export>, Error> {
        self.fetch(Request::new(Method::GET, format!("{EXPORTS}/{id}")))
            .await
    }

    /// Fetches the file of an export from a byte on. Staff.
    ///
    /// # Errors
    ///
    /// [`Error::Api`] with the code `no_file` before it is written, and status 416 behind its end.
    pub async fn export_file(&self, id: i64, from: u64) -> Result<Answer<Vec<u8>>, Error> {
        let request = Request::new(Method::GET, format!("{EXPORTS}/{id}/file"));
        self.accept(request.header(RANGE, &format!("bytes={from}-"))?)
            .await
    }
}

fn sending(file: Vec<u8>, file_type: FileType, options: &ImportOptions) -> Request {
    let request = options.request().raw_body(file_type.content_type(), file);
    request.patience(IMPORT_PATIENCE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_server::{Reply, TestServer};

    const IMPORT: &str = r#"{"id":3,"kind":"products","format":"csv","profile":null,"currency":null,"mode":"validate","onError":"stop",
        "state":"running","bytes":120,"rows":{"read":3,"created":1,"updated":1,"unchanged":0,"refused":1},"products":1,
        "prices":2,"error":null,"createdAt":"2026-11-25T10:00:00Z","startedAt":null,"finishedAt":null}"#;
    const EXPORT: &str = r#"{"id":4,"kind":"products","format":"ndjson","onSale":true,"state":"succeeded","asOf":"2026-11-25T10:00:00Z",
        "bytes":9,"products":1,"variants":1,"prices":1,"rows":2,"createdAt":"2026-11-25T10:00:00Z","finishedAt":"2026-11-25T10:00:01Z"}"#;

    #[test]
    fn a_file_may_take_as_long_as_the_shop_does() {
        let shop = Client::builder("http://localhost").build().unwrap();
        let file = sending(Vec::new(), FileType::Csv, &ImportOptions::default());
        let (timeout, deadline) = shop.limits(&file);
        assert_eq!((timeout.as_secs(), deadline.as_secs()), (300, 300));
    }

    #[tokio::test]
    async fn a_file_is_sent_as_it_is_and_followed() {
        let replies = [IMPORT, IMPORT, IMPORT, "", "line,sku\n"]
            .map(|body| Reply::With("200 OK", &[], body.into()));
        let server = TestServer::start(replies.into()).await;
        let shop = server.client().build().unwrap();
        let options = ImportOptions {
            kind: ImportKind::Products,
            validate: true,
            stop: true,
            profile: Some("vendure".into()),
            currency: Some("USD".into()),
        };

        let import = shop
            .import_file(b"sku,name\n".to_vec(), FileType::Csv, &options)
            .await
            .unwrap();
        shop.get_import(3).await.unwrap();
        shop.cancel_import(3).await.unwrap();
        shop.delete_import(3).await.unwrap();
        let results = shop.import_results(3).await.unwrap();

        assert_eq!(
            (import.body.rows.read, import.body.state.as_str()),
            (3, "running")
        );
        assert_eq!(results.body, b"line,sku\n");
        let heard = server.heard();
        assert!(heard[0].starts_with(
            "POST /api/admin/imports?kind=products&mode=validate&onError=stop&profile=vendure&currency=USD "
        ));
        assert!(heard[0].ends_with("\r\n\r\nsku,name\n"), "{}", heard[0]);
        assert_eq!(
            server.headers("content-type")[0].as_deref(),
            Some("text/csv")
        );
        assert!(heard[2].starts_with("POST /api/admin/imports/3/cancel "));
        assert!(heard[3].starts_with("DELETE /api/admin/imports/3 "));
        assert!(heard[4].starts_with("GET /api/admin/imports/3/results "));
    }

    #[tokio::test]
    async fn a_file_is_fetched_from_where_it_broke_off() {
        let replies =
            [EXPORT, EXPORT, "rest", EXPORT].map(|body| Reply::With("200 OK", &[], body.into()));
        let server = TestServer::start(replies.into()).await;
        let shop = server.client().build().unwrap();

        let export = shop.export_products(true, true).await.unwrap();
        shop.get_export(4).await.unwrap();
        let rest = shop.export_file(4, 262_144).await.unwrap();
        let other = shop.export(ExportKind::Collections, false).await.unwrap();

        assert_eq!((export.body.id, rest.body.as_slice()), (4, &b"rest"[..]));
        assert_eq!(other.body.rows, 2);
        let heard = server.heard();
        let body = r#"{"kind":"collections","format":"csv","onSale":false}"#;
        assert!(heard[3].ends_with(body), "{}", heard[3]);
        let body = r#"{"kind":"products","format":"ndjson","onSale":true}"#;
        assert!(heard[0].ends_with(body), "{}", heard[0]);
        assert!(heard[2].starts_with("GET /api/admin/exports/4/file "));
        assert_eq!(server.headers("range")[2].as_deref(), Some("bytes=262144-"));
    }
}
