-- Keys sort by their bytes. A collation of the operating system changes with its next release, and an index that was built under the old one
-- then misses keys that it holds: what is in the ledger would look new. It is faster as well.
do $$
declare
    changed record;
begin
    for changed in
        select c.table_name, string_agg(format('alter column %I type text collate "C"', c.column_name), ', ') as columns
        from information_schema.columns c
        where c.table_schema = current_schema() and c.data_type = 'text' and c.table_name <> '_sqlx_migrations'
        group by c.table_name order by c.table_name
    loop
        execute format('alter table %I %s', changed.table_name, changed.columns);
    end loop;
end
$$;
