//! Payouts: transfers, the lines of their reports, withdrawals.

use super::told::{Telling, Told};
use crate::model::document::{Transfer, TransferEntry, TransferStatus, Withdrawal};
use crate::model::event::{Fact, Kind, Payout, ReportLine};

const LIFE: [Kind; 3] = [Kind::TransferPaid, Kind::TransferFailed, Kind::TransferReversed];

pub(super) fn transfer(mut told: Told<'_>, transfer: &Transfer) -> Telling {
    match &transfer.status {
        None
        | Some(
            TransferStatus::Created | TransferStatus::Processing | TransferStatus::Sending | TransferStatus::Posted,
        ) => {}
        Some(TransferStatus::Paid) => paid(&mut told, transfer),
        Some(TransferStatus::Failed) => ended(&mut told, transfer, Kind::TransferFailed),
        Some(TransferStatus::Reversed) => ended(&mut told, transfer, Kind::TransferReversed),
        Some(TransferStatus::Unknown(word)) => told.unknown("status", word),
    }
    told.finish()
}

fn paid(told: &mut Told<'_>, transfer: &Transfer) {
    let Some(money) = told.money() else { return };
    let stands = match told.last(&LIFE).map(|event| (event.kind, &event.fact)) {
        Some((Kind::TransferPaid, Fact::Payout(before))) => before.money == money,
        _ => false,
    };
    if !stands {
        let payout = Payout {
            money,
            created_at: told.document.created_at,
            withdrawal_id: transfer.withdrawal_id.clone(),
            bank_id: transfer.bank_id.clone(),
            account_key: transfer.account_key.clone(),
        };
        let at = transfer.settled_at.unwrap_or_else(|| told.updated_at());
        told.tell(Kind::TransferPaid, at, Fact::Payout(payout));
    }
}

fn ended(told: &mut Told<'_>, transfer: &Transfer, kind: Kind) {
    if told.stands(kind, &LIFE) {
        return;
    }
    if told.stands(Kind::TransferPaid, &LIFE) {
        let detail = "the bank sent it back after it had been paid; its entry is taken back".to_owned();
        told.trouble("failed_after_posting", detail);
    }
    let at = transfer.failed_at.unwrap_or_else(|| told.updated_at());
    told.tell(kind, at, Fact::Plain);
}

pub(super) fn entry(mut told: Told<'_>, entry: &TransferEntry) -> Telling {
    let Some(share) = told.money() else { return told.finish() };
    if let Some(kind) = entry.resource_type.as_ref().filter(|kind| !kind.is_known()) {
        told.unknown("resource type", kind.as_str());
    }
    let line = ReportLine {
        share,
        transfer_id: entry.transfer_id.clone(),
        names: entry.resource_type.as_ref().map(|kind| kind.as_str().to_owned()),
        named_id: entry.resource_id.clone(),
    };
    told.tell_news(Kind::TransferReported, told.updated_at(), Fact::ReportLine(line));
    told.finish()
}

/// The same cash as its transfers: told, never booked.
pub(super) fn withdrawal(mut told: Told<'_>, withdrawal: &Withdrawal) -> Telling {
    if let Some(status) = withdrawal.status.as_ref().filter(|status| !status.is_known()) {
        told.unknown("status", status.as_str());
    }
    if let (Some(amount), Some(currency)) = (told.document.amount, told.document.currency.clone()) {
        let payout = Payout {
            money: crate::model::money::Money { amount, currency },
            created_at: told.document.created_at,
            withdrawal_id: None,
            bank_id: withdrawal.bank_id.clone(),
            account_key: withdrawal.account_key.clone(),
        };
        told.tell_news(Kind::WithdrawalChanged, told.updated_at(), Fact::Payout(payout));
    }
    told.finish()
}
