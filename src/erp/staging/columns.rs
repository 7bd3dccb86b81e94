//! The columns of each table and where a document says what goes into them.
//!
//! Pure. The tables themselves stand in `schema/`; a test holds the two together.

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};

use crate::model::document::{
    CreditMemo, Customer, Dispute, DisputeType, Document, Facts, Fee, FeeSplit, FeeSplitType, FeeType, Payment,
    Receivable, ReceivableTransaction, Refund, SourceType, SubjectType, Transfer, TransferEntry, Withdrawal,
};
use crate::model::ids::SourceId;
use crate::model::money::{Amount, Currency};
use crate::model::resource::Resource;
use crate::normalize::{mask_key, mask_text};

/// One column of a table and how a document, or what only its resource says, fills it.
struct Column<F> {
    name: &'static str,
    source: Source<F>,
}

/// Every cell travels as text and is cast in SQL, so that money stays exact and a batch is a handful of arrays.
enum Source<F> {
    Id(fn(&F) -> Option<&SourceId>),
    /// A key of the ERP: like an id, masked only where it is prose.
    Key(fn(&F) -> Option<&str>),
    /// Prose or an undocumented word: card numbers in it are masked (I10).
    Text(fn(&F) -> Option<&str>),
    Money(fn(&F) -> Option<Amount>),
    Instant(fn(&F) -> Option<DateTime<Utc>>),
    Date(fn(&F) -> Option<NaiveDate>),
    Flag(fn(&F) -> Option<bool>),
    Ids(fn(&F) -> Option<&[SourceId]>),
}

impl<F> Source<F> {
    const fn sql_type(&self) -> &'static str {
        match self {
            Source::Id(_) | Source::Key(_) | Source::Text(_) => "text",
            Source::Money(_) => "numeric",
            Source::Instant(_) => "timestamptz",
            Source::Date(_) => "date",
            Source::Flag(_) => "boolean",
            Source::Ids(_) => "jsonb",
        }
    }

    fn cell(&self, from: &F) -> Option<String> {
        match self {
            Source::Id(read) => read(from).map(|id| id.as_str().to_owned()),
            Source::Key(read) => read(from).map(mask_key),
            Source::Text(read) => read(from).map(mask_text),
            Source::Money(read) => read(from).map(|amount| amount.to_string()),
            Source::Instant(read) => read(from).map(instant),
            Source::Date(read) => read(from).map(|date| date.to_string()),
            Source::Flag(read) => read(from).map(|flag| flag.to_string()),
            Source::Ids(read) => {
                read(from).map(|ids| ids.iter().map(SourceId::as_str).collect::<serde_json::Value>().to_string())
            }
        }
    }
}

/// A timestamp as Postgres reads it.
pub(super) fn instant(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// The names and types of the columns that a document of this resource fills, in the order of [`cells`].
pub(super) fn columns(resource: Resource) -> Vec<(&'static str, &'static str)> {
    let mut columns = named(HEAD);
    columns.extend(match resource {
        Resource::Customers => named(CUSTOMER),
        Resource::Receivables => named(RECEIVABLE),
        Resource::ReceivableTransactions => named(RECEIVABLE_TRANSACTION),
        Resource::Payments => named(PAYMENT),
        Resource::Fees => named(FEE),
        Resource::Refunds => named(REFUND),
        Resource::Disputes => named(DISPUTE),
        Resource::Transfers => named(TRANSFER),
        Resource::TransferEntries => named(TRANSFER_ENTRY),
        Resource::Withdrawals => named(WITHDRAWAL),
        Resource::CreditMemos => named(CREDIT_MEMO),
    });
    columns
}

/// What the document says for [`columns`], each as text.
pub(super) fn cells(document: &Document) -> Vec<Option<String>> {
    let mut cells = filled(HEAD, document);
    cells.extend(match &document.facts {
        Facts::Customer(customer) => filled(CUSTOMER, customer),
        Facts::Receivable(receivable) => filled(RECEIVABLE, receivable),
        Facts::ReceivableTransaction(transaction) => filled(RECEIVABLE_TRANSACTION, transaction),
        Facts::Payment(payment) => filled(PAYMENT, payment),
        Facts::Fee(fee) => filled(FEE, fee),
        Facts::Refund(refund) => filled(REFUND, refund),
        Facts::Dispute(dispute) => filled(DISPUTE, dispute),
        Facts::Transfer(transfer) => filled(TRANSFER, transfer),
        Facts::TransferEntry(entry) => filled(TRANSFER_ENTRY, entry),
        Facts::Withdrawal(withdrawal) => filled(WITHDRAWAL, withdrawal),
        Facts::CreditMemo(memo) => filled(CREDIT_MEMO, memo),
    });
    cells
}

fn named<F>(columns: &[Column<F>]) -> Vec<(&'static str, &'static str)> {
    columns.iter().map(|column| (column.name, column.source.sql_type())).collect()
}

fn filled<F>(columns: &[Column<F>], from: &F) -> Vec<Option<String>> {
    columns.iter().map(|column| column.source.cell(from)).collect()
}

/// Shorthand that keeps a table of columns readable: `Kind("name", |facts| …)`.
macro_rules! columns {
    ($($kind:ident($name:literal, $read:expr),)+) => {
        &[$(Column { name: $name, source: Source::$kind($read) },)+]
    };
}

const HEAD: &[Column<Document>] = columns![
    Id("id", |document| Some(&document.id)),
    Text("status", Document::status),
    Money("amount", |document| document.amount),
    Text("currency", |document| document.currency.as_ref().map(Currency::as_str)),
    Instant("created_at", |document| document.created_at),
    Instant("updated_at", |document| document.updated_at),
];

const CUSTOMER: &[Column<Customer>] = columns![
    Key("customer_ref", |customer| customer.customer_ref.as_deref()),
    Id("payer_id", |customer| customer.payer_id.as_ref()),
    Text("name", |customer| customer.name.as_deref()),
    Text("email", |customer| customer.email.as_deref()),
    Text("contact_first_name", |customer| customer.contact_first_name.as_deref()),
    Text("contact_last_name", |customer| customer.contact_last_name.as_deref()),
];

const RECEIVABLE: &[Column<Receivable>] = columns![
    Key("ext_id", |receivable| receivable.ext_id.as_deref()),
    Key("customer_ref", |receivable| receivable.customer_ref.as_deref()),
    Id("payer_customer_id", |receivable| receivable.payer_customer_id.as_ref()),
    Money("amount_paid", |receivable| receivable.amount_paid),
    Text("payer_email", |receivable| receivable.payer_email.as_deref()),
    Date("date_posted", |receivable| receivable.date_posted),
    Date("date_due", |receivable| receivable.date_due),
    Date("date_paid", |receivable| receivable.date_paid),
];

const RECEIVABLE_TRANSACTION: &[Column<ReceivableTransaction>] = columns![
    Id("receivable_id", |transaction| transaction.receivable_id.as_ref()),
    Id("payment_id", |transaction| transaction.payment_id.as_ref()),
    Text("resource_type", |transaction| transaction.resource_type.as_ref().map(SubjectType::as_str)),
    Id("resource_id", |transaction| transaction.resource_id.as_ref()),
    Text("payment_origin", |transaction| transaction.payment_origin.as_deref()),
    Key("ext_id", |transaction| transaction.receivable_ext_id.as_deref()),
    Key("customer_ref", |transaction| transaction.customer_ref.as_deref()),
    Id("payer_customer_id", |transaction| transaction.payer_customer_id.as_ref()),
    Text("payment_currency", |transaction| transaction.payment_currency.as_ref().map(Currency::as_str)),
];

const PAYMENT: &[Column<Payment>] = columns![
    Money("settlement_amount", |payment| payment.settlement.amount),
    Text("settlement_currency", |payment| payment.settlement.currency.as_ref().map(Currency::as_str)),
    Key("customer_ref", |payment| payment.customer_ref.as_deref()),
    Id("payer_id", |payment| payment.payer_id.as_ref()),
    Id("owner_id", |payment| payment.owner_id.as_ref()),
    Text("account_key", |payment| payment.account_key.as_deref()),
    Key("external_id", |payment| payment.external_id.as_deref()),
    Text("source_type", |payment| payment.source_type.as_ref().map(SourceType::as_str)),
    Id("source_id", |payment| payment.source_id.as_ref()),
    Text("source_brand", |payment| payment.source_brand.as_deref()),
    Text("source_bank_name", |payment| payment.source_bank_name.as_deref()),
    Text("source_last4", |payment| payment.source_last4.as_deref()),
    Instant("posted_at", |payment| payment.posted_at),
    Instant("paid_at", |payment| payment.paid_at),
    Instant("failed_at", |payment| payment.failed_at),
    Text("fee_split_type", |payment| split(payment)?.split_type.as_ref().map(FeeSplitType::as_str)),
    Money("subtotal", |payment| split(payment)?.subtotal),
    Money("payer_total_fees", |payment| split(payment)?.payer_total_fees),
    Money("merchant_total_fees", |payment| split(payment)?.merchant_total_fees),
    Money("payer_total", |payment| split(payment)?.payer_total),
    Money("payer_discount", |payment| split(payment)?.payer_discount),
];

const fn split(payment: &Payment) -> Option<&FeeSplit> {
    payment.fee_split.as_ref()
}

const FEE: &[Column<Fee>] = columns![
    Id("payment_id", |fee| fee.payment_id.as_ref()),
    Text("fee_type", |fee| fee.fee_type.as_ref().map(FeeType::as_str)),
    Text("resource_type", |fee| fee.resource_type.as_ref().map(SubjectType::as_str)),
    Id("resource_id", |fee| fee.resource_id.as_ref()),
    Money("resource_amount", |fee| fee.resource_amount),
    Id("payer_id", |fee| fee.payer_id.as_ref()),
];

const REFUND: &[Column<Refund>] = columns![
    Id("payment_id", |refund| refund.payment_id.as_ref()),
    Text("resource_type", |refund| refund.resource_type.as_ref().map(SubjectType::as_str)),
    Id("resource_id", |refund| refund.resource_id.as_ref()),
    Id("payer_id", |refund| refund.payer_id.as_ref()),
    Key("customer_ref", |refund| refund.customer_ref.as_deref()),
    Text("account_key", |refund| refund.account_key.as_deref()),
    Money("settlement_amount", |refund| refund.settlement.amount),
    Text("settlement_currency", |refund| refund.settlement.currency.as_ref().map(Currency::as_str)),
    Flag("fees_refunded", |refund| refund.fees_refunded),
    Text("reason", |refund| refund.reason.as_deref()),
    Text("description", |refund| refund.description.as_deref()),
];

const DISPUTE: &[Column<Dispute>] = columns![
    Id("payment_id", |dispute| dispute.payment_id.as_ref()),
    Text("resource_type", |dispute| dispute.resource_type.as_ref().map(SubjectType::as_str)),
    Id("resource_id", |dispute| dispute.resource_id.as_ref()),
    Id("payer_id", |dispute| dispute.payer_id.as_ref()),
    Key("customer_ref", |dispute| dispute.customer_ref.as_deref()),
    Text("account_key", |dispute| dispute.account_key.as_deref()),
    Money("settlement_amount", |dispute| dispute.settlement.amount),
    Text("settlement_currency", |dispute| dispute.settlement.currency.as_ref().map(Currency::as_str)),
    Text("dispute_type", |dispute| dispute.dispute_type.as_ref().map(DisputeType::as_str)),
    Money("amount_won", |dispute| dispute.amount_won),
    Money("dispute_fee", |dispute| dispute.dispute_fee),
    Flag("closed", |dispute| dispute.closed),
    Text("reason", |dispute| dispute.reason.as_deref()),
];

const TRANSFER: &[Column<Transfer>] = columns![
    Id("withdrawal_id", |transfer| transfer.withdrawal_id.as_ref()),
    Text("resource_type", |transfer| transfer.resource_type.as_ref().map(SubjectType::as_str)),
    Id("resource_id", |transfer| transfer.resource_id.as_ref()),
    Id("bank_id", |transfer| transfer.bank_id.as_ref()),
    Text("account_key", |transfer| transfer.account_key.as_deref()),
    Text("provider", |transfer| transfer.provider.as_deref()),
    Text("description", |transfer| transfer.description.as_deref()),
    Text("reason", |transfer| transfer.reason.as_deref()),
    Instant("to_post_at", |transfer| transfer.to_post_at),
    Instant("posted_at", |transfer| transfer.posted_at),
    Instant("settled_at", |transfer| transfer.settled_at),
    Instant("failed_at", |transfer| transfer.failed_at),
];

const TRANSFER_ENTRY: &[Column<TransferEntry>] = columns![
    Id("transfer_id", |entry| entry.transfer_id.as_ref()),
    Id("payment_id", |entry| entry.payment_id.as_ref()),
    Text("resource_type", |entry| entry.resource_type.as_ref().map(SubjectType::as_str)),
    Id("resource_id", |entry| entry.resource_id.as_ref()),
    Text("resource_status", |entry| entry.resource_status.as_deref()),
    Text("payer_name", |entry| entry.payer_name.as_deref()),
    Text("description", |entry| entry.description.as_deref()),
];

const WITHDRAWAL: &[Column<Withdrawal>] = columns![
    Ids("transfer_ids", |withdrawal| withdrawal.transfer_ids.as_deref()),
    Id("bank_id", |withdrawal| withdrawal.bank_id.as_ref()),
    Text("account_key", |withdrawal| withdrawal.account_key.as_deref()),
    Text("description", |withdrawal| withdrawal.description.as_deref()),
    Flag("has_transactions", |withdrawal| withdrawal.has_transactions),
    Instant("to_post_at", |withdrawal| withdrawal.to_post_at),
];

const CREDIT_MEMO: &[Column<CreditMemo>] = columns![
    Key("ext_id", |memo| memo.ext_id.as_deref()),
    Key("ext_key", |memo| memo.ext_key.as_deref()),
    Key("customer_ref", |memo| memo.customer_ref.as_deref()),
    Id("payer_customer_id", |memo| memo.payer_customer_id.as_ref()),
    Money("amount_remaining", |memo| memo.amount_remaining),
    Date("date_created", |memo| memo.date_created),
    Date("date_posted", |memo| memo.date_posted),
];
