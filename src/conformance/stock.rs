//! Goods into our tables, as booking and reading would have put them there.

use super::goods::{Good, Kind};
use super::report::Failure;
use super::scene::Scene;
use crate::clock::Clock as _;
use crate::ledger::state::State;
use crate::model::resource::Resource;
use crate::store::{Batch, Books, Outgoing};

impl Scene<'_> {
    /// Four payments, and of the first also the application that comes after it. Of documents there is no order to keep.
    pub async fn goods(&self, lot: &str) -> Result<Vec<Good>, Failure> {
        let at = self.clock().now();
        let id = |number: usize| format!("{}-{}-{lot}-{number}", self.ground.run, self.name.replace(' ', "-"));
        let good = |number, applies, cents| Good::new(self.kind, id(number), applies, cents, at);
        let goods = vec![
            good(0, false, 10_025),
            good(0, true, 6_000),
            good(1, false, 10_125),
            good(2, false, 10_225),
            good(3, false, 10_325),
        ];
        self.store_goods(&goods).await?;
        let mut deliveries = Vec::with_capacity(goods.len());
        for good in &goods {
            deliveries.push(self.delivery(good).await?);
        }
        self.subject().make_ready(&deliveries).await?;
        Ok(goods)
    }

    async fn store_goods(&self, goods: &[Good]) -> Result<(), Failure> {
        let now = self.clock().now();
        let held = self.lease("book").await?;
        if self.kind == Kind::Document {
            let novelties: Vec<_> = goods.iter().map(Good::novelty).collect::<Result<_, _>>()?;
            let batch = Batch {
                merchant: &self.merchant,
                resource: Resource::Payments,
                novelties: &novelties,
                findings: &[],
                adapters: std::slice::from_ref(&self.adapter),
                cursor: None,
                window: None,
                seals: &[],
                now,
            };
            self.store().ingest(&held, &batch).await?;
            return Ok(());
        }
        let told: Vec<_> = goods.iter().map(Good::told).collect();
        let entries: Vec<_> = match self.kind {
            Kind::Entry => goods.iter().map(|good| (good.payment.clone(), good.entry())).collect(),
            Kind::Document | Kind::Event => Vec::new(),
        };
        let ledger: Vec<_> = goods.iter().map(|good| self.outgoing(good)).collect();
        let books = Books {
            merchant: &self.merchant,
            booked: &[],
            told: &told,
            moved: &[],
            homes: &[],
            entries: &entries,
            findings: &[],
            settles: (&[], &[]),
            ledger: &ledger,
            now,
        };
        Ok(self.store().book(&held, &books).await?)
    }

    fn outgoing(&self, good: &Good) -> Outgoing {
        Outgoing {
            adapter: self.adapter.clone(),
            what: if self.kind == Kind::Entry { "entry" } else { "event" },
            key: good.key.clone(),
            resource: good.resource(self.kind),
            id: good.record(),
            root: Some(good.payment.clone()),
            state: State::Pending,
            baseline: None,
            nets: None,
            text: None,
        }
    }
}
