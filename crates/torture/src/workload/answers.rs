//! What is looked at in an answer, read leniently: an answer that cannot be read is a finding later.

use serde_json::Value;

use crate::history::{Action, EventView, LineView, OrderView, Seen, StepView};

/// Reads the body of an answer to an action.
#[must_use]
pub fn read(action: &Action, status: u16, body: &[u8]) -> Seen {
    let Ok(json) = serde_json::from_slice::<Value>(body) else {
        let start = String::from_utf8_lossy(body).chars().take(120).collect();
        return Seen::Other { note: start };
    };
    if !(200..300).contains(&status) {
        return Seen::Refused {
            code: text(&json["code"]),
        };
    }
    match action {
        Action::Order { .. } | Action::ReadOrder { .. } | Action::Reuse { .. } => Seen::Order {
            order: order(&json),
        },
        Action::ReadOrders { .. } => Seen::Orders {
            orders: list(&json["orders"], order),
            has_more: json["hasMore"] == true,
        },
        Action::Cancel { .. } | Action::Advance { .. } => Seen::Status {
            status: text(&json["status"]),
        },
        Action::Restock { .. } | Action::ReadStock { .. } => Seen::Stock {
            on_hand: number(&json["onHand"]),
            reserved: number(&json["reserved"]),
            safety: number(&json["safety"]),
            backorder: number(&json["backorderLimit"]),
            available: number(&json["available"]),
        },
        Action::Price { .. } | Action::ReadProduct { .. } => Seen::Product {
            price: minor_units(&json["price"]),
        },
        Action::ReadProducts => Seen::Products {
            prices: list(&json["products"], |product| {
                (number(&product["id"]), minor_units(&product["price"]))
            }),
        },
        Action::ReadEvents { .. } => Seen::Events {
            events: list(&json["events"], |event| EventView {
                id: text(&event["id"]),
                kind: text(&event["type"]),
                resource: text(&event["resource"]["type"]),
                of: number(&event["resource"]["id"]),
                sequence: number(&event["sequence"]),
            }),
            next: text(&json["nextCursor"]),
            has_more: json["hasMore"] == true,
        },
        Action::Setup(_) => Seen::Other {
            note: String::new(),
        },
    }
}

fn order(json: &Value) -> OrderView {
    let amount = |name: &str| number(&json["totals"][name]["amount"]);
    OrderView {
        id: number(&json["orderId"]),
        user: number(&json["userId"]),
        key: text(&json["address"]),
        status: text(&json["status"]),
        version: number(&json["version"]),
        lines: list(&json["lines"], |line| LineView {
            product: number(&line["productId"]),
            quantity: number(&line["quantity"]),
            unit: number(&line["unitPrice"]["amount"]),
            total: number(&line["total"]["amount"]),
        }),
        subtotal: amount("subtotal"),
        discount: amount("discount"),
        shipping: amount("shipping"),
        total: amount("total"),
        method: text(&json["shipping"]),
        timeline: list(&json["timeline"], |step| StepView {
            version: number(&step["version"]),
            kind: text(&step["kind"]),
            from: step["from"].as_str().map(str::to_owned),
            to: step["to"].as_str().map(str::to_owned),
        }),
    }
}

fn list<T>(json: &Value, read: impl Fn(&Value) -> T) -> Vec<T> {
    json.as_array().into_iter().flatten().map(read).collect()
}

fn text(json: &Value) -> String {
    json.as_str().unwrap_or_default().to_owned()
}

/// A number that is not there is one that nobody could have written.
fn number(json: &Value) -> i64 {
    json.as_i64().unwrap_or(i64::MIN)
}

/// `"9.99"` as 999: all prices of a run have two decimals.
fn minor_units(json: &Value) -> i64 {
    let text = json.as_str().unwrap_or_default();
    let parsed = text.split_once('.').filter(|(_, cents)| cents.len() == 2);
    parsed
        .and_then(|(whole, cents)| format!("{whole}{cents}").parse().ok())
        .unwrap_or(i64::MIN)
}

/// 999 as `"9.99"`.
#[must_use]
pub fn decimal(amount: i64) -> String {
    format!("{}.{:02}", amount / 100, amount % 100)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn prices_are_minor_units_without_floats() {
        assert_eq!(minor_units(&json!("9.99")), 999);
        assert_eq!(minor_units(&json!(decimal(100_005))), 100_005);
        assert_eq!(minor_units(&json!("9.9")), i64::MIN);
    }

    #[test]
    fn a_refusal_is_its_code() {
        let seen = read(
            &Action::ReadProducts,
            503,
            br#"{"code":"busy","status":503}"#,
        );
        assert_eq!(
            seen,
            Seen::Refused {
                code: "busy".into()
            }
        );
        let page = read(&Action::ReadProducts, 502, b"<html>");
        assert_eq!(
            page,
            Seen::Other {
                note: "<html>".into()
            }
        );
    }
}
