//! Changes by hand, for tests and the admin routes: create, edit, remove, set a report.
//!
//! They go through the same scene as everything else, so quirks apply to them unless the edit says otherwise.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::Deserialize;

use crate::model::ids::SourceId;
use crate::model::resource::Resource;
use crate::sandbox::books::Books;
use crate::sandbox::days::SECOND_MS;
use crate::sandbox::generator::fresh;
use crate::sandbox::record::{Facts, Record, RowNo};
use crate::sandbox::scene::Bump;
use crate::sandbox::world::World;

/// Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MutationError {
    #[error("no merchant has the customer id `{0}`")]
    UnknownMerchant(String),
    #[error("there is no {resource} `{id}`")]
    UnknownRow { resource: Resource, id: String },
}

/// What to change; what is absent stays.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Edit {
    pub status: Option<String>,
    /// In JSON as text.
    pub amount: Option<Decimal>,
    pub currency: Option<String>,
    /// Keys to set.
    pub meta: BTreeMap<String, String>,
    /// Of receivables and credit memos: the merchant's own key.
    pub ext_id: Option<String>,
    /// Of receivables.
    pub amount_paid: Option<Decimal>,
    /// Of fees.
    pub fee_type: Option<String>,
    /// Exactly this, in place of now.
    pub last_updated: Option<DateTime<Utc>>,
    /// `lastUpdated` stays as it was.
    pub unbumped: bool,
    /// How long lists go on showing the old state; absent, the quirks decide.
    pub lag_seconds: Option<u32>,
}

/// A new row: plausible values, except for what is given.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Draft {
    pub id: Option<String>,
    pub created: Option<DateTime<Utc>>,
    /// The id of the payment, receivable, transfer or withdrawal that it belongs to.
    pub parent: Option<String>,
    /// Of receivable transactions: the id of the payment.
    pub payment: Option<String>,
    /// Of receivable transactions: the id of the refund that the row shows instead of the payment.
    pub refund: Option<String>,
    pub edit: Edit,
}

/// One change, as the admin route takes it. Without `merchant` the first one is meant.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub enum Mutation {
    Create {
        merchant: Option<String>,
        resource: Resource,
        #[serde(default)]
        draft: Draft,
    },
    Edit {
        merchant: Option<String>,
        resource: Resource,
        id: String,
        edit: Edit,
    },
    Remove {
        merchant: Option<String>,
        resource: Resource,
        id: String,
    },
    /// Sets the status, and perhaps the amount, of a transfer's report.
    Report {
        merchant: Option<String>,
        transfer: String,
        status: String,
        amount: Option<Decimal>,
    },
    RevokeTokens,
}

impl Edit {
    pub(crate) fn apply(self, record: &mut Record) {
        if let Some(status) = self.status {
            record.status = status.into();
        }
        if let Some(amount) = self.amount {
            record.amount = Some(amount);
        }
        if let Some(currency) = self.currency {
            record.currency = currency.into();
        }
        record.meta.extend(self.meta);
        match &mut record.facts {
            Facts::Receivable(receivable) => {
                if let Some(ext_id) = self.ext_id {
                    receivable.ext_id = Arc::from(ext_id);
                }
                if let Some(amount_paid) = self.amount_paid {
                    receivable.amount_paid = amount_paid;
                }
            }
            Facts::CreditMemo(memo) => {
                if let Some(ext_id) = self.ext_id {
                    memo.ext_id = Arc::from(ext_id);
                }
            }
            Facts::Fee(fee) => {
                if let Some(fee_type) = self.fee_type {
                    fee.kind = fee_type.into();
                }
            }
            _ => {}
        }
    }

    pub(crate) fn lag_ms(&self) -> Option<i64> {
        self.lag_seconds.map(|seconds| i64::from(seconds) * SECOND_MS)
    }
}

impl Draft {
    /// Gives `record`, not yet taken in, what the draft asks for. Unknown parents leave the plausible one.
    pub(crate) fn apply(self, books: &Books, record: &mut Record) {
        if let Some(id) = self.id {
            record.id = Arc::from(id);
        }
        if let Some(created) = self.created {
            record.created_ms = created.timestamp_millis();
            record.updated_ms = record.created_ms;
        }
        if let Some(last_updated) = self.edit.last_updated {
            record.updated_ms = last_updated.timestamp_millis();
        }
        let find = |resource: Resource, id: &Option<String>| books.table(resource).find(id.as_deref()?);
        let set = |slot: &mut RowNo, found: Option<RowNo>| *slot = found.unwrap_or(*slot);
        match &mut record.facts {
            Facts::Application(application) => {
                set(&mut application.receivable, find(Resource::Receivables, &self.parent));
                if let Some(payment) = find(Resource::Payments, &self.payment) {
                    application.payment = payment;
                    application.source = ("Payment", Arc::clone(&books.record(Resource::Payments, payment).id));
                }
                if let Some(refund) = find(Resource::Refunds, &self.refund) {
                    application.source = ("Refund", Arc::clone(&books.record(Resource::Refunds, refund).id));
                }
            }
            Facts::Fee(fee) => set(&mut fee.payment, find(Resource::Payments, &self.parent)),
            Facts::Refund(refund) => set(&mut refund.payment, find(Resource::Payments, &self.parent)),
            Facts::Dispute(dispute) => set(&mut dispute.payment, find(Resource::Payments, &self.parent)),
            Facts::Transfer(transfer) => set(&mut transfer.withdrawal, find(Resource::Withdrawals, &self.parent)),
            Facts::Entry(entry) => set(&mut entry.transfer, find(Resource::Transfers, &self.parent)),
            Facts::Customer(_)
            | Facts::Receivable(_)
            | Facts::Payment(_)
            | Facts::Withdrawal(_)
            | Facts::CreditMemo(_) => {}
        }
        self.edit.apply(record);
    }
}

impl World {
    /// Creates a row now; returns its id.
    pub fn create(&self, customer_id: &str, resource: Resource, draft: Draft) -> Result<SourceId, MutationError> {
        let mut state = self.state();
        let merchant = state.merchant(customer_id).ok_or_else(|| unknown_merchant(customer_id))?;
        let mut scene = state.scene(merchant, self.now_ms());
        scene.draft = Some((resource, draft));
        let row = fresh::row(&mut scene, resource);
        Ok(SourceId::new(&*scene.books.record(resource, row).id))
    }

    /// Changes a row now.
    pub fn edit(&self, customer_id: &str, resource: Resource, id: &str, edit: Edit) -> Result<(), MutationError> {
        let mut state = self.state();
        let merchant = state.merchant(customer_id).ok_or_else(|| unknown_merchant(customer_id))?;
        let mut scene = state.scene(merchant, self.now_ms());
        let table = scene.books.table(resource);
        let row = table.find(id).ok_or_else(|| MutationError::UnknownRow { resource, id: id.to_owned() })?;
        let bump = match edit.last_updated {
            Some(instant) => Bump::To(instant.timestamp_millis()),
            None if edit.unbumped => Bump::To(table.row(row).current.updated_ms),
            None => Bump::Now,
        };
        let lag_ms = edit.lag_ms();
        scene.change_lagging(resource, row, bump, lag_ms, |record| edit.apply(record));
        Ok(())
    }

    /// Removes a row now.
    pub fn remove(&self, customer_id: &str, resource: Resource, id: &str) -> Result<(), MutationError> {
        let mut state = self.state();
        let merchant = state.merchant(customer_id).ok_or_else(|| unknown_merchant(customer_id))?;
        let books = &mut state.books[merchant];
        let row = books.table(resource).find(id);
        let row = row.ok_or_else(|| MutationError::UnknownRow { resource, id: id.to_owned() })?;
        books.remove(resource, row, self.now_ms());
        Ok(())
    }

    /// Sets the report of a transfer.
    pub fn set_report(
        &self,
        customer_id: &str,
        transfer: &str,
        status: &str,
        amount: Option<Decimal>,
    ) -> Result<(), MutationError> {
        let mut state = self.state();
        let merchant = state.merchant(customer_id).ok_or_else(|| unknown_merchant(customer_id))?;
        let books = &mut state.books[merchant];
        let row = books.table(Resource::Transfers).find(transfer);
        let report = row
            .and_then(|row| books.reports.get_mut(&row))
            .ok_or_else(|| MutationError::UnknownRow { resource: Resource::Transfers, id: transfer.to_owned() })?;
        report.status = status.to_owned().into();
        report.amount = amount.unwrap_or(report.amount);
        Ok(())
    }

    /// Does what the admin route was sent; returns the id of the row that it was about.
    pub fn mutate(&self, mutation: Mutation) -> Result<String, MutationError> {
        let of = |merchant: Option<String>| merchant.unwrap_or_else(|| self.first_customer_id());
        match mutation {
            Mutation::Create { merchant, resource, draft } => {
                self.create(&of(merchant), resource, draft).map(|id| id.as_str().to_owned())
            }
            Mutation::Edit { merchant, resource, id, edit } => {
                self.edit(&of(merchant), resource, &id, edit).map(|()| id)
            }
            Mutation::Remove { merchant, resource, id } => self.remove(&of(merchant), resource, &id).map(|()| id),
            Mutation::Report { merchant, transfer, status, amount } => {
                self.set_report(&of(merchant), &transfer, &status, amount).map(|()| transfer)
            }
            Mutation::RevokeTokens => {
                self.revoke_tokens();
                Ok(String::new())
            }
        }
    }

    fn first_customer_id(&self) -> String {
        self.state().books[0].profile.customer_id.clone()
    }
}

fn unknown_merchant(customer_id: &str) -> MutationError {
    MutationError::UnknownMerchant(customer_id.to_owned())
}
