//! Delivery to a target that takes drafts: [`recipe`] decides what comes next for each key, here it is done, for a whole batch at a
//! time.

use super::settled::Settled;
use super::{Courier, Parcel};
use crate::crash::{Point, crash_point};
use crate::engine::error::StepError;
use crate::erp::{Asked, Delivery, Drafted, Elected, ErpError, Found, Receipt, Step};
use crate::ledger::recipe::{self, Next};
use crate::store::{Ballot, StoreError};

/// Rounds of asking: for nothing, a draft, and a released document, and once more where somebody else was at work on it.
const ROUNDS: usize = 5;

/// A parcel on its way through the recipe.
struct Traveller {
    parcel: Parcel,
    /// Where the target said that it put the draft. A hint: only what it shows counts.
    hint: Option<String>,
    /// Something was written in this attempt.
    touched: bool,
}

impl Courier {
    /// Every parcel is settled whatever happens, unless our database is away.
    pub(super) async fn draft_and_release(
        &self,
        erp: &dyn Drafted,
        parcels: Vec<Parcel>,
        settled: &mut Settled,
    ) -> Result<(), StepError> {
        let travel = |parcel| Traveller { parcel, hint: None, touched: false };
        let mut open: Vec<Traveller> = parcels.into_iter().map(travel).collect();
        for _ in 0..ROUNDS {
            if open.is_empty() {
                return Ok(());
            }
            open = self.round(erp, open, settled).await?;
        }
        for traveller in &open {
            settled.unseen(&traveller.parcel);
        }
        Ok(())
    }

    /// Asks what there is of every key and takes the next step; returns the parcels that are not settled.
    async fn round(
        &self,
        erp: &dyn Drafted,
        mut open: Vec<Traveller>,
        settled: &mut Settled,
    ) -> Result<Vec<Traveller>, StepError> {
        let found = match find(erp, &open).await {
            Ok(found) => found,
            Err(error) => return Err(give_up(&[&open], error, settled)),
        };
        crash_point(Point::Found);
        self.elect(erp, &mut open, &found).await?;
        let (mut to_draft, mut to_release) = sort(open, &found, settled);
        // Who sleeps from here on and wakes under a lost lease writes a draft at worst, or releases what is elected.
        self.lease().await?;
        if let Err(error) = draft(erp, &mut to_draft, settled).await {
            return Err(give_up(&[&to_draft, &to_release], error, settled));
        }
        if let Err(error) = release(erp, &mut to_release, settled).await {
            return Err(give_up(&[&to_draft, &to_release], error, settled));
        }
        to_draft.append(&mut to_release);
        Ok(to_draft)
    }

    /// Decides which document is the one of its key, where nothing is decided and the target shows one that may be.
    async fn elect(&self, erp: &dyn Drafted, open: &mut [Traveller], found: &[Vec<Found>]) -> Result<(), StoreError> {
        let mut places = Vec::new();
        let mut ballots = Vec::new();
        for (place, (traveller, found)) in open.iter().zip(found).enumerate() {
            let Parcel { entry, delivery, .. } = &traveller.parcel;
            if let Next::Elect(reference) = recipe::next(found, entry.elected.as_deref()) {
                places.push(place);
                let (erp_key, generation) = (erp.key(delivery), entry.generation);
                ballots.push((delivery.clone(), erp_key, generation, reference));
            }
        }
        if places.is_empty() {
            return Ok(());
        }
        let cast = ballots.iter().map(|(delivery, erp_key, generation, reference)| Ballot {
            merchant: &delivery.merchant,
            key: &delivery.key,
            generation: *generation,
            erp_key: erp_key.clone(),
            reference,
        });
        let cast: Vec<Ballot<'_>> = cast.collect();
        let held = self.lease().await?;
        let elected = self.store.elect(&held, &self.adapter, &cast, self.clock.now()).await?;
        crash_point(Point::Elected);
        for (place, reference) in places.into_iter().zip(elected) {
            open[place].parcel.entry.elected = reference;
        }
        Ok(())
    }
}

async fn find(erp: &dyn Drafted, open: &[Traveller]) -> Result<Vec<Vec<Found>>, ErpError> {
    let asked = open.iter().map(|traveller| Asked {
        delivery: &traveller.parcel.delivery,
        reference: traveller.parcel.entry.elected.as_deref().or(traveller.hint.as_deref()),
    });
    let asked: Vec<Asked<'_>> = asked.collect();
    let found = erp.find(&asked).await?;
    assert_eq!(found.len(), open.len(), "an adapter answers for each delivery");
    Ok(found)
}

/// Settles what is at its end; returns what is to be drafted and what is to be released.
fn sort(open: Vec<Traveller>, found: &[Vec<Found>], settled: &mut Settled) -> (Vec<Traveller>, Vec<Traveller>) {
    let (mut to_draft, mut to_release) = (Vec::new(), Vec::new());
    for (traveller, found) in open.into_iter().zip(found) {
        let parcel = &traveller.parcel;
        match recipe::next(found, parcel.entry.elected.as_deref()) {
            Next::Posted(reference) => settled.posted(parcel, Receipt { reference }),
            Next::Stop(trouble) => settled.stopped(parcel, trouble),
            Next::Draft if traveller.touched => settled.unseen(parcel),
            Next::Draft => to_draft.push(traveller),
            Next::Release(_) => to_release.push(traveller),
            // It was proposed and not elected.
            Next::Elect(_) => settled.key_taken(parcel),
        }
    }
    (to_draft, to_release)
}

/// Writes drafts. What the target does not take leaves `travellers`, unless the call failed as a whole.
async fn draft(erp: &dyn Drafted, travellers: &mut Vec<Traveller>, settled: &mut Settled) -> Result<(), ErpError> {
    if travellers.is_empty() {
        return Ok(());
    }
    let deliveries: Vec<&Delivery> = travellers.iter().map(|traveller| &traveller.parcel.delivery).collect();
    let steps = erp.draft(&deliveries).await?;
    crash_point(Point::Drafted);
    *travellers = taken(std::mem::take(travellers), steps, settled);
    Ok(())
}

/// Releases what was elected. What the target does not take leaves `travellers`, unless the call failed as a whole.
async fn release(erp: &dyn Drafted, travellers: &mut Vec<Traveller>, settled: &mut Settled) -> Result<(), ErpError> {
    if travellers.is_empty() {
        return Ok(());
    }
    let elected = travellers.iter().map(|traveller| Elected {
        delivery: &traveller.parcel.delivery,
        reference: traveller.parcel.entry.elected.as_deref().expect("only what is elected is released"),
    });
    let elected: Vec<Elected<'_>> = elected.collect();
    let steps = erp.release(&elected).await?;
    crash_point(Point::Released);
    *travellers = taken(std::mem::take(travellers), steps, settled);
    Ok(())
}

/// The parcels that the target took; the others are settled by their refusal.
fn taken(travellers: Vec<Traveller>, steps: Vec<Step>, settled: &mut Settled) -> Vec<Traveller> {
    assert_eq!(steps.len(), travellers.len(), "an adapter answers for each delivery");
    let mut open = Vec::with_capacity(travellers.len());
    for (mut traveller, step) in travellers.into_iter().zip(steps) {
        match step {
            Ok(hint) => {
                traveller.touched = true;
                traveller.hint = hint.or(traveller.hint);
                open.push(traveller);
            }
            Err(refusal) => settled.refused(&traveller.parcel, refusal),
        }
    }
    open
}

fn give_up(open: &[&Vec<Traveller>], error: ErpError, settled: &mut Settled) -> StepError {
    for traveller in open.iter().copied().flatten() {
        let in_doubt = traveller.touched || traveller.parcel.entry.in_doubt;
        settled.failed(&traveller.parcel, &error, in_doubt);
    }
    error.into()
}
