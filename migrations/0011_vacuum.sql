-- What waits stands at the low end of small indexes, and each look at it passes the dead rows of all that waited since the last vacuum.
-- By default that is a fifth of a table's rows, however many they are; and where they lie on few pages, a vacuum leaves them in the indexes.
alter table ledger_entry set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 50000, vacuum_index_cleanup = on);
alter table booking set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 50000, vacuum_index_cleanup = on);
