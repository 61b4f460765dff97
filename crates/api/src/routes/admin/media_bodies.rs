//! Pictures as staff sends and sees them.

use std::collections::BTreeMap;

use catalog::media::editing::MediaChanges;
use catalog::media::products::{MAX_MEDIA, MAX_VARIANTS, Wanted};
use catalog::media::{MAX_ALT_CHARS, MAX_NAME_CHARS, Media, wanted};
use catalog::translations::MAX_LOCALES;
use chrono::{DateTime, Utc};
use domain::{Cursor, InvalidLocale, Locale, MediaId, Page, PageSize, VariantId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::{Problem, text};
use crate::routes::media_files::url;
use crate::routes::product_bodies::ProductMediaBody;

/// A picture, or another file.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Media)]
pub struct MediaBody {
    #[schema(value_type = i64, example = 7)]
    id: MediaId,
    /// What staff finds it by.
    name: String,
    /// What is said for those who do not see it; products begin with it.
    alt: String,
    /// The same for readers of other languages, by their locales.
    #[schema(value_type = Object, example = json!({"de": "Eine Tasse"}))]
    alts: serde_json::Value,
    /// `image/jpeg`, `image/png` or `image/webp` of a picture; anything else is another file.
    content_type: String,
    /// Of the original.
    bytes: i64,
    /// Of the original, in pixels; null for what is no picture.
    #[schema(required = true)]
    width: Option<i32>,
    #[schema(required = true)]
    height: Option<i32>,
    /// The address of the original.
    url: String,
    /// In these widths it is at the same address with `{width}.webp` at its end.
    widths: Vec<i32>,
    /// Since when it is; as long as it is not, the original is there.
    #[schema(required = true)]
    rendered_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<Media> for MediaBody {
    fn from(media: Media) -> Self {
        Self {
            id: media.id,
            url: url(media.hash, &media.content_type),
            name: media.name,
            alt: media.alt,
            alts: media.alts,
            content_type: media.content_type,
            bytes: media.bytes,
            width: Some(media.width).filter(|width| *width > 0),
            height: Some(media.height).filter(|height| *height > 0),
            widths: media.widths,
            rendered_at: media.rendered_at,
            created_at: media.created_at,
            updated_at: media.updated_at,
        }
    }
}

/// A page of pictures, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MediaPage)]
pub struct MediaPageBody {
    media: Vec<MediaBody>,
    limit: i64,
    has_more: bool,
    /// Where to go on, where there is more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    next_cursor: Option<Cursor>,
}

impl From<(Page<Media>, PageSize)> for MediaPageBody {
    fn from((page, size): (Page<Media>, PageSize)) -> Self {
        Self {
            limit: size.get(),
            has_more: page.next_cursor.is_some(),
            next_cursor: page.next_cursor,
            media: page.items.into_iter().map(Into::into).collect(),
        }
    }
}

/// What is to be said of a picture.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = MediaChanges)]
pub struct MediaChangesBody {
    #[schema(max_length = 200)]
    name: Option<String>,
    #[schema(max_length = 1000)]
    alt: Option<String>,
    /// The same for readers of other languages, by their locales (BCP 47): each that is there is set, and null takes it away.
    #[schema(value_type = Option<Object>, example = json!({"de": "Eine Tasse", "fr": null}))]
    alts: Option<Alts>,
}

/// Texts by their locales, as they are sent.
type Alts = BTreeMap<String, Option<String>>;

/// Texts by their locales, none of which is there twice in two spellings.
fn alts(sent: Alts) -> Result<BTreeMap<Locale, Option<String>>, Problem> {
    if i64::try_from(sent.len()).is_ok_and(|all| all > MAX_LOCALES) {
        let rule = format!("must have at most {MAX_LOCALES} entries");
        return Err(Problem::invalid("alts", "length", rule));
    }
    let mut checked = BTreeMap::new();
    for (locale, alt) in sent {
        let field = format!("alts.{locale:.40}");
        let invalid = |error: InvalidLocale| Problem::invalid(&field, "invalid", error.to_string());
        let locale: Locale = locale.parse().map_err(invalid)?;
        let alt = alt.map(|alt| text("alts", alt, 0, MAX_ALT_CHARS));
        if checked.insert(locale, alt.transpose()?).is_some() {
            return Err(Problem::invalid(field, "twice", "is there twice"));
        }
    }
    Ok(checked)
}

impl MediaChangesBody {
    /// Checks the texts.
    pub fn checked(self) -> Result<MediaChanges, Problem> {
        let name = self.name.map(|name| text("name", name, 0, MAX_NAME_CHARS));
        let alt = self.alt.map(|alt| text("alt", alt, 0, MAX_ALT_CHARS));
        Ok(MediaChanges {
            name: name.transpose()?,
            alt: alt.transpose()?,
            alts: self.alts.map(alts).transpose()?.unwrap_or_default(),
        })
    }
}

/// The pictures of a product in their order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProductMediaList)]
pub struct ProductMediaListBody {
    pub media: Vec<ProductMediaBody>,
    /// Those that an import names and that are not there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<MissingPictureBody>,
}

/// A picture that is still to be fetched, or does not come.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MissingPicture)]
pub struct MissingPictureBody {
    #[schema(example = "https://example.com/red.jpg")]
    src: String,
    /// Why it does not come; `null` as long as it may.
    #[schema(required = true)]
    message: Option<String>,
}

impl MissingPictureBody {
    /// All of a list that a product waits for.
    pub fn of(list: wanted::List) -> Vec<Self> {
        if let Some(problems) = list.problems {
            let told = |problem: wanted::Problem| Self {
                src: problem.src,
                message: Some(problem.message),
            };
            return problems.into_iter().map(told).collect();
        }
        let away = list
            .images
            .into_iter()
            .filter(|image| image.media_id.is_none());
        away.map(|image| Self {
            src: image.src,
            message: None,
        })
        .collect()
    }
}

/// The pictures that a product is to have, in this order.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewProductMediaList)]
pub struct NewProductMediaListBody {
    #[schema(max_items = 100)]
    media: Vec<NewProductMediaBody>,
}

/// A picture that a product is to have.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = NewProductMedia)]
pub struct NewProductMediaBody {
    #[schema(value_type = i64)]
    id: MediaId,
    /// What the picture says of itself by now where it is left out.
    #[schema(max_length = 1000)]
    alt: Option<String>,
    /// The same for readers of other languages, by their locales (BCP 47).
    #[schema(value_type = Option<Object>, example = json!({"de": "Von hinten"}))]
    alts: Option<Alts>,
    /// The variants of the product that it shows, where it shows some in particular.
    #[serde(default)]
    #[schema(value_type = Vec<i64>, max_items = 100)]
    variant_ids: Vec<VariantId>,
}

impl NewProductMediaListBody {
    /// Checks what can be checked without the product.
    pub fn checked(self) -> Result<Vec<Wanted>, Problem> {
        if self.media.len() > MAX_MEDIA {
            let rule = format!("must have at most {MAX_MEDIA} entries");
            return Err(Problem::invalid("media", "length", rule));
        }
        let mut wanted: Vec<Wanted> = Vec::with_capacity(self.media.len());
        for (index, one) in self.media.into_iter().enumerate() {
            let place = format!("media[{index}]");
            if wanted.iter().any(|earlier| earlier.id == one.id) {
                let rule = "is there already, further up";
                return Err(Problem::invalid("id", "twice", rule).within(&place));
            }
            wanted.push(one.checked().map_err(|problem| problem.within(&place))?);
        }
        Ok(wanted)
    }
}

impl NewProductMediaBody {
    fn checked(self) -> Result<Wanted, Problem> {
        if self.variant_ids.len() > MAX_VARIANTS {
            let rule = format!("must have at most {MAX_VARIANTS} entries");
            return Err(Problem::invalid("variantIds", "length", rule));
        }
        let alt = self.alt.map(|alt| text("alt", alt, 0, MAX_ALT_CHARS));
        Ok(Wanted {
            id: self.id,
            alt: alt.transpose()?,
            alts: self.alts.map(alts).transpose()?,
            variant_ids: self.variant_ids.into_iter().map(VariantId::get).collect(),
        })
    }
}
