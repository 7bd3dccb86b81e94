//! What a person says about a Tryton server.

use std::collections::BTreeMap;

use secrecy::SecretString;
use url::Url;

use crate::model::journal::Role;

/// What becomes of an entry whose period is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClosedPeriod {
    /// It waits until the period is open.
    Hold,
    /// It is booked on the first day of the next open period.
    NextOpen,
}

/// One company of one Tryton database, and how entries are booked there.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Without the name of the database, such as `http://127.0.0.1:8000/`.
    pub url: Url,
    pub database: String,
    pub user: String,
    pub password: SecretString,
    /// Name of the company; that of the user where absent.
    pub company: Option<String>,
    /// Code of the journal.
    pub journal: String,
    /// Role → code of the account.
    pub accounts: BTreeMap<Role, String>,
    pub closed_period: ClosedPeriod,
    /// A party that is not there is created under the customer's key.
    pub create_customers: bool,
    /// Code of the party for money of nobody.
    pub default_customer: Option<String>,
}
