//! Rows, table by table. Each begins with the `COPY` command that reads them.

use std::io::{Result, Write};

use super::shop::{BOUGHT, Line, Shop};

/// Customers without a password, as open access makes them.
pub fn users(shop: &Shop, out: &mut impl Write) -> Result<()> {
    writeln!(
        out,
        "COPY accounts.users (id, name, email, email_normalised, role, is_open) FROM STDIN;"
    )?;
    for id in shop.users.clone() {
        let email = format!("customer-{id}@bench.example");
        writeln!(out, "{id}\tCustomer {id}\t{email}\t{email}\tcustomer\tt")?;
    }
    Ok(())
}

pub fn products(shop: &Shop, out: &mut impl Write) -> Result<()> {
    writeln!(
        out,
        "COPY catalog.products (id, name, description, image) FROM STDIN;"
    )?;
    for id in shop.products.clone() {
        let name = name(id);
        writeln!(
            out,
            "{id}\t{name}\t{name}: one of many products that are there to be counted.\t/images/{id}.jpg"
        )?;
    }
    Ok(())
}

pub fn variants(shop: &Shop, out: &mut impl Write) -> Result<()> {
    writeln!(
        out,
        "COPY catalog.variants (id, product_id, sku) FROM STDIN;"
    )?;
    for id in shop.products.clone() {
        writeln!(out, "{id}\t{id}\t{}", sku(id))?;
    }
    Ok(())
}

/// Prices have the ids of their variants, so that a statement can name both.
pub fn prices(shop: &Shop, out: &mut impl Write) -> Result<()> {
    writeln!(
        out,
        "COPY catalog.prices (id, variant_id, currency, amount_minor) FROM STDIN;"
    )?;
    for id in shop.products.clone() {
        writeln!(out, "{id}\t{id}\tUSD\t{}", Shop::price(id))?;
    }
    Ok(())
}

pub fn stock_levels(shop: &Shop, out: &mut impl Write) -> Result<()> {
    writeln!(
        out,
        "COPY catalog.stock_levels (variant_id, on_hand, reserved) FROM STDIN;"
    )?;
    for (id, reserved) in shop.products.clone().zip(shop.reserved()) {
        writeln!(out, "{id}\t{BOUGHT}\t{reserved}")?;
    }
    Ok(())
}

/// On invoice, so that nobody is asked for money.
pub fn orders(shop: &Shop, out: &mut impl Write) -> Result<()> {
    writeln!(
        out,
        "COPY ordering.orders (id, user_id, status, currency, subtotal_minor, discount_minor, shipping_minor, \
         total_minor, address, payment_method, shipping_method, source) FROM STDIN;"
    )?;
    for id in shop.orders.clone() {
        let (user, total) = (shop.buyer(id), shop.total(id));
        writeln!(
            out,
            "{id}\t{user}\tordered\tUSD\t{total}\t0\t0\t{total}\t\"123 Demo St\"\tinvoice\tstd\tweb"
        )?;
    }
    Ok(())
}

pub fn order_lines(shop: &Shop, out: &mut impl Write) -> Result<()> {
    writeln!(
        out,
        "COPY ordering.order_lines (order_id, position, product_id, variant_id, sku, title, quantity, \
         list_price_minor, unit_price_minor, price_source, discount_minor, total_minor) FROM STDIN;"
    )?;
    for order in shop.orders.clone() {
        for (line, position) in shop.lines(order).into_iter().zip(1..) {
            let Line { product, quantity } = line;
            let (price, sku, name) = (Shop::price(product), sku(product), name(product));
            let total = price * quantity;
            writeln!(
                out,
                "{order}\t{position}\t{product}\t{product}\t{sku}\t{name}\t{quantity}\t{price}\t{price}\tlist\t0\t{total}"
            )?;
        }
    }
    Ok(())
}

pub fn order_timeline(shop: &Shop, out: &mut impl Write) -> Result<()> {
    writeln!(
        out,
        "COPY ordering.order_timeline (order_id, version, kind, to_status) FROM STDIN;"
    )?;
    for order in shop.orders.clone() {
        writeln!(out, "{order}\t1\tplaced\tordered")?;
    }
    Ok(())
}

pub fn stock_movements(shop: &Shop, out: &mut impl Write) -> Result<()> {
    writeln!(
        out,
        "COPY catalog.stock_movements (variant_id, location_id, on_hand_delta, reserved_delta, reason, order_id) \
         FROM STDIN;"
    )?;
    for id in shop.products.clone() {
        writeln!(out, "{id}\t1\t{BOUGHT}\t0\tinitial\t\\N")?;
    }
    for order in shop.orders.clone() {
        for Line { product, quantity } in shop.lines(order) {
            writeln!(out, "{product}\t1\t0\t{quantity}\torder_placed\t{order}")?;
        }
    }
    Ok(())
}

pub fn outbox(shop: &Shop, out: &mut impl Write) -> Result<()> {
    writeln!(
        out,
        "COPY platform.outbox (kind, resource_type, resource_id, payload, sequence) FROM STDIN;"
    )?;
    for id in shop.users.clone() {
        writeln!(out, "user.registered\tuser\t{id}\t{{\"userId\": {id}}}\t1")?;
    }
    for id in shop.products.clone() {
        writeln!(
            out,
            "product.changed\tproduct\t{id}\t{{\"productId\": {id}}}\t1"
        )?;
    }
    for id in shop.orders.clone() {
        let (user, total) = (shop.buyer(id), shop.total(id));
        writeln!(
            out,
            "order.placed\torder\t{id}\t{{\"orderId\": {id}, \"userId\": {user}, \
             \"total\": {{\"amount\": {total}, \"currency\": \"USD\"}}}}\t1"
        )?;
    }
    Ok(())
}

fn name(id: u64) -> String {
    format!("Product {id}")
}

fn sku(id: u64) -> String {
    format!("BENCH-{id:08}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_begins_with_its_command_and_every_row_has_all_columns() {
        let shop = Shop {
            products: 4..=9,
            users: 2..=3,
            orders: 1..=7,
        };
        type Table = fn(&Shop, &mut Vec<u8>) -> Result<()>;
        let tables: [(Table, usize); 10] = [
            (users, 2),
            (products, 6),
            (variants, 6),
            (prices, 6),
            (stock_levels, 6),
            (orders, 7),
            (order_lines, 14),
            (order_timeline, 7),
            (stock_movements, 20),
            (outbox, 15),
        ];
        for (table, expected) in tables {
            let mut text = Vec::new();
            table(&shop, &mut text).unwrap();
            let text = String::from_utf8(text).unwrap();
            let (command, rows) = text.split_once('\n').unwrap();
            let columns = command.split(',').count();
            assert!(command.ends_with(" FROM STDIN;"), "{command}");
            assert_eq!(rows.lines().count(), expected, "{command}");
            for row in rows.lines() {
                assert_eq!(row.split('\t').count(), columns, "{row}");
            }
        }
    }
}
