use super::*;
use proptest::prelude::*;

const ROUNDINGS: [Rounding; 3] = [
    Rounding::HalfAwayFromZero,
    Rounding::HalfEven,
    Rounding::Down,
];

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

#[test]
fn sums_and_differences_stay_in_range() {
    assert_eq!(usd(i64::MAX - 1).plus(usd(1)), Ok(usd(i64::MAX)));
    assert_eq!(usd(i64::MAX).plus(usd(1)), Err(MoneyError::Overflow));
    assert_eq!(usd(i64::MIN).minus(usd(1)), Err(MoneyError::Overflow));
    assert_eq!(usd(0).minus(usd(i64::MIN)), Err(MoneyError::Overflow));
    assert_eq!(usd(i64::MAX).times(Quantity::ONE), Ok(usd(i64::MAX)));
    assert_eq!(
        usd(i64::MAX).times(Quantity::MAX),
        Err(MoneyError::Overflow)
    );
}

#[test]
fn currencies_do_not_mix() {
    let yen = Money::new(1, Currency::JPY);
    let mismatch = MoneyError::CurrencyMismatch {
        left: Currency::USD,
        right: Currency::JPY,
    };

    assert_eq!(usd(1).plus(yen), Err(mismatch));
    assert_eq!(usd(1).minus(yen), Err(mismatch));
    assert_eq!(Money::sum([usd(1), yen], Currency::USD), Err(mismatch));
    assert_eq!(
        mismatch.to_string(),
        "amounts must be in one currency, here USD meets JPY"
    );
}

#[test]
fn only_the_result_of_a_sum_must_fit() {
    let amounts = [usd(i64::MAX), usd(1), usd(-1)];

    assert_eq!(Money::sum(amounts, Currency::USD), Ok(usd(i64::MAX)));
    assert_eq!(Money::sum([], Currency::USD), Ok(usd(0)));
    assert_eq!(
        Money::sum([usd(i64::MAX), usd(1)], Currency::USD),
        Err(MoneyError::Overflow)
    );
}

#[test]
fn a_share_is_rounded_as_named() {
    let half = BasisPoints::new(5_000);
    let halves = |rounding| [-5, -3, 3, 5].map(|n| usd(n).share(half, rounding).unwrap().minor());

    assert_eq!(halves(Rounding::HalfAwayFromZero), [-3, -2, 2, 3]);
    assert_eq!(halves(Rounding::HalfEven), [-2, -2, 2, 2]);
    assert_eq!(halves(Rounding::Down), [-2, -1, 1, 2]);
}

#[test]
fn a_share_above_the_whole_may_overflow() {
    let double = BasisPoints::new(20_000);

    assert_eq!(usd(21).share(double, Rounding::Down), Ok(usd(42)));
    assert_eq!(
        usd(i64::MAX).share(double, Rounding::Down),
        Err(MoneyError::Overflow)
    );
}

#[cfg(feature = "serde")]
#[test]
fn json_has_minor_units_and_a_code() {
    let price = usd(99_999);
    let json = r#"{"amount":99999,"currency":"USD"}"#;

    assert_eq!(serde_json::to_string(&price).unwrap(), json);
    assert_eq!(serde_json::from_str::<Money>(json).unwrap(), price);
    for wrong in [
        r#"{"amount":999.99,"currency":"USD"}"#,
        r#"{"amount":"99999","currency":"USD"}"#,
        r#"{"amount":99999,"currency":"usd"}"#,
        r#"{"amount":9223372036854775808,"currency":"USD"}"#,
        r#"{"amount":1,"amount":2,"currency":"USD"}"#,
        r#"{"amount":1,"currency":"USD","taxed":true}"#,
        r#"{"amount":1}"#,
        r#""999.99""#,
    ] {
        assert!(serde_json::from_str::<Money>(wrong).is_err(), "{wrong}");
    }
}

proptest! {
    #[test]
    fn adding_and_taking_away_undo_each_other(a: i64, b: i64) {
        if let Ok(sum) = usd(a).plus(usd(b)) {
            prop_assert_eq!(sum.minus(usd(b)), Ok(usd(a)));
        } else {
            prop_assert_eq!(a.checked_add(b), None);
        }
    }

    #[test]
    fn a_share_lies_between_nothing_and_the_whole(minor: i64, rate in 0_u32..=10_000) {
        for rounding in ROUNDINGS {
            let share = usd(minor).share(BasisPoints::new(rate), rounding).unwrap().minor();
            prop_assert!((minor.min(0)..=minor.max(0)).contains(&share));
        }
    }

    #[test]
    fn a_share_is_within_one_unit_of_the_exact_one(minor: i64, rate: u32) {
        let exact = i128::from(minor) * i128::from(rate);
        for rounding in ROUNDINGS {
            let Ok(share) = usd(minor).share(BasisPoints::new(rate), rounding) else { continue };
            let off = (i128::from(share.minor()) * 10_000 - exact).abs();
            let allowed = if rounding == Rounding::Down { 9_999 } else { 5_000 };
            prop_assert!(off <= allowed, "{rounding:?} is off by {off} of 10000");
        }
    }

    #[test]
    fn the_order_of_a_sum_does_not_matter(mut minors in prop::collection::vec(any::<i64>(), 0..8)) {
        let sum = |minors: &[i64]| Money::sum(minors.iter().copied().map(usd), Currency::USD);
        let before = sum(&minors);
        minors.reverse();
        prop_assert_eq!(sum(&minors), before);
        minors.sort_unstable();
        prop_assert_eq!(sum(&minors), before);
    }
}
