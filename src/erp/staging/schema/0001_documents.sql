-- The tables that the ERP side reads: one per resource, one row per record, its newest version.
-- Runs with search_path set to the staging schema alone.

create table customer (
    merchant           text not null,
    id                 text not null,
    status             text,
    amount             numeric,
    currency           text,
    created_at         timestamptz,
    updated_at         timestamptz,
    customer_ref       text,
    payer_id           text,
    name               text,
    email              text,
    contact_first_name text,
    contact_last_name  text,
    version            bigint not null,
    raw                jsonb not null,
    raw_sha256         text not null,
    delivery_key       text not null,
    written_at         timestamptz not null,
    primary key (merchant, id)
);
comment on table customer is 'Customers of the merchant (Paystand payerCustomer), newest version of each.';
comment on column customer.amount is 'Always null: a customer has no amount.';
comment on column customer.currency is 'Always null: a customer has no currency.';
comment on column customer.name is 'Name of the customer.';
comment on column customer.email is 'Email address of the customer.';
comment on column customer.contact_first_name is 'First name of the contact person.';
comment on column customer.contact_last_name is 'Last name of the contact person.';

create table receivable (
    merchant          text not null,
    id                text not null,
    status            text,
    amount            numeric,
    currency          text,
    created_at        timestamptz,
    updated_at        timestamptz,
    ext_id            text,
    customer_ref      text,
    payer_customer_id text,
    amount_paid       numeric,
    payer_email       text,
    date_posted       date,
    date_due          date,
    date_paid         date,
    version           bigint not null,
    raw               jsonb not null,
    raw_sha256        text not null,
    delivery_key      text not null,
    written_at        timestamptz not null,
    primary key (merchant, id)
);
comment on table receivable is 'Invoices as Paystand knows them, newest version of each. What is open is amount - amount_paid.';
comment on column receivable.ext_id is 'Invoice key of the ERP. It may be changed; id does not.';
comment on column receivable.amount_paid is 'Part of amount that is paid.';
comment on column receivable.payer_email is 'Email address that the invoice was sent to.';
comment on column receivable.date_posted is 'Posting date of the invoice, a plain date.';
comment on column receivable.date_due is 'Due date, a plain date.';
comment on column receivable.date_paid is 'Date of payment, a plain date.';

create table receivable_transaction (
    merchant          text not null,
    id                text not null,
    status            text,
    amount            numeric,
    currency          text,
    created_at        timestamptz,
    updated_at        timestamptz,
    receivable_id     text,
    payment_id        text,
    resource_type     text,
    resource_id       text,
    payment_origin    text,
    ext_id            text,
    customer_ref      text,
    payer_customer_id text,
    payment_currency  text,
    version           bigint not null,
    raw               jsonb not null,
    raw_sha256        text not null,
    delivery_key      text not null,
    written_at        timestamptz not null,
    primary key (merchant, id)
);
create index on receivable_transaction (merchant, payment_id);
create index on receivable_transaction (merchant, receivable_id);
comment on table receivable_transaction is 'Money of one payment or refund applied to one receivable, newest version of each.';
comment on column receivable_transaction.amount is 'amountApplied: the part of the invoice only. resource_type tells its direction, not its sign.';
comment on column receivable_transaction.payment_origin is 'How the payer came to pay, such as reminder.';
comment on column receivable_transaction.ext_id is 'Invoice key of the ERP, as the row showed it.';
comment on column receivable_transaction.payment_currency is 'Currency of the payment; currency is that of the invoice.';

create table payment (
    merchant            text not null,
    id                  text not null,
    status              text,
    amount              numeric,
    currency            text,
    created_at          timestamptz,
    updated_at          timestamptz,
    settlement_amount   numeric,
    settlement_currency text,
    customer_ref        text,
    payer_id            text,
    owner_id            text,
    account_key         text,
    external_id         text,
    source_type         text,
    source_id           text,
    source_brand        text,
    source_bank_name    text,
    source_last4        text,
    posted_at           timestamptz,
    paid_at             timestamptz,
    failed_at           timestamptz,
    fee_split_type      text,
    subtotal            numeric,
    payer_total_fees    numeric,
    merchant_total_fees numeric,
    payer_total         numeric,
    payer_discount      numeric,
    version             bigint not null,
    raw                 jsonb not null,
    raw_sha256          text not null,
    delivery_key        text not null,
    written_at          timestamptz not null,
    primary key (merchant, id)
);
comment on table payment is 'Charges to payers, newest version of each.';
comment on column payment.amount is 'Gross: what the payer paid, convenience fee included.';
comment on column payment.owner_id is 'Paystand id of the merchant that owns the payment.';
comment on column payment.external_id is 'Key that the creator of the payment gave it.';
comment on column payment.source_type is 'What funded it: card or bank.';
comment on column payment.source_id is 'Paystand id of the funding source.';
comment on column payment.source_brand is 'Brand of the card.';
comment on column payment.source_bank_name is 'Name of the bank.';
comment on column payment.source_last4 is 'Last four digits of the card or account.';
comment on column payment.posted_at is 'When it was captured or submitted.';
comment on column payment.paid_at is 'When its funds became available.';
comment on column payment.failed_at is 'Paystand may send this for payments that did not fail: only status tells.';
comment on column payment.fee_split_type is 'Who bears the cost.';
comment on column payment.subtotal is 'Principal: what of amount belongs to invoices.';
comment on column payment.payer_total_fees is 'Convenience fee that the payer paid: income of the merchant.';
comment on column payment.merchant_total_fees is 'An estimate of what the merchant bears. Never book it: the cost is in fee.';
comment on column payment.payer_total is 'subtotal + payer_total_fees - payer_discount; should equal amount.';
comment on column payment.payer_discount is 'Discount that the payer got.';

create table fee (
    merchant        text not null,
    id              text not null,
    status          text,
    amount          numeric,
    currency        text,
    created_at      timestamptz,
    updated_at      timestamptz,
    payment_id      text,
    fee_type        text,
    resource_type   text,
    resource_id     text,
    resource_amount numeric,
    payer_id        text,
    version         bigint not null,
    raw             jsonb not null,
    raw_sha256      text not null,
    delivery_key    text not null,
    written_at      timestamptz not null,
    primary key (merchant, id)
);
create index on fee (merchant, payment_id);
comment on table fee is 'Processing fees that the merchant bears, newest version of each.';
comment on column fee.amount is 'The cost, positive. Null while the fee is delayed: not known, which is not zero.';
comment on column fee.fee_type is 'delayed: a placeholder. paystand: final. Any other word: not known to be final.';
comment on column fee.resource_amount is 'Gross amount that the fee was computed on.';

create table refund (
    merchant            text not null,
    id                  text not null,
    status              text,
    amount              numeric,
    currency            text,
    created_at          timestamptz,
    updated_at          timestamptz,
    payment_id          text,
    resource_type       text,
    resource_id         text,
    payer_id            text,
    customer_ref        text,
    account_key         text,
    settlement_amount   numeric,
    settlement_currency text,
    fees_refunded       boolean,
    reason              text,
    description         text,
    version             bigint not null,
    raw                 jsonb not null,
    raw_sha256          text not null,
    delivery_key        text not null,
    written_at          timestamptz not null,
    primary key (merchant, id)
);
create index on refund (merchant, payment_id);
comment on table refund is 'Money given back to payers, newest version of each. Only status paid moved money.';
comment on column refund.fees_refunded is 'Whether Paystand gave its fee back.';
comment on column refund.reason is 'Why it failed.';
comment on column refund.description is 'Text that the creator of the refund gave it.';

create table dispute (
    merchant            text not null,
    id                  text not null,
    status              text,
    amount              numeric,
    currency            text,
    created_at          timestamptz,
    updated_at          timestamptz,
    payment_id          text,
    resource_type       text,
    resource_id         text,
    payer_id            text,
    customer_ref        text,
    account_key         text,
    settlement_amount   numeric,
    settlement_currency text,
    dispute_type        text,
    amount_won          numeric,
    dispute_fee         numeric,
    closed              boolean,
    reason              text,
    version             bigint not null,
    raw                 jsonb not null,
    raw_sha256          text not null,
    delivery_key        text not null,
    written_at          timestamptz not null,
    primary key (merchant, id)
);
create index on dispute (merchant, payment_id);
comment on table dispute is 'Card chargebacks and ACH returns, newest version of each. The status of the payment does not show them.';
comment on column dispute.dispute_type is 'bank: an ACH return. card: a chargeback.';
comment on column dispute.amount_won is 'What came back to the merchant.';
comment on column dispute.dispute_fee is 'Fee for the dispute itself.';
comment on column dispute.closed is 'Whether it is over.';
comment on column dispute.reason is 'Why the payer or the bank disputes.';

create table transfer (
    merchant      text not null,
    id            text not null,
    status        text,
    amount        numeric,
    currency      text,
    created_at    timestamptz,
    updated_at    timestamptz,
    withdrawal_id text,
    resource_type text,
    resource_id   text,
    bank_id       text,
    account_key   text,
    provider      text,
    description   text,
    reason        text,
    to_post_at    timestamptz,
    posted_at     timestamptz,
    settled_at    timestamptz,
    failed_at     timestamptz,
    version       bigint not null,
    raw           jsonb not null,
    raw_sha256    text not null,
    delivery_key  text not null,
    written_at    timestamptz not null,
    primary key (merchant, id)
);
create index on transfer (merchant, withdrawal_id);
comment on table transfer is 'Payouts, newest version of each: one is one line of the bank statement.';
comment on column transfer.withdrawal_id is 'withdrawal.id that it pays out: the same cash.';
comment on column transfer.provider is 'Who carries it out.';
comment on column transfer.description is 'Text of the transfer.';
comment on column transfer.reason is 'Why it failed.';
comment on column transfer.to_post_at is 'When it is due to be posted.';
comment on column transfer.posted_at is 'When it was posted.';
comment on column transfer.settled_at is 'When it arrived at the bank.';
comment on column transfer.failed_at is 'When it failed.';

create table transfer_entry (
    merchant        text not null,
    id              text not null,
    status          text,
    amount          numeric,
    currency        text,
    created_at      timestamptz,
    updated_at      timestamptz,
    transfer_id     text,
    payment_id      text,
    resource_type   text,
    resource_id     text,
    resource_status text,
    payer_name      text,
    description     text,
    version         bigint not null,
    raw             jsonb not null,
    raw_sha256      text not null,
    delivery_key    text not null,
    written_at      timestamptz not null,
    primary key (merchant, id)
);
create index on transfer_entry (merchant, transfer_id);
comment on table transfer_entry is 'Lines of the report of a transfer: what the payout is made of.';
comment on column transfer_entry.amount is 'transferAmount, signed: what the line adds to the payout.';
comment on column transfer_entry.transfer_id is 'transfer.id whose report it belongs to.';
comment on column transfer_entry.resource_status is 'Status of the record that the line names, such as reversed.';
comment on column transfer_entry.payer_name is 'Name of the payer.';
comment on column transfer_entry.description is 'Text of the line.';

create table withdrawal (
    merchant         text not null,
    id               text not null,
    status           text,
    amount           numeric,
    currency         text,
    created_at       timestamptz,
    updated_at       timestamptz,
    transfer_ids     jsonb,
    bank_id          text,
    account_key      text,
    description      text,
    has_transactions boolean,
    to_post_at       timestamptz,
    version          bigint not null,
    raw              jsonb not null,
    raw_sha256       text not null,
    delivery_key     text not null,
    written_at       timestamptz not null,
    primary key (merchant, id)
);
comment on table withdrawal is 'Moves of the available balance, newest version of each. Never book them: their transfers are the same cash.';
comment on column withdrawal.transfer_ids is 'List of the transfer.id that it names.';
comment on column withdrawal.description is 'Text of the withdrawal.';
comment on column withdrawal.has_transactions is 'hasTransactions, as sent.';
comment on column withdrawal.to_post_at is 'When it is due to be posted.';

create table credit_memo (
    merchant          text not null,
    id                text not null,
    status            text,
    amount            numeric,
    currency          text,
    created_at        timestamptz,
    updated_at        timestamptz,
    ext_id            text,
    ext_key           text,
    customer_ref      text,
    payer_customer_id text,
    amount_remaining  numeric,
    date_created      date,
    date_posted       date,
    version           bigint not null,
    raw               jsonb not null,
    raw_sha256        text not null,
    delivery_key      text not null,
    written_at        timestamptz not null,
    primary key (merchant, id)
);
comment on table credit_memo is 'Credit memos of the ERP that payers may use, newest version of each.';
comment on column credit_memo.ext_id is 'Credit memo id of the ERP.';
comment on column credit_memo.ext_key is 'Credit memo number that payers see.';
comment on column credit_memo.amount_remaining is 'Part of amount that is not used up.';
comment on column credit_memo.date_created is 'Date of creation in the ERP, a plain date.';
comment on column credit_memo.date_posted is 'Posting date in the ERP, a plain date.';

-- Columns that mean the same in every table where nothing above says otherwise.
do $$
declare
    shared constant jsonb := '{
        "merchant": "Paystand customer_id of the entity whose money it is.",
        "id": "Paystand id of the record; made of transfer, type and resource for a transfer entry.",
        "status": "Status, in lower case where Paystand documents it so; current of an older receivable is active.",
        "amount": "Amount, exact. Null where Paystand sends none, which is not zero.",
        "currency": "ISO 4217 code of amount.",
        "created_at": "created of Paystand.",
        "updated_at": "lastUpdated of Paystand.",
        "customer_ref": "Customer key of the ERP (extCustomerId, payer.externalId).",
        "payer_customer_id": "customer.id at Paystand.",
        "payer_id": "Paystand id of the holder of the funding source, which is not customer.id.",
        "receivable_id": "receivable.id.",
        "payment_id": "payment.id.",
        "resource_type": "What resource_id names.",
        "resource_id": "Paystand id of the record that this one is about.",
        "bank_id": "Paystand id of the bank account of the merchant.",
        "account_key": "Sub-account at Paystand, usually default.",
        "settlement_amount": "Amount in the currency of the account of the merchant.",
        "settlement_currency": "ISO 4217 code of settlement_amount.",
        "version": "Grows with every version of the record that was seen.",
        "raw": "The object as Paystand sent it, card and bank details masked, U+0000 as U+FFFD.",
        "raw_sha256": "SHA-256, in hex, of the bytes as Paystand sent them.",
        "delivery_key": "Key of the delivery that wrote the row.",
        "written_at": "When the row was written here."
    }';
    place record;
begin
    for place in
        select c.table_name, c.column_name
        from information_schema.columns c
        where c.table_schema = current_schema()
          and shared ? c.column_name
          and col_description(to_regclass(quote_ident(c.table_name)), c.ordinal_position) is null
    loop
        execute format(
            'comment on column %I.%I is %L', place.table_name, place.column_name, shared ->> place.column_name);
    end loop;
end
$$;
