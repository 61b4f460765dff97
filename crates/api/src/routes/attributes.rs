//! Custom fields and metadata of things, as they are sent and shown.

use catalog::custom_fields::Fault;
use catalog::custom_fields::attributes::AttributeChanges;
use catalog::custom_fields::files::File;
use domain::MediaId;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::media_files::url;
use crate::http::Problem;

/// An object as it is sent and shown.
pub type Object = Map<String, Value>;

/// A file that a value of a custom field names by its id.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NamedFile)]
pub struct FileBody {
    #[schema(value_type = i64, example = 17)]
    id: MediaId,
    /// What staff calls it.
    name: String,
    #[schema(example = "application/pdf")]
    content_type: String,
    bytes: i64,
    /// Where it is; a browser saves it unless it is a picture.
    #[schema(example = "/media/…/original.pdf")]
    url: String,
}

/// Files, each once; `None` where there are none.
pub fn files<'f>(named: impl IntoIterator<Item = &'f File>) -> Option<Vec<FileBody>> {
    let mut files: Vec<FileBody> = Vec::new();
    for file in named {
        if files.iter().any(|known| known.id == file.id) {
            continue;
        }
        files.push(FileBody {
            id: file.id,
            name: file.name.clone(),
            url: url(file.hash, &file.content_type),
            content_type: file.content_type.clone(),
            bytes: file.bytes,
        });
    }
    Some(files).filter(|files| !files.is_empty())
}

/// Puts values in the place of those that are shown: of what is not shown none is said in any language.
pub fn replace(shown: &mut Object, said: Object) {
    for (key, value) in said {
        if let Some(shown) = shown.get_mut(&key) {
            *shown = value;
        }
    }
}

/// What is to be different of what a thing keeps; a member that is null is taken away.
pub fn changes(
    values: Option<Object>,
    metadata: Option<Object>,
    private_metadata: Option<Object>,
) -> AttributeChanges {
    AttributeChanges {
        values: values.unwrap_or_default(),
        metadata: metadata.unwrap_or_default(),
        private_metadata: private_metadata.unwrap_or_default(),
    }
}

/// 422 for a value that is not what its definition says, or for a rule that makes no sense.
pub fn refuse(fault: Fault) -> Problem {
    Problem::invalid(fault.field, fault.code, fault.message)
}
