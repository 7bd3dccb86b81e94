alter table ledger_entry add column text text collate "C";
comment on column ledger_entry.text is 'Of an event or a journal entry that waits: itself as JSON, so that whoever delivers it need not look for it, however long the history is. Where there is none, it is looked for by its key.';
alter table ledger_entry add constraint ledger_entry_text_check check (text is null or settled_at is null);
