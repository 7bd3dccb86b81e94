create table record_sum (
    merchant text not null,
    resource text not null,
    currency text not null,
    rows bigint not null,
    amount numeric,
    primary key (merchant, resource, currency)
);
comment on table record_sum is 'How many records there are and what they come to, kept in the transactions that write them: nobody reads all records to know it.';
comment on column record_sum.merchant is 'As in record.';
comment on column record_sum.resource is 'As in record.';
comment on column record_sum.currency is 'As in record; empty where none is known.';
comment on column record_sum.rows is 'Records.';
comment on column record_sum.amount is 'Sum of their amounts, exact; null where none was ever known.';

-- Nothing is written meanwhile that would not be counted.
lock table record in share row exclusive mode;
set local enable_seqscan = on;
insert into record_sum (merchant, resource, currency, rows, amount)
select merchant, resource, coalesce(currency, ''), count(*), sum(amount) from record group by 1, 2, 3;
