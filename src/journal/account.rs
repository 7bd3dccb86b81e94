//! The books of one root: the events about the money of one payment, or of one transfer, folded in the order of telling.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::NaiveDate;
use chrono_tz::Tz;
use rust_decimal::Decimal;

use super::currency::through_clearing;
use super::reports::Reports;
use super::slot::{Ledger, Part, Slot};
use crate::events::Trouble;
use crate::model::event::{Application, Charge, DisputeOutcome, Event, Fact, Kind, Payout, Remainder, Reversal};
use crate::model::ids::SourceId;
use crate::model::journal::{Entry, Line, Links, Role};
use crate::model::money::{Amount, Money};

/// What a merchant chooses about its books.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// The zone whose calendar dates entries bear.
    pub zone: Tz,
    /// A refund that shows on an invoice opens it again.
    pub reopen_invoice: bool,
    /// Where a lost dispute ends: dispute losses, or the customer's receivable.
    pub losses: Role,
}

impl Policy {
    #[must_use]
    pub const fn of(zone: Tz) -> Self {
        Self { zone, reopen_invoice: true, losses: Role::DisputeLosses }
    }

    pub(super) fn date(self, event: &Event) -> NaiveDate {
        event.occurred_at.with_timezone(&self.zone).date_naive()
    }
}

/// What taking an event came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    pub entries: Vec<Entry>,
    /// Events that follow from it, such as the fee of a dispute that a report is the first to name.
    pub events: Vec<Event>,
    pub troubles: Vec<Trouble>,
}

/// See the module.
#[derive(Debug)]
pub struct Account {
    pub(super) policy: Policy,
    pub(super) root: SourceId,
    told: HashSet<String>,
    pub(super) ledger: Ledger,
    charge: Option<Charge>,
    /// When the charge that stands was booked.
    charged_on: NaiveDate,
    /// The last word on each application with what it waits for, whether it is booked or not.
    applications: BTreeMap<SourceId, (Slot, Event)>,
    /// What credit memos paid beside the payment.
    credited: Decimal,
    /// The last word on each fee.
    pub(super) costs: HashMap<SourceId, Money>,
    pub(super) reports: Reports,
    /// Disputes that were ever opened.
    pub(super) disputes: HashSet<SourceId>,
    pub(super) dispute_fees: HashMap<SourceId, Money>,
}

impl Account {
    #[must_use]
    pub fn new(policy: Policy, root: SourceId) -> Self {
        Self {
            policy,
            root,
            told: HashSet::new(),
            ledger: Ledger::default(),
            charge: None,
            charged_on: NaiveDate::MIN,
            applications: BTreeMap::new(),
            credited: Decimal::ZERO,
            costs: HashMap::new(),
            reports: Reports::default(),
            disputes: HashSet::new(),
            dispute_fees: HashMap::new(),
        }
    }

    /// Takes one event; one that was taken before books nothing.
    pub fn take(&mut self, event: &Event) -> Taken {
        let mut taken = Taken::default();
        self.take_into(event, &mut taken);
        taken.entries = std::mem::take(&mut self.ledger.made);
        taken
    }

    fn take_into(&mut self, event: &Event, taken: &mut Taken) {
        if !self.told.insert(event.key.clone()) {
            return;
        }
        match (&event.fact, event.kind) {
            (Fact::Charge(charge), _) => self.charged(event, charge),
            (_, Kind::PaymentFailed) => self.uncharged(event),
            (Fact::Application(application), _) => self.applied(event, application),
            (
                Fact::Fee(_) | Fact::FeeReturn(_) | Fact::DisputeFee(_) | Fact::ReportLine(_),
                Kind::AdjustmentReported,
            ) => {
                self.adjusted(event);
            }
            (Fact::Fee(_) | Fact::FeeReturn(_) | Fact::DisputeFee(_) | Fact::ReportLine(_), _) => {
                for follower in self.take_fee(event, &mut taken.troubles) {
                    self.take_into(&follower, taken);
                    taken.events.push(follower);
                }
            }
            (_, Kind::AdjustmentExplained) => self.explained(event),
            (Fact::Refund(refund), _) => self.refunded(event, refund),
            (_, Kind::RefundReversed | Kind::RefundFailed) => self.unrefunded(event),
            (Fact::Dispute(dispute), _) => self.disputed(event, dispute),
            (_, Kind::DisputeFailed) => {
                self.reverse(&Slot::Outcome(event.id.clone()), event);
                self.reverse(&Slot::Dispute(event.id.clone()), event);
            }
            (Fact::Outcome(outcome), _) => self.decided(event, outcome),
            (Fact::Payout(payout), Kind::TransferPaid) => self.paid_out(event, payout),
            (_, Kind::TransferFailed | Kind::TransferReversed) => {
                self.reverse(&Slot::Payout(event.id.clone()), event);
            }
            (Fact::Remainder(remainder), _) => self.credited(event, remainder),
            _ => {}
        }
        self.explain_discount(event);
    }

    pub(super) fn book(&mut self, slot: Slot, event: &Event, parts: Vec<Part>) {
        let date = self.policy.date(event);
        self.ledger.book(slot, event, event, date, parts);
    }

    pub(super) fn reverse(&mut self, slot: &Slot, cause: &Event) {
        self.ledger.reverse(slot, cause, self.policy.date(cause));
    }

    /// Clearing the gross, discounts what was let off, the convenience fee is income, the rest awaits its invoices.
    fn charged(&mut self, event: &Event, charge: &Charge) {
        let decimal = |amount: Option<Amount>| amount.map_or(Decimal::ZERO, Amount::decimal);
        let (fee, discount) = (decimal(charge.convenience_fee), decimal(charge.discount));
        let rest = charge.gross.amount.decimal() + discount - fee;
        let links = Links {
            payment_id: Some(event.id.clone()),
            customer_ref: charge.customer_ref.clone(),
            account_key: charge.account_key.clone(),
            ..Links::default()
        };
        let others =
            vec![(Role::Discounts, discount), (Role::ConvenienceFeeIncome, -fee), (Role::UnappliedCash, -rest)];
        let parts = through_clearing(Decimal::ONE, &charge.gross, charge.settlement.as_ref(), &links, others);
        self.book(Slot::Charge, event, parts);
        self.charge = Some(charge.clone());
        self.charged_on = self.policy.date(event);
        self.settle_applications(event);
    }

    fn uncharged(&mut self, event: &Event) {
        self.reverse(&Slot::Discount, event);
        self.reverse(&Slot::Charge, event);
        self.charge = None;
        self.settle_applications(event);
    }

    fn applied(&mut self, event: &Event, application: &Application) {
        let waits_for = match &application.refund_id {
            Some(refund) if event.kind == Kind::RefundApplied => Slot::Refund(refund.clone()),
            _ => Slot::Charge,
        };
        self.applications.insert(event.id.clone(), (waits_for, event.clone()));
        self.settle_applications(event);
    }

    /// Books the applications whose payment or refund stands, and takes back those of others.
    fn settle_applications(&mut self, cause: &Event) {
        let rows: Vec<(Slot, Event)> = self.applications.values().cloned().collect();
        for (waits_for, event) in rows {
            let Fact::Application(application) = &event.fact else { continue };
            let slot = Slot::Application(event.id.clone());
            if event.kind == Kind::RefundApplied && !self.policy.reopen_invoice {
                continue;
            }
            if self.ledger.stands(&waits_for) {
                let date = self.policy.date(&event).max(if waits_for == Slot::Charge {
                    self.charged_on
                } else {
                    NaiveDate::MIN
                });
                let parts = vec![application_lines(&event, application)];
                self.ledger.book(slot, &event, cause, date, parts);
            } else {
                self.reverse(&slot, cause);
            }
        }
    }

    fn refunded(&mut self, event: &Event, refund: &Reversal) {
        let links = Links { refund_id: Some(event.id.clone()), ..links_of(refund) };
        let others = vec![(Role::Refunds, refund.money.amount.decimal())];
        let parts = through_clearing(-Decimal::ONE, &refund.money, refund.settlement.as_ref(), &links, others);
        self.book(Slot::Refund(event.id.clone()), event, parts);
        self.settle_applications(event);
    }

    /// Everything of a refund goes back, its returned fees too.
    fn unrefunded(&mut self, event: &Event) {
        self.reverse(&Slot::Refund(event.id.clone()), event);
        let returns: Vec<Slot> = self
            .ledger
            .slots()
            .filter(|slot| matches!(slot, Slot::FeeReturn(refund, _) if *refund == event.id))
            .cloned()
            .collect();
        for slot in returns {
            self.reverse(&slot, event);
        }
        self.settle_applications(event);
    }

    fn disputed(&mut self, event: &Event, dispute: &Reversal) {
        let links = Links { dispute_id: Some(event.id.clone()), ..links_of(dispute) };
        let others = vec![(Role::Disputes, dispute.money.amount.decimal())];
        let parts = through_clearing(-Decimal::ONE, &dispute.money, dispute.settlement.as_ref(), &links, others);
        self.disputes.insert(event.id.clone());
        self.reverse(&Slot::Outcome(event.id.clone()), event);
        self.book(Slot::Dispute(event.id.clone()), event, parts);
    }

    /// What is won comes back through clearing; the rest is lost. A later decision replaces the earlier one.
    fn decided(&mut self, event: &Event, outcome: &DisputeOutcome) {
        let DisputeOutcome { dispute, won } = outcome;
        let links = Links { dispute_id: Some(event.id.clone()), ..links_of(dispute) };
        let all = dispute.money.amount.decimal();
        let won = won.map_or(Decimal::ZERO, Amount::decimal);
        let others = vec![(self.policy.losses, all - won), (Role::Disputes, -all)];
        let money = Money { amount: Amount::from(won), currency: dispute.money.currency.clone() };
        let settlement = dispute.settlement.as_ref().filter(|_| !won.is_zero());
        let parts = through_clearing(Decimal::ONE, &money, settlement, &links, others);
        self.book(Slot::Outcome(event.id.clone()), event, parts);
    }

    fn paid_out(&mut self, event: &Event, payout: &Payout) {
        let links =
            Links { transfer_id: Some(event.id.clone()), account_key: payout.account_key.clone(), ..Links::default() };
        let others = vec![(Role::Bank, payout.money.amount.decimal())];
        let parts = through_clearing(-Decimal::ONE, &payout.money, None, &links, others);
        self.book(Slot::Payout(event.id.clone()), event, parts);
    }

    /// More was applied than paid: credit memos of the customer paid the difference.
    fn credited(&mut self, event: &Event, remainder: &Remainder) {
        let links = Links {
            payment_id: Some(remainder.payment_id.clone()),
            credit_memo_id: Some(remainder.credit_memo_id.clone()),
            customer_ref: Some(remainder.customer_ref.clone()),
            ..Links::default()
        };
        let amount = remainder.money.amount.decimal();
        let lines = vec![Line::new(Role::Receivable, amount, &links), Line::new(Role::UnappliedCash, -amount, &links)];
        self.credited += amount;
        self.book(Slot::Credit(event.key.clone()), event, vec![(remainder.money.currency.clone(), lines)]);
    }

    /// What a payment's principal, discount and credit memos leave over what was applied; `None` where nothing is charged or applied.
    #[must_use]
    pub fn remainder(&self) -> Option<Decimal> {
        let charge = self.charge.as_ref()?;
        let mut applied = self.payments_applied().peekable();
        applied.peek()?;
        let applied: Decimal = applied.map(|it| it.applied.amount.decimal()).sum();
        let decimal = |amount: Option<Amount>| amount.map_or(Decimal::ZERO, Amount::decimal);
        let principal = charge.gross.amount.decimal() - decimal(charge.convenience_fee);
        Some(principal + decimal(charge.discount) + self.credited - applied)
    }

    /// The charge that stands.
    #[must_use]
    pub const fn charge(&self) -> Option<&Charge> {
        self.charge.as_ref()
    }

    fn payments_applied(&self) -> impl Iterator<Item = &Application> {
        self.applications.values().filter_map(|(waits_for, event)| match &event.fact {
            Fact::Application(application) if *waits_for == Slot::Charge => Some(application),
            _ => None,
        })
    }

    /// One invoice whose application leaves out exactly the discount was settled in full: the discount goes to it.
    fn explain_discount(&mut self, cause: &Event) {
        let Some(discount) = self.charge.as_ref().and_then(|charge| charge.discount) else { return };
        let rows: Vec<Application> = self.payments_applied().cloned().collect();
        let is_net = rows.len() == 1 && self.remainder() == Some(discount.decimal());
        if !is_net {
            self.reverse(&Slot::Discount, cause);
            return;
        }
        let mut links = application_links(&rows[0]);
        links.payment_id.clone_from(&rows[0].payment_id);
        let lines = vec![
            Line::new(Role::UnappliedCash, discount.decimal(), &links),
            Line::new(Role::Receivable, -discount.decimal(), &links),
        ];
        self.book(Slot::Discount, cause, vec![(rows[0].applied.currency.clone(), lines)]);
    }
}

fn links_of(reversal: &Reversal) -> Links {
    Links {
        payment_id: reversal.payment_id.clone(),
        customer_ref: reversal.customer_ref.clone(),
        account_key: reversal.account_key.clone(),
        ..Links::default()
    }
}

fn application_links(application: &Application) -> Links {
    Links {
        customer_ref: application.customer_ref.clone(),
        invoice_ref: application.invoice_ref.clone(),
        receivable_id: application.receivable_id.clone(),
        payment_id: application.payment_id.clone(),
        refund_id: application.refund_id.clone(),
        ..Links::default()
    }
}

/// A payment moves from unapplied cash to its invoice; a refund opens the invoice again.
fn application_lines(event: &Event, application: &Application) -> Part {
    let links = application_links(application);
    let amount = application.applied.amount.decimal();
    let lines = if event.kind == Kind::RefundApplied {
        vec![Line::new(Role::Receivable, amount, &links), Line::new(Role::Refunds, -amount, &links)]
    } else {
        vec![Line::new(Role::UnappliedCash, amount, &links), Line::new(Role::Receivable, -amount, &links)]
    };
    (application.applied.currency.clone(), lines)
}
