//! Calls of which nobody can tell whether they took effect: at most one document, and in the end exactly one.

use crate::conformance::report::{Failure, Verdict, ensure};
use crate::conformance::scene::Scene;
use crate::conformance::wire::{Call, Fault, Place};

pub(super) async fn request(scene: &Scene<'_>) -> Result<Verdict, Failure> {
    at_each_write(scene, &Fault::RequestLost).await
}

pub(super) async fn reply(scene: &Scene<'_>) -> Result<Verdict, Failure> {
    at_each_write(scene, &Fault::ReplyLost).await
}

/// The request seems lost, and arrives when everything is posted.
pub(super) async fn late(scene: &Scene<'_>) -> Result<Verdict, Failure> {
    at_each_write(scene, &Fault::Late).await
}

/// The request is carried out at once, and once more when everything is posted.
pub(super) async fn late_duplicate(scene: &Scene<'_>) -> Result<Verdict, Failure> {
    at_each_write(scene, &Fault::Twice).await
}

pub(super) async fn partial_batch(scene: &Scene<'_>) -> Result<Verdict, Failure> {
    at_each_write(scene, &Fault::Half).await
}

async fn at_each_write(scene: &Scene<'_>, fault: &Fault) -> Result<Verdict, Failure> {
    for (lot, call) in ["a", "b"].into_iter().zip(scene.writes().await?) {
        let goods = scene.goods(lot).await?;
        let wire = scene.wire().await?;
        wire.fault(Place::Next(*call), fault.clone());
        scene.work_off(&wire).await?;
        ensure(wire.has_faulted(), || format!("{call:?} was never called"))?;
        wire.let_late_ones_arrive().await;
        scene.finish().await?;
        scene.expect_posted(&goods).await?;
    }
    Ok(Verdict::Holds)
}

/// The server fails once it has the whole request, again and again, before its work and after it; also when it is asked what it did.
pub(super) async fn server_error(scene: &Scene<'_>) -> Result<Verdict, Failure> {
    for (lot, call) in ["a", "b"].into_iter().zip(scene.writes().await?) {
        let goods = scene.goods(lot).await?;
        let wire = scene.wire().await?;
        for fault in [Fault::ReplyLost, Fault::RequestLost, Fault::ReplyLost] {
            wire.fault(Place::Next(*call), fault.clone());
            wire.fault(Place::Next(Call::Find), fault);
        }
        scene.work_off(&wire).await?;
        scene.expect_posted(&goods).await?;
    }
    Ok(Verdict::Holds)
}
