//! What was sent under a key that was given up must not come to life beside what is posted under the new one.

use std::collections::BTreeSet;

use super::hands::{OUT_OF_REACH, dies_with_drafts};
use crate::conformance::Hand;
use crate::conformance::report::{Failure, Verdict, ensure};
use crate::conformance::scene::Scene;
use crate::conformance::wire::{Call, Fault, Place};
use crate::engine::deliver::DIFFERS;

/// A draft that was edited before anything was elected is swept once its key is given up.
pub(super) async fn before_election(scene: &Scene<'_>) -> Result<Verdict, Failure> {
    if !scene.is_drafted().await? {
        return Ok(Verdict::DoesNotApply("there are no drafts"));
    }
    let goods = scene.goods("a").await?;
    let good = dies_with_drafts(scene, Call::Draft, &goods).await?;
    let before = scene.delivery(&good).await?;
    for draft in scene.subject().drafts(&before).await? {
        if scene.subject().edit(&before, &draft).await? == Hand::OutOfReach {
            return Ok(Verdict::DoesNotApply(OUT_OF_REACH));
        }
    }
    scene.subject().settle().await?;
    scene.finish().await?;
    scene.expect_exception(&good, DIFFERS, 0).await?;
    scene.post_anew(&good).await?;
    scene.finish().await?;
    scene.expect_posted(&goods).await?;
    let left = scene.subject().drafts(&before).await?;
    ensure(left.is_empty(), || format!("drafts under the key that was given up are left: {left:?}"))?;
    Ok(Verdict::Holds)
}

/// A request that is still under way when a person deletes the document and has it posted anew: either that is refused for now, or
/// the late request leaves nothing in the books. There is one document, by whichever of them.
pub(super) async fn late_duplicate(scene: &Scene<'_>) -> Result<Verdict, Failure> {
    for (lot, call) in ["a", "b"].into_iter().zip(scene.writes().await?) {
        let goods = scene.goods(lot).await?;
        let wire = scene.wire().await?;
        wire.fault(Place::Next(*call), Fault::Twice);
        let courier = scene.courier(&wire).await?;
        while courier.deliver().await? > 0 {}
        let good = &goods[0];
        let before = scene.delivery(good).await?;
        for reference in scene.subject().live(&before).await? {
            if scene.subject().delete(&before, &reference).await? == Hand::OutOfReach {
                return Ok(Verdict::DoesNotApply(OUT_OF_REACH));
            }
        }
        let posted_anew = scene.post_anew_at_once(good).await.is_ok();
        if posted_anew {
            scene.finish().await?;
        }
        wire.let_late_ones_arrive().await;
        scene.subject().settle().await?;
        if !posted_anew && scene.live(good).await?.is_empty() {
            scene.post_anew(good).await?;
        }
        scene.finish().await?;
        // What the late request brought back is not what the receipt names.
        scene.expect_posted(&goods[1..]).await?;
        let mut live: BTreeSet<String> = scene.live(good).await?.into_iter().collect();
        live.extend(scene.subject().live(&before).await?);
        ensure(live.len() == 1, || format!("{} is in the books under both keys: {live:?}", good.key))?;
    }
    Ok(Verdict::Holds)
}
