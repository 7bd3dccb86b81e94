create table open_item (
    merchant text not null,
    resource text not null,
    source_id text not null,
    reason text not null check (reason in ('status', 'fee', 'fee_absent', 'unapplied', 'named', 'children')),
    amount numeric,
    party text,
    opened_at timestamptz not null,
    next_at timestamptz,
    reads integer not null default 0 check (reads >= 0),
    primary key (merchant, resource, source_id, reason)
);
comment on table open_item is 'Records that their list may not show again when they change: read by id, with growing delay, until nothing is open.';
comment on column open_item.merchant is 'As in record.';
comment on column open_item.resource is 'What is read: the record''s resource, or that of its children.';
comment on column open_item.source_id is 'The record, or the parent of the children.';
comment on column open_item.reason is 'status: not terminal; fee: not final; fee_absent: none yet; unapplied: money not yet found on a receivable; named: another record names it; children: its child list is to be read.';
comment on column open_item.amount is 'The principal of an unapplied payment.';
comment on column open_item.party is 'The ERP''s customer key of an unapplied payment.';
comment on column open_item.opened_at is 'Since when.';
comment on column open_item.next_at is 'When it is read next; null after its time is up and an exception was raised.';
comment on column open_item.reads is 'How often it was read; the delay grows with it.';

create index open_item_due on open_item (merchant, resource, next_at) where next_at is not null;

create table seal (
    merchant text not null,
    resource text not null,
    from_at timestamptz not null,
    to_at timestamptz not null check (to_at > from_at),
    zone text not null,
    rows bigint not null check (rows >= 0),
    sums jsonb not null,
    ids_sha256 bytea not null,
    readings integer not null default 1 check (readings > 0),
    sealed_at timestamptz not null,
    read_at timestamptz not null,
    final_at timestamptz,
    primary key (merchant, resource, from_at)
);
comment on table seal is 'Certificates of created days: what the source showed of each, and that reading it again agreed. Contiguous in instants.';
comment on column seal.merchant is 'As in record.';
comment on column seal.resource is 'As in record.';
comment on column seal.from_at is 'First instant, included; where the seal before ends.';
comment on column seal.to_at is 'Last instant, not included: the end of a day in the zone.';
comment on column seal.zone is 'The merchant''s zone by which the day was cut.';
comment on column seal.rows is 'Records created within.';
comment on column seal.sums is 'Amount per currency at sealing; amounts may change later, the records do not.';
comment on column seal.ids_sha256 is 'SHA-256 over the ids in order, each followed by a line feed.';
comment on column seal.readings is 'Readings of the source that showed exactly these records.';
comment on column seal.sealed_at is 'When it was last sealed; a record that turns up while it is provisional seals it anew.';
comment on column seal.read_at is 'Last reading that agreed.';
comment on column seal.final_at is 'When a reading at least seven days after the day agreed; a record found later raises an exception.';
