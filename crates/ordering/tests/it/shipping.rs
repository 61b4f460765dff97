use diesel::connection::SimpleConnection;
use domain::{Currency, Money};
use ordering::shipping::{ShippingError, rate};

use crate::{EUR, conn, eur};

fn currency(code: &str) -> Currency {
    code.parse().unwrap()
}

#[test]
fn each_method_has_its_rates() {
    let conn = &mut conn();
    let (jpy, sek) = (currency("JPY"), currency("SEK"));

    assert_eq!(rate(conn, "std", EUR).unwrap(), eur(0));
    assert_eq!(
        rate(conn, "std", sek).unwrap(),
        Money::zero(sek),
        "free in any currency"
    );
    assert_eq!(rate(conn, "exp", EUR).unwrap(), eur(1_500));
    assert_eq!(rate(conn, "exp", jpy).unwrap(), Money::new(2_000, jpy));
}

#[test]
fn a_method_may_have_no_rate_in_a_currency() {
    let conn = &mut conn();

    let refused = rate(conn, "exp", currency("SEK")).unwrap_err();

    assert!(matches!(refused, ShippingError::NoRate(_)));
    assert_eq!(
        refused.to_string(),
        "this shipping method has no rate in SEK"
    );
}

#[test]
fn an_unknown_method_lists_the_known_ones() {
    let conn = &mut conn();
    let message = |conn: &mut _, code| rate(conn, code, EUR).unwrap_err().to_string();

    for code in ["drone", "STD", "", "std "] {
        let told = message(conn, code);
        assert_eq!(
            told, "unknown shipping method; known are std, exp",
            "{code}"
        );
    }
    conn.batch_execute("UPDATE ordering.shipping_methods SET is_active = code <> 'exp'")
        .unwrap();
    assert_eq!(
        message(conn, "exp"),
        "unknown shipping method; known are std"
    );
}
