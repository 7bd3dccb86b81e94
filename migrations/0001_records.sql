-- Everything lives in the schema `paystand_sync`, which the connection's search path names.

create table instance (
    singleton boolean primary key default true check (singleton),
    environment text not null check (environment in ('sandbox', 'production')),
    created_at timestamptz not null
);
comment on table instance is 'One row: what this database serves.';
comment on column instance.singleton is 'Always true; the key that allows one row.';
comment on column instance.environment is 'The Paystand environment whose rows these are; another one is refused.';
comment on column instance.created_at is 'When this database was first used.';

create table lease (
    name text primary key,
    holder text not null,
    epoch bigint not null check (epoch > 0),
    expires_at timestamptz not null
);
comment on table lease is 'Who may work on what (I9). Every commit checks the epoch of the lease it works under.';
comment on column lease.name is 'The work: scan/<merchant>/<resource> or deliver/<adapter>.';
comment on column lease.holder is 'The process that holds or last held it; it also holds a session advisory lock of that name while it lives.';
comment on column lease.epoch is 'Grows by one each time the lease changes hands; a commit under an older one fails.';
comment on column lease.expires_at is 'From then on anybody may take it, even while the holder seems alive.';

create table record (
    merchant text not null,
    resource text not null,
    source_id text not null,
    version bigint not null check (version > 0),
    version_last bigint not null check (version_last >= version),
    embedded_fingerprint bytea,
    list_fingerprint bytea,
    detail_fingerprint bytea,
    content bytea,
    status text,
    amount numeric,
    currency text,
    created_at timestamptz,
    updated_at timestamptz,
    parent_id text,
    subject_id text,
    party text,
    recorded_at timestamptz not null,
    primary key (merchant, resource, source_id)
);
comment on table record is 'One Paystand object as last seen. Its bytes are in record_version.';
comment on column record.merchant is 'Paystand customer_id of the entity, never its label in the configuration.';
comment on column record.resource is 'customers, receivables, payments …';
comment on column record.source_id is 'The id of the object at Paystand.';
comment on column record.version is 'The version in effect.';
comment on column record.version_last is 'The last number given; above version only where an older body arrived late and was archived.';
comment on column record.embedded_fingerprint is 'SHA-256 of the canonical JSON last seen inside a parent object.';
comment on column record.list_fingerprint is 'The same of the last list row.';
comment on column record.detail_fingerprint is 'The same of the last answer read by id.';
comment on column record.content is 'SHA-256 of the document in effect; null where the body cannot be decoded.';
comment on column record.status is 'Status of the document in effect, for sums and displays.';
comment on column record.amount is 'Amount of the document in effect, exact.';
comment on column record.currency is 'Currency of that amount.';
comment on column record.created_at is 'created at the source. It never moves, so days are certified by it.';
comment on column record.updated_at is 'lastUpdated of the version in effect.';
comment on column record.parent_id is 'The object it was read under, such as the payment of an embedded fee.';
comment on column record.subject_id is 'The record whose money it is about: the payment of an application, a fee, a refund.';
comment on column record.party is 'The ERP''s customer key, where the record is about one.';
comment on column record.recorded_at is 'When the version in effect was stored.';

create index record_created on record (merchant, resource, created_at);
create index record_updated on record (merchant, resource, updated_at);
create index record_subject on record (merchant, subject_id) where resource = 'receivable_transactions';
create index record_party on record (merchant, party) where resource = 'receivables';

create table record_version (
    merchant text not null,
    resource text not null,
    source_id text not null,
    version bigint not null check (version > 0),
    shape text not null check (shape in ('embedded', 'list', 'detail')),
    fingerprint bytea not null,
    body bytea not null,
    parent_id text,
    updated_at timestamptz,
    recorded_at timestamptz not null,
    arrival bigint generated always as identity,
    primary key (merchant, resource, source_id, version, shape, fingerprint)
);
comment on table record_version is 'The archive: the lossless bytes of every version in every shape in which it was seen. Rows are only added.';
comment on column record_version.merchant is 'As in record.';
comment on column record_version.resource is 'As in record.';
comment on column record_version.source_id is 'As in record.';
comment on column record_version.version is 'Counts from 1 in the order of arrival.';
comment on column record_version.shape is 'Where the body came from; a detail says more than a list row, a list row more than an embedded object.';
comment on column record_version.fingerprint is 'SHA-256 of the canonical JSON of the body.';
comment on column record_version.body is 'The exact bytes that came (bytea, for text cannot hold every JSON string).';
comment on column record_version.parent_id is 'The object it was read under.';
comment on column record_version.updated_at is 'lastUpdated in this body.';
comment on column record_version.recorded_at is 'When it was stored.';
comment on column record_version.arrival is 'Order of arrival over all records; a rebuild replays in it.';

alter table record_version alter column body set storage external;

create table cursor (
    merchant text not null,
    resource text not null,
    high_water timestamptz not null,
    backfill_from date not null,
    backfilled_at timestamptz,
    freshened_at timestamptz,
    whole_at timestamptz,
    sealed_at timestamptz,
    polled_at timestamptz,
    unavailable_since timestamptz,
    primary key (merchant, resource)
);
comment on table cursor is 'How far each resource of each merchant is read. It moves only together with the records it covers (I1) and never back (I2).';
comment on column cursor.merchant is 'As in record.';
comment on column cursor.resource is 'As in record.';
comment on column cursor.high_water is 'Everything last updated before this instant and visible by then is stored.';
comment on column cursor.backfill_from is 'First created day that the backfill reads.';
comment on column cursor.backfilled_at is 'When the last backfill window was read; null while the backfill is under way.';
comment on column cursor.freshened_at is 'Start of the last complete freshness pass.';
comment on column cursor.whole_at is 'Start of the last complete pass over a list without date filter.';
comment on column cursor.sealed_at is 'Start of the last complete pass that seals closed days.';
comment on column cursor.polled_at is 'End of the last complete poll, written at most once a minute while there is no news.';
comment on column cursor.unavailable_since is 'Since when these credentials may not read the list; its fallback is in use.';

create table backfill_window (
    merchant text not null,
    resource text not null,
    first_day date not null,
    last_day date not null check (last_day >= first_day),
    rows bigint not null,
    read_at timestamptz not null,
    primary key (merchant, resource, first_day)
);
comment on table backfill_window is 'Ranges of created days that the backfill has read. What is not here is read again after a crash.';
comment on column backfill_window.merchant is 'As in record.';
comment on column backfill_window.resource is 'As in record.';
comment on column backfill_window.first_day is 'First created day, in the merchant''s zone.';
comment on column backfill_window.last_day is 'Last created day, included.';
comment on column backfill_window.rows is 'Rows that the window showed.';
comment on column backfill_window.read_at is 'When it was read to its end.';
