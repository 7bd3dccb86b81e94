//! The battery on a real Tryton server, judged by its own tables.

#![expect(clippy::print_stderr, reason = "a report is worth reading")]

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use paystand_sync::clock::{Clock as _, SystemClock};
use paystand_sync::conformance::{Hand, Subject, battery};
use paystand_sync::erp::tryton::Tryton;
use paystand_sync::erp::{Delivery, Erp, ErpError, Payload};
use paystand_sync::model::journal::Entry;
use secrecy::SecretString;

use super::acme::{Acme, settings};
use crate::harness::Database;

/// More than the battery puts on one invoice.
const INVOICE: &str = "100000.00";

struct Judged(Acme);

impl fmt::Debug for Judged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tryton")
    }
}

fn entry(delivery: &Delivery) -> &Entry {
    match &delivery.payload {
        Payload::Entry(entry) => entry,
        Payload::Document(_) | Payload::Event(_) | Payload::Notice(_) => panic!("Tryton wants entries"),
    }
}

impl Judged {
    async fn moves(&self, delivery: &Delivery, state: &str) -> Vec<String> {
        let select = "select 'account.move/' || id from account_move where description = $1 and state = $2 order by id";
        let select = sqlx::query_scalar(select).bind(&delivery.erp_key).bind(state);
        select.fetch_all(&self.0.server.pool).await.expect("rows")
    }

    async fn set_period(&self, delivery: &Delivery, state: &str) {
        let update = "update account_period set state = $2 where $1 between start_date and end_date";
        let update = sqlx::query(update).bind(entry(delivery).date).bind(state);
        update.execute(&self.0.server.pool).await.expect("by hand");
    }

    async fn by_hand(&self, statement: &'static str, reference: &str) {
        let id: i32 = reference.trim_start_matches("account.move/").parse().expect("an id");
        sqlx::query(statement).bind(id).execute(&self.0.server.pool).await.expect("by hand");
    }
}

#[async_trait]
impl Subject for Judged {
    async fn adapter(&self) -> Result<Arc<dyn Erp>, ErpError> {
        Ok(Arc::new(Tryton::connect(settings(&self.0.server))?))
    }

    async fn live(&self, delivery: &Delivery) -> Result<Vec<String>, ErpError> {
        Ok(self.moves(delivery, "posted").await)
    }

    async fn drafts(&self, delivery: &Delivery) -> Result<Vec<String>, ErpError> {
        Ok(self.moves(delivery, "draft").await)
    }

    async fn make_ready(&self, deliveries: &[Delivery]) -> Result<(), ErpError> {
        for line in deliveries.iter().flat_map(|delivery| &entry(delivery).lines) {
            let Some(customer) = &line.links.customer_ref else { continue };
            match &line.links.invoice_ref {
                Some(invoice) if !self.0.has_invoice(invoice).await => {
                    // The battery's clock runs ahead, and Tryton wants to be asked about the future.
                    self.0.invoice(customer, invoice, INVOICE, SystemClock::new().now().date_naive()).await;
                }
                Some(_) => {}
                None => drop(self.0.party(customer).await),
            }
        }
        Ok(())
    }

    async fn close_period(&self, delivery: &Delivery) -> Result<Hand, ErpError> {
        self.set_period(delivery, "closed").await;
        Ok(Hand::Done)
    }

    async fn open_period(&self, delivery: &Delivery) -> Result<(), ErpError> {
        self.set_period(delivery, "open").await;
        Ok(())
    }

    async fn edit(&self, _: &Delivery, reference: &str) -> Result<Hand, ErpError> {
        let double = "update account_move_line set debit = debit * 2, credit = credit * 2 where move = $1";
        self.by_hand(double, reference).await;
        Ok(Hand::Done)
    }

    async fn delete(&self, _: &Delivery, reference: &str) -> Result<Hand, ErpError> {
        self.by_hand("delete from account_move_line where move = $1", reference).await;
        self.by_hand("delete from account_move where id = $1", reference).await;
        Ok(Hand::Done)
    }
}

#[tokio::test]
async fn tryton_passes_the_battery() {
    let Some(acme) = Acme::open().await else { return };
    let subject = Judged(acme);
    let database = Database::fresh().await;
    let report = battery(&SecretString::from(database.url.clone()), "mr1", &subject).await.expect("the battery begins");
    eprintln!("{report}");
    assert!(report.has_passed(), "{report}");
}
