//! What can be cached. A key holds everything its answer depends on.

use catalog::products::Start;
use domain::{Currency, PageSize, ProductId, Slug};

use super::Namespace;

/// Raised when the bytes of any answer change their form, so that releases beside each other do
/// not read each other's.
const FORMAT: u32 = 3;

/// The name of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    Product {
        id: ProductId,
        currency: Currency,
    },
    ProductBySlug {
        slug: Slug,
        currency: Currency,
    },
    Variants {
        product: ProductId,
        /// The id behind which the page begins.
        after: i64,
        size: PageSize,
        currency: Currency,
    },
    ProductList {
        search: Option<String>,
        start: Start,
        size: PageSize,
        currency: Currency,
    },
}

impl Key {
    /// What has to change for this answer to change.
    #[must_use]
    pub fn namespace(&self) -> Namespace {
        match self {
            Self::Product { id, .. } | Self::Variants { product: id, .. } => {
                Namespace::Product(*id)
            }
            // Which product has a slug is nothing that the product alone decides.
            Self::ProductBySlug { .. } | Self::ProductList { .. } => Namespace::ProductLists,
        }
    }

    /// The name in Redis, behind the shop's prefix.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Product { id, currency } => format!("v{FORMAT}:product:{id}:{currency}"),
            Self::ProductBySlug { slug, currency } => format!("v{FORMAT}:slug:{currency}:{slug}"),
            Self::Variants {
                product,
                after,
                size,
                currency,
            } => format!(
                "v{FORMAT}:variants:{product}:{currency}:{}:{after}",
                size.get()
            ),
            Self::ProductList {
                search,
                start,
                size,
                currency,
            } => {
                let start = match start {
                    Start::After(id) => format!("after-{id}"),
                    Start::Page(number) => format!("page-{number}"),
                };
                let (size, search) = (size.get(), search.as_deref().unwrap_or_default());
                format!("v{FORMAT}:products:{currency}:{size}:{start}:{search}")
            }
        }
    }

    /// Bytes this key holds beside its own size.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::ProductList {
                search: Some(search),
                ..
            } => search.len(),
            Self::ProductBySlug { slug, .. } => slug.as_str().len(),
            _ => 0,
        }
    }
}
