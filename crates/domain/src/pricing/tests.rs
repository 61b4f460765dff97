use super::*;
use proptest::prelude::*;

fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::EUR)
}

fn line(list_price: i64, negotiated: Option<i64>, pieces: i64) -> LineToPrice {
    LineToPrice {
        list_price: eur(list_price),
        negotiated_price: negotiated.map(eur),
        quantity: Quantity::try_from(pieces).unwrap(),
    }
}

fn order(lines: Vec<LineToPrice>, discount: i64, shipping: i64) -> OrderToPrice {
    OrderToPrice {
        currency: Currency::EUR,
        lines,
        discount: eur(discount),
        shipping: eur(shipping),
    }
}

#[test]
fn a_discount_is_spread_over_the_lines() {
    let cart = order(
        vec![line(1_000, None, 2), line(500, Some(400), 1)],
        100,
        490,
    );

    let priced = price_order(&cart).unwrap();

    assert_eq!(
        priced.lines,
        [
            PricedLine {
                unit_price: eur(1_000),
                list_price: eur(1_000),
                source: PriceSource::List,
                quantity: Quantity::try_from(2).unwrap(),
                subtotal: eur(2_000),
                discount: eur(83),
                total: eur(1_917),
            },
            PricedLine {
                unit_price: eur(400),
                list_price: eur(500),
                source: PriceSource::Negotiated,
                quantity: Quantity::ONE,
                subtotal: eur(400),
                discount: eur(17),
                total: eur(383),
            },
        ]
    );
    assert_eq!(
        priced.totals,
        Totals {
            subtotal: eur(2_400),
            discount: eur(100),
            shipping: eur(490),
            total: eur(2_790)
        }
    );
}

#[test]
fn a_negotiated_price_may_be_higher_or_nothing() {
    let cart = order(vec![line(500, Some(900), 1), line(500, Some(0), 3)], 0, 0);

    let priced = price_order(&cart).unwrap();

    assert_eq!(priced.totals.total, eur(900));
    assert!(
        priced
            .lines
            .iter()
            .all(|line| line.source == PriceSource::Negotiated)
    );
}

#[test]
fn a_discount_may_take_everything_but_not_more() {
    let lines = vec![line(333, None, 3), line(1, None, 1)];

    let free = price_order(&order(lines.clone(), 1_000, 0)).unwrap();
    let below_zero = price_order(&order(lines, 1_001, 5_000));

    assert_eq!(free.totals.total, eur(0));
    let error = PricingError::DiscountAboveSubtotal {
        discount: eur(1_001),
        subtotal: eur(1_000),
    };
    assert_eq!(below_zero, Err(error.clone()));
    assert_eq!(
        error.to_string(),
        "a discount must be at most the 10.00 EUR that the lines cost, not 10.01 EUR"
    );
}

#[test]
fn what_is_wrong_is_named() {
    use PricingError::{NegativeDiscount, NegativePrice, NegativeShipping, NoLines};
    let fine = || line(1, None, 1);

    for (wrong, error) in [
        (order(vec![], 0, 0), NoLines),
        (
            order(vec![fine(), line(-1, None, 1)], 0, 0),
            NegativePrice { line: 1 },
        ),
        (
            order(vec![line(-1, Some(1), 1)], 0, 0),
            NegativePrice { line: 0 },
        ),
        (
            order(vec![fine(), line(1, Some(-1), 1)], 0, 0),
            NegativePrice { line: 1 },
        ),
        (order(vec![fine()], -1, 0), NegativeDiscount),
        (order(vec![fine()], 0, -1), NegativeShipping),
    ] {
        assert_eq!(price_order(&wrong), Err(error));
    }
}

#[test]
fn every_amount_is_in_the_currency_of_the_order() {
    let (expected, found) = (Currency::EUR, Currency::USD);
    let dollar = Money::new(1, found);
    let fine = order(vec![line(1, None, 1), line(1, None, 1)], 0, 0);

    for change in [
        |line: &mut LineToPrice, dollar| line.list_price = dollar,
        |line: &mut LineToPrice, dollar| line.negotiated_price = Some(dollar),
    ] {
        let mut wrong = fine.clone();
        change(&mut wrong.lines[1], dollar);
        let error = PricingError::CurrencyMismatch {
            line: 1,
            expected,
            found,
        };
        assert_eq!(price_order(&wrong), Err(error));
    }
    for wrong in [
        OrderToPrice {
            discount: dollar,
            ..fine.clone()
        },
        OrderToPrice {
            shipping: dollar,
            ..fine
        },
    ] {
        let error = PricingError::TermsCurrencyMismatch { expected, found };
        assert_eq!(price_order(&wrong), Err(error));
    }
}

#[test]
fn overflow_is_an_error() {
    for wrong in [
        order(vec![line(i64::MAX, None, 2)], 0, 0),
        order(vec![line(i64::MAX, None, 1), line(1, None, 1)], 0, 0),
        order(vec![line(i64::MAX, None, 1)], 0, 1),
    ] {
        assert_eq!(price_order(&wrong), Err(PricingError::Overflow));
    }
}

/// Orders of a shop: prices up to a million euros, a discount that fits.
fn fair_orders() -> impl Strategy<Value = OrderToPrice> {
    let price = 0..100_000_000_i64;
    let line = (price.clone(), prop::option::of(price), 1..1_000_i64)
        .prop_map(|(list, negotiated, pieces)| line(list, negotiated, pieces));
    let lines = prop::collection::vec(line, 1..10);
    (lines, 0..=10_000_i64, 0..10_000_i64).prop_map(|(lines, basis_points, shipping)| {
        let undiscounted = price_order(&order(lines.clone(), 0, 0)).unwrap();
        let discount = undiscounted.totals.subtotal.minor() / 10_000 * basis_points;
        order(lines, discount, shipping)
    })
}

/// Anything the types allow, near the ends of `i64` above all.
fn wild_orders() -> impl Strategy<Value = OrderToPrice> {
    let amount = || prop_oneof![any::<i64>(), Just(i64::MAX), Just(i64::MIN), -9..9_i64];
    let line = (amount(), prop::option::of(amount()), 1..=1_000_000_i64)
        .prop_map(|(list, negotiated, pieces)| line(list, negotiated, pieces));
    (prop::collection::vec(line, 0..4), amount(), amount())
        .prop_map(|(lines, discount, shipping)| order(lines, discount, shipping))
}

/// What holds for every priced order, computed anew without the code under test.
fn assert_sound(priced: &PricedOrder) {
    let sum = |part: fn(&PricedLine) -> Money| -> i128 {
        priced
            .lines
            .iter()
            .map(|line| i128::from(part(line).minor()))
            .sum()
    };
    let totals = priced.totals;
    assert_eq!(
        sum(|line| line.subtotal),
        i128::from(totals.subtotal.minor())
    );
    assert_eq!(
        sum(|line| line.discount),
        i128::from(totals.discount.minor())
    );
    let goods = sum(|line| line.total);
    assert_eq!(
        goods + i128::from(totals.shipping.minor()),
        i128::from(totals.total.minor())
    );
    for line in &priced.lines {
        let pieces = i128::from(line.quantity.get());
        let subtotal = i128::from(line.subtotal.minor());
        assert_eq!(i128::from(line.unit_price.minor()) * pieces, subtotal);
        let amounts = [line.unit_price, line.subtotal, line.discount, line.total];
        assert!(amounts.iter().all(|amount| !amount.is_negative()));
        assert_eq!(
            line.subtotal.minor() - line.discount.minor(),
            line.total.minor()
        );
    }
}

proptest! {
    #[test]
    fn the_lines_sum_to_the_order_and_nothing_is_negative(order in fair_orders()) {
        let priced = price_order(&order).unwrap();
        prop_assert_eq!(priced.lines.len(), order.lines.len());
        assert_sound(&priced);
    }

    #[test]
    fn the_order_of_the_lines_changes_no_total(order in fair_orders(), turn: prop::sample::Index) {
        let mut turned = order.clone();
        turned.lines.rotate_left(turn.index(order.lines.len()));
        prop_assert_eq!(price_order(&turned).unwrap().totals, price_order(&order).unwrap().totals);
    }

    #[test]
    fn wild_amounts_are_priced_soundly_or_refused(order in wild_orders()) {
        if let Ok(priced) = price_order(&order) {
            assert_sound(&priced);
        }
    }
}
