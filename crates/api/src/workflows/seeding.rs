//! What a fresh shop has: an administrator as user 1, and the demo products where they are wanted.
//!
//! Safe to repeat: what is there stays as it is. Runs under the lock of the migrations, so that any
//! number of replicas may start at once and the administrator is user 1.

use accounts::users::{self, NewUser, Role};
use accounts::{Permissions, passwords};
use catalog::editing::{self, EditError, NewProduct};
use catalog::products::{self, Start};
use diesel::{Connection, PgConnection};
use domain::{Currency, Money, PageSize, Sku};

use crate::config::{Access, Admin, DEMO_PASSWORD};

/// Why seeding failed. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    #[error(transparent)]
    Password(#[from] passwords::PasswordError),
    #[error(transparent)]
    Edit(#[from] EditError),
    #[error(
        "administrator {0} still has the public demo password, which access = \"required\" refuses; \
         set another one: cartwright admin set-password --email {0}"
    )]
    DemoPassword(String),
    #[error("demo product: {0}")]
    Demo(String),
    #[error(transparent)]
    Db(#[from] diesel::result::Error),
}

/// The demo products: SKU, name, description, price.
const DEMO: [(&str, &str, &str, &str); 3] = [
    (
        "MACBOOK-AIR",
        "MacBook Air",
        "13-inch laptop with all-day battery",
        "999.99",
    ),
    (
        "AIRPODS-PRO-3",
        "AirPods Pro 3",
        "Wireless earphones with noise cancellation",
        "199.99",
    ),
    (
        "IPHONE-17",
        "iPhone 17",
        "Smartphone with a 6.3-inch display",
        "799.99",
    ),
];

/// Enough for any number of smoke runs; less than one line may ask for, so that "sold out" can be shown.
const DEMO_UNITS: i64 = 100_000;

/// Ensures the administrator. An existing one keeps its password, unless that is the public one of
/// demonstrations and a token is required.
///
/// # Errors
///
/// [`SeedError`].
pub fn administrator(
    conn: &mut PgConnection,
    admin: &Admin,
    access: Access,
) -> Result<(), SeedError> {
    if access == Access::Required {
        refuse_demo_password(conn)?;
    }
    if users::find_credential(conn, &admin.email)?.is_some() {
        return Ok(());
    }
    let password = admin.password.reveal();
    let password_hash = match password {
        "" => {
            log::warn!(
                "the administrator has no password yet; set one with `cartwright admin set-password`"
            );
            None
        }
        password => Some(passwords::hash(password)?),
    };
    let user = NewUser {
        name: "Administrator".into(),
        email: admin.email.clone(),
        phone_number: None,
        role: Role::Admin,
        permissions: Permissions::All,
        password_hash,
        is_open: false,
    };
    users::create(conn, &user, None)?;
    Ok(())
}

/// A database that served a demonstration may have an administrator whom everybody knows.
fn refuse_demo_password(conn: &mut PgConnection) -> Result<(), SeedError> {
    let admins = users::list_admin_credentials(conn)?;
    match admins
        .into_iter()
        .find(|(_, hash)| passwords::verify(DEMO_PASSWORD, hash))
    {
        Some((email, _)) => Err(SeedError::DemoPassword(email)),
        None => Ok(()),
    }
}

/// Puts the demo products into a catalogue that is empty.
///
/// # Errors
///
/// [`SeedError`].
pub fn demo_products(conn: &mut PgConnection) -> Result<(), SeedError> {
    let first = PageSize::try_from(1).unwrap_or_default();
    if !products::list(conn, None, Start::After(0), first, Currency::USD)?.is_empty() {
        return Ok(());
    }
    let products = DEMO
        .iter()
        .map(demo_product)
        .collect::<Result<Vec<_>, _>>()?;
    match conn.transaction(|conn| editing::create_all(conn, &products, None)) {
        Ok(_) | Err(EditError::SkuTaken) => Ok(()), // archived ones stay archived
        Err(error) => Err(error.into()),
    }
}

fn demo_product(
    (sku, name, description, price): &(&str, &str, &str, &str),
) -> Result<NewProduct, SeedError> {
    Ok(NewProduct {
        sku: Sku::try_from(*sku).map_err(|error| SeedError::Demo(error.to_string()))?,
        name: (*name).into(),
        description: (*description).into(),
        image: format!("/images/{}.jpg", sku.to_lowercase()),
        price: Money::parse_decimal(price, Currency::USD)
            .map_err(|error| SeedError::Demo(error.to_string()))?,
        on_hand: DEMO_UNITS,
    })
}
