//! The words of commerce: money, pricing, addresses and order states, without I/O.
//!
//! Every value is checked when it is made, so that code which holds one need not check it again.
//! Money is an integer count of minor units beside its currency; there are no floats.
//! This crate knows nothing of databases, HTTP, clocks or configuration.
//!
//! - [`money`], [`currency`], [`rate`]: amounts, what they are counted in, shares and rounding
//! - [`pricing`]: what an order costs, as one pure function
//! - [`order`] and [`payment`]: states, and the one table of steps between them
//! - [`options`]: what a product can be chosen by, and the variants that makes
//! - [`assortment`]: what is sold of a product, how it is taxed, and what it is shown beside
//! - [`category`]: how the products of a category or a collection are listed
//! - [`search`]: how products are searched
//! - [`custom_field`]: what a shop keeps of its things beside what every shop does
//! - [`ids`], [`sku`], [`slug`], [`quantity`]: how things are named and counted
//! - [`email`] and [`address`]: whom to write to and where to send
//! - [`page`]: a slice of a long list and the cursor to the next one
//! - [`event`]: what happened, as told to the rest of the world
//! - [`job`]: where work stands that is done later
//! - [`permission`]: what staff may do
//!
//! ```
//! use domain::{Currency, Money, Quantity};
//!
//! let price = Money::parse_decimal("199.99", Currency::USD)?;
//! let pair = price.times(Quantity::try_from(2)?)?;
//! assert_eq!(pair.to_string(), "399.98 USD");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![cfg_attr(not(test), warn(clippy::expect_used, clippy::float_arithmetic))]

mod text;

pub mod address;
pub mod assortment;
pub mod category;
pub mod country;
pub mod currency;
pub mod custom_field;
pub mod email;
pub mod event;
pub mod ids;
pub mod job;
pub mod locale;
pub mod money;
pub mod options;
pub mod order;
pub mod page;
pub mod payment;
pub mod permission;
pub mod pricing;
pub mod quantity;
pub mod rate;
pub mod search;
pub mod sku;
pub mod slug;

pub use address::{Address, AddressError, PostalAddress};
pub use assortment::{
    InvalidTaxClass, ProductRelation, TaxClass, UnknownProductRelation, UnknownVariantKind,
    VariantKind,
};
pub use category::{ProductOrder, UnknownProductOrder};
pub use country::{Country, InvalidCountry};
pub use currency::{Currency, CurrencyError};
pub use custom_field::{CustomResource, CustomType, UnknownCustomResource, UnknownCustomType};
pub use email::{Email, EmailError};
pub use event::Event;
pub use ids::{
    CategoryId, CollectionId, CustomFieldId, InvalidId, JobId, LocationId, MediaId, OptionId,
    OrderId, PaymentId, PaymentOperationId, PriceListId, ProductId, StockHoldId, StockTransferId,
    UserId, VariantId,
};
pub use job::{JobState, MissedTicks, UnknownJobState, UnknownMissedTicks};
pub use locale::{InvalidLocale, Locale};
pub use money::{Money, MoneyError};
pub use options::{Choices, InvalidChoices, InvalidOptions, Options, ProductOption};
pub use order::{ForbiddenTransition, OrderStatus, UnknownStatus};
pub use page::{Cursor, InvalidCursor, InvalidPageSize, Page, PageSize, PairCursor};
pub use payment::{
    ForbiddenPaymentStep, PaymentMethod, PaymentOperationKind, PaymentStatus, UnknownPaymentMethod,
    UnknownPaymentOperationKind, UnknownPaymentStatus,
};
pub use permission::{Permission, UnknownPermission};
pub use pricing::{
    LineToPrice, OrderToPrice, PriceSource, PricedLine, PricedOrder, PricingError, Totals,
    UnknownPriceSource, price_order,
};
pub use quantity::{InvalidQuantity, Quantity};
pub use rate::{BasisPoints, InvalidBasisPoints, Rounding};
pub use search::{Facet, SearchSort, UnknownFacet, UnknownSearchSort};
pub use sku::{Sku, SkuError};
pub use slug::{InvalidSlug, Slug};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExamples;
