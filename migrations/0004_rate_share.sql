create table rate_share (
    environment text not null,
    client_id text not null,
    holder text not null,
    per_minute integer not null check (per_minute >= 0),
    seen_at timestamptz not null,
    primary key (environment, client_id, holder)
);
comment on table rate_share is 'How the processes of this database divide the request rate of one API key. The sum never exceeds the rate.';
comment on column rate_share.environment is 'Environment of the key.';
comment on column rate_share.client_id is 'The key; not secret.';
comment on column rate_share.holder is 'The process, by the name that its leases bear.';
comment on column rate_share.per_minute is 'Requests that it may send.';
comment on column rate_share.seen_at is 'When it last said so; about once a minute.';
