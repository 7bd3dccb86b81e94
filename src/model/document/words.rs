//! The closed vocabularies of documents: statuses and types, each with an explicit unknown.
//!
//! The source is not consistent about letter case, so words are compared without it. A word that nobody documented is kept
//! as it came: who decides on it parks (I6) and never guesses.

/// Declares an enum of documented words plus `Unknown`. The first text of a variant is how [`as_str`] writes it.
macro_rules! vocabulary {
    ($(#[$doc:meta])* $name:ident { $($(#[$about:meta])* $variant:ident = $text:literal $(| $alias:literal)*,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$about])* $variant,)+
            /// A word that is not documented, as it came.
            Unknown(String),
        }

        impl $name {
            /// Reads a word, whatever its letter case.
            #[must_use]
            pub fn parse(text: &str) -> Self {
                $(if text.eq_ignore_ascii_case($text) $(|| text.eq_ignore_ascii_case($alias))* {
                    return Self::$variant;
                })+
                Self::Unknown(text.to_owned())
            }

            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Unknown(text) => text,
                }
            }

            #[must_use]
            pub const fn is_known(&self) -> bool {
                match self {
                    $(Self::$variant => true,)+
                    Self::Unknown(_) => false,
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

vocabulary! {
    /// Customers are only documented as active.
    CustomerStatus {
        Active = "active",
    }
}

vocabulary! {
    /// A partly paid receivable is still active: whether it is paid is told by its amounts.
    ReceivableStatus {
        /// Open. The older read shape says `current`.
        Active = "active" | "current",
        Paid = "paid",
        Cancelled = "cancelled" | "canceled",
    }
}

vocabulary! {
    /// The application itself. Whether its money counts is told by the payment.
    TransactionStatus {
        Active = "active",
    }
}

vocabulary! {
    PaymentStatus {
        Created = "created",
        Processing = "processing",
        /// Captured or submitted: neither final in its fee nor proven by the bank.
        Posted = "posted",
        /// The funds are available.
        Paid = "paid",
        Failed = "failed",
    }
}

vocabulary! {
    /// The state of the fee object. What is booked hangs on [`FeeType`].
    FeeStatus {
        Active = "active",
    }
}

vocabulary! {
    FeeType {
        /// A placeholder, usually without an amount.
        Delayed = "delayed",
        /// Final, until a later version says otherwise.
        Paystand = "paystand",
    }
}

vocabulary! {
    RefundStatus {
        Created = "created",
        Processing = "processing",
        Posted = "posted",
        /// The only status that moves money.
        Paid = "paid",
        Failed = "failed",
        Reversed = "reversed",
    }
}

vocabulary! {
    /// The union of what two pages of the documentation list.
    DisputeStatus {
        Created = "created",
        Processing = "processing",
        Active = "active",
        AcceptingEvidence = "acceptingEvidence",
        UnderReview = "underReview",
        Won = "won",
        Lost = "lost",
        Failed = "failed",
    }
}

vocabulary! {
    DisputeType {
        /// An ACH return.
        Bank = "bank",
        /// A chargeback; how the source spells it is not documented.
        Card = "card",
    }
}

vocabulary! {
    /// Transfers, and withdrawals whose own list is not documented.
    TransferStatus {
        Created = "created",
        Processing = "processing",
        Sending = "sending",
        Posted = "posted",
        Paid = "paid",
        Failed = "failed",
        /// Known from transfer reports only.
        Reversed = "reversed",
    }
}

vocabulary! {
    CreditMemoStatus {
        Active = "active",
        Cancelled = "cancelled" | "canceled",
    }
}

vocabulary! {
    /// What funded a payment.
    SourceType {
        Card = "card",
        Bank = "bank",
    }
}

vocabulary! {
    /// What `resourceType` says that `resourceId` names.
    SubjectType {
        Receivable = "receivable",
        Payment = "payment",
        Refund = "refund",
        Dispute = "dispute",
        Fee = "fee",
        Withdrawal = "withdrawal",
        Transfer = "transfer",
        /// Only in transfer reports: money that no other object explains.
        Adjustment = "adjustment",
    }
}

vocabulary! {
    /// Who bears the cost of a payment.
    FeeSplitType {
        RecoupCustomOfSubtotal = "recoup_custom_of_subtotal",
        RecoupAllFees = "recoup_all_fees",
        SurchargeAndRecoupAllFees = "surcharge_and_recoup_all_fees",
        DiscountFees = "discount_fees",
        AbsorbAllFees = "absorb_all_fees",
        Default = "default",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_compared_without_letter_case_and_unknown_ones_stay_as_they_came() {
        assert_eq!(PaymentStatus::parse("Posted"), PaymentStatus::Posted);
        assert_eq!(DisputeStatus::parse("ACCEPTINGEVIDENCE").as_str(), "acceptingEvidence");
        let unknown = RefundStatus::parse("Charged Back");
        assert_eq!(unknown.as_str(), "Charged Back");
        assert!(!unknown.is_known());
    }

    #[test]
    fn the_older_current_means_active() {
        assert_eq!(ReceivableStatus::parse("current"), ReceivableStatus::Active);
        assert_eq!(ReceivableStatus::parse("Current").as_str(), "active");
    }
}
