//! What pricing an order costs: `cargo bench -p domain`.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use domain::{Currency, LineToPrice, Money, OrderToPrice, Quantity, price_order};

/// An order of so many lines, every third at a negotiated price, with a discount to be shared among them.
fn order(lines: i64) -> OrderToPrice {
    let usd = |minor| Money::new(minor, Currency::USD);
    OrderToPrice {
        currency: Currency::USD,
        lines: (1..=lines)
            .map(|line| LineToPrice {
                list_price: usd(line * 137 % 50_000 + 100),
                negotiated_price: (line % 3 == 0).then(|| usd(99)),
                quantity: Quantity::try_from(line % 5 + 1).expect("a quantity"),
            })
            .collect(),
        discount: usd(50),
        shipping: usd(490),
    }
}

fn pricing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("price_order");
    for lines in [2, 20, 1_000] {
        let order = order(lines);
        group.bench_with_input(
            BenchmarkId::from_parameter(lines),
            &order,
            |bencher, order| {
                bencher.iter(|| price_order(black_box(order)).expect("a price"));
            },
        );
    }
    group.finish();
}

fn decimals(criterion: &mut Criterion) {
    let price = Money::new(99_999, Currency::USD);
    criterion.bench_function("money to decimal", |bencher| {
        bencher.iter(|| black_box(price).to_decimal());
    });
    criterion.bench_function("decimal to money", |bencher| {
        bencher.iter(|| Money::parse_decimal(black_box("999.99"), Currency::USD).expect("money"));
    });
}

criterion_group!(benches, pricing, decimals);
criterion_main!(benches);
