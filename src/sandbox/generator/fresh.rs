//! One plausible row of any resource, with what it refers to: what churn and tests create.

use std::sync::Arc;

use crate::model::resource::Resource;
use crate::sandbox::generator::payout::currency_of;
use crate::sandbox::generator::{checkout, new_customer, payout, reversal};
use crate::sandbox::record::{Facts, Payment, Rail, Record, RowNo, Split, Withdrawal};
use crate::sandbox::scene::Scene;

/// A new row of `resource`. Missing parents are created too.
pub(crate) fn row(scene: &mut Scene<'_>, resource: Resource) -> RowNo {
    let minor = scene.dice.between(1_000, 90_000);
    match resource {
        Resource::Customers => new_customer(scene),
        Resource::Receivables => {
            let customer = any(scene, Resource::Customers);
            checkout::invoice(scene, customer, minor, "USD", 0)
        }
        Resource::Payments => payment(scene, minor),
        Resource::ReceivableTransactions => {
            let (receivable, payment) = (any(scene, Resource::Receivables), any(scene, Resource::Payments));
            let source = ("Payment", Arc::clone(&scene.books.record(Resource::Payments, payment).id));
            checkout::application(scene, receivable, payment, source, minor, "USD")
        }
        Resource::Fees => {
            let payment = any(scene, Resource::Payments);
            let currency = currency_of(scene.books.record(Resource::Payments, payment));
            checkout::new_fee(scene, payment, Some(minor / 30), currency)
        }
        Resource::Refunds => {
            let payment = any(scene, Resource::Payments);
            reversal::new_refund(scene, payment, minor / 10, false, "paid")
        }
        Resource::Disputes => {
            let payment = any(scene, Resource::Payments);
            reversal::new_dispute(scene, payment, minor, false, "processing")
        }
        Resource::Withdrawals => {
            let to_post_ms = scene.stamp(scene.at_ms);
            let facts = Facts::Withdrawal(Withdrawal { to_post_ms, transfers: Vec::new() });
            let record = Record::new(scene.at_ms, "processing", facts).money(minor, "USD");
            scene.create(Resource::Withdrawals, record)
        }
        Resource::Transfers => {
            let withdrawal = row(scene, Resource::Withdrawals);
            payout::new_transfer(scene, withdrawal, minor, "USD", "processing")
        }
        Resource::TransferEntries => {
            let transfer = any(scene, Resource::Transfers);
            payout::new_entry(scene, transfer, minor)
        }
        Resource::CreditMemos => {
            let customer = any(scene, Resource::Customers);
            checkout::credit_memo(scene, customer, minor, "USD")
        }
    }
}

fn payment(scene: &mut Scene<'_>, minor: i64) -> RowNo {
    let customer = any(scene, Resource::Customers);
    let posted_ms = scene.stamp(scene.at_ms);
    let split = Split {
        kind: "absorb_all_fees",
        subtotal: super::cents(minor),
        payer_fees: super::cents(0),
        merchant_fees: super::cents(minor * 29 / 1000),
        discount: super::cents(0),
    };
    let payment = Payment {
        customer,
        rail: Rail::Card,
        split: Some(split),
        settlement: None,
        posted_ms: Some(posted_ms),
        paid_ms: None,
        failed_ms: None,
    };
    let record = Record::new(scene.at_ms, "posted", Facts::Payment(payment)).money(minor, "USD");
    let row = scene.create(Resource::Payments, record);
    checkout::new_fee(scene, row, Some(minor * 29 / 1000 + 30), "USD");
    row
}

/// A row that is there, or a new one.
fn any(scene: &mut Scene<'_>, resource: Resource) -> RowNo {
    let count = scene.books.table(resource).len();
    for _ in 0..8 {
        let candidate = scene.dice.below(count);
        if count > 0 && !scene.books.table(resource).row(candidate).removed {
            return candidate;
        }
    }
    row(scene, resource)
}
