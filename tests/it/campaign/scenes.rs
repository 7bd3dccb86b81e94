//! Small scenes that several tests play: rows that change, rows of one payer, rules taken away.

use std::time::Duration;

use paystand_sync::model::ids::SourceId;
use paystand_sync::model::resource::Resource;
use paystand_sync::sandbox::{CUSTOMER_ID, Draft, Edit, Shown};

use super::audit::{Promise, Report, audit};
use super::stage::{End, Stage};

impl Stage {
    /// Delivers, and audits with what may be demanded of a quiet world.
    pub async fn judged(&mut self) -> Report {
        assert_eq!(self.deliver().await, End::Complete, "{:?}", self.complaint);
        audit(self, Promise::default()).await
    }

    /// The end of a scene that must have lost nothing.
    pub async fn ends_clean(mut self) {
        self.judged().await.assert_clean();
        self.strike().await;
    }

    /// New rows, `pause` apart.
    pub fn create_rows(&self, resource: Resource, rows: usize, pause: Duration) -> Vec<SourceId> {
        let create = |_| {
            self.advance(pause);
            self.world.create(CUSTOMER_ID, resource, Draft::default()).expect("works in a test")
        };
        (0..rows).map(create).collect()
    }

    /// A new row that lists show late.
    pub fn create_late(&self, resource: Resource, edit: Edit) -> SourceId {
        self.world.create(CUSTOMER_ID, resource, Draft { edit, ..Draft::default() }).expect("works in a test")
    }

    /// A change of a row that touches nothing but its `meta`.
    pub fn touch(&self, resource: Resource, id: &str) {
        self.edit(resource, id, Edit::default());
    }

    /// The same with more to it.
    pub fn edit(&self, resource: Resource, id: &str, edit: Edit) {
        let mut edit = edit;
        edit.meta.insert("changed".to_owned(), self.now().to_rfc3339());
        self.world.edit(CUSTOMER_ID, resource, id, edit).expect("works in a test");
    }

    /// Touches up to `rows` rows in an order that neither the order of creation nor its reverse explains, `pause` apart.
    pub fn touch_mixed(&self, resource: Resource, rows: usize, pause: Duration) {
        let all = self.world.rows_now(resource);
        let chosen = all.len().saturating_sub(rows);
        let (even, odd): (Vec<_>, Vec<_>) = all[chosen..].iter().enumerate().partition(|(place, _)| place % 2 == 0);
        for (_, row) in even.into_iter().chain(odd) {
            self.advance(pause);
            self.touch(resource, row.id.as_str());
        }
    }

    /// An open invoice without any payment and a captured payment of the same customer that lacks its amount.
    pub fn invoice_and_payment(&self) -> (Shown, Shown) {
        for _ in 0..400 {
            let payment =
                self.world.create(CUSTOMER_ID, Resource::Payments, Draft::default()).expect("works in a test");
            let payments = self.world.rows_now(Resource::Payments);
            let payment = payments.into_iter().find(|row| row.id == payment).expect("works in a test");
            let value: serde_json::Value = serde_json::from_slice(&payment.body).expect("works in a test");
            let payer = value["payer"]["externalId"].as_str().expect("works in a test").to_owned();
            let is_open = |row: &Shown| {
                let value: serde_json::Value = serde_json::from_slice(&row.body).expect("works in a test");
                row.status == "active" && value["extCustomerId"] == payer.as_str() && value["amountPaid"] == "0.00"
            };
            if let Some(invoice) = self.world.rows_now(Resource::Receivables).into_iter().find(is_open) {
                return (invoice, payment);
            }
        }
        panic!("no customer has an open invoice");
    }

    /// The refund of a payment appears among the transactions of an invoice, and nothing else changes.
    pub fn apply_refund_silently(&self, invoice: &Shown, payment: &Shown, refund: &SourceId) -> SourceId {
        let draft = Draft {
            parent: Some(invoice.id.as_str().to_owned()),
            payment: Some(payment.id.as_str().to_owned()),
            refund: Some(refund.as_str().to_owned()),
            ..Draft::default()
        };
        self.world.create(CUSTOMER_ID, Resource::ReceivableTransactions, draft).expect("works in a test")
    }

    /// What the payment pays of the invoice appears among the transactions, and nothing else changes.
    pub fn apply_silently(&self, invoice: &Shown, payment: &Shown) -> SourceId {
        let draft = Draft {
            parent: Some(invoice.id.as_str().to_owned()),
            payment: Some(payment.id.as_str().to_owned()),
            edit: Edit {
                amount: payment.amount.as_ref().map(|amount| amount.parse().expect("works in a test")),
                ..Edit::default()
            },
            ..Draft::default()
        };
        self.world.create(CUSTOMER_ID, Resource::ReceivableTransactions, draft).expect("works in a test")
    }
}
