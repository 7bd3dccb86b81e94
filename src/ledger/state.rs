//! The one transition table of a ledger entry.
//!
//! `pending → in_flight → posted`; a lost answer leads to `in_doubt`, from where the ERP is asked before anything is written
//! (I5). `held` waits for time, `parked` for a person. The rest is final.

use std::str::FromStr;

/// Where an entry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    Pending,
    InFlight,
    InDoubt,
    Held,
    Parked,
    Posted,
    Baseline,
    Superseded,
    NotApplicable,
    Resolved,
}

/// What happened to an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// An attempt is recorded; the call follows.
    Claimed,
    /// The ERP proved that it holds the entry.
    Confirmed,
    /// Nothing was written.
    NotWritten,
    /// Nobody knows whether it was written.
    AnswerLost,
    /// The ERP takes it as soon as something at the ERP has changed.
    Hindered,
    /// The ERP refused it as it is.
    Refused,
    /// A newer version of the same record is posted.
    Overtaken,
    /// A person wants it tried again.
    Retried,
    /// A person wants it posted anew under a new key, because the document is gone from the ERP.
    Renewed,
    /// A person says that nothing more is to be done about it.
    Settled,
}

/// A step that the table does not have: a bug of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an entry that is {state:?} cannot be {event:?}")]
pub struct Illegal {
    pub state: State,
    pub event: Event,
}

impl State {
    pub const ALL: [State; 10] = [
        State::Pending,
        State::InFlight,
        State::InDoubt,
        State::Held,
        State::Parked,
        State::Posted,
        State::Baseline,
        State::Superseded,
        State::NotApplicable,
        State::Resolved,
    ];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            State::Pending => "pending",
            State::InFlight => "in_flight",
            State::InDoubt => "in_doubt",
            State::Held => "held",
            State::Parked => "parked",
            State::Posted => "posted",
            State::Baseline => "baseline",
            State::Superseded => "superseded",
            State::NotApplicable => "not_applicable",
            State::Resolved => "resolved",
        }
    }

    #[must_use]
    pub const fn is_final(self) -> bool {
        match self {
            State::Pending | State::InFlight | State::InDoubt | State::Held | State::Parked => false,
            State::Posted | State::Baseline | State::Superseded | State::NotApplicable | State::Resolved => true,
        }
    }

    /// The state after `event`.
    ///
    /// # Errors
    /// [`Illegal`] for a step that no entry may take.
    pub const fn after(self, event: Event) -> Result<State, Illegal> {
        match (self, event) {
            (State::Pending | State::InDoubt | State::Held | State::InFlight, Event::Claimed) => Ok(State::InFlight),
            (State::InFlight, Event::Confirmed) => Ok(State::Posted),
            (State::InFlight, Event::NotWritten) => Ok(State::Pending),
            (State::InFlight, Event::AnswerLost) | (State::InDoubt, Event::Retried) => Ok(State::InDoubt),
            (State::InFlight, Event::Hindered) => Ok(State::Held),
            (State::InFlight, Event::Refused) => Ok(State::Parked),
            (State::Held | State::Parked, Event::Retried) | (State::Parked | State::Posted, Event::Renewed) => {
                Ok(State::Pending)
            }
            (State::Held | State::Parked | State::Posted, Event::Settled) => Ok(State::Resolved),
            (State::Pending | State::Held | State::Parked, Event::Overtaken) => Ok(State::Superseded),
            (
                State::Pending
                | State::InFlight
                | State::InDoubt
                | State::Held
                | State::Parked
                | State::Posted
                | State::Baseline
                | State::Superseded
                | State::NotApplicable
                | State::Resolved,
                _,
            ) => Err(Illegal { state: self, event }),
        }
    }
}

/// The text names no state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a state of a ledger entry")]
pub struct UnknownState(pub String);

impl FromStr for State {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|state| state.name() == text).ok_or_else(|| UnknownState(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: [Event; 10] = [
        Event::Claimed,
        Event::Confirmed,
        Event::NotWritten,
        Event::AnswerLost,
        Event::Hindered,
        Event::Refused,
        Event::Overtaken,
        Event::Retried,
        Event::Renewed,
        Event::Settled,
    ];

    #[test]
    fn nothing_leaves_a_final_state_but_by_a_person_whose_document_is_gone() {
        for state in State::ALL.into_iter().filter(|state| state.is_final()) {
            let leaves: Vec<Event> = EVENTS.into_iter().filter(|event| state.after(*event).is_ok()).collect();
            let expected = if state == State::Posted { vec![Event::Renewed, Event::Settled] } else { Vec::new() };
            assert_eq!(leaves, expected, "{state:?}");
        }
    }

    #[test]
    fn an_entry_in_doubt_becomes_pending_only_through_an_attempt_that_asked() {
        let after: Vec<State> = EVENTS.into_iter().filter_map(|event| State::InDoubt.after(event).ok()).collect();
        assert_eq!(after, [State::InFlight, State::InDoubt]);
    }

    #[test]
    fn only_an_attempt_in_flight_is_settled() {
        for state in State::ALL.into_iter().filter(|state| *state != State::InFlight) {
            assert!(state.after(Event::Confirmed).is_err(), "{state:?}");
            assert!(state.after(Event::AnswerLost).is_err(), "{state:?}");
        }
    }

    #[test]
    fn names_parse_back() {
        assert!(State::ALL.into_iter().all(|state| state.name().parse() == Ok(state)));
    }
}
