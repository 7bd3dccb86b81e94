create table booking (
    merchant text not null,
    resource text not null,
    source_id text not null,
    version bigint not null,
    position bigint generated always as identity,
    booked bigint,
    batch bigint,
    primary key (merchant, resource, source_id, version)
);
comment on table booking is 'Versions that took effect, in order: those yet to be booked, and in which order the others were.';
comment on column booking.merchant is 'As in record.';
comment on column booking.resource is 'As in record.';
comment on column booking.source_id is 'As in record.';
comment on column booking.version is 'As in record_version.';
comment on column booking.position is 'Order of arrival.';
comment on column booking.booked is 'Order of booking, from 1 per merchant; null while it waits. A rebuild books in this order.';
comment on column booking.batch is 'The booking transaction: what several records tell together is told at its end.';

create index booking_waiting on booking (merchant, position) where booked is null;
create unique index booking_order on booking (merchant, booked) where booked is not null;

-- What was read before there was a journal is booked from the state it is in now.
insert into booking (merchant, resource, source_id, version)
select merchant, resource, source_id, version from record where content is not null
order by recorded_at, merchant, resource, source_id;

create sequence event_position;
comment on sequence event_position is 'Order of telling over all events.';

create table event (
    merchant text not null,
    event_key text not null,
    kind text not null,
    resource text not null,
    source_id text not null,
    occurred_at timestamptz not null,
    fact text not null,
    root text,
    position bigint not null default nextval('event_position'),
    told_at timestamptz not null,
    primary key (merchant, event_key)
);
comment on table event is 'What happened, each fact once. Rows are only added; only the account that an event belongs to may become known later.';
comment on column event.merchant is 'As in record.';
comment on column event.event_key is '<record>:<id>:<fact>[:<n>].';
comment on column event.kind is 'payment.posted, fee.adjusted …';
comment on column event.resource is 'The record whose history it is in.';
comment on column event.source_id is 'The record whose history it is in.';
comment on column event.occurred_at is 'When it happened at Paystand.';
comment on column event.fact is 'What it knows by itself, as JSON.';
comment on column event.root is 'The payment or transfer whose money it is about; null where it moves none.';
comment on column event.position is 'Order within its account.';
comment on column event.told_at is 'When it was told here.';

create index event_history on event (merchant, resource, source_id);
create index event_account on event (merchant, root) where root is not null;

create table home (
    merchant text not null,
    source_id text not null,
    root text not null,
    primary key (merchant, source_id)
);
comment on table home is 'Whose money a record is, by every id that a transfer report may use for it.';
comment on column home.merchant is 'As in record.';
comment on column home.source_id is 'A payment, fee, refund or dispute, or a fee inside one of them.';
comment on column home.root is 'The payment.';

create table journal_entry (
    merchant text not null,
    entry_key text not null,
    event_key text not null,
    root text not null,
    entry_date date not null,
    currency text not null,
    memo text not null,
    reverses text,
    position bigint generated always as identity,
    booked_at timestamptz not null,
    primary key (merchant, entry_key)
);
comment on table journal_entry is 'Balanced entries by account role. Rows are only added: a correction is a reversal and a new entry.';
comment on column journal_entry.merchant is 'As in record.';
comment on column journal_entry.entry_key is '<event key>/<leg>.';
comment on column journal_entry.event_key is 'The event that it books.';
comment on column journal_entry.root is 'As in event.';
comment on column journal_entry.entry_date is 'Booking date in the merchant''s zone.';
comment on column journal_entry.currency is 'Currency of all its lines.';
comment on column journal_entry.memo is 'Text for a reader of the books.';
comment on column journal_entry.reverses is 'The entry that it takes back.';
comment on column journal_entry.position is 'Order of booking.';
comment on column journal_entry.booked_at is 'When it was booked here.';

create index journal_entry_event on journal_entry (merchant, event_key);
create index journal_entry_root on journal_entry (merchant, root);
create index journal_entry_date on journal_entry (merchant, entry_date);
create unique index journal_entry_reverses on journal_entry (merchant, reverses) where reverses is not null;

create table journal_line (
    merchant text not null,
    entry_key text not null,
    line_no integer not null,
    role text not null,
    amount numeric not null check (amount <> 0),
    customer_ref text,
    invoice_ref text,
    receivable_id text,
    payment_id text,
    fee_id text,
    refund_id text,
    dispute_id text,
    credit_memo_id text,
    transfer_id text,
    account_key text,
    primary key (merchant, entry_key, line_no),
    foreign key (merchant, entry_key) references journal_entry
);
comment on table journal_line is 'Lines of journal entries; those of one entry sum to zero.';
comment on column journal_line.merchant is 'As in record.';
comment on column journal_line.entry_key is 'The entry.';
comment on column journal_line.line_no is 'Place in the entry, from 1.';
comment on column journal_line.role is 'What the account is for.';
comment on column journal_line.amount is 'Debit where positive, credit where negative.';
comment on column journal_line.customer_ref is 'Customer key of the ERP.';
comment on column journal_line.invoice_ref is 'Invoice key of the ERP when it was booked.';
comment on column journal_line.receivable_id is 'The invoice at Paystand.';
comment on column journal_line.payment_id is 'The payment.';
comment on column journal_line.fee_id is 'The fee.';
comment on column journal_line.refund_id is 'The refund.';
comment on column journal_line.dispute_id is 'The dispute.';
comment on column journal_line.credit_memo_id is 'The credit memo.';
comment on column journal_line.transfer_id is 'The transfer, on lines of transfers.';
comment on column journal_line.account_key is 'Sub-account at Paystand.';

create index journal_line_unapplied on journal_line (merchant, payment_id) where role = 'unapplied_cash';
create index journal_line_payer on journal_line (merchant, customer_ref) where role = 'unapplied_cash';
create index record_report on record (merchant, parent_id) where resource = 'transfer_entries';
create index record_memo on record (merchant, party) where resource = 'credit_memos';

alter table ledger_entry add column what text not null default 'document' check (what in ('document', 'event', 'entry'));
alter table ledger_entry add column baseline text;
alter table ledger_entry add column nets text;
comment on column ledger_entry.baseline is 'The journal entry from before the adapter''s first day that this one corrects: the target does not hold it.';
comment on column ledger_entry.nets is 'The reversal of that entry, which is not delivered by itself: only the difference is.';
comment on column ledger_entry.what is 'What is delivered: a version of a record, an event, or a journal entry.';
