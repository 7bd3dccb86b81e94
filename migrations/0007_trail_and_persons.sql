create index journal_line_invoice on journal_line (merchant, invoice_ref) where invoice_ref is not null;
create index journal_line_receivable on journal_line (merchant, receivable_id) where receivable_id is not null;
create index election_reference on election (reference);

alter table exception add column owner text;
comment on column exception.owner is 'The person who takes care of it; null where nobody said so.';

create table audit_head (
    singleton boolean primary key default true check (singleton),
    number bigint not null,
    sha256 bytea not null
);
comment on table audit_head is 'The last row of audit, so that its removal is found.';
comment on column audit_head.singleton is 'Always true; the key that allows one row.';
comment on column audit_head.number is 'Number of the last row.';
comment on column audit_head.sha256 is 'Its hash.';
insert into audit_head (number, sha256) select number, sha256 from audit order by number desc limit 1;
