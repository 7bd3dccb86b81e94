//! The adapter `staging`: one row per record in a Postgres schema that the ERP side reads.
//!
//! Tables, columns and their meaning are an interface (`schema/`). The newest version of a record wins, whatever the order of
//! arrival; a repeated batch changes nothing; source details are masked (I10). A batch is one transaction.
//!
//! Imports `model`, the trait, and of `normalize` only the mask.

mod books;
mod columns;
mod failure;
mod rows;
mod schema;

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Acquire, Connection as _, PgConnection, PgPool, Postgres, Transaction};

use crate::erp::{
    Capabilities, Delivery, Erp, ErpError, Keyed, Outcome, Payload, Posting, Receipt, Refusal, Told, Wants,
};
use crate::model::ids::MerchantId;
use crate::model::journal::{Entry, Role};
use crate::model::resource::Resource;
use books::Accounts;
use failure::{Failure, at_commit};
use rows::{Key, Row};
use schema::SchemaName;

/// The schema where none is configured.
pub const SCHEMA_DEFAULT: &str = "erp";

/// Deliveries in one call.
const BATCH_MAX: usize = 250;

/// A statement of ours that outlives its limit is cancelled by the server; nothing takes effect later.
const SETTLES_WITHIN: Duration = Duration::from_mins(1);

/// Connections of one adapter: a writer, a reader, and one to spare.
const CONNECTIONS_MAX: u32 = 3;

/// How long a call waits for a connection. A server that is away is reported, not waited for.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Every statement here looks rows up by key: no plan that was made while the tables were empty may be kept, nor one that reads them
/// whole for want of statistics.
const LOOKUPS: [(&str, &str); 3] =
    [("plan_cache_mode", "force_custom_plan"), ("enable_hashjoin", "off"), ("enable_mergejoin", "off")];

/// A reader of the ERP that locks a table must not hold the daemon for ever, and a constraint that the ERP side deferred must speak
/// while the row that breaks it can still be told from the others. A process that is stopped before its commit loses its locks before
/// the next one is tired of waiting for them.
const TERMS: &str = "set local lock_timeout = '10s'; set local statement_timeout = '60s';
    set local idle_in_transaction_session_timeout = '5s'; set constraints all immediate";

/// One staging schema in one Postgres database.
#[derive(Debug, Clone)]
pub struct Staging {
    pool: PgPool,
    /// Host, port and name of the database, or that it is our own.
    database: String,
    schema: SchemaName,
    accounts: Accounts,
}

impl Staging {
    /// An adapter with connections of its own. None is opened before the first call, which must be made inside a tokio runtime, as
    /// this one must.
    pub fn connect(url: &SecretString, schema: &str) -> Result<Self, ErpError> {
        // What the parser says may quote the URL, and with it the password.
        let options: PgConnectOptions = url
            .expose_secret()
            .parse()
            .map_err(|_| ErpError::Misfit { reason: "the database URL cannot be read".to_owned() })?;
        let name = options.get_database().unwrap_or_else(|| options.get_username());
        let database = format!("{}:{}/{name}", options.get_host(), options.get_port());
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS_MAX)
            .acquire_timeout(CONNECT_TIMEOUT)
            .after_release(|connection, _| {
                connection.shrink_buffers();
                Box::pin(async { Ok(true) })
            })
            .connect_lazy_with(options.application_name("paystand-sync staging").options(LOOKUPS));
        Ok(Self { database, ..Self::with_pool(pool, schema)? })
    }

    /// An adapter on the connections of our own database.
    pub fn with_pool(pool: PgPool, schema: &str) -> Result<Self, ErpError> {
        let (database, schema) = ("own database".to_owned(), SchemaName::parse(schema)?);
        Ok(Self { pool, database, schema, accounts: Accounts::new() })
    }

    /// The same with the accounts that journal lines name beside their roles.
    #[must_use]
    pub fn with_accounts(self, accounts: BTreeMap<Role, String>) -> Self {
        Self { accounts, ..self }
    }

    async fn begin(&self) -> Result<Transaction<'static, Postgres>, Failure> {
        let mut transaction = self.pool.begin().await?;
        sqlx::raw_sql(TERMS).execute(&mut *transaction).await?;
        Ok(transaction)
    }

    /// Whether every row is new: none was there before.
    async fn write_together(&self, items: &[Item<'_>]) -> Result<bool, Failure> {
        let mut transaction = self.begin().await?;
        let new = self.write_items(&mut transaction, items).await?;
        transaction.commit().await.map_err(at_commit)?;
        Ok(new)
    }

    async fn write_items(&self, connection: &mut PgConnection, items: &[Item<'_>]) -> Result<bool, sqlx::Error> {
        let mut new = true;
        let (mut rows, mut events, mut entries) = (Vec::new(), Vec::new(), Vec::new());
        for item in items {
            match item {
                Item::Row(row) => rows.push(row),
                Item::Event(merchant, told) => events.push((*merchant, *told)),
                Item::Entry(merchant, entry) => entries.push((*merchant, *entry)),
            }
        }
        for (resource, rows) in rows::newest(&rows) {
            new &= rows::upsert(connection, &self.schema, resource, &rows).await?;
        }
        if !events.is_empty() {
            new &= books::tell(connection, &self.schema, &events).await?;
        }
        if !entries.is_empty() {
            new &= books::enter(connection, &self.schema, &self.accounts, &entries).await?;
        }
        Ok(new)
    }

    /// The same with each item for itself, to tell those that the target refuses from those that it takes. After a refusal nothing
    /// more about the same money is written.
    async fn write_singly(&self, deliveries: &[Delivery], items: &[Item<'_>]) -> Result<Vec<Option<Refusal>>, Failure> {
        let mut transaction = self.begin().await?;
        let mut refusals = Vec::with_capacity(items.len());
        let mut stopped: HashSet<(&MerchantId, &str)> = HashSet::new();
        for (delivery, item) in deliveries.iter().zip(items) {
            let root = delivery.root.as_deref().map(|root| (&delivery.merchant, root));
            if root.is_some_and(|root| stopped.contains(&root)) {
                refusals.push(Some(Refusal::NotTried));
                continue;
            }
            let mut savepoint = transaction.begin().await?;
            let written = self.write_items(&mut savepoint, std::slice::from_ref(item)).await;
            refusals.push(match written.map_err(Failure::from) {
                Ok(_) => {
                    savepoint.commit().await?;
                    None
                }
                Err(Failure::Data { reason }) => {
                    savepoint.rollback().await?;
                    stopped.extend(root);
                    Some(Refusal::Never { reason })
                }
                Err(call @ Failure::Call(_)) => return Err(call),
            });
        }
        transaction.commit().await.map_err(at_commit)?;
        Ok(refusals)
    }

    /// What the tables hold of each delivery.
    async fn held(&self, deliveries: &[Delivery]) -> Result<Vec<Holding>, Failure> {
        let mut records: BTreeMap<Resource, Vec<(usize, Key<'_>)>> = BTreeMap::new();
        let (mut events, mut entries) = (Vec::new(), Vec::new());
        for (place, delivery) in deliveries.iter().enumerate() {
            match &delivery.payload {
                Payload::Document(version) => {
                    let resource = version.document.resource();
                    records.entry(resource).or_default().push((place, Key::of(delivery, version)));
                }
                Payload::Event(told) => events.push((place, (&delivery.merchant, &**told))),
                Payload::Entry(entry) => entries.push((place, (&delivery.merchant, &**entry))),
                Payload::Notice(_) => unwanted(),
            }
        }
        let mut transaction = self.begin().await?;
        let mut held = vec![Holding::Nothing; deliveries.len()];
        let mut note = |places: Vec<usize>, answers: Vec<Holding>| {
            assert_eq!(places.len(), answers.len(), "one answer per row asked for");
            places.into_iter().zip(answers).for_each(|(place, answer)| held[place] = answer);
        };
        for (resource, placed) in records {
            let (places, keys): (Vec<_>, Vec<_>) = placed.into_iter().unzip();
            note(places, rows::held(&mut transaction, &self.schema, resource, &keys).await?);
        }
        let (places, told): (Vec<_>, Vec<_>) = events.into_iter().unzip();
        note(places, books::events_held(&mut transaction, &self.schema, &told).await?);
        let (places, booked): (Vec<_>, Vec<_>) = entries.into_iter().unzip();
        note(places, books::entries_held(&mut transaction, &self.schema, &booked).await?);
        transaction.rollback().await?;
        Ok(held)
    }

    fn outcome(&self, delivery: &Delivery, holding: Holding) -> Option<Outcome> {
        match holding {
            Holding::Nothing => None,
            Holding::Same => Some(Ok(self.receipt(delivery))),
            Holding::Other(held) => Some(Err(Refusal::Differs { held })),
        }
    }

    fn receipt(&self, delivery: &Delivery) -> Receipt {
        let schema = self.schema.as_str();
        let reference = match &delivery.payload {
            Payload::Document(version) => {
                format!("{schema}.{}/{}", version.document.resource().singular(), version.document.id)
            }
            Payload::Event(_) => format!("{schema}.event/{}", delivery.key),
            Payload::Entry(_) => format!("{schema}.journal_entry/{}", delivery.key),
            Payload::Notice(_) => unwanted(),
        };
        Receipt { reference }
    }
}

fn unwanted() -> ! {
    panic!("staging is given what it wants, and it wants no notices")
}

/// What a table holds under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Holding {
    Nothing,
    /// What is to be delivered, or something later.
    Same,
    /// Something else, as text.
    Other(String),
}

/// One delivery, ready for its table.
#[derive(Debug)]
enum Item<'a> {
    Row(Row<'a>),
    Event(&'a MerchantId, &'a Told),
    Entry(&'a MerchantId, &'a Entry),
}

impl<'a> Item<'a> {
    fn of(delivery: &'a Delivery) -> Self {
        match &delivery.payload {
            Payload::Document(version) => Self::Row(Row::of(delivery, version)),
            Payload::Event(told) => Self::Event(&delivery.merchant, told),
            Payload::Entry(entry) => Self::Entry(&delivery.merchant, entry),
            Payload::Notice(_) => unwanted(),
        }
    }
}

#[async_trait]
impl Erp for Staging {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            wants: Wants { documents: true, events: true, entries: true, notices: false },
            atomic_batch: true,
            searches: true,
            batch_max: BATCH_MAX,
            settles_within: SETTLES_WITHIN,
        }
    }

    fn target(&self) -> String {
        format!("staging {} schema {}", self.database, self.schema.as_str())
    }

    fn posting(&self) -> Posting<'_> {
        Posting::Keyed(self)
    }

    async fn prepare(&self) -> Result<(), ErpError> {
        let mut transaction = self.begin().await?;
        schema::prepare(&mut transaction, &self.schema).await?;
        transaction.commit().await.map_err(at_commit)?;
        Ok(())
    }
}

#[async_trait]
impl Keyed for Staging {
    /// A record of a later version counts as holding the delivery: nothing of it is left to write.
    async fn find(&self, deliveries: &[Delivery]) -> Result<Vec<Option<Outcome>>, ErpError> {
        let held = self.held(deliveries).await?;
        Ok(deliveries.iter().zip(held).map(|(delivery, held)| self.outcome(delivery, held)).collect())
    }

    /// All together, or, where the target refuses one of them as data, all others together.
    async fn write(&self, deliveries: &[Delivery]) -> Result<Vec<Outcome>, ErpError> {
        let items: Vec<Item<'_>> = deliveries.iter().map(Item::of).collect();
        let refusals = match self.write_together(&items).await {
            Ok(true) => return Ok(deliveries.iter().map(|delivery| Ok(self.receipt(delivery))).collect()),
            Ok(false) => vec![None; items.len()],
            Err(Failure::Data { .. }) => self.write_singly(deliveries, &items).await?,
            Err(Failure::Call(error)) => return Err(error),
        };
        // Some rows were there before: are they what was to be written?
        let found = self.find(deliveries).await?;
        let gone = || Err(Refusal::NotNow { reason: "the row was deleted while it was written".to_owned() });
        let outcome = |(refusal, found): (Option<Refusal>, Option<Outcome>)| match refusal {
            Some(refusal) => Err(refusal),
            None => found.unwrap_or_else(gone),
        };
        Ok(refusals.into_iter().zip(found).map(outcome).collect())
    }
}
