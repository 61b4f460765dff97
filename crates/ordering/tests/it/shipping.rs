use diesel::connection::SimpleConnection;
use domain::{Currency, Money};
use ordering::shipping::{list_codes, rate};

use crate::{EUR, conn, eur};

#[test]
fn a_rate_counts_before_being_free() {
    let sek: Currency = "SEK".parse().unwrap();

    assert_eq!(rate(true, None, sek), Some(Money::zero(sek)));
    assert_eq!(rate(true, Some(490), EUR), Some(eur(490)));
    assert_eq!(rate(false, Some(1_500), EUR), Some(eur(1_500)));
    assert_eq!(rate(false, None, sek), None);
}

#[test]
fn only_active_methods_can_be_chosen() {
    let conn = &mut conn();
    assert_eq!(list_codes(conn).unwrap(), ["std", "exp"]);

    conn.batch_execute("UPDATE ordering.shipping_methods SET is_active = code <> 'exp'")
        .unwrap();

    assert_eq!(list_codes(conn).unwrap(), ["std"]);
}
