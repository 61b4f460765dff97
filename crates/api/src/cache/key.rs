//! What can be cached. A key holds everything its answer depends on.

use std::fmt;

use catalog::prices::Market;
use catalog::products::Start;
use catalog::search::Search;
use domain::{CategoryId, CollectionId, Locale, PageSize, ProductId, ProductRelation, Slug};

use super::Namespace;

/// Raised when the bytes of any answer change their form, so that releases beside each other do
/// not read each other's.
const FORMAT: u32 = 6;

/// The name of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    Product {
        id: ProductId,
        market: Market,
    },
    ProductBySlug {
        slug: Slug,
        market: Market,
    },
    Variants {
        product: ProductId,
        /// The id behind which the page begins.
        after: i64,
        size: PageSize,
        market: Market,
    },
    Related {
        product: ProductId,
        relation: ProductRelation,
        market: Market,
    },
    Category {
        id: CategoryId,
        locale: Option<Locale>,
    },
    Categories {
        among: Among,
        /// The place and the id behind which the page begins.
        after: (i64, i64),
        size: PageSize,
        locale: Option<Locale>,
    },
    CategoryProducts {
        category: CategoryId,
        with_descendants: bool,
        /// The place and the id behind which the page begins.
        after: (i64, i64),
        size: PageSize,
        market: Market,
    },
    Collection(Which),
    Collections {
        /// The id behind which the page begins.
        after: i64,
        size: PageSize,
    },
    CollectionProducts {
        collection: Which,
        /// The place and the id behind which the page begins.
        after: (i64, i64),
        size: PageSize,
        market: Market,
    },
    ProductList {
        search: Option<String>,
        start: Start,
        size: PageSize,
        market: Market,
    },
    Search(Box<Search>),
}

/// Which categories are listed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Among {
    Roots,
    ChildrenOf(CategoryId),
    Named(Slug),
}

/// The collection of an address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Which {
    Id(CollectionId),
    /// Has a letter, so it is no id.
    Named(Slug),
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Named(slug) => slug.fmt(f),
        }
    }
}

impl Key {
    /// What has to change for this answer to change.
    #[must_use]
    pub fn namespace(&self) -> Namespace {
        match self {
            Self::Product { id, .. } | Self::Variants { product: id, .. } => {
                Namespace::Product(*id)
            }
            // Whoever changes a collection forgets what categories are forgotten with.
            Self::Category { .. }
            | Self::Categories { .. }
            | Self::Collection(_)
            | Self::Collections { .. } => Namespace::Categories,
            // Which product has a slug is nothing that the product alone decides, and whoever changes a category
            // forgets these too.
            Self::ProductBySlug { .. }
            | Self::CategoryProducts { .. }
            | Self::Related { .. }
            | Self::ProductList { .. } => Namespace::ProductLists,
            // Rules find what searches find.
            Self::CollectionProducts { .. } | Self::Search(_) => Namespace::Search,
        }
    }

    /// The name in Redis, behind the shop's prefix.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Product { id, market } => format!("v{FORMAT}:product:{id}:{market}"),
            Self::ProductBySlug { slug, market } => format!("v{FORMAT}:slug:{market}:{slug}"),
            Self::Variants {
                product,
                after,
                size,
                market,
            } => format!(
                "v{FORMAT}:variants:{product}:{market}:{}:{after}",
                size.get()
            ),
            Self::Related {
                product,
                relation,
                market,
            } => format!("v{FORMAT}:related:{product}:{relation}:{market}"),
            Self::Category { id, locale } => format!("v{FORMAT}:category:{id}{}", tail(*locale)),
            Self::Categories {
                among,
                after,
                size,
                locale,
            } => {
                let among = match among {
                    Among::Roots => "roots".to_owned(),
                    Among::ChildrenOf(parent) => format!("below-{parent}"),
                    Among::Named(slug) => format!("named-{slug}"),
                };
                let (size, (position, id)) = (size.get(), after);
                let tail = tail(*locale);
                format!("v{FORMAT}:categories:{among}:{size}:{position}:{id}{tail}")
            }
            Self::CategoryProducts {
                category,
                with_descendants,
                after: (position, id),
                size,
                market,
            } => {
                let (size, depth) = (size.get(), if *with_descendants { "all" } else { "own" });
                format!(
                    "v{FORMAT}:category-products:{category}:{depth}:{market}:{size}:{position}:{id}"
                )
            }
            Self::Collection(which) => format!("v{FORMAT}:collection:{which}"),
            Self::Collections { after, size } => {
                format!("v{FORMAT}:collections:{}:{after}", size.get())
            }
            Self::CollectionProducts {
                collection,
                after: (position, id),
                size,
                market,
            } => {
                let size = size.get();
                format!(
                    "v{FORMAT}:collection-products:{market}:{size}:{position}:{id}:{collection}"
                )
            }
            Self::ProductList {
                search,
                start,
                size,
                market,
            } => {
                let start = match start {
                    Start::After(id) => format!("after-{id}"),
                    Start::Page(number) => format!("page-{number}"),
                };
                let (size, search) = (size.get(), search.as_deref().unwrap_or_default());
                format!("v{FORMAT}:products:{market}:{size}:{start}:{search}")
            }
            // The language that is shown may be a narrower one than the language that is searched.
            Self::Search(search) => {
                format!("v{FORMAT}:search:{}:{}", search.market, search.to_json())
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
            Self::ProductBySlug { slug, .. }
            | Self::Collection(Which::Named(slug))
            | Self::CollectionProducts {
                collection: Which::Named(slug),
                ..
            }
            | Self::Categories {
                among: Among::Named(slug),
                ..
            } => slug.as_str().len(),
            Self::Search(search) => search.to_json().to_string().len(),
            _ => 0,
        }
    }
}

fn tail(locale: Option<Locale>) -> String {
    locale.map_or_else(String::new, |locale| format!("/{locale}"))
}
