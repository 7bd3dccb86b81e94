//! The scripted ERP as a subject of the battery: an auditor who reads its books, and persons who change them.

use std::sync::Arc;

use async_trait::async_trait;
use paystand_sync::conformance::{Hand, Subject};
use paystand_sync::erp::{Delivery, Erp, ErpError};

use super::adapter::{number, paper, reference, short_key};
use super::books::Stage;
use super::server::Server;

/// Makes the adapter under test.
pub type Make = Box<dyn Fn() -> Arc<dyn Erp> + Send + Sync>;

pub struct Bench {
    pub server: Arc<Server>,
    pub make: Make,
}

impl std::fmt::Debug for Bench {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bench").finish_non_exhaustive()
    }
}

impl Bench {
    fn by_stage(&self, delivery: &Delivery, stage: Stage) -> Vec<String> {
        self.server.books(|books| books.by_key(&short_key(delivery), stage)).into_iter().map(reference).collect()
    }
}

#[async_trait]
impl Subject for Bench {
    async fn adapter(&self) -> Result<Arc<dyn Erp>, ErpError> {
        Ok((self.make)())
    }

    async fn live(&self, delivery: &Delivery) -> Result<Vec<String>, ErpError> {
        Ok(self.by_stage(delivery, Stage::Released))
    }

    async fn drafts(&self, delivery: &Delivery) -> Result<Vec<String>, ErpError> {
        Ok(self.by_stage(delivery, Stage::Draft))
    }

    async fn settle(&self) -> Result<(), ErpError> {
        self.server.settle();
        Ok(())
    }

    async fn make_ready(&self, deliveries: &[Delivery]) -> Result<(), ErpError> {
        self.server.books(|books| {
            for invoice in deliveries.iter().flat_map(|it| paper(it).lines).filter_map(|line| line.invoice) {
                books.add_invoice(&invoice);
            }
        });
        Ok(())
    }

    async fn close_period(&self, delivery: &Delivery) -> Result<Hand, ErpError> {
        self.server.books(|books| books.close(paper(delivery).date));
        Ok(Hand::Done)
    }

    async fn open_period(&self, delivery: &Delivery) -> Result<(), ErpError> {
        self.server.books(|books| books.open(paper(delivery).date));
        Ok(())
    }

    async fn edit(&self, _: &Delivery, reference: &str) -> Result<Hand, ErpError> {
        self.server.books(|books| number(reference).map(|number| books.edit(number)));
        Ok(Hand::Done)
    }

    async fn delete(&self, _: &Delivery, reference: &str) -> Result<Hand, ErpError> {
        self.server.books(|books| number(reference).map(|number| books.delete(number)));
        Ok(Hand::Done)
    }
}
