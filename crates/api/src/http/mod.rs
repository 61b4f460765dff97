//! What every route shares: errors, request ids, bodies, files, texts, callers, idempotency keys and dry runs.

pub mod answer;
pub mod body;
pub mod caller;
pub mod change;
pub mod dry_run;
pub mod finished;
pub mod idempotency;
pub mod observe;
pub mod params;
pub mod permissions;
pub mod precondition;
pub mod problem;
pub mod staff_first;
pub mod text;
pub mod upload;

pub use answer::Answer;
pub use body::{Body, given};
pub use caller::{Admin, Caller, Staff};
pub use change::Change;
pub use idempotency::Key;
pub use params::Params;
pub use problem::Problem;
pub use text::text;
