create table sample (
    merchant text not null,
    resource text not null,
    slot integer not null check (slot between 0 and 95),
    at timestamptz not null,
    rows bigint not null check (rows >= 0),
    lag_s bigint not null check (lag_s >= 0),
    primary key (merchant, resource, slot)
);
comment on table sample is 'How far each resource was at each quarter of an hour of the last day, for the chart. A ring: the same quarter of the next day replaces a row.';
comment on column sample.merchant is 'As in record.';
comment on column sample.resource is 'As in record.';
comment on column sample.slot is 'The quarter of an hour within the day, in UTC.';
comment on column sample.at is 'When it was taken.';
comment on column sample.rows is 'Records stored then.';
comment on column sample.lag_s is 'Seconds from the high water of its cursor to then.';

-- What persons search by beside Paystand's own ids. Hashes, for a reference may be of any length.
create index ledger_entry_receipt on ledger_entry using hash (receipt) where receipt is not null;
create index exception_subject on exception using hash (subject);
create index event_invoice on event using hash (substring(fact from '"invoice_ref":"((?:[^"\\]|\\.)*)"'))
    where kind = 'receivable.changed';
