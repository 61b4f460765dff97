//! How an order is paid, and the one table of what a payment may do next.

use std::fmt;
use std::str::FromStr;

use crate::text::{coded, text_form};

coded! {
    /// The ways a customer may pay.
    PaymentMethod, "a payment method", UnknownPaymentMethod {
        /// A card, through a payment provider.
        Card => "card",
        /// Cash on delivery.
        Cod => "cod",
        /// An invoice, paid by bank transfer.
        Invoice => "invoice",
    }
}

coded! {
    /// Where the payment of an order stands.
    ///
    /// ```
    /// use domain::{PaymentOperationKind, PaymentStatus};
    ///
    /// let status = PaymentStatus::Pending.after(PaymentOperationKind::Authorise, true)?;
    /// assert_eq!(status, PaymentStatus::Authorised);
    /// assert!(status.after(PaymentOperationKind::Refund, true).is_err());
    /// # Ok::<(), domain::ForbiddenPaymentStep>(())
    /// ```
    PaymentStatus, "a payment status", UnknownPaymentStatus {
        /// Nothing is collected through a provider.
        NotRequired => "notRequired",
        /// Nobody has promised the money yet.
        Pending => "pending",
        /// The provider holds the money for the shop.
        Authorised => "authorised",
        /// The shop has the money.
        Captured => "captured",
        /// The hold was given up; no money moved.
        Voided => "voided",
        /// The money went back to the customer.
        Refunded => "refunded",
        /// The provider refused.
        Failed => "failed",
    }
}

coded! {
    /// The four verbs of payment.
    PaymentOperationKind, "a payment operation", UnknownPaymentOperationKind {
        /// Asks the provider to hold the money.
        Authorise => "authorise",
        /// Collects money that is held.
        Capture => "capture",
        /// Gives up a hold.
        Void => "void",
        /// Sends collected money back.
        Refund => "refund",
    }
}

/// Says that a payment cannot take a step in the state it is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a payment that is {from} cannot go through {kind}, only {}", list(*from))]
pub struct ForbiddenPaymentStep {
    /// The status the payment has.
    pub from: PaymentStatus,
    /// The operation that was reported.
    pub kind: PaymentOperationKind,
}

impl PaymentStatus {
    /// Returns the status after the provider has answered; the table of all allowed steps.
    ///
    /// A refused authorisation is final. A refused capture, void or refund changes nothing, so it
    /// may be tried again.
    ///
    /// # Errors
    ///
    /// [`ForbiddenPaymentStep`] when the operation makes no sense in this status.
    pub fn after(
        self,
        kind: PaymentOperationKind,
        succeeded: bool,
    ) -> Result<Self, ForbiddenPaymentStep> {
        use PaymentOperationKind as Kind;
        let (done, refused) = match (self, kind) {
            (Self::Pending, Kind::Authorise) => (Self::Authorised, Self::Failed),
            (Self::Authorised, Kind::Capture) => (Self::Captured, self),
            (Self::Authorised, Kind::Void) => (Self::Voided, self),
            (Self::Captured, Kind::Refund) => (Self::Refunded, self),
            (from, kind) => return Err(ForbiddenPaymentStep { from, kind }),
        };
        Ok(if succeeded { done } else { refused })
    }
}

fn list(from: PaymentStatus) -> String {
    let allowed: Vec<_> = PaymentOperationKind::ALL
        .into_iter()
        .filter(|kind| from.after(*kind, true).is_ok())
        .map(PaymentOperationKind::code)
        .collect();
    if allowed.is_empty() {
        "stay as it is".to_owned()
    } else {
        allowed.join(" or ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_these_steps_are_allowed() {
        use PaymentOperationKind::{Authorise, Capture, Refund, Void};
        use PaymentStatus::{Authorised, Captured, Failed, Pending, Refunded, Voided};
        let table = [
            (Pending, Authorise, Authorised, Failed),
            (Authorised, Capture, Captured, Authorised),
            (Authorised, Void, Voided, Authorised),
            (Captured, Refund, Refunded, Captured),
        ];
        for from in PaymentStatus::ALL {
            for kind in PaymentOperationKind::ALL {
                let row = table.iter().find(|row| (row.0, row.1) == (from, kind));
                let forbidden = ForbiddenPaymentStep { from, kind };
                assert_eq!(from.after(kind, true), row.map(|r| r.2).ok_or(forbidden));
                assert_eq!(from.after(kind, false), row.map(|r| r.3).ok_or(forbidden));
            }
        }
    }

    #[test]
    fn a_forbidden_step_says_what_would_be_right() {
        let error = |from: PaymentStatus, kind| from.after(kind, true).unwrap_err().to_string();

        assert_eq!(
            error(PaymentStatus::Authorised, PaymentOperationKind::Refund),
            "a payment that is authorised cannot go through refund, only capture or void"
        );
        assert_eq!(
            error(PaymentStatus::NotRequired, PaymentOperationKind::Void),
            "a payment that is notRequired cannot go through void, only stay as it is"
        );
    }

    #[test]
    fn codes_are_exact_and_unknown_ones_list_the_known() {
        assert_eq!("cod".parse(), Ok(PaymentMethod::Cod));
        let error = PaymentMethod::try_from("Card").unwrap_err();
        assert_eq!(
            error.to_string(),
            "a payment method is one of card, cod, invoice"
        );
        for status in PaymentStatus::ALL {
            assert_eq!(PaymentStatus::try_from(status.to_string()), Ok(status));
        }
    }
}
