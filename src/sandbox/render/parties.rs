//! Payer customers, and the payer as other objects quote it.

use crate::model::resource::Resource;
use crate::sandbox::books::Books;
use crate::sandbox::record::{Customer, Facts, Record, RowNo};
use crate::sandbox::render::pen::Pen;

const NAMES: [&str; 8] = ["Northwind", "Contoso", "Blue Yonder", "Fabrikam", "Álamo", "Wingtip", "Lakeside", "Müller"];
const TRADES: [&str; 7] = ["Dental", "Freight", "Bakery", "Optics", "Plumbing", "Books & Maps", "Clinic"];

pub(crate) fn customer_name(number: u64) -> String {
    let pick = |items: &[&'static str]| items[usize::try_from(number).unwrap_or(0) % items.len()];
    format!("{} {} {number}", pick(&NAMES), pick(&TRADES))
}

/// The merchant's own key of the customer: `extCustomerId`, `payer.externalId`.
pub(crate) fn customer_ext_id(number: u64) -> String {
    format!("C-{}", 10_000 + number)
}

pub(super) fn email(number: u64) -> String {
    format!("ap{number}@payer.example")
}

pub(super) fn customer(pen: &mut Pen<'_>, books: &Books, record: &Record, customer: &Customer) {
    let (name, ext_id, email) =
        (customer_name(customer.number), customer_ext_id(customer.number), email(customer.number));
    pen.head("payerCustomer", &record.id);
    pen.text("extCustomerId", &ext_id);
    pen.text("customerName", &name);
    pen.text("email", &email);
    pen.maybe_text("contactFirstName", Some("Ana"));
    pen.maybe_text("contactLastName", Some("Ruiz"));
    pen.object("payer", |pen| {
        pen.head("payer", &customer.payer_id);
        pen.text("name", &name);
        pen.text("email", &email);
        pen.text("externalId", &ext_id);
        pen.text("ownerId", &books.profile.customer_id);
        pen.text("status", "active");
    });
    pen.status(record);
    pen.tail(record);
}

/// The customer at `row`.
pub(super) fn customer_at(books: &Books, row: RowNo) -> Option<(&Record, &Customer)> {
    let record = books.record(Resource::Customers, row);
    match &record.facts {
        Facts::Customer(customer) => Some((record, customer)),
        _ => None,
    }
}

/// `payerId` and `payer{}` of a payment.
pub(super) fn payer(pen: &mut Pen<'_>, books: &Books, row: RowNo) {
    let Some((_, customer)) = customer_at(books, row) else { return };
    pen.text("payerId", &customer.payer_id);
    pen.object("payer", |pen| {
        pen.head("payer", &customer.payer_id);
        pen.text("name", &customer_name(customer.number));
        pen.text("externalId", &customer_ext_id(customer.number));
        pen.text("status", "active");
    });
}
