//! Witnesses in the databases: triggers that note every row written to a target, and every commit of ours whose writer does not hold the
//! lease under which such rows are written. Writers are told apart by the role as which they log in.

use sqlx::{AssertSqlSafe, PgPool};

use crate::harness::{Database, column};

/// A row of a target is known by its key and, of a record, by its version.
const TARGET: &str = "
    create schema audit;
    create table audit.write (no bigint generated always as identity, role text, tab text, op text, key text, version text);
    create function audit.note() returns trigger language plpgsql security definer as $$
    declare r jsonb := case when tg_op = 'DELETE' then to_jsonb(old) else to_jsonb(new) end;
    begin
        insert into audit.write (role, tab, op, key, version) values (session_user, tg_table_name, tg_op,
            concat_ws('/', r->>'event_key', r->>'entry_key', r->>'line_no', r->>'id'), r->>'version');
        return null;
    end $$;
    do $$ declare t text; begin
        for t in select table_name from information_schema.tables where table_schema = 'erp' and table_name <> 'paystand_sync_schema' loop
            execute format('create trigger audit after insert or update or delete on erp.%I for each row execute function audit.note()', t);
        end loop;
    end $$";

/// What happened and what was booked is written once and never again; a version of a record is written once.
const WRITTEN_AGAIN: &str = "
    select concat_ws(' ', op, tab, key, version) from audit.write
    where op = 'DELETE' or (op = 'UPDATE' and tab in ('event', 'journal_entry', 'journal_line'))
    union all
    select concat_ws(' ', count(*), 'times', tab, key, version) from audit.write group by tab, key, version having count(*) > 1";

/// Judged when the writer commits, while its own transaction keeps the lease from changing hands.
const OWN: &str = "
    create schema audit;
    create table audit.lease (no bigint generated always as identity, name text, holder text, epoch bigint, role text);
    create table audit.foul (no bigint generated always as identity, role text, what text, lease text, holder_role text);
    create function audit.note_lease() returns trigger language plpgsql security definer as $$
    begin
        insert into audit.lease (name, holder, epoch, role) values (new.name, new.holder, new.epoch, session_user);
        return null;
    end $$;
    create trigger audit after insert or update on paystand_sync.lease for each row execute function audit.note_lease();
    create function audit.judge() returns trigger language plpgsql security definer as $$
    declare
        r jsonb := to_jsonb(new);
        wanted text := case tg_argv[0] when 'deliver' then 'deliver/' || (r->>'adapter') when 'book' then 'book/' || (r->>'merchant')
            else 'scan/' || (r->>'merchant') || '/' || (r->>'resource') end;
        held paystand_sync.lease;
        owner text;
    begin
        select * into held from paystand_sync.lease where name = wanted;
        select role into owner from audit.lease where holder = held.holder order by no desc limit 1;
        if owner is distinct from session_user::text or (tg_table_name = 'claim' and (r->>'epoch')::bigint <> held.epoch) then
            insert into audit.foul (role, what, lease, holder_role) values (session_user, r::text, wanted, owner);
        end if;
        return null;
    end $$;
    create constraint trigger audit after update on paystand_sync.ledger_entry deferrable initially deferred
        for each row when (old.state is distinct from new.state) execute function audit.judge('deliver');
    create constraint trigger audit after insert or update on paystand_sync.claim deferrable initially deferred
        for each row when (new.positions <> '{}') execute function audit.judge('deliver');
    create constraint trigger audit after insert on paystand_sync.event deferrable initially deferred
        for each row execute function audit.judge('book');
    create constraint trigger audit after insert on paystand_sync.journal_entry deferrable initially deferred
        for each row execute function audit.judge('book');
    create constraint trigger audit after update on paystand_sync.cursor deferrable initially deferred
        for each row execute function audit.judge('scan')";

/// Begins to watch a target whose tables are there.
pub async fn watch_target(pool: &PgPool) {
    sqlx::raw_sql(TARGET).execute(pool).await.expect("triggers on the target");
}

/// Begins to watch our own tables. Whoever holds leases already must take them again to be known.
pub async fn watch_own(pool: &PgPool) {
    sqlx::raw_sql(OWN).execute(pool).await.expect("triggers on our tables");
}

/// What was written to the target a second time.
pub async fn written_again(pool: &PgPool) -> Vec<String> {
    column(pool, WRITTEN_AGAIN).await
}

/// Rows written to the target since it is watched.
pub async fn writes(pool: &PgPool) -> usize {
    column(pool, "select key from audit.write").await.len()
}

/// Commits by somebody who did not hold the lease.
pub async fn fouls(pool: &PgPool) -> Vec<String> {
    column(pool, "select concat_ws(' ', role, lease, holder_role, what) from audit.foul").await
}

/// A role of its own for one writer; returns the URL of our database as that role.
pub async fn as_role(database: &Database, role: &str) -> String {
    let create = format!("create role {role} superuser login");
    sqlx::query(AssertSqlSafe(create)).execute(&database.pool).await.expect("a role");
    let mut url: url::Url = database.url.parse().expect("a URL");
    url.set_username(role).expect("a URL with a host");
    url.into()
}

/// Who holds each lease of lasting work, and since which epoch. A tie-out and a sample are a moment's work of whoever comes first.
pub async fn held(own: &PgPool) -> Vec<String> {
    const HELD: &str = "
        select concat_ws(' ', name, holder, epoch) from paystand_sync.lease
        where name not like 'reconcile/%' and name <> 'sample' order by 1";
    column(own, HELD).await
}

/// How many of them a daemon holds that logs in as `role`, as far as the database knows.
pub async fn leases_of(own: &PgPool, role: &str) -> usize {
    let holders = format!("select distinct holder from audit.lease where role = '{role}'");
    let holders = column(own, &holders).await;
    let is_its_own = |lease: &&String| holders.iter().any(|holder| lease.split(' ').nth(1) == Some(holder));
    held(own).await.iter().filter(is_its_own).count()
}
