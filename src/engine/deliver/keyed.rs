//! Delivery to a target that refuses a second effect of one key by itself: ask about what is in doubt, write the rest.

use super::Parcel;
use super::settled::Settled;
use crate::crash::{Point, crash_point};
use crate::erp::{Delivery, ErpError, Keyed, Outcome, Refusal};
use crate::model::record::Fingerprint;
use crate::store::Claimed;

/// Every parcel is settled whatever happens.
pub(super) async fn hand_over(erp: &dyn Keyed, parcels: Vec<Parcel>, settled: &mut Settled) -> Result<(), ErpError> {
    let found = match find_doubtful(erp, &parcels).await {
        Ok(found) => found,
        Err(error) => {
            // Still in doubt, and nothing may overtake: the whole batch waits.
            for parcel in &parcels {
                settled.failed(parcel, &error, parcel.entry.in_doubt);
            }
            return Err(error);
        }
    };
    crash_point(Point::Found);
    let mut to_write = Vec::with_capacity(parcels.len());
    for (parcel, found) in parcels.into_iter().zip(found) {
        match found {
            Some(Ok(receipt)) => settled.posted(&parcel, receipt),
            Some(Err(refusal)) => settled.refused(&parcel, refusal),
            None if settled.is_stopped(&parcel) => settled.refused(&parcel, Refusal::NotTried),
            None => to_write.push(parcel),
        }
    }
    write(erp, to_write, settled).await
}

/// What the target holds of each parcel that is in doubt; of the others nothing is known.
async fn find_doubtful(erp: &dyn Keyed, parcels: &[Parcel]) -> Result<Vec<Option<Outcome>>, ErpError> {
    let places: Vec<usize> = (0..parcels.len()).filter(|place| parcels[*place].entry.in_doubt).collect();
    let mut found = vec![None; parcels.len()];
    if places.is_empty() {
        return Ok(found);
    }
    let deliveries: Vec<Delivery> = places.iter().map(|place| parcels[*place].delivery.clone()).collect();
    let answers = erp.find(&deliveries).await?;
    assert_eq!(answers.len(), places.len(), "an adapter answers for each delivery");
    for (place, answer) in places.into_iter().zip(answers) {
        found[place] = answer;
    }
    Ok(found)
}

async fn write(erp: &dyn Keyed, parcels: Vec<Parcel>, settled: &mut Settled) -> Result<(), ErpError> {
    if parcels.is_empty() {
        return Ok(());
    }
    // For the call the deliveries lie side by side.
    let (others, deliveries): (Vec<_>, Vec<_>) = parcels.into_iter().map(apart).unzip();
    let answer = erp.write(&deliveries).await;
    let parcels = others.into_iter().zip(deliveries).map(|((entry, payload_sha256), delivery)| Parcel {
        entry,
        delivery,
        payload_sha256,
    });
    match answer {
        Ok(outcomes) => {
            crash_point(Point::Written);
            assert_eq!(outcomes.len(), parcels.len(), "an adapter answers for each delivery");
            for (parcel, outcome) in parcels.zip(outcomes) {
                match outcome {
                    Ok(receipt) => settled.posted(&parcel, receipt),
                    Err(refusal) => settled.refused(&parcel, refusal),
                }
            }
            Ok(())
        }
        Err(error) => {
            for parcel in parcels {
                settled.failed(&parcel, &error, false);
            }
            Err(error)
        }
    }
}

fn apart(parcel: Parcel) -> ((Claimed, Fingerprint), Delivery) {
    let Parcel { entry, delivery, payload_sha256 } = parcel;
    ((entry, payload_sha256), delivery)
}
