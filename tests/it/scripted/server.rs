//! The scripted ERP at the end of a line: takes calls one by one and does with them what its script says.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Timelike as _, Utc};
use paystand_sync::clock::Clock;
use serde::{Deserialize, Serialize};

use super::books::{Books, Document, Paper, Refused};
use super::script::{Fate, Script};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Request {
    /// By key; what was just written may not be shown yet.
    Search(Vec<String>),
    /// By number; never lags.
    Read(Vec<u64>),
    Write(Vec<Paper>),
    /// Writes and releases in one, under a key that the ERP keeps unique.
    Post(Vec<Paper>),
    Release(Vec<u64>),
    Drafts(DateTime<Utc>),
    Discard(Vec<u64>),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Answer {
    Shown(Vec<Vec<Document>>),
    Written(Vec<Result<u64, Refused>>),
    Released(Vec<Result<(), Refused>>),
    Discarded,
}

/// What one sees of a call that was not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Trouble {
    Down,
    /// Nobody can tell whether it took effect.
    Lost,
    Throttled {
        seconds: u64,
    },
    Unauthorized,
}

/// A call whose time comes later, with the numbers that it was given when it arrived.
#[derive(Debug, Clone)]
struct Pending {
    at_call: u64,
    request: Request,
    numbers: Vec<u64>,
}

/// Documents of calls of which nobody could tell whether they took effect, by what became of them.
pub type Ambiguous = BTreeMap<&'static str, usize>;

#[derive(Debug)]
struct State {
    books: Books,
    script: Script,
    /// Time, as far as the ERP goes by it.
    calls: u64,
    pending: Vec<Pending>,
    ambiguous: Ambiguous,
    is_down: bool,
    is_locked: bool,
    /// Calls per minute, where they are limited.
    rate: Option<u32>,
    minute: (i64, u32),
}

#[derive(Debug)]
pub struct Server {
    state: Mutex<State>,
    clock: Arc<dyn Clock>,
    /// Calls that pass before a search shows a document.
    lag: u64,
}

impl Server {
    pub fn new(clock: Arc<dyn Clock>, script: Script, lag: u64) -> Arc<Self> {
        let state = State {
            books: Books::default(),
            script,
            calls: 0,
            pending: Vec::new(),
            ambiguous: Ambiguous::new(),
            is_down: false,
            is_locked: false,
            rate: None,
            minute: (0, 0),
        };
        Arc::new(Self { state: Mutex::new(state), clock, lag })
    }

    pub fn call(&self, request: Request) -> Result<Answer, Trouble> {
        let (now, mut state) = (self.clock.now(), self.state());
        state.calls += 1;
        if state.is_down {
            return Err(Trouble::Down);
        }
        if state.is_locked {
            return Err(Trouble::Unauthorized);
        }
        state.limit(now)?;
        state.carry_out_late_ones(now, self.lag);
        let writes = matches!(request, Request::Write(_) | Request::Post(_) | Request::Release(_));
        let fate = state.script.draw(writes);
        state.note(fate, &request);
        let numbers = state.numbers_for(&request);
        match fate {
            Fate::Answered => Ok(state.perform(&request, &numbers, now, self.lag)),
            Fate::RequestLost => Err(Trouble::Lost),
            Fate::ReplyLost => {
                state.perform(&request, &numbers, now, self.lag);
                Err(Trouble::Lost)
            }
            Fate::Half => {
                state.perform(&half(&request), &numbers, now, self.lag);
                Err(Trouble::Lost)
            }
            Fate::Late(later) => {
                let at_call = state.calls + later;
                state.pending.push(Pending { at_call, request, numbers });
                Err(Trouble::Lost)
            }
            Fate::Twice(later) => {
                let (at_call, again) = (state.calls + later, state.numbers_for(&request));
                state.perform(&request, &numbers, now, self.lag);
                state.pending.push(Pending { at_call, request, numbers: again });
                Err(Trouble::Lost)
            }
            Fate::Throttled => Err(Trouble::Throttled { seconds: 1 }),
        }
    }

    /// What the auditor reads and persons at the ERP change.
    pub fn books<T>(&self, look: impl FnOnce(&mut Books) -> T) -> T {
        look(&mut self.state().books)
    }

    pub fn set_down(&self, is_down: bool) {
        self.state().is_down = is_down;
    }

    pub fn set_locked(&self, is_locked: bool) {
        self.state().is_locked = is_locked;
    }

    pub fn limit_rate(&self, per_minute: Option<u32>) {
        self.state().rate = per_minute;
    }

    pub fn calls(&self) -> u64 {
        self.state().calls
    }

    pub fn ambiguous(&self) -> Ambiguous {
        self.state().ambiguous.clone()
    }

    /// Lets so much happen that whatever is under way is carried out, and shown.
    pub fn settle(&self) {
        let (now, mut state) = (self.clock.now(), self.state());
        let last = state.pending.iter().map(|it| it.at_call).max().unwrap_or_default();
        state.calls = state.calls.max(last);
        state.carry_out_late_ones(now, self.lag);
        state.calls += self.lag;
    }

    /// Carries out whatever is still under way, and nothing goes wrong from now on.
    pub fn calm_down(&self) {
        self.settle();
        self.state().script = Script::quiet();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn limit(&mut self, now: DateTime<Utc>) -> Result<(), Trouble> {
        let minute = now.timestamp().div_euclid(60);
        if self.minute.0 != minute {
            self.minute = (minute, 0);
        }
        self.minute.1 += 1;
        match self.rate {
            Some(rate) if self.minute.1 > rate => {
                Err(Trouble::Throttled { seconds: 60 - u64::from(now.second().min(59)) })
            }
            Some(_) | None => Ok(()),
        }
    }

    fn carry_out_late_ones(&mut self, now: DateTime<Utc>, lag: u64) {
        let calls = self.calls;
        let (due, pending) = std::mem::take(&mut self.pending).into_iter().partition(|it| it.at_call <= calls);
        self.pending = pending;
        let due: Vec<Pending> = due;
        for Pending { request, numbers, .. } in due {
            self.perform(&request, &numbers, now, lag);
        }
    }

    fn note(&mut self, fate: Fate, request: &Request) {
        let name = match fate {
            Fate::Answered | Fate::Throttled => return,
            Fate::RequestLost => "request lost",
            Fate::ReplyLost => "reply lost",
            Fate::Half => "partial batch",
            Fate::Late(_) => "late",
            Fate::Twice(_) => "late duplicate",
        };
        let documents = match request {
            Request::Write(papers) | Request::Post(papers) => papers.len(),
            Request::Release(numbers) => numbers.len(),
            Request::Search(_) | Request::Read(_) | Request::Drafts(_) | Request::Discard(_) => 0,
        };
        *self.ambiguous.entry(name).or_default() += documents;
    }

    fn numbers_for(&mut self, request: &Request) -> Vec<u64> {
        match request {
            Request::Write(papers) | Request::Post(papers) => papers.iter().map(|_| self.books.next_number()).collect(),
            _ => Vec::new(),
        }
    }

    fn perform(&mut self, request: &Request, numbers: &[u64], now: DateTime<Utc>, lag: u64) -> Answer {
        let (books, calls) = (&mut self.books, self.calls);
        match request {
            Request::Search(keys) => Answer::Shown(keys.iter().map(|key| books.search(key, calls)).collect()),
            Request::Read(numbers) => {
                Answer::Shown(numbers.iter().map(|number| books.read(*number).into_iter().collect()).collect())
            }
            Request::Write(papers) => {
                let write = |(paper, number): (&Paper, &u64)| books.write(*number, paper.clone(), now, calls + lag);
                Answer::Written(papers.iter().zip(numbers).map(write).collect())
            }
            Request::Post(papers) => {
                let post = |(paper, number): (&Paper, &u64)| books.post(*number, paper.clone(), now);
                Answer::Written(papers.iter().zip(numbers).map(post).collect())
            }
            Request::Release(numbers) => {
                Answer::Released(numbers.iter().map(|number| books.release(*number)).collect())
            }
            Request::Drafts(before) => Answer::Shown(vec![books.drafts(*before)]),
            Request::Discard(numbers) => {
                for number in numbers {
                    books.discard(*number);
                }
                Answer::Discarded
            }
        }
    }
}

fn half(request: &Request) -> Request {
    match request {
        Request::Write(papers) => Request::Write(papers[..papers.len() / 2].to_vec()),
        Request::Post(papers) => Request::Post(papers[..papers.len() / 2].to_vec()),
        Request::Release(numbers) => Request::Release(numbers[..numbers.len() / 2].to_vec()),
        other => other.clone(),
    }
}

/// How long after it was sent a request of the scripted ERP may still take effect, in the words of an adapter.
pub const SETTLES_WITHIN: Duration = Duration::from_mins(10);
