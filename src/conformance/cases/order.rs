//! One thing is not taken: what comes after it about the same money waits, everything else is posted.

use super::hands::OUT_OF_REACH;
use crate::conformance::Hand;
use crate::conformance::goods::{Good, Kind};
use crate::conformance::report::{Failure, Verdict, ensure};
use crate::conformance::scene::Scene;
use crate::conformance::wire::{Call, Fault, Place};
use crate::engine::deliver::{GONE, HELD, REFUSED};
use crate::erp::Refusal;

/// A refusal is for a person, who has it tried again.
pub(super) async fn refused(scene: &Scene<'_>) -> Result<Verdict, Failure> {
    for (lot, call) in ["a", "b"].into_iter().zip(scene.writes().await?) {
        let goods = scene.goods(lot).await?;
        let refusal = Refusal::Never { reason: "no such account".to_owned() };
        first_is_not_taken(scene, &goods, *call, refusal).await?;
        scene.expect_exception(&goods[0], REFUSED, 0).await?;
        scene.finish().await?;
        scene.expect_exception(&goods[0], REFUSED, 0).await?;
        scene.retry(&goods[0]).await?;
        scene.finish().await?;
        scene.expect_posted(&goods).await?;
    }
    Ok(Verdict::Holds)
}

/// What is not taken for now is shown to a person, and posted by itself later.
pub(super) async fn held(scene: &Scene<'_>) -> Result<Verdict, Failure> {
    for (lot, call) in ["a", "b"].into_iter().zip(scene.writes().await?) {
        let goods = scene.goods(lot).await?;
        let refusal = Refusal::NotNow { reason: "the period is closed".to_owned() };
        first_is_not_taken(scene, &goods, *call, refusal).await?;
        scene.expect_exception(&goods[0], HELD, 0).await?;
        wait_out_holds(scene).await?;
        scene.expect_posted(&goods).await?;
    }
    Ok(Verdict::Holds)
}

/// The same with a target that itself refuses documents of a date.
pub(super) async fn closed_period(scene: &Scene<'_>) -> Result<Verdict, Failure> {
    let goods = scene.goods("a").await?;
    let delivery = scene.delivery(&goods[0]).await?;
    if scene.subject().close_period(&delivery).await? == Hand::OutOfReach {
        return Ok(Verdict::DoesNotApply(OUT_OF_REACH));
    }
    let closed = while_closed(scene, &goods).await;
    scene.subject().open_period(&delivery).await?;
    closed?;
    wait_out_holds(scene).await?;
    scene.expect_posted(&goods).await?;
    Ok(Verdict::Holds)
}

async fn while_closed(scene: &Scene<'_>, goods: &[Good]) -> Result<(), Failure> {
    scene.finish().await?;
    for good in goods {
        ensure(scene.live(good).await?.is_empty(), || format!("{} was posted into a closed period", good.key))?;
        let Some(waits_for) = waits_for(scene, good) else {
            scene.expect_exception(good, HELD, 0).await?;
            continue;
        };
        let open = scene.exceptions(good).await?;
        ensure(open.is_empty(), || format!("{} waits for {waits_for} and is asked about", good.key))?;
    }
    Ok(())
}

/// The first document is gone before it was released: what comes after it must not overtake it, not even in the same batch.
pub(super) async fn gone(scene: &Scene<'_>) -> Result<Verdict, Failure> {
    if !scene.is_drafted().await? {
        return Ok(Verdict::DoesNotApply("there are no drafts"));
    }
    let goods = scene.goods("a").await?;
    let wire = scene.wire().await?;
    wire.fault(Place::Next(Call::Release), Fault::SleepsBefore);
    let mut process = scene.process(wire).await?;
    ensure(process.sleeps().await?, || "nothing was released".to_owned())?;
    drop(process);
    let delivery = scene.delivery(&goods[0]).await?;
    for draft in scene.subject().drafts(&delivery).await? {
        if scene.subject().delete(&delivery, &draft).await? == Hand::OutOfReach {
            return Ok(Verdict::DoesNotApply(OUT_OF_REACH));
        }
    }
    let wire = scene.wire().await?;
    scene.work_off(&wire).await?;
    scene.expect_exception(&goods[0], GONE, 0).await?;
    expect_successors_wait(scene, &goods).await?;
    scene.post_anew(&goods[0]).await?;
    scene.finish().await?;
    scene.expect_posted(&goods).await?;
    Ok(Verdict::Holds)
}

async fn first_is_not_taken(scene: &Scene<'_>, goods: &[Good], call: Call, refusal: Refusal) -> Result<(), Failure> {
    let wire = scene.wire().await?;
    wire.refuse(call, &goods[0].key, refusal);
    let courier = scene.courier(&wire).await?;
    while courier.deliver().await? > 0 {}
    expect_successors_wait(scene, goods).await
}

/// Whether the first is not in the books, what is about the same money neither, and everything else is.
async fn expect_successors_wait(scene: &Scene<'_>, goods: &[Good]) -> Result<(), Failure> {
    for good in &goods[1..] {
        let live = scene.live(good).await?.len();
        let expected = usize::from(waits_for(scene, good).is_none());
        ensure(live == expected, || {
            format!("{} is in the books {live} times, while {} is not", good.key, goods[0].key)
        })?;
    }
    Ok(())
}

/// The money that a successor waits for. Documents keep no order.
fn waits_for<'a>(scene: &Scene<'_>, good: &'a Good) -> Option<&'a str> {
    (scene.kind != Kind::Document && good.applies).then_some(good.payment.as_str())
}

/// Longer than any hold, and then all that waited behind it.
async fn wait_out_holds(scene: &Scene<'_>) -> Result<(), Failure> {
    scene.clock().advance(std::time::Duration::from_hours(7));
    scene.finish().await
}
