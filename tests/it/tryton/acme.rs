//! The company that the tests post to, its customers and invoices, and its books as SQL tells them.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use paystand_sync::erp::tryton::{ClosedPeriod, Settings, Tryton};
use paystand_sync::erp::{Asked, Delivery, Drafted, Elected, Found, Payload, Refusal, Stage};
use paystand_sync::model::document::Facts;
use paystand_sync::model::ids::{MerchantId, SourceId};
use paystand_sync::model::journal::{Entry, Line, Links, Role};
use paystand_sync::model::money::Currency;
use paystand_sync::model::record::Shape;
use paystand_sync::model::resource::Resource;
use paystand_sync::normalize::sight;
use paystand_sync::sandbox::Shown;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::server::{PASSWORD, Server, USER};

/// Who pays without an account.
pub const GUEST: &str = "GUEST";

/// Role → code of its account.
pub const ACCOUNTS: [(Role, &str); 13] = [
    (Role::Receivable, "PS-AR"),
    (Role::Clearing, "PS-CLR"),
    (Role::UnappliedCash, "PS-UNA"),
    (Role::ConvenienceFeeIncome, "PS-CONV"),
    (Role::ProcessingFeeExpense, "PS-FEE"),
    (Role::Discounts, "PS-DISC"),
    (Role::Refunds, "PS-REF"),
    (Role::Disputes, "PS-DSP"),
    (Role::DisputeLosses, "PS-DLOSS"),
    (Role::DisputeFees, "PS-DFEE"),
    (Role::Adjustments, "PS-ADJ"),
    (Role::Bank, "PS-BANK"),
    (Role::FxDifference, "PS-FX"),
];

pub struct Acme {
    pub server: Server,
    pub tryton: Tryton,
}

impl Acme {
    /// `None` where whoever runs the tests says that there is no Tryton here.
    pub async fn open() -> Option<Self> {
        let without = std::env::var("PAYSTAND_SYNC_WITHOUT").unwrap_or_default();
        if without.split_whitespace().any(|name| name == "tryton") {
            return None;
        }
        let server = Server::start().await;
        let tryton = Tryton::connect(settings(&server)).expect("plain settings");
        Some(Self { server, tryton })
    }

    /// Issues the invoices that Paystand shows with a key of the ERP, unless they are there. Returns key → receivable and amount.
    pub async fn issue(&self, rows: &[Shown]) -> BTreeMap<String, (String, Decimal)> {
        let mut issued = BTreeMap::new();
        for row in rows.iter().filter(|row| row.resource == Resource::Receivables) {
            let seen = sight(Resource::Receivables, Shape::List, None, row.body.clone()).expect("readable");
            let document = seen.document.expect("decodable");
            let Facts::Receivable(receivable) = &document.facts else { panic!("{document:?}") };
            let Some(key) = &receivable.ext_id else { continue };
            if self.has_invoice(key).await {
                continue;
            }
            let customer = receivable.customer_ref.as_deref().unwrap_or(GUEST);
            let amount = document.amount.expect("an invoice has an amount").decimal();
            self.invoice(customer, key, &amount.to_string(), row.created.date_naive()).await;
            issued.insert(key.clone(), (row.id.to_string(), amount));
        }
        issued
    }

    /// A posted invoice of a customer, who is made with it.
    pub async fn invoice(&self, customer: &str, key: &str, amount: &str, date: NaiveDate) {
        let party = self.party(customer).await;
        let address = self.ids("party.address", json!([["party", "=", party]])).await;
        let address = match address.first() {
            Some(address) => *address,
            None => self.create("party.address", json!({ "party": party, "street": "Main Street" })).await,
        };
        let journal = self.ids("account.journal", json!([["type", "=", "revenue"]])).await[0];
        let receivable = self.account("PS-AR").await;
        let revenue = self
            .ids(
                "account.account",
                json!([["type.revenue", "=", true], ["closed", "!=", true], ["code", "not like", "PS-%"]]),
            )
            .await[0];
        let line = json!({
            "type": "line", "description": "goods", "quantity": 1, "unit_price": decimal(amount), "account": revenue,
            "currency": 1, "company": 1, "invoice_type": "out",
        });
        let invoice = json!({
            "type": "out", "party": party, "invoice_address": address, "account": receivable, "journal": journal,
            "currency": 1, "company": 1, "reference": key, "invoice_date": day(date), "lines": [["create", [line]]],
        });
        let id = self.create("account.invoice", invoice).await;
        self.server.call("model.account.invoice.post", json!([[id]])).await;
    }

    pub async fn has_invoice(&self, key: &str) -> bool {
        !self.ids("account.invoice", json!([["reference", "=", key]])).await.is_empty()
    }

    pub async fn party(&self, code: &str) -> i64 {
        match self.ids("party.party", json!([["code", "=", code]])).await.first() {
            Some(party) => *party,
            None => self.create("party.party", json!({ "name": code, "code": code })).await,
        }
    }

    async fn account(&self, code: &str) -> i64 {
        self.ids("account.account", json!([["code", "=", code]])).await[0]
    }

    pub async fn ids(&self, model: &str, domain: Value) -> Vec<i64> {
        let found = self.server.call(&format!("model.{model}.search"), json!([domain, 0, null, null])).await;
        serde_json::from_value(found).expect("ids")
    }

    pub async fn create(&self, model: &str, values: Value) -> i64 {
        let created = self.server.call(&format!("model.{model}.create"), json!([[values]])).await;
        created[0].as_i64().expect("an id")
    }

    /// State and open amount of an invoice, as Tryton shows it.
    pub async fn shown(&self, key: &str) -> (String, String) {
        let fields = json!(["state", "amount_to_pay"]);
        let domain = json!([["reference", "=", key]]);
        let rows = self.server.call("model.account.invoice.search_read", json!([domain, 0, null, null, fields])).await;
        let open: Decimal =
            rows[0]["amount_to_pay"]["decimal"].as_str().expect("a decimal").parse().expect("a decimal");
        (rows[0]["state"].as_str().expect("a state").to_owned(), format!("{open:.2}"))
    }

    /// Opens or closes the period of a day.
    pub async fn set_period(&self, date: NaiveDate, open: bool) {
        let domain = json!([["start_date", "<=", day(date)], ["end_date", ">=", day(date)], ["type", "=", "standard"]]);
        let periods = self.ids("account.period", domain).await;
        let button = if open { "reopen" } else { "close" };
        self.server.call(&format!("model.account.period.{button}"), json!([periods])).await;
    }

    /// Debit less credit per account of ours, of posted moves only; straight from the tables.
    pub async fn balances(&self) -> BTreeMap<String, Decimal> {
        let select = "
            select a.code, sum(l.debit - l.credit) from account_move_line l
            join account_move m on m.id = l.move join account_account a on a.id = l.account
            where m.state = 'posted' and m.description like 'psx1:%' group by a.code having sum(l.debit - l.credit) <> 0";
        let rows: Vec<(String, Decimal)> = sqlx::query_as(select).fetch_all(&self.server.pool).await.expect("rows");
        rows.into_iter().map(|(code, sum)| (code, sum.normalize())).collect()
    }

    /// Posted moves per key, and drafts of ours.
    pub async fn moves(&self) -> (BTreeMap<String, i64>, i64) {
        let posted = "select description, count(*) from account_move where state = 'posted' and description like 'psx1:%' group by 1";
        let drafts = "select count(*) from account_move where state = 'draft' and description like 'psx1:%'";
        let posted: Vec<(String, i64)> = sqlx::query_as(posted).fetch_all(&self.server.pool).await.expect("rows");
        let drafts = sqlx::query_scalar(drafts).fetch_one(&self.server.pool).await.expect("a number");
        (posted.into_iter().collect(), drafts)
    }

    /// Drafts and releases one entry, as a courier does it where nothing goes wrong.
    pub async fn post(&self, entry: &Entry) -> Result<String, Refusal> {
        let delivery = delivery(entry);
        let reference = self.draft(&delivery).await?;
        let elected = [Elected { delivery: &delivery, reference: &reference }];
        self.tryton.release(&elected).await.expect("answered").remove(0)?;
        let found = self.find(&delivery, Some(&reference)).await;
        let [Found { stage: Stage::Released, differs: None, .. }] = &found[..] else { panic!("{found:?}") };
        Ok(reference)
    }

    pub async fn draft(&self, delivery: &Delivery) -> Result<String, Refusal> {
        let step = self.tryton.draft(&[delivery]).await.expect("answered").remove(0)?;
        Ok(step.expect("Tryton says the id"))
    }

    pub async fn find(&self, delivery: &Delivery, reference: Option<&str>) -> Vec<Found> {
        self.tryton.find(&[Asked { delivery, reference }]).await.expect("answered").remove(0)
    }
}

pub fn settings(server: &Server) -> Settings {
    Settings {
        url: server.url(),
        database: server.books.clone(),
        user: USER.to_owned(),
        password: PASSWORD.to_owned().into(),
        company: None,
        journal: "PAYST".to_owned(),
        accounts: ACCOUNTS.map(|(role, code)| (role, code.to_owned())).into(),
        closed_period: ClosedPeriod::Hold,
        create_customers: false,
        default_customer: None,
    }
}

pub fn decimal(text: &str) -> Value {
    json!({ "__class__": "Decimal", "decimal": text })
}

fn day(date: NaiveDate) -> Value {
    json!({ "__class__": "date", "year": date.year(), "month": date.month(), "day": date.day() })
}

pub fn delivery(entry: &Entry) -> Delivery {
    let merchant = MerchantId::new("mr1");
    let erp_key = Delivery::world_key("sandbox", &merchant, &entry.key, 1);
    Delivery {
        merchant,
        key: entry.key.clone(),
        erp_key,
        root: None,
        sequence: 0,
        payload: Payload::Entry(Box::new(entry.clone())),
    }
}

/// A line: role, amount, customer and invoice, each `-` where there is none.
pub fn line(role: Role, amount: &str, customer: &str, invoice: &str) -> Line {
    let text = |text: &str| (text != "-").then(|| text.to_owned());
    let links = Links {
        customer_ref: text(customer),
        invoice_ref: text(invoice),
        receivable_id: text(invoice).map(|key| SourceId::new(format!("rc{key}"))),
        ..Links::default()
    };
    Line::new(role, amount.parse().expect("a decimal"), &links)
}

pub fn entry(key: &str, date: NaiveDate, lines: Vec<Line>) -> Entry {
    let event_key = key.rsplit_once('/').map_or(key, |(event, _)| event).to_owned();
    let currency = Currency::parse("USD").expect("a currency");
    let memo = format!("about {key}");
    Entry { key: key.to_owned(), event_key, date, currency, memo, reverses: None, lines }
}

pub fn reversal(key: &str, of: &Entry) -> Entry {
    let turn = |line: &Line| Line::new(line.role, -line.amount.decimal(), &line.links);
    let lines = of.lines.iter().map(turn).collect();
    Entry { reverses: Some(of.key.clone()), ..entry(key, of.date, lines) }
}
