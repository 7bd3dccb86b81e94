//! Every version that could be seen is in the archive, and nothing else is.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use paystand_sync::model::resource::Resource;
use paystand_sync::sandbox::Shown;

use super::{Audit, MARGIN};
use crate::campaign::stage::End;

/// From one instant to another.
type Stretch = (DateTime<Utc>, DateTime<Utc>);

impl Audit<'_> {
    pub(super) fn versions(&mut self) {
        if self.promise.replicas_agree {
            // Of lists without windows only their first pages are polled, and the rest by night.
            if !self.promise.whole_lists {
                self.seen_twice();
            }
            self.never_shown();
        }
        self.repeated();
    }

    /// From the start of one complete poll to the end of the next one, for each resource.
    fn pairs_of_polls(&self) -> HashMap<Resource, Vec<Stretch>> {
        let mut pairs: HashMap<Resource, Vec<_>> = HashMap::new();
        for resource in Resource::ALL {
            let polls: Vec<_> = self.stage.polls.iter().filter(|poll| poll.resource == resource).collect();
            let healthy = polls.windows(2).filter(|pair| pair.iter().all(|poll| poll.end == End::Complete));
            pairs.insert(resource, healthy.map(|pair| (pair[0].from, pair[1].to)).collect());
        }
        pairs
    }

    fn seen_twice(&mut self) {
        let pairs = self.pairs_of_polls();
        let overlap = TimeDelta::from_std(self.stage.settings.overlap).expect("a short time");
        let is_due = |it: &Shown| {
            let spans = |(from, to): &(DateTime<Utc>, DateTime<Utc>)| {
                it.visible_from + MARGIN < *from && it.visible_until.is_none_or(|until| until > *to)
            };
            it.resource.filters_by_date()
                && !it.undecodable
                && it.visible_from - it.last_updated <= overlap - MARGIN
                && pairs[&it.resource].iter().any(spans)
        };
        let due: Vec<Shown> = self.truth.iter().filter(|it| is_due(it)).cloned().collect();
        for version in due {
            self.looked_at += 1;
            let key = (version.resource, version.id.as_str().to_owned());
            if !self.tables.bodies(&key).iter().any(|body| body.body == version.body) {
                self.fail(&version, "was there for two complete polls and is not in the archive");
            }
        }
    }

    fn never_shown(&mut self) {
        let shown: HashSet<(Resource, &[u8])> = self.truth.iter().map(|it| (it.resource, &it.body[..])).collect();
        let mut invented: Vec<String> = Vec::new();
        for ((resource, id), bodies) in &self.tables.archive {
            for body in bodies.iter().filter(|body| body.shape == "list") {
                if !shown.contains(&(*resource, &body.body[..])) {
                    invented.push(format!("{resource}:{id} version {} was never shown", body.version));
                }
            }
        }
        invented.sort();
        self.failures.extend(invented);
    }

    /// The same body twice in a row, in one shape, under two versions.
    fn repeated(&mut self) {
        let mut repeated: Vec<String> = Vec::new();
        for ((resource, id), bodies) in &self.tables.archive {
            let mut last: HashMap<&str, (&[u8], i64)> = HashMap::new();
            for body in bodies {
                let before = last.insert(&body.shape, (&body.fingerprint, body.version));
                if let Some((fingerprint, version)) = before
                    && fingerprint == body.fingerprint
                {
                    let shape = &body.shape;
                    repeated.push(format!(
                        "{resource}:{id} has the same {shape} body under versions {version} and {}",
                        body.version
                    ));
                }
            }
        }
        repeated.sort();
        self.failures.extend(repeated);
    }
}
