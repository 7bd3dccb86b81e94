//! Processes that end or sleep before a call is sent and after it is answered, at every call that there is.

use crate::conformance::report::{Failure, Verdict, ensure};
use crate::conformance::scene::Scene;
use crate::conformance::wire::{Fault, Place};

/// Calls of one lot at most, for targets that take one delivery at a time.
const STEPS_MAX: usize = 24;

/// Another process goes on with what the dead one left.
pub(super) async fn at_every_step(scene: &Scene<'_>) -> Result<Verdict, Failure> {
    let steps = steps(scene).await?;
    for step in 0..steps {
        for (when, fault) in [("before", Fault::SleepsBefore), ("after", Fault::SleepsAfter)] {
            let goods = scene.goods(&format!("{step}{when}")).await?;
            let wire = scene.wire().await?;
            wire.fault(Place::Nth(step), fault);
            let mut process = scene.process(wire).await?;
            ensure(process.sleeps().await?, || format!("step {step} of {steps} was never reached"))?;
            drop(process);
            scene.finish().await?;
            scene.expect_posted(&goods).await.map_err(|failure| at(step, when, &failure))?;
        }
    }
    Ok(Verdict::Holds)
}

/// And that one dies a step further on, and so on.
pub(super) async fn one_after_the_other(scene: &Scene<'_>) -> Result<Verdict, Failure> {
    let goods = scene.goods("a").await?;
    for step in 0..STEPS_MAX {
        for fault in [Fault::SleepsBefore, Fault::SleepsAfter] {
            let wire = scene.wire().await?;
            wire.fault(Place::Nth(step), fault);
            if !scene.process(wire).await?.sleeps().await? {
                break;
            }
        }
    }
    scene.finish().await?;
    scene.expect_posted(&goods).await?;
    Ok(Verdict::Holds)
}

/// The process is not dead: once another one has done everything, it wakes and goes on as if nothing had happened.
pub(super) async fn sleepers(scene: &Scene<'_>) -> Result<Verdict, Failure> {
    let steps = steps(scene).await?;
    for step in 0..steps {
        for (when, fault) in [("before", Fault::SleepsBefore), ("after", Fault::SleepsAfter)] {
            let goods = scene.goods(&format!("{step}{when}")).await?;
            let wire = scene.wire().await?;
            wire.fault(Place::Nth(step), fault);
            let mut sleeper = scene.process(wire).await?;
            ensure(sleeper.sleeps().await?, || format!("step {step} of {steps} was never reached"))?;
            scene.finish().await?;
            sleeper.wakes().await.map_err(|failure| at(step, when, &failure))?;
            scene.finish().await?;
            scene.expect_posted(&goods).await.map_err(|failure| at(step, when, &failure))?;
        }
    }
    Ok(Verdict::Holds)
}

/// How many calls one lot takes.
async fn steps(scene: &Scene<'_>) -> Result<usize, Failure> {
    scene.goods("undisturbed").await?;
    let wire = scene.wire().await?;
    scene.work_off(&wire).await?;
    Ok(wire.made().len().min(STEPS_MAX))
}

fn at(step: usize, when: &str, failure: &Failure) -> Failure {
    Failure::Claim(format!("{when} step {step}: {failure}"))
}
