//! Persons at the target edit and delete what was written: it is shown, and never mended by writing.

use crate::conformance::Hand;
use crate::conformance::goods::Good;
use crate::conformance::report::{Failure, Verdict, ensure};
use crate::conformance::scene::Scene;
use crate::conformance::wire::{Call, Fault, Place};
use crate::engine::deliver::{DIFFERS, GONE};

pub(super) const OUT_OF_REACH: &str = "the subject cannot do that at its target";
const NO_DRAFTS: &str = "there are no drafts";

/// A draft that is not what was sent is never released. Before it is elected another one may take its place, where the target does
/// not show it yet.
pub(super) async fn draft_edited(scene: &Scene<'_>) -> Result<Verdict, Failure> {
    if !scene.is_drafted().await? {
        return Ok(Verdict::DoesNotApply(NO_DRAFTS));
    }
    for (lot, place) in [("a", Call::Draft), ("b", Call::Release)] {
        let goods = scene.goods(lot).await?;
        let good = dies_with_drafts(scene, place, &goods).await?;
        let delivery = scene.delivery(&good).await?;
        let edited = scene.subject().drafts(&delivery).await?;
        for draft in &edited {
            if scene.subject().edit(&delivery, draft).await? == Hand::OutOfReach {
                return Ok(Verdict::DoesNotApply(OUT_OF_REACH));
            }
        }
        scene.finish().await?;
        let live = scene.live(&good).await?;
        ensure(!live.iter().any(|it| edited.contains(it)), || format!("{live:?} was released and had been edited"))?;
        if place == Call::Draft && !live.is_empty() {
            scene.expect_posted(&goods).await?;
        } else {
            scene.expect_exception(&good, DIFFERS, 0).await?;
            scene.expect_posted(&scene.others(&goods, &good)).await?;
        }
    }
    Ok(Verdict::Holds)
}

/// A document in the books that is not what was sent is shown to a person, and stays the only one.
pub(super) async fn document_edited(scene: &Scene<'_>) -> Result<Verdict, Failure> {
    let goods = scene.goods("a").await?;
    scene.finish().await?;
    let (delivery, reference) = in_the_books(scene, &goods[2]).await?;
    if scene.subject().edit(&delivery, &reference).await? == Hand::OutOfReach {
        return Ok(Verdict::DoesNotApply(OUT_OF_REACH));
    }
    // That it is posted has to be found out anew.
    scene.restore().await?;
    scene.finish().await?;
    scene.expect_exception(&goods[2], DIFFERS, 1).await?;
    scene.expect_posted(&scene.others(&goods, &goods[2])).await?;
    Ok(Verdict::Holds)
}

/// An elected draft that somebody deleted is not written again by itself.
pub(super) async fn draft_deleted(scene: &Scene<'_>) -> Result<Verdict, Failure> {
    if !scene.is_drafted().await? {
        return Ok(Verdict::DoesNotApply(NO_DRAFTS));
    }
    let goods = scene.goods("a").await?;
    let good = dies_with_drafts(scene, Call::Release, &goods).await?;
    let delivery = scene.delivery(&good).await?;
    for draft in scene.subject().drafts(&delivery).await? {
        if scene.subject().delete(&delivery, &draft).await? == Hand::OutOfReach {
            return Ok(Verdict::DoesNotApply(OUT_OF_REACH));
        }
    }
    let wire = scene.wire().await?;
    scene.work_off(&wire).await?;
    scene.expect_exception(&good, GONE, 0).await?;
    ensure(wire.writes_of(&good.key) == 0, || "what a person deleted was written again".to_owned())?;
    posts_anew(scene, &goods, &good).await
}

/// So is a document in the books; a person has it posted anew, and cannot as long as it is there.
pub(super) async fn document_deleted(scene: &Scene<'_>) -> Result<Verdict, Failure> {
    let goods = scene.goods("a").await?;
    scene.finish().await?;
    let refused = scene.post_anew(&goods[2]).await;
    ensure(refused.is_err(), || "what is in the books was to be posted anew".to_owned())?;
    let (delivery, reference) = in_the_books(scene, &goods[2]).await?;
    if scene.subject().delete(&delivery, &reference).await? == Hand::OutOfReach {
        return Ok(Verdict::DoesNotApply(OUT_OF_REACH));
    }
    let wire = scene.wire().await?;
    scene.work_off(&wire).await?;
    ensure(wire.made().is_empty(), || "what a person deleted was looked for, or written again".to_owned())?;
    ensure(scene.live(&goods[2]).await?.is_empty(), || "it was not deleted".to_owned())?;
    posts_anew(scene, &goods, &goods[2]).await
}

/// A person has it posted under a new key: once, and nothing under the old one.
async fn posts_anew(scene: &Scene<'_>, goods: &[Good], good: &Good) -> Result<Verdict, Failure> {
    let before = scene.delivery(good).await?;
    scene.post_anew(good).await?;
    scene.finish().await?;
    scene.expect_posted(goods).await?;
    let after = scene.delivery(good).await?;
    ensure(before.erp_key != after.erp_key, || format!("{} was posted anew under its old key", before.erp_key))?;
    let again = scene.post_anew(good).await;
    ensure(again.is_err(), || "what was posted anew was to be posted anew again".to_owned())?;
    Ok(Verdict::Holds)
}

/// A process writes drafts and dies, at the end of writing them or before it releases them; returns one that it had in hand.
pub(super) async fn dies_with_drafts(scene: &Scene<'_>, place: Call, goods: &[Good]) -> Result<Good, Failure> {
    let wire = scene.wire().await?;
    let fault = if place == Call::Draft { Fault::SleepsAfter } else { Fault::SleepsBefore };
    wire.fault(Place::Next(place), fault);
    let mut process = scene.process(std::sync::Arc::clone(&wire)).await?;
    ensure(process.sleeps().await?, || format!("{place:?} was never called"))?;
    let in_hand = wire.made().pop().and_then(|(_, mut keys)| keys.pop());
    let good = goods.iter().find(|good| Some(&good.key) == in_hand.as_ref());
    good.cloned().ok_or_else(|| Failure::Claim(format!("{place:?} was about {in_hand:?}")))
}

async fn in_the_books(scene: &Scene<'_>, good: &Good) -> Result<(crate::erp::Delivery, String), Failure> {
    let delivery = scene.delivery(good).await?;
    let live = scene.subject().live(&delivery).await?.pop();
    Ok((delivery, live.ok_or_else(|| Failure::Claim(format!("{} is not in the books", good.key)))?))
}
