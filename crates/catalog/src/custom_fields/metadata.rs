//! What programs keep of things beside custom fields.

use serde_json::{Map, Value};

use super::values::{free_of_nul, size};

/// Most members of an object that programs keep something in, characters of their names, and bytes of it all.
const MAX_MEMBERS: usize = 100;
const MAX_NAME: usize = 100;
pub const MAX_METADATA: usize = 16_384;

/// Whether an object that programs keep something in is small enough.
pub(super) fn check_metadata(metadata: &Map<String, Value>) -> Result<(), (&'static str, String)> {
    let is_name = |name: &String| {
        (1..=MAX_NAME).contains(&name.chars().count()) && !name.chars().any(char::is_control)
    };
    if !metadata.keys().all(is_name) {
        let rule = format!("must have names of 1 to {MAX_NAME} characters, none of control");
        return Err(("name", rule));
    }
    let whole = Value::Object(metadata.clone());
    if metadata.len() > MAX_MEMBERS || size(&whole) > MAX_METADATA {
        let rule = format!("must have at most {MAX_MEMBERS} members and {MAX_METADATA} bytes");
        return Err(("too_large", rule));
    }
    free_of_nul(&whole)
}
