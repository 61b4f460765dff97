//! Walks an order and its payment to their ends, and shows what a wrong step says:
//! `cargo run -p domain --example follow_an_order`

use domain::{OrderStatus, PaymentOperationKind, PaymentStatus};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let payment = PaymentStatus::Pending.after(PaymentOperationKind::Authorise, true)?;
    let refused = payment.after(PaymentOperationKind::Capture, false)?;
    let captured = refused.after(PaymentOperationKind::Capture, true)?;
    println!("payment: {payment}, after a refused capture {refused}, then {captured}");

    let mut status = OrderStatus::Ordered;
    while let Some(next) = status.allowed_next(true).first() {
        status = status.transition(*next, true)?;
        println!("order: {}", status.label());
    }

    if let Err(error) = status.transition("cancelled".parse()?, true) {
        println!("too late: {error}");
    }
    Ok(())
}
