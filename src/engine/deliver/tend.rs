//! Now and then, while nothing is left to deliver: what the target does by the clock, and what a person must see of it.

use std::time::Duration;

use super::Courier;
use crate::engine::error::StepError;
use crate::erp::AlarmKind;
use crate::store::Finding;

/// How often.
const INTERVAL: Duration = Duration::from_mins(1);

impl Courier {
    /// Tends the target if the last time was long ago.
    pub(super) async fn tend_now_and_then(&self) -> Result<(), StepError> {
        let now = self.clock.monotonic();
        let mut tended = self.tended.lock().await;
        if tended.is_some_and(|at| now.saturating_sub(at) < INTERVAL) {
            return Ok(());
        }
        *tended = Some(now);
        drop(tended);
        self.tend().await
    }

    /// Has the adapter do what is due, raises what it tells, and settles what it does not tell any more.
    pub async fn tend(&self) -> Result<(), StepError> {
        self.lease().await?;
        let alarms = self.erp.tend(self.clock.now()).await?;
        let (held, now) = (self.lease().await?, self.clock.now());
        let prefix = format!("{}/", self.adapter);
        for kind in AlarmKind::ALL {
            let raised: Vec<_> = alarms.iter().filter(|alarm| alarm.kind == kind).collect();
            for (merchant, subject) in self.store.open_everywhere(kind.class(), &prefix).await? {
                let still = raised.iter().any(|it| it.merchant == merchant && subject[prefix.len()..] == it.subject);
                if !still {
                    let resolution = kind.resolution();
                    self.store.settle_exception(&held, &merchant, kind.class(), &subject, resolution, now).await?;
                }
            }
            for alarm in raised {
                let subject = format!("{prefix}{}", alarm.subject);
                let finding = Finding { class: kind.class(), subject, detail: alarm.detail.clone(), evidence: None };
                self.store.raise(&held, &alarm.merchant, &finding, now).await?;
            }
        }
        Ok(())
    }
}
