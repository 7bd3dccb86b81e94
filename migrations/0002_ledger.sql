create table ledger_entry (
    merchant text not null,
    key text not null,
    adapter text not null,
    resource text not null,
    source_id text not null,
    version bigint not null,
    state text not null check (state in ('pending', 'in_flight', 'in_doubt', 'held', 'parked',
        'posted', 'baseline', 'superseded', 'not_applicable', 'resolved')),
    reason text,
    due_at timestamptz not null,
    attempts integer not null default 0 check (attempts >= 0),
    epoch bigint,
    receipt text,
    recorded_at timestamptz not null,
    settled_at timestamptz,
    position bigint generated always as identity,
    primary key (merchant, key, adapter),
    check ((state in ('held', 'parked')) <= (reason is not null)),
    check ((state = 'posted') <= (receipt is not null))
);
comment on table ledger_entry is 'The dedupe ledger and the outbox in one row: one entry per key and adapter (I3).';
comment on column ledger_entry.merchant is 'As in record.';
comment on column ledger_entry.key is 'Document key <resource>:<id>:v<n> or event key.';
comment on column ledger_entry.adapter is 'Name of the adapter, [erp.NAME].';
comment on column ledger_entry.resource is 'The record it speaks of.';
comment on column ledger_entry.source_id is 'The record it speaks of.';
comment on column ledger_entry.version is 'The version of the record from which it was derived.';
comment on column ledger_entry.state is 'pending → in_flight → posted; in_doubt after a lost answer; held and parked wait for time or a person; the rest is final.';
comment on column ledger_entry.reason is 'Why it is held or parked, one sentence.';
comment on column ledger_entry.due_at is 'Not before this instant: a retry or the end of a hold.';
comment on column ledger_entry.attempts is 'Attempts recorded, each before its call.';
comment on column ledger_entry.epoch is 'Lease epoch of the last claim; in flight under an older one means in doubt.';
comment on column ledger_entry.receipt is 'The ERP''s proof that it is posted.';
comment on column ledger_entry.recorded_at is 'When it was derived.';
comment on column ledger_entry.settled_at is 'When it became final.';
comment on column ledger_entry.position is 'Order of derivation; entries of one adapter are delivered in it.';

create index ledger_entry_open on ledger_entry (adapter, position)
    where state in ('pending', 'in_flight', 'in_doubt', 'held');
create index ledger_entry_waiting on ledger_entry (adapter, merchant, resource, source_id)
    where state in ('held', 'parked');

create table adapter (
    name text primary key,
    enrolled_at timestamptz not null
);
comment on table adapter is 'Adapters that entries are derived for. One that is new gets an entry for every record that is there.';
comment on column adapter.name is 'Name of the adapter, [erp.NAME].';
comment on column adapter.enrolled_at is 'When it first came.';

create table exception (
    id bigint generated always as identity primary key,
    merchant text not null,
    class text not null,
    subject text not null,
    detail text not null,
    evidence bytea,
    opened_at timestamptz not null,
    seen_at timestamptz not null,
    resolved_at timestamptz,
    resolution text,
    check ((resolved_at is null) = (resolution is null))
);
comment on table exception is 'What a person must see. Nothing is ever removed: an exception is resolved with a reason.';
comment on column exception.id is 'Number shown to people.';
comment on column exception.merchant is 'As in record.';
comment on column exception.class is 'What kind of trouble; decides the first action.';
comment on column exception.subject is 'What it is about, such as payments:<id>. One open exception per class and subject.';
comment on column exception.detail is 'One sentence.';
comment on column exception.evidence is 'The bytes at hand. They may hold card or bank data and are masked before they are shown.';
comment on column exception.opened_at is 'First seen.';
comment on column exception.seen_at is 'Last seen.';
comment on column exception.resolved_at is 'When it was settled.';
comment on column exception.resolution is 'How, and by whom.';

create unique index exception_open on exception (merchant, class, subject) where resolved_at is null;
