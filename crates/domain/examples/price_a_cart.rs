//! Prices a cart of two lines and prints every amount: `cargo run -p domain --example price_a_cart`

use domain::{Currency, LineToPrice, Money, OrderToPrice, Quantity, price_order};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let usd = |decimal| Money::parse_decimal(decimal, Currency::USD);
    let laptop = LineToPrice {
        list_price: usd("999.99")?,
        negotiated_price: None,
        quantity: Quantity::ONE,
    };
    let earphones = LineToPrice {
        list_price: usd("199.99")?,
        negotiated_price: Some(usd("180")?),
        quantity: Quantity::try_from(2)?,
    };

    let priced = price_order(&OrderToPrice {
        currency: Currency::USD,
        lines: vec![laptop, earphones],
        discount: usd("100")?,
        shipping: usd("4.90")?,
    })?;

    for line in &priced.lines {
        let (pieces, unit, source) = (line.quantity, line.unit_price, line.source);
        println!(
            "{pieces} × {unit} ({source}) − {} = {}",
            line.discount, line.total
        );
    }
    println!(
        "with shipping of {}: {}",
        priced.totals.shipping, priced.totals.total
    );
    Ok(())
}
