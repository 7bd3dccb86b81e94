//! Undisturbed, again, and by many at once.

use futures::future::join_all;

use crate::conformance::process::Process;
use crate::conformance::report::{Failure, Verdict, ensure};
use crate::conformance::scene::Scene;
use crate::conformance::wire::{Fault, Place, drafted, keyed};
use crate::erp::{Elected, Posting};

const WRITERS: usize = 8;

pub(super) async fn posted(scene: &Scene<'_>) -> Result<Verdict, Failure> {
    let goods = scene.goods("a").await?;
    scene.finish().await?;
    scene.expect_posted(&goods).await?;
    Ok(Verdict::Holds)
}

/// What is posted is not sent again, and sent again it changes nothing.
pub(super) async fn posted_again(scene: &Scene<'_>) -> Result<Verdict, Failure> {
    let goods = scene.goods("a").await?;
    scene.finish().await?;
    let wire = scene.wire().await?;
    scene.work_off(&wire).await?;
    ensure(wire.made().is_empty(), || format!("what is posted was sent again: {:?}", wire.made()))?;
    let mut deliveries = Vec::with_capacity(goods.len());
    let mut receipts = Vec::with_capacity(goods.len());
    for good in &goods {
        deliveries.push(scene.delivery(good).await?);
        receipts.push(scene.standing(good).await?.receipt.unwrap_or_default());
    }
    let adapter = scene.subject().adapter().await?;
    let batch_max = adapter.capabilities().batch_max.max(1);
    for (deliveries, receipts) in deliveries.chunks(batch_max).zip(receipts.chunks(batch_max)) {
        match adapter.posting() {
            Posting::Keyed(_) => {
                for (outcome, receipt) in keyed(&*adapter).write(deliveries).await?.into_iter().zip(receipts) {
                    let same = outcome.as_ref().is_ok_and(|again| again.reference == *receipt);
                    ensure(same, || format!("written again, {receipt} is answered with {outcome:?}"))?;
                }
            }
            Posting::Drafted(_) => {
                let elected = deliveries.iter().zip(receipts);
                let elected = elected.map(|(delivery, reference)| Elected { delivery, reference });
                let steps = drafted(&*adapter).release(&elected.collect::<Vec<_>>()).await?;
                ensure(steps.iter().all(Result::is_ok), || format!("released again: {steps:?}"))?;
            }
        }
    }
    scene.expect_posted(&goods).await?;
    Ok(Verdict::Holds)
}

/// Eight processes, each of which believes that it is the only one, send the same thing at the same time.
pub(super) async fn eight_writers(scene: &Scene<'_>) -> Result<Verdict, Failure> {
    for (lot, call) in ["a", "b"].into_iter().zip(scene.writes().await?) {
        let goods = scene.goods(lot).await?;
        let mut processes = Vec::with_capacity(WRITERS);
        for number in 0..WRITERS {
            let wire = scene.wire().await?;
            wire.fault(Place::Next(*call), Fault::SleepsBefore);
            let mut process = scene.process(wire).await?;
            let asleep = process.sleeps().await?;
            ensure(asleep, || format!("writer {number} had nothing to send at {call:?}"))?;
            processes.push(process);
        }
        for ended in join_all(processes.into_iter().map(Process::wakes)).await {
            ended?;
        }
        scene.finish().await?;
        scene.expect_posted(&goods).await?;
    }
    Ok(Verdict::Holds)
}
