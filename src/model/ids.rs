//! Opaque identifiers. None is ever parsed: the API promises no shape.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            #[must_use]
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id! {
    /// A merchant: Paystand's `customer_id` of the entity whose money it is, never the label in the configuration.
    MerchantId
}
text_id! {
    /// The id of one Paystand object.
    SourceId
}
text_id! {
    /// The name of an ERP adapter as configured (`[erp.NAME]`).
    AdapterName
}
