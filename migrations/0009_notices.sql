create table notice (
    merchant text not null,
    key text not null,
    kind text not null check (kind in ('posting.confirmed', 'posting.failed', 'reconciliation.exception')),
    resource text not null,
    source_id text not null,
    root text,
    occurred_at timestamptz not null,
    data text not null,
    position bigint generated always as identity,
    primary key (merchant, key)
);
comment on table notice is 'What happened to our own work, for adapters that want to hear of it. Rows are only added, and only while there is such an adapter.';
comment on column notice.merchant is 'As in exception.';
comment on column notice.key is '<kind>:<adapter>:<entry key>, or <kind>:<number of the exception>.';
comment on column notice.kind is 'posting.confirmed, posting.failed or reconciliation.exception.';
comment on column notice.resource is 'The record that it is about; empty where it is about none.';
comment on column notice.source_id is 'The record that it is about, or what else it is about, such as an adapter.';
comment on column notice.root is '<adapter>/<root of the entry>: what an adapter posts about the same money is told in order. Null where no order is kept.';
comment on column notice.occurred_at is 'When it happened here.';
comment on column notice.data is 'What there is to say, as JSON, without card or bank data.';
comment on column notice.position is 'Order of telling.';

alter table adapter add column notices boolean not null default false;
alter table adapter add column failing_since timestamptz;
comment on column adapter.notices is 'It wants to hear of notices. What becomes of its own entries makes none.';
comment on column adapter.failing_since is 'Since when its target has taken nothing; null where the last call was answered.';

alter table ledger_entry drop constraint ledger_entry_what_check;
alter table ledger_entry add constraint ledger_entry_what_check check (what in ('document', 'event', 'entry', 'notice'));
alter table ledger_entry add column failures integer not null default 0 check (failures >= 0);
comment on column ledger_entry.what is 'What is delivered: a version of a record, an event, a journal entry, or a notice.';
comment on column ledger_entry.failures is 'Attempts that its target answered and did not take, or did not answer: a schedule of the target goes by it.';

comment on column exception.merchant is 'As in record; empty where it is about no merchant alone, such as a target.';
comment on table pause is 'Work that is stopped: by a person, or because its target said that it is gone for good.';
comment on table audit is 'What was changed by hand, and what the daemon stopped by itself. Rows are only added, and each is chained to the one before.';
