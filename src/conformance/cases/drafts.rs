//! What the target holds is the truth, also where our database is older, and of what it holds only what lost is deleted.

use super::hands::dies_with_drafts;
use crate::conformance::goods::Good;
use crate::conformance::report::{Failure, Verdict, ensure};
use crate::conformance::scene::Scene;
use crate::conformance::wire::{Call, Fault, Place, drafted};
use crate::engine::deliver::DUPLICATE_RELEASED;
use crate::erp::{Asked, Drafted, Elected};
use crate::store::Ballot;

const NO_DRAFTS: &str = "there are no drafts";

/// Elections and receipts are lost, documents are not: each is found again, and none is written anew.
pub(super) async fn restored(scene: &Scene<'_>) -> Result<Verdict, Failure> {
    let goods = scene.goods("a").await?;
    scene.finish().await?;
    let mut before = Vec::new();
    for good in &goods {
        before.push(scene.standing(good).await?);
    }
    scene.restore().await?;
    scene.finish().await?;
    scene.expect_posted(&goods).await?;
    for (good, before) in goods.iter().zip(before) {
        let after = scene.standing(good).await?;
        ensure(after == before, || format!("{} was {before:?} and is {after:?}", good.key))?;
    }
    Ok(Verdict::Holds)
}

/// The target also holds a draft that is older than the released document.
pub(super) async fn restored_with_older_draft(scene: &Scene<'_>) -> Result<Verdict, Failure> {
    if !scene.is_drafted().await? {
        return Ok(Verdict::DoesNotApply(NO_DRAFTS));
    }
    let goods = scene.goods("a").await?;
    let adapter = scene.subject().adapter().await?;
    let [_, newer] = two_drafts(scene, drafted(&*adapter), &goods[2]).await?;
    elect(scene, drafted(&*adapter), &goods[2], &newer).await?;
    // The election stands: the newer one is released.
    let courier = scene.courier(&scene.wire().await?).await?;
    while courier.deliver().await? > 0 {}
    let receipt = scene.standing(&goods[2]).await?.receipt;
    ensure(receipt.as_deref() == Some(&*newer), || format!("{newer} was elected and {receipt:?} is posted"))?;
    scene.restore().await?;
    scene.finish().await?;
    scene.expect_posted(&goods).await?;
    let receipt = scene.standing(&goods[2]).await?.receipt;
    ensure(receipt.as_deref() == Some(&*newer), || format!("{newer} is in the books and {receipt:?} is posted"))?;
    Ok(Verdict::Holds)
}

/// Somebody released two drafts of one key: a person must look, and nothing more is written.
pub(super) async fn two_released(scene: &Scene<'_>) -> Result<Verdict, Failure> {
    if !scene.is_drafted().await? {
        return Ok(Verdict::DoesNotApply(NO_DRAFTS));
    }
    let goods = scene.goods("a").await?;
    let adapter = scene.subject().adapter().await?;
    let delivery = scene.delivery(&goods[2]).await?;
    for reference in two_drafts(scene, drafted(&*adapter), &goods[2]).await? {
        let steps = drafted(&*adapter).release(&[Elected { delivery: &delivery, reference: &reference }]).await?;
        ensure(steps.iter().all(Result::is_ok), || format!("released by hand: {steps:?}"))?;
    }
    let wire = scene.wire().await?;
    scene.work_off(&wire).await?;
    scene.expect_exception(&goods[2], DUPLICATE_RELEASED, 2).await?;
    ensure(wire.writes_of(&goods[2].key) == 0, || "something more was written".to_owned())?;
    Ok(Verdict::Holds)
}

/// A draft that lost is deleted once nothing can be under way any more; one of whose key nothing is elected is left alone.
pub(super) async fn strays(scene: &Scene<'_>) -> Result<Verdict, Failure> {
    if !scene.is_drafted().await? {
        return Ok(Verdict::DoesNotApply(NO_DRAFTS));
    }
    let lost = scene.goods("a").await?;
    let wire = scene.wire().await?;
    wire.fault(Place::Next(Call::Draft), Fault::Twice);
    scene.work_off(&wire).await?;
    wire.let_late_ones_arrive().await;
    let open = scene.goods("b").await?;
    dies_with_drafts(scene, Call::Draft, &open).await?;
    let before = drafts(scene, &open).await?;
    ensure(!before.is_empty(), || "no draft was written".to_owned())?;
    ensure(!drafts(scene, &lost).await?.is_empty(), || "the late duplicate left no draft".to_owned())?;
    scene.sweep().await?;
    let left = drafts(scene, &lost).await?;
    ensure(left.is_empty(), || format!("drafts that lost are left: {left:?}"))?;
    let after = drafts(scene, &open).await?;
    ensure(after == before, || format!("of {before:?}, of which none was elected, {after:?} are left"))?;
    scene.finish().await?;
    scene.expect_posted(&lost).await?;
    scene.expect_posted(&open).await?;
    Ok(Verdict::Holds)
}

/// Writes two drafts of one key; returns them, the older one first.
async fn two_drafts(scene: &Scene<'_>, erp: &dyn Drafted, good: &Good) -> Result<[String; 2], Failure> {
    let delivery = scene.delivery(good).await?;
    let mut hints = Vec::new();
    for _ in 0..2 {
        for step in erp.draft(&[&delivery]).await? {
            let hint = step.map_err(|refusal| Failure::Claim(format!("a draft was refused: {refusal:?}")))?;
            hints.extend(hint);
        }
    }
    scene.subject().settle().await?;
    for reference in [None, hints.last().map(String::as_str)] {
        let found = erp.find(&[Asked { delivery: &delivery, reference }]).await?;
        let found: Vec<String> = found.into_iter().flatten().map(|found| found.reference).collect();
        if let Ok(both) = <[String; 2]>::try_from(found) {
            return Ok(both);
        }
    }
    <[String; 2]>::try_from(hints).map_err(|hints| Failure::Claim(format!("of two drafts there are {hints:?}")))
}

async fn elect(scene: &Scene<'_>, erp: &dyn Drafted, good: &Good, reference: &str) -> Result<(), Failure> {
    let delivery = scene.delivery(good).await?;
    let held = scene.lease("deliver").await?;
    let ballot =
        Ballot { merchant: &scene.merchant, key: &good.key, generation: 1, erp_key: erp.key(&delivery), reference };
    let elected = scene.store().elect(&held, &scene.adapter, &[ballot], chrono::DateTime::UNIX_EPOCH).await?;
    ensure(elected == [Some(reference.to_owned())], || format!("{reference} was not elected: {elected:?}"))
}

/// All drafts of these goods.
async fn drafts(scene: &Scene<'_>, goods: &[Good]) -> Result<Vec<String>, Failure> {
    let mut drafts = Vec::new();
    for good in goods {
        drafts.extend(scene.subject().drafts(&scene.delivery(good).await?).await?);
    }
    Ok(drafts)
}
