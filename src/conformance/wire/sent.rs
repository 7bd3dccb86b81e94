//! One call to an adapter as a value, so that it can be halved, kept, and carried out again.

use chrono::{DateTime, Utc};

use crate::erp::{
    Asked, Delivery, Draft, Drafted, Elected, Erp, ErpError, Found, Keyed, Outcome, Posting, Refusal, Step,
};

/// The calls by name. [`Keyed::find`] and [`Drafted::find`] are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::conformance) enum Call {
    Find,
    Write,
    Draft,
    Release,
    Drafts,
    Discard,
}

#[derive(Debug, Clone)]
pub(in crate::conformance) enum Sent {
    FindKeyed(Vec<Delivery>),
    Write(Vec<Delivery>),
    FindDrafted(Vec<(Delivery, Option<String>)>),
    Draft(Vec<Delivery>),
    Release(Vec<(Delivery, String)>),
    Drafts(DateTime<Utc>),
    Discard(Vec<String>),
}

/// What was answered, by the call.
#[derive(Debug, Clone)]
pub(in crate::conformance) enum Answer {
    FoundKeyed(Vec<Option<Outcome>>),
    Outcomes(Vec<Outcome>),
    FoundDrafted(Vec<Vec<Found>>),
    Steps(Vec<Step>),
    Drafts(Vec<Draft>),
    Discarded,
}

impl Sent {
    pub fn call(&self) -> Call {
        match self {
            Sent::FindKeyed(_) | Sent::FindDrafted(_) => Call::Find,
            Sent::Write(_) => Call::Write,
            Sent::Draft(_) => Call::Draft,
            Sent::Release(_) => Call::Release,
            Sent::Drafts(_) => Call::Drafts,
            Sent::Discard(_) => Call::Discard,
        }
    }

    pub fn deliveries(&self) -> Vec<&Delivery> {
        match self {
            Sent::FindKeyed(all) | Sent::Write(all) | Sent::Draft(all) => all.iter().collect(),
            Sent::FindDrafted(all) => all.iter().map(|(delivery, _)| delivery).collect(),
            Sent::Release(all) => all.iter().map(|(delivery, _)| delivery).collect(),
            Sent::Drafts(_) | Sent::Discard(_) => Vec::new(),
        }
    }

    /// The first half, and of one alone nothing.
    pub fn half(&self) -> Self {
        let half = match self {
            Sent::Discard(all) => all.len() / 2,
            _ => self.deliveries().len() / 2,
        };
        self.only(|place| *place < half)
    }

    /// The same call with those in these places.
    pub fn only(&self, stays: impl Fn(&usize) -> bool) -> Self {
        fn chosen<T: Clone>(all: &[T], stays: impl Fn(&usize) -> bool) -> Vec<T> {
            all.iter().enumerate().filter(|(place, _)| stays(place)).map(|(_, it)| it.clone()).collect()
        }
        match self {
            Sent::FindKeyed(all) => Sent::FindKeyed(chosen(all, stays)),
            Sent::Write(all) => Sent::Write(chosen(all, stays)),
            Sent::FindDrafted(all) => Sent::FindDrafted(chosen(all, stays)),
            Sent::Draft(all) => Sent::Draft(chosen(all, stays)),
            Sent::Release(all) => Sent::Release(chosen(all, stays)),
            Sent::Drafts(before) => Sent::Drafts(*before),
            Sent::Discard(all) => Sent::Discard(chosen(all, stays)),
        }
    }

    pub async fn perform(&self, erp: &dyn Erp) -> Result<Answer, ErpError> {
        match self {
            Sent::FindKeyed(all) => keyed(erp).find(all).await.map(Answer::FoundKeyed),
            Sent::Write(all) => keyed(erp).write(all).await.map(Answer::Outcomes),
            Sent::FindDrafted(all) => {
                let asked = all.iter().map(|(delivery, reference)| Asked { delivery, reference: reference.as_deref() });
                drafted(erp).find(&asked.collect::<Vec<_>>()).await.map(Answer::FoundDrafted)
            }
            Sent::Draft(all) => drafted(erp).draft(&all.iter().collect::<Vec<_>>()).await.map(Answer::Steps),
            Sent::Release(all) => {
                let elected = all.iter().map(|(delivery, reference)| Elected { delivery, reference });
                drafted(erp).release(&elected.collect::<Vec<_>>()).await.map(Answer::Steps)
            }
            Sent::Drafts(before) => drafted(erp).drafts(*before).await.map(Answer::Drafts),
            Sent::Discard(all) => {
                let references: Vec<&str> = all.iter().map(String::as_str).collect();
                drafted(erp).discard(&references).await.map(|()| Answer::Discarded)
            }
        }
    }
}

impl Answer {
    /// This answer to a part of a call, as one to the whole of it: `refusal` says which of the places were left out, and why.
    pub fn with_refusals(self, places: usize, refusal: impl Fn(usize) -> Option<Refusal>) -> Self {
        fn merged<T>(
            taken: Vec<Result<T, Refusal>>,
            places: usize,
            refusal: impl Fn(usize) -> Option<Refusal>,
        ) -> Vec<Result<T, Refusal>> {
            let mut taken = taken.into_iter();
            let answer = |place| refusal(place).map_or_else(|| taken.next(), |refusal| Some(Err(refusal)));
            (0..places).filter_map(answer).collect()
        }
        match self {
            Answer::Outcomes(taken) => Answer::Outcomes(merged(taken, places, refusal)),
            Answer::Steps(taken) => Answer::Steps(merged(taken, places, refusal)),
            other @ (Answer::FoundKeyed(_) | Answer::FoundDrafted(_) | Answer::Drafts(_) | Answer::Discarded) => other,
        }
    }
}

/// The adapter as the trait that it says it implements.
pub(in crate::conformance) fn keyed(erp: &dyn Erp) -> &dyn Keyed {
    match erp.posting() {
        Posting::Keyed(erp) => erp,
        Posting::Drafted(_) => panic!("an adapter takes documents in one way"),
    }
}

pub(in crate::conformance) fn drafted(erp: &dyn Erp) -> &dyn Drafted {
    match erp.posting() {
        Posting::Drafted(erp) => erp,
        Posting::Keyed(_) => panic!("an adapter takes documents in one way"),
    }
}
