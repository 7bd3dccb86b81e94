//! Events and journal entries as rows. They never change, so what is there already stays as it is.

use std::collections::{BTreeMap, HashSet};

use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection};

use crate::erp::Told;
use crate::erp::staging::Holding;
use crate::erp::staging::schema::SchemaName;
use crate::model::ids::{MerchantId, SourceId};
use crate::model::journal::{Entry, Links, Role};

/// Role → the account of the ERP, as far as it is mapped.
pub(super) type Accounts = BTreeMap<Role, String>;

/// Writes events, in the order given. Whether all are new.
pub(super) async fn tell(
    connection: &mut PgConnection,
    schema: &SchemaName,
    events: &[(&MerchantId, &Told)],
) -> Result<bool, sqlx::Error> {
    let table = schema.table("event");
    let statement = format!(
        "insert into {table} (merchant, event_key, type, subject_kind, subject_id, occurred_at, envelope, written_at)
         select t.merchant, t.key, t.type, t.kind, t.id, t.occurred_at, t.envelope::jsonb, now()
         from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::text[])
             as t (merchant, key, type, kind, id, occurred_at, envelope)
         on conflict do nothing"
    );
    let written = sqlx::query(AssertSqlSafe(statement))
        .bind(events.iter().map(|(merchant, _)| merchant.as_str()).collect::<Vec<_>>())
        .bind(events.iter().map(|(_, told)| told.event.key.as_str()).collect::<Vec<_>>())
        .bind(events.iter().map(|(_, told)| told.event.kind.name()).collect::<Vec<_>>())
        .bind(events.iter().map(|(_, told)| told.event.resource.singular()).collect::<Vec<_>>())
        .bind(events.iter().map(|(_, told)| told.event.id.as_str()).collect::<Vec<_>>())
        .bind(events.iter().map(|(_, told)| told.event.occurred_at).collect::<Vec<_>>())
        .bind(events.iter().map(|(_, told)| told.envelope.as_str()).collect::<Vec<_>>())
        .execute(connection)
        .await?;
    Ok(usize::try_from(written.rows_affected()) == Ok(events.len()))
}

/// Writes entries with their lines, in the order given; one that is there already keeps its lines. Whether all are new.
pub(super) async fn enter(
    connection: &mut PgConnection,
    schema: &SchemaName,
    accounts: &Accounts,
    entries: &[(&MerchantId, &Entry)],
) -> Result<bool, sqlx::Error> {
    let table = schema.table("journal_entry");
    let statement = format!(
        "insert into {table} (merchant, entry_key, event_key, entry_date, currency, memo, reverses, written_at)
         select t.*, now()
         from unnest($1::text[], $2::text[], $3::text[], $4::date[], $5::text[], $6::text[], $7::text[]) as t
         on conflict do nothing
         returning merchant, entry_key"
    );
    let written: Vec<(String, String)> = sqlx::query_as(AssertSqlSafe(statement))
        .bind(entries.iter().map(|(merchant, _)| merchant.as_str()).collect::<Vec<_>>())
        .bind(entries.iter().map(|(_, entry)| entry.key.as_str()).collect::<Vec<_>>())
        .bind(entries.iter().map(|(_, entry)| entry.event_key.as_str()).collect::<Vec<_>>())
        .bind(entries.iter().map(|(_, entry)| entry.date).collect::<Vec<_>>())
        .bind(entries.iter().map(|(_, entry)| entry.currency.as_str()).collect::<Vec<_>>())
        .bind(entries.iter().map(|(_, entry)| entry.memo.as_str()).collect::<Vec<_>>())
        .bind(entries.iter().map(|(_, entry)| entry.reverses.as_deref()).collect::<Vec<_>>())
        .fetch_all(&mut *connection)
        .await?;
    if written.len() == entries.len() {
        write_lines(connection, schema, accounts, entries).await?;
        return Ok(true);
    }
    let written: HashSet<(&str, &str)> = written.iter().map(|(merchant, key)| (&**merchant, &**key)).collect();
    let is_new = |(merchant, entry): &&(&MerchantId, &Entry)| written.contains(&(merchant.as_str(), &*entry.key));
    let new: Vec<_> = entries.iter().filter(is_new).copied().collect();
    write_lines(connection, schema, accounts, &new).await?;
    Ok(false)
}

/// Comes last: from here to the end of the transaction plans may be kept.
async fn write_lines(
    connection: &mut PgConnection,
    schema: &SchemaName,
    accounts: &Accounts,
    entries: &[(&MerchantId, &Entry)],
) -> Result<(), sqlx::Error> {
    // Or Postgres would plan anew for each line how to look for its entry, which takes longer than looking; and a plan that is kept must
    // not be one from when there were so few entries that reading them all was best.
    const KEEP_PLANS: &str = "set local plan_cache_mode = auto; set local enable_seqscan = off";
    let table = schema.table("journal_line");
    let statement = format!(
        "insert into {table} (merchant, entry_key, line_no, role, gl_account, debit, credit, customer_ref, invoice_ref, receivable_id,
             payment_id, fee_id, refund_id, dispute_id, credit_memo_id, transfer_id, account_key)
         select * from unnest($1::text[], $2::text[], $3::int4[], $4::text[], $5::text[], $6::numeric[], $7::numeric[], $8::text[],
             $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::text[])"
    );
    let lines: Vec<_> = entries
        .iter()
        .flat_map(|(merchant, entry)| {
            (1_i32..).zip(&entry.lines).map(move |(number, line)| (merchant.as_str(), entry.key.as_str(), number, line))
        })
        .collect();
    let id = |pick: fn(&Links) -> &Option<SourceId>| {
        lines.iter().map(|(.., line)| pick(&line.links).as_ref().map(SourceId::as_str)).collect::<Vec<_>>()
    };
    let text = |pick: fn(&Links) -> &Option<String>| {
        lines.iter().map(|(.., line)| pick(&line.links).as_deref()).collect::<Vec<_>>()
    };
    sqlx::raw_sql(KEEP_PLANS).execute(&mut *connection).await?;
    sqlx::query(AssertSqlSafe(statement))
        .bind(lines.iter().map(|(merchant, ..)| *merchant).collect::<Vec<_>>())
        .bind(lines.iter().map(|(_, key, ..)| *key).collect::<Vec<_>>())
        .bind(lines.iter().map(|(_, _, number, _)| *number).collect::<Vec<_>>())
        .bind(lines.iter().map(|(.., line)| line.role.name()).collect::<Vec<_>>())
        .bind(lines.iter().map(|(.., line)| accounts.get(&line.role).map(String::as_str)).collect::<Vec<_>>())
        .bind(lines.iter().map(|(.., line)| line.sides().0).collect::<Vec<_>>())
        .bind(lines.iter().map(|(.., line)| line.sides().1).collect::<Vec<_>>())
        .bind(text(|it| &it.customer_ref))
        .bind(text(|it| &it.invoice_ref))
        .bind(id(|it| &it.receivable_id))
        .bind(id(|it| &it.payment_id))
        .bind(id(|it| &it.fee_id))
        .bind(id(|it| &it.refund_id))
        .bind(id(|it| &it.dispute_id))
        .bind(id(|it| &it.credit_memo_id))
        .bind(id(|it| &it.transfer_id))
        .bind(text(|it| &it.account_key))
        .execute(connection)
        .await
        .map(drop)
}

/// What the table holds of these events.
pub(super) async fn events_held(
    connection: &mut PgConnection,
    schema: &SchemaName,
    events: &[(&MerchantId, &Told)],
) -> Result<Vec<Holding>, sqlx::Error> {
    let table = schema.table("event");
    let statement = format!(
        "select held.envelope::text
         from unnest($1::text[], $2::text[]) with ordinality as new (merchant, key, place)
         left join {table} as held on held.merchant = new.merchant and held.event_key = new.key
         order by new.place"
    );
    let keys: Vec<_> = events.iter().map(|(merchant, told)| (merchant.as_str(), told.event.key.as_str())).collect();
    let held = texts(connection, statement, &keys).await?;
    let same = |text: &str, told: &Told| {
        serde_json::from_str::<Value>(text).ok() == serde_json::from_str::<Value>(&told.envelope).ok()
    };
    Ok(held.into_iter().zip(events).map(|(text, (_, told))| holding(text, |text| same(text, told))).collect())
}

/// What the tables hold of these entries. Accounts are left out: what is posted stays posted when a role is mapped anew.
pub(super) async fn entries_held(
    connection: &mut PgConnection,
    schema: &SchemaName,
    entries: &[(&MerchantId, &Entry)],
) -> Result<Vec<Holding>, sqlx::Error> {
    let (entry, line) = (schema.table("journal_entry"), schema.table("journal_line"));
    let statement = format!(
        "select case when held.entry_key is not null then json_build_object('key', held.entry_key, 'event_key', held.event_key,
             'date', held.entry_date, 'currency', held.currency, 'memo', held.memo, 'reverses', held.reverses, 'lines', (
                 select coalesce(json_agg(json_build_object('role', l.role, 'amount', (l.debit - l.credit)::text,
                     'customer_ref', l.customer_ref, 'invoice_ref', l.invoice_ref, 'receivable_id', l.receivable_id,
                     'payment_id', l.payment_id, 'fee_id', l.fee_id, 'refund_id', l.refund_id, 'dispute_id', l.dispute_id,
                     'credit_memo_id', l.credit_memo_id, 'transfer_id', l.transfer_id, 'account_key', l.account_key)
                     order by l.line_no), '[]')
                 from {line} l where l.merchant = held.merchant and l.entry_key = held.entry_key))::text end
         from unnest($1::text[], $2::text[]) with ordinality as new (merchant, key, place)
         left join {entry} as held on held.merchant = new.merchant and held.entry_key = new.key
         order by new.place"
    );
    let keys: Vec<_> = entries.iter().map(|(merchant, entry)| (merchant.as_str(), entry.key.as_str())).collect();
    let held = texts(connection, statement, &keys).await?;
    let same = |text: &str, entry: &Entry| serde_json::from_str::<Entry>(text).ok().as_ref() == Some(entry);
    Ok(held.into_iter().zip(entries).map(|(text, (_, entry))| holding(text, |text| same(text, entry))).collect())
}

fn holding(text: Option<String>, is_same: impl FnOnce(&str) -> bool) -> Holding {
    match text {
        None => Holding::Nothing,
        Some(text) if is_same(&text) => Holding::Same,
        Some(text) => Holding::Other(text),
    }
}

/// One text per key, in the order given.
async fn texts(
    connection: &mut PgConnection,
    statement: String,
    keys: &[(&str, &str)],
) -> Result<Vec<Option<String>>, sqlx::Error> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_scalar(AssertSqlSafe(statement))
        .bind(keys.iter().map(|(merchant, _)| *merchant).collect::<Vec<_>>())
        .bind(keys.iter().map(|(_, key)| *key).collect::<Vec<_>>())
        .fetch_all(connection)
        .await
}
