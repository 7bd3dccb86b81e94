//! What each published body means.

#![expect(clippy::unnecessary_wraps, reason = "expected values are written as the fields hold them")]

use chrono::{DateTime, NaiveDate, Utc};

use super::{document, samples};
use crate::model::document::{
    CreditMemo, CreditMemoStatus, Customer, CustomerStatus, Dispute, DisputeStatus, DisputeType, Document, Facts, Fee,
    FeeSplit, FeeSplitType, FeeStatus, FeeType, OwnFee, Payment, PaymentStatus, Receivable, ReceivableStatus,
    ReceivableTransaction, Refund, RefundStatus, Settlement, SourceType, SubjectType, TransactionStatus, Transfer,
    TransferEntry, TransferStatus, Withdrawal,
};
use crate::model::ids::SourceId;
use crate::model::money::{Amount, Currency};
use crate::model::resource::Resource;

fn id(text: &str) -> Option<SourceId> {
    Some(SourceId::new(text))
}

fn money(text: &str) -> Option<Amount> {
    Some(Amount::parse(text).expect("amount"))
}

fn usd() -> Option<Currency> {
    Currency::parse("USD")
}

fn at(text: &str) -> Option<DateTime<Utc>> {
    Some(text.parse().expect("instant"))
}

fn day(text: &str) -> Option<NaiveDate> {
    Some(text.parse().expect("date"))
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// The document with the facts given; the rest is the head of every record.
fn expected(own: &str, amount: &str, created: &str, updated: &str, facts: Facts) -> Document {
    Document {
        id: SourceId::new(own),
        amount: money(amount),
        currency: usd(),
        created_at: at(created),
        updated_at: at(updated),
        facts,
    }
}

#[test]
fn a_customer_is_keyed_by_the_erp_and_names_its_payer() {
    let customer = document(Resource::Customers, samples::CUSTOMER);
    assert_eq!((customer.amount, customer.currency.clone(), customer.status()), (None, None, Some("active")));
    assert_eq!(
        customer.facts,
        Facts::Customer(Customer {
            status: Some(CustomerStatus::Active),
            customer_ref: text("C-10045"),
            payer_id: id("py3f8h1j6d4s9g2l7k0c5x8v"),
            name: text("Northwind Dental"),
            email: text("ap@northwind.example"),
            contact_first_name: text("Ana"),
            contact_last_name: text("Ruiz"),
        })
    );
    let by_payer = document(Resource::Customers, r#"{"id":"pc1","name":"N","payer":{"externalId":"C-1"}}"#);
    let Facts::Customer(customer) = by_payer.facts else { panic!("not a customer") };
    assert_eq!((customer.customer_ref, customer.name, customer.status), (text("C-1"), text("N"), None));
}

#[test]
fn both_receivable_shapes_mean_the_same_invoice() {
    let newer = document(Resource::Receivables, samples::RECEIVABLE);
    let facts = Receivable {
        status: Some(ReceivableStatus::Active),
        ext_id: text("INV-2201"),
        customer_ref: text("C-10045"),
        payer_customer_id: id("pc7k2m9q4x1v8b3n6t0z5w2a"),
        amount_paid: money("100.00"),
        payer_email: text("ap@northwind.example"),
        date_posted: day("2026-05-01"),
        date_due: day("2026-05-31"),
        date_paid: None,
    };
    let own = "rc1a9s8d7f6g5h4j3k2l1z0x";
    let created = "2026-05-01T14:00:00Z";
    assert_eq!(newer, expected(own, "250.00", created, "2026-05-11T21:35:00Z", Facts::Receivable(facts.clone())));

    let older = document(Resource::Receivables, samples::OLDER_RECEIVABLE);
    let fewer =
        Receivable { customer_ref: None, payer_customer_id: None, payer_email: None, date_posted: None, ..facts };
    assert_eq!(older, Document { created_at: None, updated_at: None, facts: Facts::Receivable(fewer), ..newer });
    assert_eq!(older.status(), Some("active"));
}

#[test]
fn an_application_takes_its_amount_and_currency_from_the_invoice_part() {
    let facts = ReceivableTransaction {
        status: Some(TransactionStatus::Active),
        receivable_id: id("rc1a9s8d7f6g5h4j3k2l1z0x"),
        payment_id: id("pm6y3u9i1o7p4a8s2d5f0g3h"),
        resource_type: Some(SubjectType::Payment),
        resource_id: id("pm6y3u9i1o7p4a8s2d5f0g3h"),
        payment_origin: text("reminder"),
        receivable_ext_id: text("INV-2201"),
        customer_ref: text("C-10045"),
        payer_customer_id: None,
        payment_currency: usd(),
    };
    let stamp = "2026-05-11T21:35:00Z";
    assert_eq!(
        document(Resource::ReceivableTransactions, samples::TRANSACTION),
        expected("rt4v7b1n8m2c5x9z3l6k0j4h", "100.00", stamp, stamp, Facts::ReceivableTransaction(facts))
    );
    let foreign =
        r#"{"id":"rt1","amountApplied":1,"receivable":{"currency":"USD"},"payment":{"id":"pm1","currency":"EUR"}}"#;
    let foreign = document(Resource::ReceivableTransactions, foreign);
    assert_eq!(foreign.currency, usd());
    let Facts::ReceivableTransaction(facts) = foreign.facts else { panic!("not a transaction") };
    assert_eq!((facts.payment_id, facts.payment_currency), (id("pm1"), Currency::parse("EUR")));
}

#[test]
fn a_payment_says_gross_split_and_what_it_embeds() {
    let payment = Payment {
        status: Some(PaymentStatus::Posted),
        settlement: Settlement { amount: money("103.00"), currency: usd() },
        customer_ref: text("C-10045"),
        payer_id: id("py3f8h1j6d4s9g2l7k0c5x8v"),
        owner_id: id("mr5t8y2u6i9o3p7a1s4d0f6g"),
        account_key: text("default"),
        external_id: None,
        source_type: Some(SourceType::Card),
        source_id: id("cd2w5e8r1t4y7u0i3o6p9a2s"),
        source_brand: text("visa"),
        source_bank_name: None,
        source_last4: text("4242"),
        posted_at: at("2026-05-11T21:34:58Z"),
        paid_at: None,
        failed_at: None,
        fee_split: Some(FeeSplit {
            split_type: Some(FeeSplitType::RecoupCustomOfSubtotal),
            fee_type: text("cardPayment.posted"),
            currency: usd(),
            subtotal: money("100.00"),
            payer_total_fees: money("3.00"),
            merchant_total_fees: money("0.00"),
            payer_total: money("103.00"),
            payer_discount: money("0.00"),
        }),
        fee_ids: Some(vec![SourceId::new("fe8n5b2v9c6x3z0l7k4j1h8g")]),
        refund_ids: Some(Vec::new()),
        dispute_ids: Some(Vec::new()),
    };
    let facts = Facts::Payment(Box::new(payment));
    assert_eq!(
        document(Resource::Payments, samples::PAYMENT),
        expected("pm6y3u9i1o7p4a8s2d5f0g3h", "103.00", "2026-05-11T21:34:51Z", "2026-05-11T21:34:58Z", facts)
    );
}

#[test]
fn an_older_discount_is_the_payer_discount() {
    let body =
        r#"{"id":"pm1","amount":95,"feeSplit":{"feeSplitType":"discount_fees","discount":"5.00","subtotal":100}}"#;
    let Facts::Payment(payment) = document(Resource::Payments, body).facts else { panic!("not a payment") };
    let split = payment.fee_split.expect("a split");
    assert_eq!((split.split_type, split.payer_discount), (Some(FeeSplitType::DiscountFees), money("5.00")));
    assert_eq!((payment.fee_ids, payment.status), (None, None));
}

#[test]
fn a_delayed_fee_has_no_amount_rather_than_zero() {
    let fee = Fee {
        status: Some(FeeStatus::Active),
        fee_type: Some(FeeType::Paystand),
        resource_amount: money("103.00"),
        resource_type: Some(SubjectType::Payment),
        resource_id: id("pm6y3u9i1o7p4a8s2d5f0g3h"),
        payment_id: id("pm6y3u9i1o7p4a8s2d5f0g3h"),
        payer_id: id("py3f8h1j6d4s9g2l7k0c5x8v"),
    };
    let own = "fe8n5b2v9c6x3z0l7k4j1h8g";
    let created = "2026-05-11T21:34:58Z";
    assert_eq!(
        document(Resource::Fees, samples::FEE),
        expected(own, "2.50", created, "2026-05-11T22:10:03Z", Facts::Fee(fee.clone()))
    );
    let delayed = r#"{"id":"fe8n5b2v9c6x3z0l7k4j1h8g","feeType":"Delayed","resourceAmount":103.00,"status":"active",
        "resource":{"object":"payment","id":"pm6y3u9i1o7p4a8s2d5f0g3h","payerId":"py3f8h1j6d4s9g2l7k0c5x8v"}}"#;
    let delayed = document(Resource::Fees, delayed);
    assert_eq!(delayed.amount, None);
    assert_eq!(delayed.facts, Facts::Fee(Fee { fee_type: Some(FeeType::Delayed), ..fee }));
}

#[test]
fn a_fee_of_a_dispute_is_not_a_fee_of_a_payment_with_that_id() {
    let body = r#"{"id":"fe1","resourceType":"Dispute","resourceId":"dp1","resource":{"id":"dp1","paymentId":"pm1"}}"#;
    let Facts::Fee(fee) = document(Resource::Fees, body).facts else { panic!("not a fee") };
    assert_eq!((fee.resource_id, fee.payment_id), (id("dp1"), id("pm1")));
    let Facts::Fee(fee) = document(Resource::Fees, r#"{"id":"fe1","resourceType":"Dispute","resourceId":"dp1"}"#).facts
    else {
        panic!("not a fee")
    };
    assert_eq!(fee.payment_id, None);
}

#[test]
fn a_refund_names_its_payment_and_whether_fees_come_back() {
    let refund = Refund {
        status: Some(RefundStatus::Paid),
        settlement: Settlement { amount: money("40.00"), currency: usd() },
        payment_id: id("pm6y3u9i1o7p4a8s2d5f0g3h"),
        resource_type: Some(SubjectType::Payment),
        resource_id: id("pm6y3u9i1o7p4a8s2d5f0g3h"),
        payer_id: None,
        customer_ref: None,
        account_key: None,
        fees_refunded: Some(false),
        fees: None,
        reason: None,
        description: None,
    };
    assert_eq!(
        document(Resource::Refunds, samples::REFUND),
        expected(
            "rf9z6x3c0v7b4n1m8a5s2d9f",
            "40.00",
            "2026-05-12T16:00:00Z",
            "2026-05-12T16:20:00Z",
            Facts::Refund(refund)
        )
    );
    let body =
        r#"{"id":"rf1","feesRefunded":"true","fees":[{"id":"fe1","amount":1.10,"currency":"usd","feeType":"refund"}]}"#;
    let Facts::Refund(refund) = document(Resource::Refunds, body).facts else { panic!("not a refund") };
    let fee = OwnFee {
        id: id("fe1"),
        fee_type: Some(FeeType::Unknown("refund".to_owned())),
        amount: money("1.10"),
        currency: usd(),
    };
    assert_eq!((refund.fees_refunded, refund.fees), (Some(true), Some(vec![fee])));
}

#[test]
fn a_dispute_tells_an_ach_return_and_keeps_its_fee_apart() {
    let dispute = Dispute {
        status: Some(DisputeStatus::Processing),
        settlement: Settlement { amount: money("150.00"), currency: usd() },
        payment_id: id("pm1l4k7j0h3g6f9d2s5a8q1w"),
        resource_type: Some(SubjectType::Payment),
        resource_id: id("pm1l4k7j0h3g6f9d2s5a8q1w"),
        payer_id: None,
        customer_ref: None,
        account_key: None,
        dispute_type: Some(DisputeType::Bank),
        amount_won: money("0.00"),
        dispute_fee: money("35.00"),
        fees: Some(Vec::new()),
        closed: Some(false),
        reason: text("Insufficient Funds"),
    };
    assert_eq!(
        document(Resource::Disputes, samples::DISPUTE),
        expected(
            "dp3q0w7e4r1t8y5u2i9o6p3a",
            "150.00",
            "2026-05-12T09:00:00Z",
            "2026-05-12T09:00:02Z",
            Facts::Dispute(dispute)
        )
    );
}

#[test]
fn a_transfer_names_its_withdrawal() {
    let transfer = Transfer {
        status: Some(TransferStatus::Paid),
        withdrawal_id: id("wd2f9g6h3j0k7l4z1x8c5v2b"),
        resource_type: Some(SubjectType::Withdrawal),
        resource_id: id("wd2f9g6h3j0k7l4z1x8c5v2b"),
        bank_id: id("bk7u4y1t8r5e2w9q6p3o0i7u"),
        account_key: text("default"),
        provider: text("vantiv"),
        description: None,
        reason: None,
        to_post_at: at("2026-05-12T21:30:59Z"),
        posted_at: None,
        settled_at: at("2026-05-14T13:00:00Z"),
        failed_at: None,
    };
    assert_eq!(
        document(Resource::Transfers, samples::TRANSFER),
        expected(
            "tr5g2h9j6k3l0z7x4c1v8b5n",
            "424.67",
            "2026-05-12T21:30:59Z",
            "2026-05-14T13:00:01Z",
            Facts::Transfer(transfer)
        )
    );
}

#[test]
fn a_report_entry_is_keyed_by_what_it_pays_and_keeps_its_sign() {
    let entry = TransferEntry {
        status: None,
        transfer_id: id("tr5g2h9j6k3l0z7x4c1v8b5n"),
        resource_type: Some(SubjectType::Fee),
        resource_id: id("fe4d1f8g5h2j9k6l3z0x7c4v"),
        resource_status: text("active"),
        payment_id: None,
        payer_name: text("Northwind Dental"),
        description: None,
    };
    assert_eq!(
        document(Resource::TransferEntries, samples::TRANSFER_ENTRY),
        Document {
            id: SourceId::new("tr5g2h9j6k3l0z7x4c1v8b5n:fee:fe4d1f8g5h2j9k6l3z0x7c4v:-7.83"),
            amount: money("-7.83"),
            currency: None,
            created_at: None,
            updated_at: None,
            facts: Facts::TransferEntry(entry),
        }
    );
}

#[test]
fn a_withdrawal_embeds_the_ids_of_its_transfers() {
    let withdrawal = Withdrawal {
        status: Some(TransferStatus::Processing),
        transfer_ids: Some(vec![SourceId::new("tr5g2h9j6k3l0z7x4c1v8b5n")]),
        bank_id: id("bk7u4y1t8r5e2w9q6p3o0i7u"),
        account_key: text("default"),
        description: None,
        has_transactions: Some(false),
        to_post_at: at("2026-05-12T21:30:59Z"),
    };
    let stamp = "2026-05-12T21:30:59Z";
    assert_eq!(
        document(Resource::Withdrawals, samples::WITHDRAWAL),
        expected("wd2f9g6h3j0k7l4z1x8c5v2b", "424.67", stamp, stamp, Facts::Withdrawal(withdrawal))
    );
}

#[test]
fn a_credit_memo_reads_month_first_dates_and_numbers() {
    let memo = CreditMemo {
        status: Some(CreditMemoStatus::Active),
        ext_id: text("CM-88"),
        ext_key: text("CM-88"),
        customer_ref: text("C-10045"),
        payer_customer_id: None,
        amount_remaining: money("25.0"),
        date_created: day("2026-05-01"),
        date_posted: day("2026-05-02"),
    };
    let stamp = "2026-05-01T14:10:00Z";
    assert_eq!(
        document(Resource::CreditMemos, samples::CREDIT_MEMO),
        expected("cm6b3n0m7v4c1x8z5l2k9j6h", "25.0", stamp, stamp, Facts::CreditMemo(memo))
    );
}
