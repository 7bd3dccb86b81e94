//! Which member names mean what. Names are compared in plain form, so that `account_number`, `Account-Number` and `accountNumber` are one.

/// Letters and digits in lower case, all else dropped.
pub(super) fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// What stays of a funding source.
pub(super) const SOURCE_KEEPS: [&str; 6] = ["object", "id", "brand", "bankname", "last4", "status"];

/// Keys that hold a funding source, and the kinds that call themselves one.
const SOURCES: [&str; 13] = [
    "source",
    "sources",
    "card",
    "cards",
    "bank",
    "banks",
    "bankaccount",
    "bankaccounts",
    "fundingsource",
    "fundingsources",
    "paymentsource",
    "paymentmethod",
    "paymentmethods",
];

pub(super) fn is_funding_source(name: &str) -> bool {
    SOURCES.contains(&name)
}

/// Names that are masked alone.
const SECRET_NAMES: [&str; 34] = [
    "aba",
    "abarouting",
    "apikey",
    "authorization",
    "cardcode",
    "credential",
    "credentials",
    "cvc",
    "cvc2",
    "cvv",
    "cvv2",
    "expdate",
    "expiration",
    "expirationdate",
    "expiry",
    "expirydate",
    "expirymonth",
    "expiryyear",
    "expmonth",
    "expyear",
    "fingerprint",
    "iban",
    "institutionnumber",
    "jwt",
    "pan",
    "passphrase",
    "passwd",
    "pin",
    "routing",
    "sortcode",
    "ssn",
    "track1",
    "track2",
    "transitnumber",
];

/// Parts of a name that give it away wherever they stand in it.
const SECRET_PARTS: [&str; 15] = [
    "accesstoken",
    "accountholder",
    "accountnumber",
    "acctnumber",
    "cardholder",
    "cardnumber",
    "expirationmonth",
    "expirationyear",
    "nameonaccount",
    "nameoncard",
    "password",
    "privatekey",
    "refreshtoken",
    "routingnumber",
    "securitycode",
];

/// Ends of a name that give it away.
const SECRET_ENDS: [&str; 4] = ["token", "secret", "socialsecuritynumber", "authorizationheader"];

pub(super) fn is_secret(name: &str) -> bool {
    SECRET_NAMES.contains(&name)
        || SECRET_PARTS.iter().any(|part| name.contains(part))
        || SECRET_ENDS.iter().any(|end| name.ends_with(end))
}

/// Names of ids and keys, by the raw spelling: in lower case `paid` would look like one.
pub(super) fn is_id_like(key: &str) -> bool {
    matches!(key, "id" | "ids" | "ref" | "key" | "uuid")
        || ["Id", "Ids", "ID", "IDs", "_id", "_ids", "Key", "_key", "Ref", "_ref"].iter().any(|end| key.ends_with(end))
}
