//! Pure: what kind of failure an exception is, and what a person does first about it.

use serde::Serialize;

/// Kinds of failure as integrators of payments name them; the last two are about the ERP and about the source as such.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// What should have been told was not, or stays open.
    MissingCallback,
    AmountMismatch,
    /// A status that is not known, or that may not follow the one before.
    UnknownStatusTransition,
    DuplicateExternalReference,
    /// The ERP does not take, or does not hold, what it should.
    NotInTheErp,
    /// The source shows what cannot be read or cannot be.
    UnreadableSource,
}

impl Failure {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Failure::MissingCallback => "missing callback",
            Failure::AmountMismatch => "amount mismatch",
            Failure::UnknownStatusTransition => "unknown status transition",
            Failure::DuplicateExternalReference => "duplicate external reference",
            Failure::NotInTheErp => "not in the ERP",
            Failure::UnreadableSource => "unreadable source",
        }
    }
}

/// What a class of exceptions means to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Advice {
    pub failure: Failure,
    /// One sentence.
    pub first_action: &'static str,
}

const REPORT: &str =
    "report it with `paystand-sync explain ID --packet FILE`; nothing is lost, and a newer version settles it";
const COMPARE: &str =
    "compare the record in Paystand's dashboard with `paystand-sync explain ID`; a corrected version settles it";

/// What is known of a class of exceptions; one that is not known goes to whoever supports the program.
#[must_use]
pub fn advice(class: &str) -> Advice {
    known(class).unwrap_or(Advice { failure: Failure::UnreadableSource, first_action: REPORT })
}

/// What is known of a class of exceptions.
#[must_use]
pub fn known(class: &str) -> Option<Advice> {
    use Failure::{
        AmountMismatch, DuplicateExternalReference, MissingCallback, NotInTheErp, UnknownStatusTransition,
        UnreadableSource,
    };
    let (failure, first_action) = match class {
        "refused_by_erp" => {
            (NotInTheErp, "correct what the ERP names, then `paystand-sync exceptions retry ID --reason TEXT`")
        }
        "held_by_erp" => {
            (NotInTheErp, "mend what the ERP names: open the period, enter the invoice; it is tried again by itself")
        }
        "target_failing" => (
            NotInTheErp,
            "see what the ERP or the receiver answers and start or mend it; what waits goes out by itself",
        ),
        "target_gone" => (
            NotInTheErp,
            "ask whoever runs the receiver; then `paystand-sync resume adapter NAME --reason TEXT`, or take it out of the configuration",
        ),
        "document_gone" | "document_void" => (
            NotInTheErp,
            "find out who removed it; then `exceptions retry ID --new-generation --reason TEXT`, or `exceptions resolve ID`",
        ),
        "unacknowledged_file" => (
            NotInTheErp,
            "look whether the consumer of the folder runs; if it lost the file, `adapter redrop NAME SEQUENCE --reason TEXT`",
        ),
        "rejected_file" => (NotInTheErp, "ask the consumer why; once it can take the file, move it from err/ to ack/"),
        "document_undone" => (NotInTheErp, "post it again, or put it back on its invoice, in the ERP"),
        "account_mismatch" | "payout_not_banked" => (
            AmountMismatch,
            "see the documents named beside it in `paystand-sync reconcile`, and put them right in the ERP",
        ),
        "payload_differs" => {
            (AmountMismatch, "put the document right in the ERP, then `exceptions retry ID --reason TEXT`")
        }
        "payload_changed" => (AmountMismatch, REPORT),
        "duplicate_released" | "unknown_document" | "erp_key_taken" => (
            DuplicateExternalReference,
            "cancel the document that was not posted from here in the ERP; `explain` names the one that was",
        ),
        "invoice_rekeyed" => (
            DuplicateExternalReference,
            "confirm which invoice of the ERP the money belongs to, then `exceptions resolve ID --reason TEXT`",
        ),
        "payout_mismatch" => (
            AmountMismatch,
            "`paystand-sync reconcile --json` names the records; ask Paystand about the ones that differ",
        ),
        "overapplied_payment" | "fee_mismatch" | "amount_mismatch" | "currency_mismatch" => (AmountMismatch, COMPARE),
        "missing_amount" | "missing_settlement" | "won_without_amount" => (MissingCallback, COMPARE),
        "stays_open" => (MissingCallback, "ask Paystand why the record does not come to its end"),
        "record_vanished" | "sealed_day_incomplete" => {
            (MissingCallback, "ask Paystand about the record; `paystand-sync explain ID` shows what was read of it")
        }
        "failed_after_posting" => (
            UnknownStatusTransition,
            "its entries are taken back by themselves; tell the customer that the payment failed",
        ),
        "unknown_status" | "unknown_owner" => (UnknownStatusTransition, REPORT),
        "undecodable_record" | "unbookable_record" | "unreadable_row" | "unreadable_fee" => (UnreadableSource, REPORT),
        "row_from_the_future" | "clocks_apart" => {
            (UnreadableSource, "compare this machine's clock with the time; start its time service")
        }
        _ => return None,
    };
    Some(Advice { failure, first_action })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_first_action_is_one_sentence_with_something_to_do() {
        for class in ["refused_by_erp", "payout_mismatch", "unknown_status", "clocks_apart", "never heard of"] {
            let Advice { first_action, .. } = advice(class);
            assert!(first_action.len() > 20 && !first_action.ends_with('.'), "{first_action}");
        }
    }
}
