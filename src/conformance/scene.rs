//! One case's stage: goods in our tables, processes that deliver them, and what must hold at the end.

use std::sync::Arc;

use super::goods::{Good, Kind};
use super::process::{Process, work_off};
use super::report::{Failure, ensure};
use super::tables::{self, Standing};
use super::wire::{Call, Wire};
use super::{ENVIRONMENT, Subject};
use crate::clock::{Clock as _, ManualClock};
use crate::engine::deliver::{Bench, Courier, concrete};
use crate::engine::person;
use crate::erp::{Delivery, Erp, Posting, Wants};
use crate::model::ids::{AdapterName, MerchantId};
use crate::store::lease::{Held, Presence};
use crate::store::{Actor, EntryKey, Store};

/// The run of the battery.
#[derive(Debug)]
pub(super) struct Ground<'a> {
    pub subject: &'a dyn Subject,
    pub store: Store,
    pub presence: Presence,
    pub clock: Arc<ManualClock>,
    pub run: String,
    pub wants: Wants,
}

impl<'a> Ground<'a> {
    pub fn scene(&'a self, case: &'static str, kind: Kind) -> Scene<'a> {
        let name = format!("{} {kind}", case.replace(' ', "_"));
        Scene {
            ground: self,
            name: name.clone(),
            kind,
            adapter: AdapterName::new(name),
            merchant: MerchantId::new(&self.run),
        }
    }
}

/// One case with one kind of delivery, under an adapter name of its own.
#[derive(Debug)]
pub(super) struct Scene<'a> {
    pub ground: &'a Ground<'a>,
    pub name: String,
    pub kind: Kind,
    pub adapter: AdapterName,
    pub merchant: MerchantId,
}

/// Who does what persons do here.
const ACTOR: Actor<'static> = Actor { name: "conformance", reason: "the battery" };

impl Scene<'_> {
    pub fn subject(&self) -> &dyn Subject {
        self.ground.subject
    }

    pub fn store(&self) -> &Store {
        &self.ground.store
    }

    pub fn clock(&self) -> &ManualClock {
        &self.ground.clock
    }

    /// A line to the target, as a process of its own has it.
    pub async fn wire(&self) -> Result<Arc<Wire>, Failure> {
        Ok(Wire::to(self.subject().adapter().await?))
    }

    /// A courier on that line who takes over from whoever was at work.
    pub async fn courier(&self, wire: &Arc<Wire>) -> Result<Courier, Failure> {
        let held = self.lease("deliver").await?;
        let clock = Arc::clone(&self.ground.clock);
        let bench = Bench { store: self.store().clone(), clock, environment: ENVIRONMENT };
        let erp: Arc<dyn Erp> = Arc::clone(wire) as Arc<dyn Erp>;
        Ok(Courier::new(self.adapter.clone(), erp, bench, held))
    }

    pub async fn process(&self, wire: Arc<Wire>) -> Result<Process, Failure> {
        let courier = self.courier(&wire).await?;
        Ok(Process::start(wire, courier, Arc::clone(&self.ground.clock)))
    }

    pub async fn lease(&self, work: &str) -> Result<Held, Failure> {
        let name = format!("{work}/{}", self.adapter);
        let held = self.store().acquire(&name, &self.ground.presence, self.clock()).await?;
        held.ok_or_else(|| Failure::Claim(format!("somebody else works under {name}")))
    }

    /// Delivers everything over that line.
    pub async fn work_off(&self, wire: &Arc<Wire>) -> Result<(), Failure> {
        work_off(&self.courier(wire).await?, self.clock()).await
    }

    /// Delivers everything over a line without faults.
    pub async fn finish(&self) -> Result<(), Failure> {
        let wire = self.wire().await?;
        self.work_off(&wire).await
    }

    /// The calls by which an adapter of this kind changes its target.
    pub async fn writes(&self) -> Result<&'static [Call], Failure> {
        let erp = self.subject().adapter().await?;
        Ok(match erp.posting() {
            Posting::Keyed(_) => &[Call::Write],
            Posting::Drafted(_) => &[Call::Draft, Call::Release],
        })
    }

    pub async fn is_drafted(&self) -> Result<bool, Failure> {
        Ok(self.writes().await?.len() > 1)
    }

    /// Those of other money, which need not wait for this one.
    pub fn others(&self, goods: &[Good], good: &Good) -> Vec<Good> {
        let is_other = |other: &&Good| match self.kind {
            Kind::Document => other.key != good.key,
            Kind::Event | Kind::Entry => other.payment != good.payment,
        };
        goods.iter().filter(is_other).cloned().collect()
    }

    /// What would be sent of it now.
    pub async fn delivery(&self, good: &Good) -> Result<Delivery, Failure> {
        let entry = self.store().entry(self.entry(good)).await?;
        let mut entry = entry.ok_or_else(|| Failure::Claim(format!("{} is not in the ledger", good.key)))?;
        concrete(&mut entry, ENVIRONMENT).map_err(Failure::Claim)
    }

    pub fn entry<'a>(&'a self, good: &'a Good) -> EntryKey<'a> {
        EntryKey { adapter: &self.adapter, merchant: &self.merchant, key: &good.key }
    }

    pub async fn standing(&self, good: &Good) -> Result<Standing, Failure> {
        tables::standing(self.store(), &self.adapter, &self.merchant, &good.key).await
    }

    /// Classes and evidence of what a person must see of it.
    pub async fn exceptions(&self, good: &Good) -> Result<Vec<(String, Option<Vec<u8>>)>, Failure> {
        tables::exceptions(self.store(), &self.adapter, &self.merchant, &good.key).await
    }

    pub async fn live(&self, good: &Good) -> Result<Vec<String>, Failure> {
        Ok(self.subject().live(&self.delivery(good).await?).await?)
    }

    /// An old backup of our database takes the place of what was known about the adapter's entries.
    pub async fn restore(&self) -> Result<(), Failure> {
        self.subject().settle().await?;
        tables::restore(self.store(), &self.adapter).await
    }

    /// What is to be sent of it is something else from now on.
    pub async fn change(&self, good: &Good) -> Result<(), Failure> {
        let (store, merchant, changed) = (self.store(), &self.merchant, good.doubled());
        match self.kind {
            Kind::Document => tables::change_version(store, merchant, good.record().as_str(), &changed.body()).await,
            Kind::Event => tables::change_event(store, merchant, &good.key, &changed.fact()).await,
            Kind::Entry => tables::change_entry(store, merchant, &good.key).await,
        }
    }

    pub async fn retry(&self, good: &Good) -> Result<(), Failure> {
        Ok(self.store().retry(self.entry(good), ACTOR, self.clock().now()).await?)
    }

    /// A person has it posted anew, once nothing can be under way any more.
    pub async fn post_anew(&self, good: &Good) -> Result<(), Failure> {
        self.subject().settle().await?;
        let settles_within = self.subject().adapter().await?.capabilities().settles_within;
        self.clock().advance(settles_within + std::time::Duration::from_secs(1));
        self.post_anew_at_once(good).await
    }

    pub async fn post_anew_at_once(&self, good: &Good) -> Result<(), Failure> {
        let erp = self.subject().adapter().await?;
        let now = self.clock().now();
        Ok(person::post_anew(self.store(), (&*erp, ENVIRONMENT), self.entry(good), ACTOR, now).await?)
    }

    /// Deletes drafts that lost, once nothing can be under way any more; returns how many.
    pub async fn sweep(&self) -> Result<usize, Failure> {
        self.subject().settle().await?;
        let wire = self.wire().await?;
        self.clock().advance(wire.capabilities().settles_within + std::time::Duration::from_secs(1));
        Ok(self.courier(&wire).await?.sweep().await?)
    }

    /// Each of them is in the books once, with its receipt, and nothing is left over.
    pub async fn expect_posted(&self, goods: &[Good]) -> Result<(), Failure> {
        self.sweep().await?;
        for good in goods {
            self.expect_one(good).await?;
        }
        Ok(())
    }

    async fn expect_one(&self, good: &Good) -> Result<(), Failure> {
        let (key, Standing { state, receipt }) = (&good.key, self.standing(good).await?);
        let open = self.exceptions(good).await?;
        let delivery = self.delivery(good).await?;
        let live = self.subject().live(&delivery).await?;
        ensure(state == "posted", || format!("{key} is {state}, with {live:?} in the books and {open:?} open"))?;
        ensure(live.len() == 1, || format!("{key} is in the books {} times: {live:?}", live.len()))?;
        let receipt = receipt.unwrap_or_default();
        ensure(live[0] == receipt, || format!("{key} is in the books as {} with the receipt {receipt}", live[0]))?;
        ensure(open.is_empty(), || format!("{key} is posted, and {open:?} is open"))?;
        let drafts = self.subject().drafts(&delivery).await?;
        ensure(drafts.is_empty(), || format!("{key} is posted, and drafts are left: {drafts:?}"))
    }

    /// A person sees exactly this of it, and it is in the books as often as that.
    pub async fn expect_exception(&self, good: &Good, class: &str, live: usize) -> Result<(), Failure> {
        let (key, state) = (&good.key, self.standing(good).await?.state);
        let open: Vec<String> = self.exceptions(good).await?.into_iter().map(|(class, _)| class).collect();
        ensure(open == [class], || format!("{key} is {state}; {open:?} is open, and {class} should be"))?;
        let found = self.live(good).await?;
        ensure(found.len() == live, || {
            format!("{key} is in the books {} times and should be {live} times", found.len())
        })
    }
}
