//! What files say in other languages than the shop's own.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use domain::Locale;
use serde_json::Value;

use super::ImportError;
use super::custom::{self, CUSTOM, Cell};
use super::details::rich_text;
use super::row::{Refusal, checked_text, refuse, said as spoken};
use crate::custom_fields::attributes::MAX_ALL_BYTES;
use crate::custom_fields::{CustomField, values};
use crate::translations::custom::Values;
use crate::translations::{MAX_LOCALES, categories, products};

/// Stands between a column and the language that its texts are in.
pub(crate) const IN: char = '@';

/// What a text is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Of {
    Name,
    Description,
    DescriptionHtml,
    SeoTitle,
    SeoDescription,
    /// What is said of pictures, each with its source before it.
    Images,
    /// The value of a custom field, by its key.
    Custom(String),
    /// What an option is called, or a value of one.
    Label,
}

impl Of {
    /// What products say, in the order of the columns; beside custom fields.
    pub(crate) const PRODUCT: [Self; 5] = [
        Self::Name,
        Self::Description,
        Self::DescriptionHtml,
        Self::SeoTitle,
        Self::SeoDescription,
    ];
    /// What categories say, likewise.
    pub(crate) const CATEGORY: [Self; 2] = [Self::Name, Self::Description];

    /// What the column of the shop's own language is called.
    pub(crate) fn column(&self) -> Cow<'static, str> {
        match self {
            Self::Name => "name".into(),
            Self::Description => "description".into(),
            Self::DescriptionHtml => "description_html".into(),
            Self::SeoTitle => "seo_title".into(),
            Self::SeoDescription => "seo_description".into(),
            Self::Images => "images".into(),
            Self::Custom(key) => format!("{CUSTOM}{key}").into(),
            Self::Label => "label".into(),
        }
    }

    /// As the API checks it; nothing is left as it is.
    fn checked(&self, text: &str) -> Result<Option<String>, Refusal> {
        match self {
            Self::Name => checked_text("", text, 300),
            Self::Description => checked_text("", text, 20_000),
            Self::DescriptionHtml => rich_text(text),
            Self::SeoTitle => checked_text("", text, 200),
            Self::SeoDescription => checked_text("", text, 500),
            Self::Images | Self::Custom(_) | Self::Label => Ok(spoken(text).map(str::to_owned)),
        }
    }
}

/// Where a text in another language stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    /// As the file has it.
    pub name: String,
    pub of: Of,
    /// In its canonical form.
    pub locale: String,
}

impl Column {
    pub(super) fn refuse(&self, message: impl Into<String>) -> Refusal {
        refuse(self.name.clone(), message)
    }
}

/// A text that a row says in another language.
pub(super) type Said = (Arc<Column>, Cell);

/// Reads the name of a column of texts; `None` where it is none.
///
/// # Errors
///
/// [`ImportError::UnknownLocale`].
pub(super) fn column(
    name: &str,
    texts: &[Of],
    with_fields: bool,
) -> Result<Option<Column>, ImportError> {
    let Some((of, locale)) = name.rsplit_once(IN) else {
        return Ok(None);
    };
    let key = of.strip_prefix(CUSTOM).filter(|key| !key.is_empty());
    let of = match key.filter(|_| with_fields) {
        Some(key) => Some(Of::Custom(key.to_owned())),
        None => texts.iter().find(|text| text.column() == of).cloned(),
    };
    let Some(of) = of else { return Ok(None) };
    let parsed: Result<Locale, _> = locale.parse();
    let locale = parsed.map_err(|_| ImportError::UnknownLocale(name.to_owned()))?;
    Ok(Some(Column {
        name: name.to_owned(),
        of,
        locale: locale.to_string(),
    }))
}

/// Columns of texts by their places.
pub(super) type Columns = Vec<(usize, Arc<Column>)>;

/// Those of a file, each once.
pub(super) fn columns(
    header: &[String],
    texts: &[Of],
    with_fields: bool,
) -> Result<Columns, ImportError> {
    let (mut columns, mut seen) = (Vec::new(), HashSet::new());
    for (place, name) in header.iter().enumerate() {
        let Some(new) = column(name, texts, with_fields)? else {
            continue;
        };
        if !seen.insert((new.of.clone(), new.locale.clone())) {
            return Err(ImportError::RepeatedColumn(name.clone()));
        }
        columns.push((place, Arc::new(new)));
    }
    Ok(columns)
}

/// Where they stand.
pub(super) fn places(columns: &Columns) -> HashSet<usize> {
    columns.iter().map(|(place, _)| *place).collect()
}

/// What the cells of a row say; those that are empty say nothing.
pub(super) fn cells<'t>(columns: &Columns, cell: impl Fn(usize) -> &'t str) -> Vec<Said> {
    let said = |(place, column): &(usize, Arc<Column>)| {
        let text = Some(cell(*place)).filter(|text| !text.is_empty())?;
        Some((Arc::clone(column), Cell::Text(text.to_owned())))
    };
    columns.iter().filter_map(said).collect()
}

/// What a JSON object says of a locale, member by member; those that are null or empty say nothing.
pub(super) fn members(
    locale: &str,
    texts: impl IntoIterator<Item = (Of, &'static str, Option<Value>)>,
) -> Result<Vec<Said>, Refusal> {
    let parsed: Result<Locale, _> = locale.parse();
    let kept = parsed.map_err(|error| {
        let place = format!("translations.{locale:.40}");
        refuse(place, error.to_string())
    })?;
    let said = |(of, member, value): (Of, &'static str, Option<Value>)| {
        let cell = match value? {
            Value::Null => return None,
            Value::String(text) if !matches!(of, Of::Custom(_)) => {
                Some(Cell::Text(text)).filter(|cell| !cell.is_empty())?
            }
            other => Cell::Json(other),
        };
        let step = match &of {
            Of::Custom(key) => format!("customFields.{key:.80}"),
            _ => member.to_owned(),
        };
        let column = Column {
            name: format!("translations.{locale}.{step}"),
            of,
            locale: kept.to_string(),
        };
        Some((Arc::new(column), cell))
    };
    Ok(texts.into_iter().filter_map(said).collect())
}

/// A text of an object that has one for each locale.
pub(super) fn member(
    locale: &str,
    object: &'static str,
    (of, value): (Of, Option<Value>),
) -> Result<Option<Said>, Refusal> {
    let name = format!("{object}.{locale:.40}");
    let parsed: Result<Locale, _> = locale.parse();
    let kept = parsed.map_err(|error| refuse(name.clone(), error.to_string()))?;
    let Some(Value::String(text)) = value else {
        return Ok(None);
    };
    let column = Column {
        name,
        of,
        locale: kept.to_string(),
    };
    let cell = Some(Cell::Text(text)).filter(|cell| !cell.is_empty());
    Ok(cell.map(|cell| (Arc::new(column), cell)))
}

/// Checks what can be checked without the shop: all but values of custom fields.
pub(super) fn check(said: &[Said]) -> Result<Vec<Said>, Refusal> {
    let mut checked = Vec::with_capacity(said.len());
    for (column, cell) in said {
        let cell = match (&column.of, cell) {
            (Of::Custom(_), cell) => cell.clone(),
            (of, Cell::Text(text)) => {
                let text = of.checked(text);
                match text.map_err(|refusal| column.refuse(refusal.message))? {
                    Some(text) => Cell::Text(text),
                    None => continue,
                }
            }
            (_, Cell::Json(_)) => return Err(column.refuse("must be a text")),
        };
        checked.push((Arc::clone(column), cell));
    }
    Ok(checked)
}

/// What files say of something in one language.
pub(super) trait Texts: Default {
    /// Where one of its texts stands; `None` for what it has none of, and for values of custom fields.
    fn place(&mut self, of: &Of) -> Option<&mut Option<String>>;
    /// Values of custom fields, by their keys.
    fn custom(&mut self) -> &mut Values;
}

impl Texts for products::Texts {
    fn place(&mut self, of: &Of) -> Option<&mut Option<String>> {
        match of {
            Of::Name => Some(&mut self.name),
            Of::Description => Some(&mut self.description),
            Of::DescriptionHtml => Some(&mut self.description_html),
            Of::SeoTitle => Some(&mut self.seo_title),
            Of::SeoDescription => Some(&mut self.seo_description),
            Of::Images | Of::Custom(_) | Of::Label => None,
        }
    }

    fn custom(&mut self) -> &mut Values {
        &mut self.custom
    }
}

impl Texts for categories::Texts {
    fn place(&mut self, of: &Of) -> Option<&mut Option<String>> {
        match of {
            Of::Name => Some(&mut self.name),
            Of::Description => Some(&mut self.description),
            _ => None,
        }
    }

    fn custom(&mut self) -> &mut Values {
        &mut self.custom
    }
}

/// What a product says in other languages, by these.
pub(super) type Translations = BTreeMap<String, products::Texts>;

/// Sets what a row says among what is said already, by languages; what is not said stays.
pub(super) fn set<T: Texts>(
    kept: &mut BTreeMap<String, T>,
    said: &[Said],
    fields: &[CustomField],
) -> Result<(), Refusal> {
    for (column, cell) in said {
        let texts = kept.entry(column.locale.clone()).or_default();
        if let Of::Custom(key) = &column.of {
            let value = value(fields, (key, column), cell)?;
            let custom = texts.custom();
            custom.extend(value.map(|value| (key.clone(), value)));
            if values::size(&Value::Object(custom.clone())) > MAX_ALL_BYTES {
                let rule = format!("makes them more than {MAX_ALL_BYTES} bytes together");
                return Err(column.refuse(rule));
            }
        } else if let (Some(place), Cell::Text(text)) = (texts.place(&column.of), cell) {
            *place = Some(text.clone());
        }
    }
    let last = said.last().map(|(column, _)| column);
    match last.filter(|_| i64::try_from(kept.len()).is_ok_and(|all| all > MAX_LOCALES)) {
        Some(column) => Err(column.refuse(format!("there are at most {MAX_LOCALES} languages"))),
        None => Ok(()),
    }
}

/// The value of a custom field in another language, if a cell says one.
pub(super) fn value(
    fields: &[CustomField],
    (key, column): (&str, &Column),
    cell: &Cell,
) -> Result<Option<Value>, Refusal> {
    let value = custom::value(fields, key, cell);
    let value = value.map_err(|refusal| column.refuse(refusal.message))?;
    let Some((field, value)) = value else {
        return Ok(None);
    };
    if !field.is_translatable {
        return Err(column.refuse("is the same in all languages"));
    }
    Ok(Some(value))
}
