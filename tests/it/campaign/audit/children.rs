//! What has no list of its own, or one that may be closed: transactions of receivables, lines of reports, fees of payments.

use std::collections::{HashMap, HashSet};

use chrono::TimeDelta;
use paystand_sync::model::resource::Resource;
use paystand_sync::sandbox::Shown;
use rust_decimal::Decimal;

use super::{Audit, text};

impl Audit<'_> {
    pub(super) fn children(&mut self) {
        self.transactions();
        if self.promise.reports_open {
            self.entries();
        }
        if self.promise.fees_closed {
            self.fees();
        }
    }

    fn now(&self, resource: Resource) -> Vec<Shown> {
        self.truth.iter().filter(|it| it.resource == resource && it.visible_until.is_none()).cloned().collect()
    }

    fn transactions(&mut self) {
        let transactions = self.now(Resource::ReceivableTransactions);
        let receivables = self.newest(Resource::Receivables);
        let payments = self.newest(Resource::Payments);
        let mut applied: HashMap<String, Decimal> = HashMap::new();
        // Removed ones too: the store keeps what it saw.
        let of_it = self.truth.iter().filter(|it| it.resource == Resource::ReceivableTransactions);
        let ever: HashMap<&str, &Shown> = of_it.map(|it| (it.id.as_str(), it)).collect();
        for it in ever.into_values() {
            if let Some((payment, amount)) = application(it) {
                *applied.entry(payment).or_default() += amount;
            }
        }
        let spoiled: HashSet<String> =
            self.truth.iter().filter(|it| it.undecodable).map(|it| it.id.as_str().to_owned()).collect();
        for it in transactions {
            let Some(receivable) = text(&it.body, "receivableId").and_then(|id| receivables.get(&id)) else { continue };
            let key = (Resource::Receivables, receivable.id.as_str().to_owned());
            if spoiled.contains(&key.1) || !self.tables.records.contains_key(&key) || !self.was_polled_since(&it) {
                continue;
            }
            let due = if self.was_news_after(receivable, &it) {
                "its receivable was news after it appeared"
            } else if self.is_suspect(receivable) && self.is_needed(&it, &applied, &payments, &spoiled) {
                "its payment is unexplained without it"
            } else {
                continue;
            };
            self.looked_at += 1;
            let kept = self.tables.records.contains_key(&(Resource::ReceivableTransactions, it.id.as_str().to_owned()));
            let parked = it.undecodable && self.tables.evidence.contains(&it.body[..]);
            if !kept && !parked {
                self.fail(&it, &format!("is not stored, although {due}"));
            }
        }
    }

    /// The rows that lists show now: what is removed has no children to be read.
    fn newest(&self, resource: Resource) -> HashMap<String, Shown> {
        let of_it = self.truth.iter().filter(|it| it.resource == resource && it.visible_until.is_none());
        of_it.map(|it| (it.id.as_str().to_owned(), it.clone())).collect()
    }

    /// Whether a version of the receivable that had to be read, and that shows a payment, appeared after the transaction.
    fn was_news_after(&self, receivable: &Shown, transaction: &Shown) -> bool {
        let is_paid = |it: &Shown| {
            let body: serde_json::Value = serde_json::from_slice(&it.body).unwrap_or_default();
            let paid = body["amountPaid"].as_str().map_or_else(|| body["amountPaid"].to_string(), str::to_owned);
            paid.parse::<Decimal>().is_ok_and(|paid| !paid.is_zero())
        };
        self.truth.iter().any(|it| {
            it.resource == Resource::Receivables
                && it.id == receivable.id
                && is_paid(it)
                && it.visible_from > transaction.visible_from
                && it.visible_until.is_none()
                && self.is_in_reach(it)
                && self.was_polled_since(it)
                && self.first_poll.get(&Resource::Receivables).is_some_and(|from| it.visible_from > *from)
        })
    }

    /// Whether money may still be looked for on it: open as far as the store knows, or changed lately.
    fn is_suspect(&self, receivable: &Shown) -> bool {
        let key = (Resource::Receivables, receivable.id.as_str().to_owned());
        let is_open = self.tables.records.get(&key).is_some_and(|it| it.status.as_deref() == Some("active"));
        is_open || self.stage.now() - receivable.last_updated < TimeDelta::days(3)
    }

    /// Whether the payment behind it is captured, known as such, and lacks this amount.
    fn is_needed(
        &self,
        it: &Shown,
        applied: &HashMap<String, Decimal>,
        payments: &HashMap<String, Shown>,
        spoiled: &HashSet<String>,
    ) -> bool {
        let Some((payment, amount)) = application(it) else { return false };
        let Some(shown) = payments.get(&payment).filter(|_| !spoiled.contains(&payment)) else { return false };
        let Some(stored) = self.tables.records.get(&(Resource::Payments, payment.clone())) else { return false };
        let is_captured = matches!(stored.status.as_deref(), Some("posted" | "paid"));
        let gross: Decimal = shown.amount.as_ref().and_then(|amount| amount.parse().ok()).unwrap_or_default();
        // The payer's fee is three per cent of the principal at most.
        let others = applied.get(&payment).copied().unwrap_or_default() - amount;
        let is_short = others < gross * Decimal::new(96, 2);
        let is_recent = self.stage.now() - shown.created < TimeDelta::days(29);
        let is_of_its_payer = payer(it).is_some_and(|payer| {
            let body: serde_json::Value = serde_json::from_slice(&shown.body).unwrap_or_default();
            body.pointer("/payer/externalId").and_then(serde_json::Value::as_str) == Some(&payer)
        });
        is_captured && is_short && is_recent && is_of_its_payer
    }

    /// Lines that were there when their report was completed. A line that appears later is nobody's promise.
    fn entries(&mut self) {
        let transfers = self.newest(Resource::Transfers);
        let bodies: HashSet<Vec<u8>> = self
            .tables
            .archive
            .iter()
            .filter(|((resource, _), _)| *resource == Resource::TransferEntries)
            .flat_map(|(_, bodies)| bodies.iter().map(|body| body.body.clone()))
            .collect();
        for it in self.now(Resource::TransferEntries) {
            let Some(transfer) = text(&it.body, "transferId").and_then(|id| transfers.get(&id)) else { continue };
            let key = (Resource::Transfers, transfer.id.as_str().to_owned());
            let is_late =
                it.visible_from - it.created > TimeDelta::seconds(1) && it.visible_from > self.stage.settings.started;
            if is_late || transfer.undecodable || !self.tables.records.contains_key(&key) || !self.was_polled_since(&it)
            {
                continue;
            }
            self.looked_at += 1;
            if !bodies.contains(&it.body[..]) && !self.tables.evidence.contains(&it.body[..]) {
                self.fail(&it, "is not stored");
            }
        }
    }

    /// With `/fees` closed: a fee that is the only one that a stored payment ever had, and final, is stored as final. A payment that
    /// has shown a final fee is not watched, so one that takes its place is seen only where the payment changes.
    fn fees(&mut self) {
        let payments = self.newest(Resource::Payments);
        let mut of_payment: HashMap<String, HashSet<String>> = HashMap::new();
        for fee in self.truth.iter().filter(|it| it.resource == Resource::Fees) {
            let payment = text(&fee.body, "resourceId").unwrap_or_default();
            of_payment.entry(payment).or_default().insert(fee.id.as_str().to_owned());
        }
        for fee in self.now(Resource::Fees) {
            let payment = text(&fee.body, "resourceId").unwrap_or_default();
            let Some(shown) = payments.get(&payment) else { continue };
            let is_final = text(&fee.body, "feeType").is_some_and(|kind| kind != "delayed");
            let is_recent = self.stage.now() - shown.created < TimeDelta::days(29);
            let is_stored =
                self.tables.records.get(&(Resource::Payments, payment.clone())).is_some_and(|it| it.decodable);
            let is_failed = shown.status.eq_ignore_ascii_case("failed");
            let is_alone = of_payment[&payment].len() == 1;
            let is_settled = self.stage.now() - fee.last_updated > TimeDelta::hours(30);
            if !(is_final && is_recent && is_stored && is_alone && is_settled) || is_failed || fee.undecodable {
                continue;
            }
            self.looked_at += 1;
            let bodies = self.tables.bodies(&(Resource::Fees, fee.id.as_str().to_owned()));
            if !bodies.iter().any(|body| text(&body.body, "feeType").is_some_and(|kind| kind != "delayed")) {
                self.fail(&fee, "is final at the source and not in the store");
            }
        }
    }
}

/// The payment and the amount of an application.
fn application(it: &Shown) -> Option<(String, Decimal)> {
    let is_payment = text(&it.body, "resourceType").as_deref() == Some("Payment");
    let amount = it.amount.as_ref()?.parse().ok()?;
    is_payment.then_some((text(&it.body, "paymentId")?, amount))
}

/// The customer key of the receivable that a transaction shows.
fn payer(it: &Shown) -> Option<String> {
    let body: serde_json::Value = serde_json::from_slice(&it.body).ok()?;
    body.pointer("/receivable/extCustomerId").and_then(serde_json::Value::as_str).map(str::to_owned)
}
