//! Categories as staff sends them.

use std::collections::HashSet;

use catalog::categories::editing::{CategoryChanges, NewCategory};
use catalog::categories::placing::{Parent, Place};
use catalog::categories::{MAX_PARENTS, MAX_POSITION};
use domain::{CategoryId, ProductOrder, Slug};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::http::{Problem, text};
use crate::routes::attributes::{self, Object};

/// A category to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewCategory)]
pub struct NewCategoryBody {
    #[schema(min_length = 1, max_length = 300)]
    name: String,
    /// Made from the name where it is left out.
    #[schema(value_type = Option<String>, example = "digital-cameras", min_length = 1, max_length = 80)]
    slug: Option<Slug>,
    #[serde(default)]
    #[schema(max_length = 20_000)]
    description: String,
    #[serde(default)]
    #[schema(max_length = 2_000)]
    image: String,
    /// How its products are listed: `manual` (where it is left out), `newest` or `name`.
    #[schema(value_type = Option<String>, example = "manual")]
    product_order: Option<ProductOrder>,
    /// The categories it is directly below, the one its path leads through first; none for a root.
    #[serde(default)]
    #[schema(max_items = 50)]
    parents: Vec<NewParentBody>,
    /// The place among the roots; the last one where it is left out.
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    root_position: Option<i64>,
    /// Values of custom fields, by their keys.
    #[schema(value_type = Option<Object>)]
    custom_fields: Option<Object>,
    /// Anything, up to 16 KiB, for everybody to read.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Object>,
    /// The same for staff alone.
    #[schema(value_type = Option<Object>)]
    private_metadata: Option<Object>,
}

impl NewCategoryBody {
    /// Checks what can be checked without the other categories.
    pub fn checked(self) -> Result<NewCategory, Problem> {
        let name = text("name", self.name, 1, 300)?;
        let slug = self.slug.or_else(|| Slug::from_title(&name));
        let no_slug = || {
            Problem::invalid(
                "slug",
                "missing",
                "the name makes none: choose one of a-z, 0-9",
            )
        };
        Ok(NewCategory {
            slug: slug.ok_or_else(no_slug)?,
            name,
            description: text("description", self.description, 0, 20_000)?,
            image: text("image", self.image, 0, 2_000)?,
            product_order: self.product_order.unwrap_or(ProductOrder::Manual),
            place: place(&self.parents, self.root_position)?,
            attributes: attributes::changes(
                self.custom_fields,
                self.metadata,
                self.private_metadata,
            ),
        })
    }
}

/// What is to be different.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = CategoryChanges)]
pub struct CategoryChangesBody {
    #[schema(min_length = 1, max_length = 300)]
    name: Option<String>,
    #[schema(value_type = Option<String>, min_length = 1, max_length = 80)]
    slug: Option<Slug>,
    #[schema(max_length = 20_000)]
    description: Option<String>,
    #[schema(max_length = 2_000)]
    image: Option<String>,
    /// `manual`, `newest` or `name`.
    #[schema(value_type = Option<String>)]
    product_order: Option<ProductOrder>,
    /// Values of custom fields to set, by their keys; `null` takes one away.
    #[schema(value_type = Option<Object>)]
    custom_fields: Option<Object>,
    /// Members to set; `null` takes one away.
    #[schema(value_type = Option<Object>)]
    metadata: Option<Object>,
    /// The same.
    #[schema(value_type = Option<Object>)]
    private_metadata: Option<Object>,
}

impl CategoryChangesBody {
    /// Checks what can be checked without the category.
    pub fn checked(self) -> Result<CategoryChanges, Problem> {
        let checked = |field, given: Option<String>, min, max| {
            given.map(|given| text(field, given, min, max)).transpose()
        };
        Ok(CategoryChanges {
            name: checked("name", self.name, 1, 300)?,
            slug: self.slug,
            description: checked("description", self.description, 0, 20_000)?,
            image: checked("image", self.image, 0, 2_000)?,
            product_order: self.product_order,
            attributes: attributes::changes(
                self.custom_fields,
                self.metadata,
                self.private_metadata,
            ),
        })
    }
}

/// Where a category is to stand.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = CategoryPlace)]
pub struct PlaceBody {
    /// The categories it is to be directly below, the one its path leads through first; none for a root.
    #[schema(max_items = 50)]
    parents: Vec<NewParentBody>,
    /// The place among the roots; the one it has, or the last one, where it is left out.
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    root_position: Option<i64>,
}

impl PlaceBody {
    /// Checks what can be checked without the other categories.
    pub fn checked(&self) -> Result<Place, Problem> {
        place(&self.parents, self.root_position)
    }
}

/// A category that another one is to be directly below.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewCategoryParent)]
pub struct NewParentBody {
    #[schema(value_type = i64)]
    id: CategoryId,
    /// The place among its children; the one it has, or the last one, where it is left out.
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    position: Option<i64>,
}

fn place(parents: &[NewParentBody], root_position: Option<i64>) -> Result<Place, Problem> {
    position("rootPosition", root_position)?;
    if parents.is_empty() {
        return Ok(Place::Root(root_position));
    }
    if root_position.is_some() {
        let rule = "a category with parents is no root";
        return Err(Problem::invalid("rootPosition", "invalid", rule));
    }
    if parents.len() > MAX_PARENTS {
        let rule = format!("must have at most {MAX_PARENTS} parents");
        return Err(Problem::invalid("parents", "length", rule));
    }
    let mut seen = HashSet::new();
    let checked = parents.iter().enumerate().map(|(index, parent)| {
        position(&format!("parents[{index}].position"), parent.position)?;
        if !seen.insert(parent.id) {
            return Err(repeated(format!("parents[{index}].id")));
        }
        Ok(Parent {
            id: parent.id,
            position: parent.position,
        })
    });
    checked.collect::<Result<_, _>>().map(Place::Below)
}

pub(super) fn position(field: &str, position: Option<i64>) -> Result<(), Problem> {
    if position.is_none_or(|position| (0..=MAX_POSITION).contains(&position)) {
        return Ok(());
    }
    let rule = format!("must be 0 to {MAX_POSITION}");
    Err(Problem::invalid(field, "out_of_range", rule))
}

pub(super) fn repeated(field: String) -> Problem {
    Problem::invalid(field, "repeated", "must not be there twice")
}
