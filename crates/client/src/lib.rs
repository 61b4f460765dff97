//! A typed client of the Cartwright API.
//!
//! Requests are built from the types of [`domain`], answers tolerate fields they do not know.
//! Every write carries an `Idempotency-Key`, made once for the call and kept for all its retries,
//! so that a retry after a lost answer neither buys nor charges twice.
//! [`Client::dry_run`] gives a client whose writes tell staff what they would do, and keep nothing.
//!
//! - [`builder`]: address, time limits and retries of a client
//! - [`products`], [`publishing`], [`variants`], [`bundles`], [`related`], [`stock`], [`locations`], [`categories`], [`collections`], [`custom_fields`], [`prices`], [`price_lists`], [`translations`], [`users`], [`orders`], [`events`], [`service`]: the documented requests and answers
//! - [`media`]: pictures, for staff
//! - [`files`]: files, in and out, for staff
//! - [`jobs`]: what is done later, for staff
//! - [`transport`]: requests and answers without types, and the loop that retries
//! - [`error`]: refusals, lost answers, and writes whose outcome is not known
//!
//! ```no_run
//! use client::{Client, Line, PlaceOrder};
//! use domain::{Address, PaymentMethod, Quantity};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let shop = Client::builder("http://localhost:8080").build()?;
//! let customer = shop.login(&"ann@example.com".parse()?, "correct horse").await?;
//! let lines = vec![Line::of_sku("AIRPODS-PRO-3".parse()?, Quantity::ONE)];
//! let address = Address::text("123 Demo St")?;
//! let order = PlaceOrder::of_lines(lines, address, PaymentMethod::Card, "std");
//! let placed = customer.place_order(&order).await?;
//! println!("order {} costs {}", placed.body.order_id, placed.body.totals.total);
//! # Ok(())
//! # }
//! ```

#![cfg_attr(not(test), warn(clippy::expect_used, clippy::float_arithmetic))]

pub mod builder;
pub mod bundles;
pub mod categories;
pub mod collections;
pub mod custom_fields;
pub mod error;
pub mod events;
pub mod files;
pub mod jobs;
pub mod key;
pub mod locations;
pub mod media;
pub mod orders;
pub mod price_lists;
pub mod prices;
pub mod products;
pub mod publishing;
pub mod related;
mod retry;
pub mod search;
pub mod secret;
pub mod service;
pub mod stock;
#[cfg(test)]
mod test_server;
pub mod translations;
pub mod transport;
pub mod users;
pub mod variants;

pub use builder::ClientBuilder;
pub use bundles::{Component, ComponentOf, Made, NewComponent};
pub use categories::{
    AssignedProduct, AssignedProductPage, Category, CategoryChanges, CategoryPage, CategoryParent,
    CategoryProduct, CategoryProductChanges, CategoryProductQuery, CategoryProductsChanged,
    CategoryQuery, CategoryRef, NewCategory,
};
pub use collections::{
    Collection, CollectionChanges, CollectionCondition, CollectionKind, CollectionMatch,
    CollectionPage, CollectionPrices, CollectionProductQuery, CollectionRules, NewCollection,
};
pub use custom_fields::{
    AttributeChanges, Attributes, CustomField, CustomFieldChanges, CustomFieldPage,
    CustomFieldValidation, NamedFile, NewCustomField, Thing, Visibility,
};
pub use error::{Error, FieldError, Problem};
pub use events::{Event, EventPage, EventQuery, EventResource};
pub use files::{Export, ExportKind, FileType, Import, ImportKind, ImportOptions, ImportRows};
pub use jobs::{Job, JobPage, JobProgress, JobQuery, Schedule, ScheduleList};
pub use key::IdempotencyKey;
pub use locations::{Location, LocationChanges, LocationPage, NewLocation};
pub use media::{
    Media, MediaChanges, MediaPage, MissingPicture, NewProductMedia, ProductMedia, ProductMediaList,
};
pub use orders::{
    Cancelled, Items, Line, LineItem, Order, OrderDetails, OrderPage, OrderQuery, OrderTotals,
    PlaceOrder, SoldComponent, SoldLine, StatusChanged, TimelineEntry,
};
pub use price_lists::{
    ListPrice, ListPricePage, NewListPrice, PriceList, PriceListPage, PriceListTerms,
};
pub use prices::{
    NewPrice, OnError, PriceFound, PriceLookup, PriceLookupLine, PricesFound, SetPrice, SetPrices,
    WinningPrice, WinningPriceList,
};
pub use products::{
    NewProduct, OptionLabels, Product, ProductChanges, ProductPage, ProductQuery, SetStock,
    StockLevel,
};
pub use publishing::{
    ProductDetails, ProductStatus, StaffProduct, StaffProductPage, StaffProductQuery,
};
pub use related::{RelatedIds, RelatedProducts};
pub use search::{
    FacetCategory, FacetCount, FacetField, FacetOption, FacetPriceStep, FacetPrices, FacetStock,
    Facets, SearchPage, SearchQuery,
};
pub use secret::Secret;
pub use service::Readiness;
pub use stock::{
    LocationStock, LowStock, LowStockPage, NewStockHold, NewStockHoldLine, NewStockTransfer,
    NewStockTransferLine, StockAdjustment, StockCount, StockHold, StockHoldLine, StockHoldPage,
    StockLevels, StockLimits, StockTransfer, StockTransferLine,
};
pub use translations::{CategoryTexts, OptionTexts, ProductTexts, Translation, Translations};
pub use transport::{Answer, Client, Request};
pub use users::{CustomerGroups, NewUser, Session, StaffPermissions, User};
pub use variants::{
    NewVariant, NewVariantId, NewVariantIds, ProductOptions, Variant, VariantPage, VariantQuery,
};
