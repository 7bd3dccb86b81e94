//! One key with two payloads: the second is never written, and a person sees both.

use serde_json::Value;

use crate::conformance::report::{Failure, Verdict, ensure};
use crate::conformance::scene::Scene;
use crate::conformance::wire::{Fault, Place};
use crate::engine::deliver::{DIFFERS, PAYLOAD_CHANGED};

/// What was sent and may have taken effect has changed on our side.
pub(super) async fn changed(scene: &Scene<'_>) -> Result<Verdict, Failure> {
    for (lot, call) in ["a", "b"].into_iter().zip(scene.writes().await?) {
        let goods = scene.goods(lot).await?;
        let wire = scene.wire().await?;
        wire.fault(Place::Next(*call), Fault::ReplyLost);
        let courier = scene.courier(&wire).await?;
        ensure(courier.deliver().await.is_err(), || "a lost reply was taken for an answer".to_owned())?;
        let good = &goods[0];
        let before = scene.live(good).await?.len();
        scene.change(good).await?;
        let wire = scene.wire().await?;
        scene.work_off(&wire).await?;
        ensure(wire.writes_of(&good.key) == 0, || "the changed payload was sent".to_owned())?;
        expect_both(scene, good, PAYLOAD_CHANGED, ["now", "before"], before).await?;
    }
    Ok(Verdict::Holds)
}

/// The target holds something else under the key of what is to be sent.
pub(super) async fn held(scene: &Scene<'_>) -> Result<Verdict, Failure> {
    let goods = scene.goods("a").await?;
    scene.finish().await?;
    scene.restore().await?;
    scene.change(&goods[2]).await?;
    scene.finish().await?;
    expect_both(scene, &goods[2], DIFFERS, ["ours", "theirs"], 1).await?;
    scene.expect_posted(&scene.others(&goods, &goods[2])).await?;
    Ok(Verdict::Holds)
}

async fn expect_both(
    scene: &Scene<'_>,
    good: &crate::conformance::goods::Good,
    class: &str,
    names: [&str; 2],
    live: usize,
) -> Result<(), Failure> {
    scene.expect_exception(good, class, live).await?;
    let open = scene.exceptions(good).await?;
    let evidence = open.into_iter().find_map(|(_, evidence)| evidence).unwrap_or_default();
    let shown: Value = serde_json::from_slice(&evidence).unwrap_or_default();
    let texts: Vec<&str> = names.iter().filter_map(|name| shown[*name].as_str()).collect();
    let both = texts.len() == names.len() && texts[0] != texts[1] && texts.iter().all(|text| !text.is_empty());
    ensure(both, || format!("the evidence should show {names:?} and is {shown}"))
}
