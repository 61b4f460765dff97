//! Categories as everyone sees them.

use catalog::categories::{Category, CategoryRef};
use catalog::custom_fields::attributes::Attributes;
use catalog::products::Product;
use catalog::translations::custom;
use chrono::{DateTime, Utc};
use diesel::{PgConnection, QueryResult};
use domain::{CategoryId, CustomResource, Locale, Page, PageSize, PairCursor};
use serde::Serialize;
use utoipa::ToSchema;

use super::attributes::{FileBody, Object, files, replace};
use super::product_bodies::ProductBody;

/// A category.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Category)]
pub struct CategoryBody {
    #[schema(value_type = i64, example = 12)]
    id: CategoryId,
    /// The readable end of its web address; no other category has or had it.
    #[schema(example = "digital-cameras")]
    slug: String,
    #[schema(example = "Digital cameras")]
    name: String,
    description: String,
    image: String,
    /// How its products are listed: `manual`, `newest` or `name`.
    #[schema(example = "manual")]
    product_order: &'static str,
    /// Its place among the categories without a parent; null for one that has any.
    #[schema(required = true)]
    root_position: Option<i64>,
    /// How many categories are directly below it; they are a list of their own.
    child_count: i64,
    /// The categories it is directly below, the one its path leads through first; not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    parents: Option<Vec<ParentBody>>,
    /// The categories from a root down to it; not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<Vec<CategoryRefBody>>,
    /// Values of custom fields, by their keys: to customers those that are public. Not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    custom_fields: Option<Object>,
    /// The files that values of custom fields name; absent where none does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<FileBody>>)]
    files: Option<Vec<FileBody>>,
    /// What programs keep there. Not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    metadata: Option<Object>,
    /// The same for staff alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    private_metadata: Option<Object>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// A category that another one is directly below.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CategoryParent)]
pub struct ParentBody {
    #[schema(value_type = i64)]
    id: CategoryId,
    slug: String,
    name: String,
    /// The place among its children.
    position: i64,
}

/// A category on the way to another one.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CategoryRef)]
pub struct CategoryRefBody {
    #[schema(value_type = i64)]
    id: CategoryId,
    slug: String,
    name: String,
}

impl From<Category> for CategoryBody {
    fn from(category: Category) -> Self {
        Self {
            id: category.id,
            slug: category.slug.into(),
            name: category.name,
            description: category.description,
            image: category.image,
            product_order: category.product_order.code(),
            root_position: category.root_position,
            child_count: category.child_count,
            parents: None,
            path: None,
            custom_fields: None,
            files: None,
            metadata: None,
            private_metadata: None,
            created_at: category.created_at,
            updated_at: category.updated_at,
        }
    }
}

impl CategoryBody {
    /// What can be translated of it alone.
    pub fn texts(&mut self) -> (CategoryId, &mut String, Option<&mut String>) {
        (self.id, &mut self.name, Some(&mut self.description))
    }

    /// The same, and the names of its parents and of those on its path.
    pub fn all_texts(&mut self) -> Vec<(CategoryId, &mut String, Option<&mut String>)> {
        let parents = self.parents.iter_mut().flatten();
        let parents = parents.map(|parent| (parent.id, &mut parent.name, None));
        let path = self.path.iter_mut().flatten();
        let path = path.map(|step| (step.id, &mut step.name, None));
        let own = (self.id, &mut self.name, Some(&mut self.description));
        parents.chain(path).chain([own]).collect()
    }

    /// Puts values of custom fields into a language, where they are shown.
    pub fn say(&mut self, conn: &mut PgConnection, locale: Option<Locale>) -> QueryResult<()> {
        let shown = self.custom_fields.as_mut();
        if let (Some(locale), Some(shown)) = (locale, shown.filter(|shown| !shown.is_empty())) {
            let id = self.id.get();
            let said = custom::find(conn, CustomResource::Category, id, &locale)?;
            replace(shown, said);
        }
        Ok(())
    }

    /// The same with what is not in lists.
    pub fn with_parents(self, parents: Vec<CategoryRef>, path: Vec<CategoryRef>) -> Self {
        let parent = |parent: CategoryRef| ParentBody {
            id: parent.id,
            slug: parent.slug.into(),
            name: parent.name,
            position: parent.position,
        };
        let step = |step: CategoryRef| CategoryRefBody {
            id: step.id,
            slug: step.slug.into(),
            name: step.name,
        };
        Self {
            parents: Some(parents.into_iter().map(parent).collect()),
            path: Some(path.into_iter().map(step).collect()),
            ..self
        }
    }
}

impl CategoryBody {
    /// The same with what is kept of it, as customers see it or as staff does.
    pub fn with(self, kept: Attributes, is_for_staff: bool) -> Self {
        let all = is_for_staff.then(|| kept.all_values());
        let files = match is_for_staff {
            true => files(&kept.files),
            false => files(kept.public_files()),
        };
        Self {
            files,
            custom_fields: all.or(Some(kept.public)),
            metadata: Some(kept.metadata),
            private_metadata: is_for_staff.then_some(kept.private_metadata),
            ..self
        }
    }
}

/// A page of categories.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CategoryPage)]
pub struct CategoryPageBody {
    pub categories: Vec<CategoryBody>,
    limit: i64,
    has_more: bool,
    /// Where to go on, where there is more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    next_cursor: Option<PairCursor>,
}

impl CategoryPageBody {
    /// Of rows that may be one more than a page has.
    pub fn new(rows: Vec<Category>, size: PageSize) -> Self {
        let position = |category: &Category| (category.position, category.id.get());
        let page = Page::from_overfetched_pairs(rows, size, position);
        Self {
            limit: size.get(),
            has_more: page.next_cursor.is_some(),
            next_cursor: page.next_cursor,
            categories: page.items.into_iter().map(Into::into).collect(),
        }
    }
}

/// A page of the products of a category.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CategoryProductPage)]
pub struct CategoryProductsBody {
    pub products: Vec<ProductBody>,
    limit: i64,
    has_more: bool,
    /// Where to go on, where there is more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    next_cursor: Option<PairCursor>,
}

impl CategoryProductsBody {
    pub fn new(page: Page<Product, PairCursor>, size: PageSize) -> Self {
        Self {
            limit: size.get(),
            has_more: page.next_cursor.is_some(),
            next_cursor: page.next_cursor,
            products: page.items.into_iter().map(Into::into).collect(),
        }
    }
}
