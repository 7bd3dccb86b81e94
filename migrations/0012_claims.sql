create table claim (
    adapter text primary key,
    epoch bigint not null,
    positions bigint[] not null,
    claimed_at timestamptz not null
);
comment on table claim is 'What is in flight: the entries of the one call that is under way at an adapter, recorded before it is made (I4). Whoever finds entries here that it did not claim itself takes them for in doubt.';
comment on column claim.adapter is 'As in ledger_entry.';
comment on column claim.epoch is 'Lease epoch under which they were claimed.';
comment on column claim.positions is 'Positions of the ledger entries that are not settled yet; empty between two calls.';
comment on column claim.claimed_at is 'When.';

-- Whoever claimed them can not note any more what became of them.
update ledger_entry set state = 'in_doubt' where state = 'in_flight';
alter table ledger_entry drop constraint ledger_entry_state_check;
alter table ledger_entry add constraint ledger_entry_state_check check (state in ('pending', 'in_doubt', 'held', 'parked',
    'posted', 'baseline', 'superseded', 'not_applicable', 'resolved'));
alter table ledger_entry drop column epoch;
comment on column ledger_entry.state is 'pending → posted; in_doubt after a lost answer; held and parked wait for time or a person; the rest is final. In flight is what claim names.';
comment on column ledger_entry.attempts is 'Attempts that came to an end.';
comment on column attempt.epoch is 'Lease epoch under which it was made.';
comment on table attempt is 'Attempts that did not end with a receipt. The one under way is in claim.';

drop index ledger_entry_open;
create index ledger_entry_open on ledger_entry (adapter, position) where state in ('pending', 'in_doubt', 'held');
drop index ledger_entry_order;
create index ledger_entry_order on ledger_entry (adapter, merchant, root, position)
    where root is not null and state in ('pending', 'in_doubt', 'held', 'parked');
