//! Calls that fail as a whole: nothing is parked, nobody is asked, and everything is posted once the target is itself again.

use std::time::Duration;

use crate::conformance::report::{Failure, Verdict, ensure};
use crate::conformance::scene::Scene;
use crate::conformance::wire::{Call, Fault, Place};
use crate::erp::ErpError;

pub(super) async fn throttled(scene: &Scene<'_>) -> Result<Verdict, Failure> {
    fails(scene, || ErpError::Throttled { reason: "429".to_owned(), retry_after: Some(Duration::from_secs(30)) }).await
}

pub(super) async fn unauthorized(scene: &Scene<'_>) -> Result<Verdict, Failure> {
    fails(scene, || ErpError::Unauthorized { reason: "401".to_owned() }).await
}

pub(super) async fn forbidden(scene: &Scene<'_>) -> Result<Verdict, Failure> {
    fails(scene, || ErpError::Unauthorized { reason: "403".to_owned() }).await
}

pub(super) async fn unreachable(scene: &Scene<'_>) -> Result<Verdict, Failure> {
    fails(scene, || ErpError::Unreachable { reason: "503".to_owned() }).await
}

/// Each of the calls fails, three times in a row.
async fn fails(scene: &Scene<'_>, error: fn() -> ErpError) -> Result<Verdict, Failure> {
    for (lot, call) in ["a", "b"].into_iter().zip(scene.writes().await?) {
        let goods = scene.goods(lot).await?;
        let wire = scene.wire().await?;
        for _ in 0..3 {
            wire.fault(Place::Next(*call), Fault::Fails(error));
        }
        wire.fault(Place::Next(Call::Find), Fault::Fails(error));
        let courier = scene.courier(&wire).await?;
        let first = courier.deliver().await;
        ensure(first.is_err(), || "a call that failed was taken for done".to_owned())?;
        for good in &goods {
            let state = scene.standing(good).await?.state;
            let waits = matches!(state.as_str(), "pending" | "in_doubt" | "posted");
            ensure(waits, || format!("{} is {state} because a whole call failed", good.key))?;
            let open = scene.exceptions(good).await?;
            ensure(open.is_empty(), || format!("a person is asked about {}: {open:?}", good.key))?;
        }
        scene.work_off(&wire).await?;
        scene.expect_posted(&goods).await?;
    }
    Ok(Verdict::Holds)
}
