//! Which keys exist. Anything else is refused with the nearest name: a typing error must never be a silent default.

use config::{Map, Value, ValueKind};

use super::error::Report;

/// What may stand at one place of the configuration.
pub(super) enum Shape {
    Leaf,
    /// Fixed keys.
    Section(&'static [(&'static str, Shape)]),
    /// Names chosen by the user, each holding the same.
    Named(&'static Shape),
}

use Shape::{Leaf, Named, Section};

pub(super) const ROOT: Shape = Section(&[
    ("database", DATABASE),
    ("merchants", Named(&MERCHANT)),
    ("sync", SYNC),
    ("erp", Named(&ERP)),
    ("ops", OPS),
]);

const OPS: Shape = Section(&[
    ("listen", Leaf),
    ("token", Leaf),
    ("token_file", Leaf),
    ("tls_cert", Leaf),
    ("tls_key", Leaf),
    ("trusted_proxy", Leaf),
    ("log", Leaf),
    ("tie_out_interval", Leaf),
    ("tie_out_entries_max", Leaf),
]);

const DATABASE: Shape = Section(&[("url", Leaf), ("url_file", Leaf), ("connections_max", Leaf), ("state_dir", Leaf)]);

const MERCHANT: Shape = Section(&[
    ("environment", Leaf),
    ("base_url", Leaf),
    ("client_id", Leaf),
    ("client_secret", Leaf),
    ("client_secret_file", Leaf),
    ("customer_id", Leaf),
    ("timezone", Leaf),
    ("requests_per_minute", Leaf),
    ("start_date", Leaf),
    ("refunds", Section(&[("reopen_invoice", Leaf)])),
    ("disputes", Section(&[("losses", Leaf)])),
]);

const RESOURCE: Shape = Section(&[("enabled", Leaf), ("interval", Leaf)]);

const SYNC: Shape = Section(&[
    ("interval", Leaf),
    ("overlap", Leaf),
    ("page_rows", Leaf),
    ("pages_in_flight_max", Leaf),
    ("request_timeout", Leaf),
    ("answer_bytes_max", Leaf),
    ("attempts_max", Leaf),
    ("open_item_max", Leaf),
    ("lease", Leaf),
    (
        "resources",
        Section(&[
            ("customers", RESOURCE),
            ("receivables", RESOURCE),
            ("receivable_transactions", RESOURCE),
            ("payments", RESOURCE),
            ("fees", RESOURCE),
            ("refunds", RESOURCE),
            ("disputes", RESOURCE),
            ("transfers", RESOURCE),
            ("transfer_entries", RESOURCE),
            ("withdrawals", RESOURCE),
            ("credit_memos", RESOURCE),
        ]),
    ),
]);

const ERP: Shape = Section(&[
    ("kind", Leaf),
    ("url", Leaf),
    ("url_file", Leaf),
    ("schema", Leaf),
    ("database", Leaf),
    ("user", Leaf),
    ("password", Leaf),
    ("password_file", Leaf),
    ("company", Leaf),
    ("journal", Leaf),
    ("closed_period", Leaf),
    ("create_customers", Leaf),
    ("default_customer", Leaf),
    ("folder", Leaf),
    ("format", Leaf),
    ("content", Leaf),
    ("label", Leaf),
    ("ack_within", Leaf),
    ("statement", STATEMENT),
    ("secret", Leaf),
    ("secret_file", Leaf),
    ("previous_secret", Leaf),
    ("previous_secret_file", Leaf),
    ("allow_private", Leaf),
    ("retry", Leaf),
    ("request_timeout", Leaf),
    ("post_from", Leaf),
    ("accounts", Section(ACCOUNTS)),
]);

/// The bank account of statements in a drop folder.
const STATEMENT: Shape = Section(&[
    ("number", Leaf),
    ("bank", Leaf),
    ("currency", Leaf),
    ("opening_balance", Leaf),
    ("account_key", Leaf),
    ("timezone", Leaf),
    ("after", Leaf),
]);

/// Account roles, mapped to the ERP's accounts per adapter.
const ACCOUNTS: &[(&str, Shape)] = &[
    ("receivable", Leaf),
    ("clearing", Leaf),
    ("unapplied_cash", Leaf),
    ("convenience_fee_income", Leaf),
    ("processing_fee_expense", Leaf),
    ("discounts", Leaf),
    ("refunds", Leaf),
    ("disputes", Leaf),
    ("dispute_losses", Leaf),
    ("dispute_fees", Leaf),
    ("adjustments", Leaf),
    ("bank", Leaf),
    ("fx_difference", Leaf),
];

/// The longest merchant label or adapter name.
const NAME_CHARS_MAX: usize = 64;

/// Reports every key of `value` that does not exist and every section that is not a table.
pub(super) fn check(shape: &Shape, path: &str, value: &Value, report: &Report) {
    let table = match (shape, &value.kind) {
        (Leaf, _) => return,
        (Section(_) | Named(_), ValueKind::Table(table)) => table,
        (Section(_) | Named(_), _) => {
            report.add(value.origin(), path, format!("must be a section; write it as [{path}]"));
            return;
        }
    };
    for (key, inner) in sorted(table) {
        let place = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match shape {
            Leaf => {}
            Named(each) if name_fits(key) => check(each, &place, inner, report),
            Named(_) => {
                let text = format!(
                    "has no usable name; use 1 to {NAME_CHARS_MAX} characters, none of them a control character"
                );
                report.add(origin(inner), &place, text);
            }
            Section(known) => {
                if let Some((_, shape)) = known.iter().find(|(name, _)| name == key) {
                    check(shape, &place, inner, report);
                } else {
                    let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
                    let meant = nearest(key, names.iter().copied());
                    report.add_unknown(origin(inner), &place, meant, &hint(key, &names));
                }
            }
        }
    }
}

/// The candidate that was probably meant, or all of them.
pub(super) fn hint(word: &str, candidates: &[&str]) -> String {
    match nearest(word, candidates.iter().copied()) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("use one of {}", candidates.join(", ")),
    }
}

/// The candidate closest to `word`, if it is close at all.
pub(super) fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    candidates
        .filter_map(|candidate| {
            let distance = strsim::damerau_levenshtein(&word, &candidate.to_lowercase());
            let length = word.chars().count().max(candidate.chars().count());
            // Two letters in five may be wrong: `ulr` still means `url`, `foo` means nothing.
            (distance * 5 <= length * 2).then_some((distance, candidate))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The origin of a value, or of the first value within a section: sections themselves come from no single layer.
fn origin(value: &Value) -> Option<&str> {
    match &value.kind {
        ValueKind::Table(table) => sorted(table).into_iter().find_map(|(_, inner)| origin(inner)).or(value.origin()),
        _ => value.origin(),
    }
}

fn name_fits(name: &str) -> bool {
    !name.trim().is_empty() && name.chars().count() <= NAME_CHARS_MAX && !name.chars().any(char::is_control)
}

fn sorted(table: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| *key);
    entries
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::resource::Resource;

    #[test]
    fn every_resource_has_a_section() {
        let Section(sync) = SYNC else { panic!("sync is a section") };
        let (_, Section(known)) = sync.last().unwrap() else { panic!("resources is a section") };
        let mut names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        let mut wanted: Vec<&str> = Resource::ALL.iter().map(|resource| resource.name()).collect();
        names.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(names, wanted);
    }

    #[test]
    fn nearest_forgives_typing_errors_only() {
        let known = ["client_id", "client_secret", "url"];
        assert_eq!(nearest("client_secert", known.into_iter()), Some("client_secret"));
        assert_eq!(nearest("ulr", known.into_iter()), Some("url"));
        assert_eq!(nearest("foo", known.into_iter()), None);
    }
}
