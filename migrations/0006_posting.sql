alter table adapter add column target text;
comment on column adapter.target is 'Where it writes, in one line without secrets; null until an adapter of this name has said so.';
create unique index adapter_target on adapter (target);

alter table ledger_entry add column root text;
alter table ledger_entry add column generation integer not null default 1 check (generation > 0);
alter table ledger_entry add column payload_sha256 bytea;
comment on column ledger_entry.root is 'Whose money it is about: entries of one adapter and root are posted in order. Null where no order is kept.';
comment on column ledger_entry.generation is 'Above 1 where a person had it posted anew under a new key.';
comment on column ledger_entry.payload_sha256 is 'What was last sent under this key. With anything else the entry is parked.';

update ledger_entry e set root = v.root from event v
    where e.what = 'event' and v.merchant = e.merchant and v.event_key = e.key;
update ledger_entry e set root = j.root from journal_entry j
    where e.what = 'entry' and j.merchant = e.merchant and j.entry_key = e.key;

create index ledger_entry_order on ledger_entry (adapter, merchant, root, position)
    where root is not null and state in ('pending', 'in_flight', 'in_doubt', 'held', 'parked');

create table election (
    adapter text not null,
    erp_key text not null,
    merchant text not null,
    key text not null,
    generation integer not null,
    reference text not null,
    elected_at timestamptz not null,
    primary key (adapter, erp_key),
    unique (adapter, merchant, key, generation)
);
comment on table election is 'Which document of an ERP is the one of its key. Written once and never changed: no other document of the key is ever released.';
comment on column election.adapter is 'As in ledger_entry.';
comment on column election.erp_key is 'The key as this ERP writes it.';
comment on column election.merchant is 'As in ledger_entry.';
comment on column election.key is 'As in ledger_entry.';
comment on column election.generation is 'As in ledger_entry.';
comment on column election.reference is 'The document that was elected, as the ERP names it; empty where the key was given up and nothing of it may be released.';
comment on column election.elected_at is 'When.';

create table attempt (
    merchant text not null,
    key text not null,
    adapter text not null,
    number integer not null,
    epoch bigint not null,
    ended_at timestamptz not null,
    state text not null,
    reason text not null,
    payload text
);
comment on table attempt is 'Attempts that did not end with a receipt. The one under way stands in the ledger entry itself.';
comment on column attempt.merchant is 'As in ledger_entry.';
comment on column attempt.key is 'As in ledger_entry.';
comment on column attempt.adapter is 'As in ledger_entry.';
comment on column attempt.number is 'Counted from 1 over the life of the entry.';
comment on column attempt.epoch is 'Lease epoch under which it was made.';
comment on column attempt.ended_at is 'When.';
comment on column attempt.state is 'What the entry became.';
comment on column attempt.reason is 'One sentence.';
comment on column attempt.payload is 'What was sent, where nobody knows whether it took effect. It may hold card or bank data and is masked before it is shown.';
create index attempt_entry on attempt (merchant, key, adapter);

create table pause (
    scope text primary key,
    since timestamptz not null,
    actor text not null,
    reason text not null
);
comment on table pause is 'Work that a person has stopped.';
comment on column pause.scope is 'adapter/<name> or resource/<name>.';
comment on column pause.since is 'From when on.';
comment on column pause.actor is 'Who.';
comment on column pause.reason is 'Why.';

create table audit (
    number bigint primary key,
    at timestamptz not null,
    actor text not null,
    action text not null,
    object text not null,
    reason text not null,
    detail text not null,
    sha256 bytea not null
);
comment on table audit is 'What persons changed. Rows are only added, and each is chained to the one before.';
comment on column audit.number is 'From 1, without gaps.';
comment on column audit.at is 'When.';
comment on column audit.actor is 'Who.';
comment on column audit.action is 'What was done: pause, resume, retry, renew, resolve, replay, rename, rebind.';
comment on column audit.object is 'To what, such as adapter/books or an entry.';
comment on column audit.reason is 'Why, in the words of the actor.';
comment on column audit.detail is 'What it came to.';
comment on column audit.sha256 is 'SHA-256 over the hash of the row before and the fields of this one.';
