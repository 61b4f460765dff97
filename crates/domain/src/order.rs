//! The states of an order and the one table of steps between them.

use std::fmt;
use std::str::FromStr;

use crate::text::text_form;

/// Where an order stands on its way to the customer.
///
/// ```
/// use domain::OrderStatus;
///
/// let status = OrderStatus::Ordered.transition(OrderStatus::Processed, true)?;
/// assert_eq!(status.code(), "processed");
/// assert_eq!("In Transit".parse(), Ok(OrderStatus::InTransit));
/// # Ok::<(), domain::ForbiddenTransition>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OrderStatus {
    /// The customer has placed it.
    Ordered,
    /// The shop has accepted it and is packing.
    Processed,
    /// A carrier has it.
    InTransit,
    /// It is on its last mile.
    OutForDelivery,
    /// The customer has it.
    Delivered,
    /// It will not be sent; its stock is back.
    Cancelled,
}

/// Says that a text names no order status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an order status is one of {}", OrderStatus::ALL.map(OrderStatus::code).join(", "))]
pub struct UnknownStatus;

/// Says that an order cannot take a step, and which steps it can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an order that is {from} cannot become {to}, only {}", list(self.allowed()))]
pub struct ForbiddenTransition {
    /// The status the order has.
    pub from: OrderStatus,
    /// The status that was asked for.
    pub to: OrderStatus,
    /// Whether anything of the order has to be sent.
    pub is_sent: bool,
}

impl OrderStatus {
    /// All states, in the order an order passes through them.
    pub const ALL: [Self; 6] = [
        Self::Ordered,
        Self::Processed,
        Self::InTransit,
        Self::OutForDelivery,
        Self::Delivered,
        Self::Cancelled,
    ];

    /// Returns the states that may follow this one; the table of all allowed steps. An order of which nothing is sent is
    /// delivered once it was accepted.
    #[must_use]
    pub const fn allowed_next(self, is_sent: bool) -> &'static [Self] {
        match self {
            Self::Ordered => &[Self::Processed, Self::Cancelled],
            Self::Processed if is_sent => &[Self::InTransit, Self::Cancelled],
            Self::Processed => &[Self::Delivered, Self::Cancelled],
            Self::InTransit => &[Self::OutForDelivery],
            Self::OutForDelivery => &[Self::Delivered],
            Self::Delivered | Self::Cancelled => &[],
        }
    }

    /// Takes a step of an order, and returns the new status.
    ///
    /// # Errors
    ///
    /// [`ForbiddenTransition`] when `to` is not in [`OrderStatus::allowed_next`], also when it is
    /// the status the order already has.
    pub fn transition(self, to: Self, is_sent: bool) -> Result<Self, ForbiddenTransition> {
        if self.allowed_next(is_sent).contains(&to) {
            Ok(to)
        } else {
            Err(ForbiddenTransition {
                from: self,
                to,
                is_sent,
            })
        }
    }

    /// Returns the name used in the API and in the database.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Ordered => "ordered",
            Self::Processed => "processed",
            Self::InTransit => "inTransit",
            Self::OutForDelivery => "outForDelivery",
            Self::Delivered => "delivered",
            Self::Cancelled => "cancelled",
        }
    }

    /// Returns the name people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Ordered => "Ordered",
            Self::Processed => "Processed",
            Self::InTransit => "In Transit",
            Self::OutForDelivery => "Out for Delivery",
            Self::Delivered => "Delivered",
            Self::Cancelled => "Cancelled",
        }
    }
}

impl ForbiddenTransition {
    /// Returns the states the order may take instead; empty when it has come to its end.
    #[must_use]
    pub const fn allowed(&self) -> &'static [OrderStatus] {
        self.from.allowed_next(self.is_sent)
    }
}

/// Reads a code or a label, in upper or lower case.
impl FromStr for OrderStatus {
    type Err = UnknownStatus;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|status| {
                text.eq_ignore_ascii_case(status.code())
                    || text.eq_ignore_ascii_case(status.label())
            })
            .ok_or(UnknownStatus)
    }
}

impl fmt::Display for OrderStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

text_form!(OrderStatus, UnknownStatus);

fn list(states: &[OrderStatus]) -> String {
    if states.is_empty() {
        return "stay as it is".to_owned();
    }
    states
        .iter()
        .map(|status| status.code())
        .collect::<Vec<_>>()
        .join(" or ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use OrderStatus::{Cancelled, Delivered, InTransit, Ordered, OutForDelivery, Processed};

    #[test]
    fn exactly_the_documented_steps_are_allowed() {
        let documented = [
            (Ordered, Processed),
            (Ordered, Cancelled),
            (Processed, InTransit),
            (Processed, Cancelled),
            (InTransit, OutForDelivery),
            (OutForDelivery, Delivered),
        ];
        for from in OrderStatus::ALL {
            for to in OrderStatus::ALL {
                let expected = documented.contains(&(from, to));
                assert_eq!(
                    from.transition(to, true).is_ok(),
                    expected,
                    "{from} to {to}"
                );
            }
        }
    }

    #[test]
    fn what_is_not_sent_is_delivered_once_it_was_accepted() {
        assert_eq!(Processed.transition(Delivered, false), Ok(Delivered));
        let sent = Processed.transition(InTransit, false).unwrap_err();
        assert_eq!(sent.allowed(), [Delivered, Cancelled]);
        for from in OrderStatus::ALL
            .into_iter()
            .filter(|from| *from != Processed)
        {
            assert_eq!(from.allowed_next(false), from.allowed_next(true));
        }
    }

    #[test]
    fn a_forbidden_step_says_what_would_be_right() {
        let early = Ordered.transition(Delivered, true).unwrap_err();
        assert_eq!(early.allowed(), [Processed, Cancelled]);
        assert_eq!(
            early.to_string(),
            "an order that is ordered cannot become delivered, only processed or cancelled"
        );

        let late = Cancelled.transition(Ordered, true).unwrap_err();
        assert!(late.allowed().is_empty());
        assert!(late.to_string().ends_with("only stay as it is"));
    }

    #[test]
    fn codes_and_labels_are_read_in_any_case() {
        for status in OrderStatus::ALL {
            for text in [status.code(), status.label()] {
                assert_eq!(text.parse(), Ok(status));
                assert_eq!(OrderStatus::try_from(text.to_ascii_uppercase()), Ok(status));
            }
        }
        assert_eq!(OrderStatus::try_from("in transit"), Ok(InTransit));
    }

    #[test]
    fn an_unknown_status_lists_the_known_ones() {
        assert_eq!("lost".parse::<OrderStatus>(), Err(UnknownStatus));
        assert_eq!(
            UnknownStatus.to_string(),
            "an order status is one of ordered, processed, inTransit, outForDelivery, delivered, \
             cancelled"
        );
    }

    #[cfg(feature = "serde")]
    #[test]
    fn json_has_the_code() {
        assert_eq!(
            serde_json::to_string(&OutForDelivery).unwrap(),
            "\"outForDelivery\""
        );
        let read: OrderStatus = serde_json::from_str("\"Out for Delivery\"").unwrap();
        assert_eq!(read, OutForDelivery);
    }
}
