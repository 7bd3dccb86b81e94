-- Entries that were derived together have positions that follow each other: 250 of them were 2 kB, written twice a call.
alter table claim add column ranges int8range[];
update claim set ranges = array(select int8range(position, position, '[]') from unnest(positions) position order by position);
alter table claim drop column positions;
alter table claim rename column ranges to positions;
alter table claim alter column positions set not null;
comment on column claim.positions is 'Positions of the ledger entries that are not settled yet, as ranges; empty between two calls.';
