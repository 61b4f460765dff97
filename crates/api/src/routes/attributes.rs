//! Custom fields and metadata of things, as they are sent and shown.

use catalog::custom_fields::Fault;
use catalog::custom_fields::attributes::AttributeChanges;
use serde_json::{Map, Value};

use crate::http::Problem;

/// An object as it is sent and shown.
pub type Object = Map<String, Value>;

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
