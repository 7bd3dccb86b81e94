//! Events and journal entries as rows. They never change, so what is there already stays as it is.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, PgConnection};

use crate::erp::Told;
use crate::erp::staging::schema::SchemaName;
use crate::model::ids::{MerchantId, SourceId};
use crate::model::journal::{Entry, Links, Role};

/// Role → the account of the ERP, as far as it is mapped.
pub(super) type Accounts = BTreeMap<Role, String>;

/// Writes events, in the order given.
pub(super) async fn tell(
    connection: &mut PgConnection,
    schema: &SchemaName,
    events: &[(&MerchantId, &Told)],
) -> Result<(), sqlx::Error> {
    let table = schema.table("event");
    let statement = format!(
        "insert into {table} (merchant, event_key, type, subject_kind, subject_id, occurred_at, envelope, written_at)
         select t.merchant, t.key, t.type, t.kind, t.id, t.occurred_at, t.envelope::jsonb, now()
         from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::text[])
             as t (merchant, key, type, kind, id, occurred_at, envelope)
         on conflict do nothing"
    );
    sqlx::query(AssertSqlSafe(statement))
        .bind(events.iter().map(|(merchant, _)| merchant.as_str()).collect::<Vec<_>>())
        .bind(events.iter().map(|(_, told)| told.event.key.as_str()).collect::<Vec<_>>())
        .bind(events.iter().map(|(_, told)| told.event.kind.name()).collect::<Vec<_>>())
        .bind(events.iter().map(|(_, told)| told.event.resource.singular()).collect::<Vec<_>>())
        .bind(events.iter().map(|(_, told)| told.event.id.as_str()).collect::<Vec<_>>())
        .bind(events.iter().map(|(_, told)| told.event.occurred_at).collect::<Vec<_>>())
        .bind(events.iter().map(|(_, told)| told.envelope.as_str()).collect::<Vec<_>>())
        .execute(connection)
        .await
        .map(drop)
}

/// Writes entries with their lines, in the order given.
pub(super) async fn enter(
    connection: &mut PgConnection,
    schema: &SchemaName,
    accounts: &Accounts,
    entries: &[(&MerchantId, &Entry)],
) -> Result<(), sqlx::Error> {
    let table = schema.table("journal_entry");
    let statement = format!(
        "insert into {table} (merchant, entry_key, event_key, entry_date, currency, memo, reverses, written_at)
         select t.*, now()
         from unnest($1::text[], $2::text[], $3::text[], $4::date[], $5::text[], $6::text[], $7::text[]) as t
         on conflict do nothing"
    );
    sqlx::query(AssertSqlSafe(statement))
        .bind(entries.iter().map(|(merchant, _)| merchant.as_str()).collect::<Vec<_>>())
        .bind(entries.iter().map(|(_, entry)| entry.key.as_str()).collect::<Vec<_>>())
        .bind(entries.iter().map(|(_, entry)| entry.event_key.as_str()).collect::<Vec<_>>())
        .bind(entries.iter().map(|(_, entry)| entry.date).collect::<Vec<_>>())
        .bind(entries.iter().map(|(_, entry)| entry.currency.as_str()).collect::<Vec<_>>())
        .bind(entries.iter().map(|(_, entry)| entry.memo.as_str()).collect::<Vec<_>>())
        .bind(entries.iter().map(|(_, entry)| entry.reverses.as_deref()).collect::<Vec<_>>())
        .execute(&mut *connection)
        .await?;
    write_lines(connection, schema, accounts, entries).await
}

async fn write_lines(
    connection: &mut PgConnection,
    schema: &SchemaName,
    accounts: &Accounts,
    entries: &[(&MerchantId, &Entry)],
) -> Result<(), sqlx::Error> {
    let table = schema.table("journal_line");
    let statement = format!(
        "insert into {table} (merchant, entry_key, line_no, role, gl_account, debit, credit, customer_ref, invoice_ref, receivable_id,
             payment_id, fee_id, refund_id, dispute_id, credit_memo_id, transfer_id, account_key)
         select * from unnest($1::text[], $2::text[], $3::int4[], $4::text[], $5::text[], $6::numeric[], $7::numeric[], $8::text[],
             $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::text[])
         on conflict do nothing"
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

/// Which of these keys of `column` in a table of the books are there.
pub(super) async fn held(
    connection: &mut PgConnection,
    schema: &SchemaName,
    (table, column): (&'static str, &'static str),
    keys: &[(&str, &str)],
) -> Result<Vec<bool>, sqlx::Error> {
    let table = schema.table(table);
    let statement = format!(
        "select held.{column} is not null
         from unnest($1::text[], $2::text[]) with ordinality as new (merchant, key, place)
         left join {table} as held on held.merchant = new.merchant and held.{column} = new.key
         order by new.place"
    );
    sqlx::query_scalar(AssertSqlSafe(statement))
        .bind(keys.iter().map(|(merchant, _)| *merchant).collect::<Vec<_>>())
        .bind(keys.iter().map(|(_, key)| *key).collect::<Vec<_>>())
        .fetch_all(connection)
        .await
}
