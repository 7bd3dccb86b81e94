//! What a name may mean.

use std::collections::BTreeSet;

use sqlx::PgPool;

use super::Subject;
use crate::model::resource::Resource;
use crate::store::StoreError;

/// Things that one name may mean at most.
const SUBJECTS_MAX: usize = 20;

/// Records of that id.
const BY_ID: &str = "
    select merchant, resource, source_id as id from record
    where merchant in (select distinct merchant from cursor) and resource = any($2) and source_id = $1";
/// An invoice by the key that the ERP gave it: of what is booked on it by an index,
const BY_INVOICE: &str = "
    select distinct merchant, 'receivables' as resource, receivable_id as id from journal_line
    where merchant in (select distinct merchant from cursor) and invoice_ref = $1 and receivable_id is not null";
/// and of what nobody has paid yet by what was told of it, as it stands in the JSON of the fact, which is what the index is over.
const BY_FACT: &str = "
    select distinct merchant, resource, source_id as id from event
    where kind = 'receivable.changed' and substring(fact from '\"invoice_ref\":\"((?:[^\"\\\\]|\\\\.)*)\"') = $1";
const BY_EVENT: &str = "
    select merchant, resource, source_id as id from event
    where merchant in (select distinct merchant from cursor) and event_key = $1";
const BY_ENTRY: &str = "
    select e.merchant, e.resource, e.source_id as id from journal_entry j join event e using (merchant, event_key)
    where j.merchant in (select distinct merchant from cursor) and j.entry_key = $1";
const BY_KEY: &str = "
    select distinct merchant, resource, source_id as id from ledger_entry
    where merchant in (select distinct merchant from cursor) and key = $1";
/// A document of an ERP that takes drafts.
const BY_DOCUMENT: &str = "
    select distinct l.merchant, l.resource, l.source_id as id from election x join ledger_entry l using (merchant, key, adapter)
    where x.reference = $1";

/// What an ERP gave for it.
const BY_RECEIPT: &str = "
    select distinct merchant, resource, source_id as id from ledger_entry where receipt = $1";

/// Everything that the name means; the search ends with the first way that finds something.
pub(super) async fn subjects(pool: &PgPool, name: &str) -> Result<Vec<Subject>, StoreError> {
    // Documents of staging tables end with the id or the key.
    let last = name.rsplit_once('/').map(|(_, last)| last).filter(|last| !last.is_empty());
    let names = [Some(name), last];
    for name in names.into_iter().flatten() {
        for query in [BY_INVOICE, BY_EVENT, BY_ENTRY, BY_KEY, BY_DOCUMENT, BY_RECEIPT] {
            let found: Vec<Subject> = sqlx::query_as(query).bind(name).fetch_all(pool).await?;
            if !found.is_empty() {
                return Ok(distinct(found));
            }
        }
        let resources: Vec<&str> = Resource::ALL.iter().map(|resource| resource.name()).collect();
        let found: Vec<Subject> = sqlx::query_as(BY_ID).bind(name).bind(resources).fetch_all(pool).await?;
        if !found.is_empty() {
            return Ok(distinct(found));
        }
    }
    Ok(distinct(sqlx::query_as(BY_FACT).bind(as_in_a_fact(name)).fetch_all(pool).await?))
}

fn distinct(found: Vec<Subject>) -> Vec<Subject> {
    let found: BTreeSet<Subject> = found.into_iter().collect();
    found.into_iter().take(SUBJECTS_MAX).collect()
}

/// A text as JSON quotes it, without its quotation marks.
fn as_in_a_fact(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_looked_up_as_facts_are_written() {
        assert_eq!(as_in_a_fact("INV-7"), "INV-7");
        assert_eq!(as_in_a_fact("a\"b\\c\u{1}"), r#"a\"b\\c\u0001"#);
    }
}
