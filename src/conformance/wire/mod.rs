//! The line between a courier and the adapter under test, on which calls are lost, halved, repeated, carried out late, refused, or
//! fall asleep with the process that makes them. Every process has a line of its own; what it does to a call is the same for every
//! adapter.

mod sent;
mod traits;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};

use crate::erp::{Delivery, Erp, ErpError, Refusal};
pub(super) use sent::{Answer, Call, Sent, drafted, keyed};

/// What happens to a call.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    /// It never arrives, and nobody can tell.
    RequestLost,
    /// It is carried out, and the answer never arrives.
    ReplyLost,
    /// The first half is carried out, and the answer never arrives.
    Half,
    /// It seems lost, and is carried out once other things have happened.
    Late,
    /// It is carried out and answered, and once more after other things have happened.
    Twice,
    /// It fails as a whole, and nothing is carried out.
    Fails(fn() -> ErpError),
    /// The process falls asleep before the call is sent.
    SleepsBefore,
    /// The process falls asleep when the call is answered.
    SleepsAfter,
}

/// Which call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The next one of its name.
    Next(Call),
    /// That one of all, from 0.
    Nth(usize),
}

/// One delivery that is refused, until that is taken back.
#[derive(Debug, Clone)]
struct Refused {
    call: Call,
    key: String,
    refusal: Refusal,
}

#[derive(Debug, Default)]
struct State {
    faults: Vec<(Place, Fault)>,
    refused: Option<Refused>,
    /// Every call that was made, with the keys of its deliveries.
    made: Vec<(Call, Vec<String>)>,
    late: Vec<Sent>,
}

/// One process's line to the target.
#[derive(Debug)]
pub(super) struct Wire {
    inner: Arc<dyn Erp>,
    state: Mutex<State>,
    asleep: Notify,
    awake: watch::Sender<bool>,
}

impl Wire {
    pub fn to(inner: Arc<dyn Erp>) -> Arc<Self> {
        let (state, asleep, awake) = (Mutex::default(), Notify::new(), watch::Sender::new(false));
        Arc::new(Self { inner, state, asleep, awake })
    }

    pub fn fault(&self, place: Place, fault: Fault) {
        self.state().faults.push((place, fault));
    }

    /// Has every call of this name refuse this one delivery.
    pub fn refuse(&self, call: Call, key: &str, refusal: Refusal) {
        self.state().refused = Some(Refused { call, key: key.to_owned(), refusal });
    }

    /// Whether every fault that was asked for has happened.
    pub fn has_faulted(&self) -> bool {
        self.state().faults.is_empty()
    }

    pub fn made(&self) -> Vec<(Call, Vec<String>)> {
        self.state().made.clone()
    }

    /// How often something was sent that may change the target and has this delivery in it.
    pub fn writes_of(&self, key: &str) -> usize {
        let is_write = |call: &Call| matches!(call, Call::Write | Call::Draft | Call::Release);
        self.state().made.iter().filter(|(call, keys)| is_write(call) && keys.iter().any(|it| it == key)).count()
    }

    /// Carries out what is late, and does not care for the answer.
    pub async fn let_late_ones_arrive(&self) {
        let late = std::mem::take(&mut self.state().late);
        for sent in late {
            let _ = sent.perform(&*self.inner).await;
        }
    }

    /// Resolves once the process is asleep.
    pub async fn is_asleep(&self) {
        self.asleep.notified().await;
    }

    pub fn wake(&self) {
        self.awake.send_replace(true);
    }

    async fn sleep(&self) {
        self.asleep.notify_one();
        let mut awake = self.awake.subscribe();
        // The sender lives as long as the line.
        let _ = awake.wait_for(|awake| *awake).await;
    }

    async fn carry(&self, sent: Sent) -> Result<Answer, ErpError> {
        match self.fault_of(&sent) {
            None => self.perform(&sent).await,
            Some(Fault::RequestLost) => Err(lost("the request was lost")),
            Some(Fault::ReplyLost) => {
                let _ = self.perform(&sent).await;
                Err(lost("the reply was lost"))
            }
            Some(Fault::Half) => {
                let _ = self.perform(&sent.half()).await;
                Err(lost("only the first half was carried out"))
            }
            Some(Fault::Late) => {
                self.state().late.push(sent);
                Err(lost("the request is late"))
            }
            Some(Fault::Twice) => {
                let answer = self.perform(&sent).await;
                self.state().late.push(sent);
                answer
            }
            Some(Fault::Fails(error)) => Err(error()),
            Some(Fault::SleepsBefore) => {
                self.sleep().await;
                self.perform(&sent).await
            }
            Some(Fault::SleepsAfter) => {
                let answer = self.perform(&sent).await;
                self.sleep().await;
                answer
            }
        }
    }

    /// Notes the call; what happens to it happens once.
    fn fault_of(&self, sent: &Sent) -> Option<Fault> {
        let call = sent.call();
        let mut state = self.state();
        let number = state.made.len();
        state.made.push((call, sent.deliveries().iter().map(|delivery| delivery.key.clone()).collect()));
        let is_meant = |(place, _): &(Place, Fault)| match place {
            Place::Next(meant) => *meant == call,
            Place::Nth(meant) => *meant == number,
        };
        let place = state.faults.iter().position(is_meant)?;
        Some(state.faults.remove(place).1)
    }

    /// Sends a call on, without what is refused.
    async fn perform(&self, sent: &Sent) -> Result<Answer, ErpError> {
        let refused = self.state().refused.clone().filter(|refused| refused.call == sent.call());
        let deliveries = sent.deliveries();
        let Some((place, refused)) = refused.and_then(|refused| {
            let place = deliveries.iter().position(|delivery| delivery.key == refused.key)?;
            Some((place, refused))
        }) else {
            return sent.perform(&*self.inner).await;
        };
        // What comes after it about the same money is not tried, as the target itself would have it.
        let is_behind = |other: &usize| *other > place && same_money(deliveries[*other], deliveries[place]);
        let behind: Vec<usize> = (0..deliveries.len()).filter(is_behind).collect();
        let without = |other: &usize| *other != place && !behind.contains(other);
        let answer = sent.only(without).perform(&*self.inner).await?;
        let refusal = |other: usize| {
            let own = (other == place).then(|| refused.refusal.clone());
            own.or_else(|| behind.contains(&other).then_some(Refusal::NotTried))
        };
        Ok(answer.with_refusals(deliveries.len(), refusal))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn same_money(one: &Delivery, other: &Delivery) -> bool {
    one.root.is_some() && one.root == other.root && one.merchant == other.merchant
}

fn lost(reason: &str) -> ErpError {
    ErpError::AnswerLost { reason: reason.to_owned() }
}
