-- What happened and what it means in the books.
-- Runs with search_path set to the staging schema alone.

create table event (
    merchant     text not null,
    event_key    text not null,
    type         text not null,
    subject_kind text not null,
    subject_id   text not null,
    occurred_at  timestamptz not null,
    envelope     jsonb not null,
    written_at   timestamptz not null,
    primary key (merchant, event_key)
);
create index on event (merchant, subject_kind, subject_id);
comment on table event is 'Business facts, each once.';
comment on column event.merchant is 'Paystand customer_id of the entity whose money it is.';
comment on column event.event_key is 'Unique key of the fact.';
comment on column event.type is 'Kind of the fact, such as payment.posted.';
comment on column event.subject_kind is 'What the fact is about: a table of this schema.';
comment on column event.subject_id is 'id in that table.';
comment on column event.occurred_at is 'When it happened at Paystand, fixed when first recorded.';
comment on column event.envelope is 'The fact as a CloudEvents 1.0 envelope.';
comment on column event.written_at is 'When the row was written here.';

create table journal_entry (
    merchant   text not null,
    entry_key  text not null,
    event_key  text not null,
    entry_date date not null,
    currency   text not null,
    memo       text,
    reverses   text,
    written_at timestamptz not null,
    primary key (merchant, entry_key)
);
create index on journal_entry (merchant, event_key);
comment on table journal_entry is 'Balanced entries that events mean, never changed: a correction reverses.';
comment on column journal_entry.merchant is 'Paystand customer_id of the entity whose money it is.';
comment on column journal_entry.entry_key is 'Unique key of the entry.';
comment on column journal_entry.event_key is 'event.event_key that it books.';
comment on column journal_entry.entry_date is 'Booking date in the zone of the merchant.';
comment on column journal_entry.currency is 'ISO 4217 code of all its lines.';
comment on column journal_entry.memo is 'Text for a reader of the books.';
comment on column journal_entry.reverses is 'entry_key of the entry that this one reverses.';
comment on column journal_entry.written_at is 'When the row was written here.';

create table journal_line (
    merchant       text not null,
    entry_key      text not null,
    line_no        integer not null,
    role           text not null,
    gl_account     text,
    debit          numeric not null default 0 check (debit >= 0),
    credit         numeric not null default 0 check (credit >= 0),
    customer_ref   text,
    invoice_ref    text,
    receivable_id  text,
    payment_id     text,
    fee_id         text,
    refund_id      text,
    dispute_id     text,
    credit_memo_id text,
    transfer_id    text,
    account_key    text,
    primary key (merchant, entry_key, line_no),
    foreign key (merchant, entry_key) references journal_entry
);
create index on journal_line (merchant, role);
comment on table journal_line is 'Lines of journal entries: per entry the debits equal the credits.';
comment on column journal_line.merchant is 'Paystand customer_id of the entity whose money it is.';
comment on column journal_line.entry_key is 'journal_entry.entry_key.';
comment on column journal_line.line_no is 'Place of the line in its entry, from 1.';
comment on column journal_line.role is 'Role of the account, such as clearing.';
comment on column journal_line.gl_account is 'Account that the role is mapped to.';
comment on column journal_line.debit is 'Amount debited, 0 on a credit line.';
comment on column journal_line.credit is 'Amount credited, 0 on a debit line.';
comment on column journal_line.customer_ref is 'Customer key of the ERP.';
comment on column journal_line.invoice_ref is 'Invoice key of the ERP when it was booked.';
comment on column journal_line.receivable_id is 'receivable.id.';
comment on column journal_line.payment_id is 'payment.id.';
comment on column journal_line.fee_id is 'fee.id.';
comment on column journal_line.refund_id is 'refund.id.';
comment on column journal_line.dispute_id is 'dispute.id.';
comment on column journal_line.credit_memo_id is 'credit_memo.id.';
comment on column journal_line.transfer_id is 'transfer.id, only on lines of transfers.';
comment on column journal_line.account_key is 'Sub-account at Paystand.';
