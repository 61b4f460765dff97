//! A change that staff makes of something that was read before.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use db::idempotency::RequestKey;
use domain::UserId;
use futures_util::future::LocalBoxFuture;

use super::{Caller, Key, Problem, Staff, precondition};

/// Who makes it, at most once per key, and of which version.
#[derive(Debug)]
pub struct Change {
    pub staff: Staff,
    key: Key,
    expected: Option<i64>,
}

impl Change {
    /// Who makes it, the version that was read (`None` where any will do), and the key, bound to the bytes of the body.
    #[must_use]
    pub fn bind(self, body: &[u8]) -> (UserId, Option<i64>, Option<RequestKey>) {
        let actor = self.staff.0.id;
        let key = self.key.bind(&Caller::User(self.staff.0), body);
        (actor, self.expected, key)
    }
}

impl FromRequest for Change {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let staff = Staff::from_request(request, payload);
        let key = Key::from_request(request, payload);
        let expected = precondition::expected_version(request);
        Box::pin(async move {
            Ok(Self {
                staff: staff.await?,
                key: key.await?,
                expected: expected?,
            })
        })
    }
}
