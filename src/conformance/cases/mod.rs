//! The cases. Each begins with goods of its own and ends with what must hold of them.

mod anew;
mod answers;
mod deaths;
mod drafts;
mod hands;
mod lost;
mod order;
mod payloads;
mod posts;

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::report::{Failure, Verdict};
use super::scene::Scene;

/// One case.
pub(super) struct Case {
    pub name: &'static str,
    pub play: for<'a> fn(&'a Scene<'a>) -> BoxFuture<'a, Result<Verdict, Failure>>,
}

macro_rules! cases {
    ($($name:literal = $play:path,)+) => {
        pub(super) const CASES: [Case; [$($name),+].len()] =
            [$(Case { name: $name, play: |scene| $play(scene).boxed() }),+];
    };
}

cases! {
    "posted" = posts::posted,
    "posted again" = posts::posted_again,
    "eight writers" = posts::eight_writers,
    "request lost" = lost::request,
    "reply lost" = lost::reply,
    "late" = lost::late,
    "late duplicate" = lost::late_duplicate,
    "partial batch" = lost::partial_batch,
    "server error after the body" = lost::server_error,
    "throttled" = answers::throttled,
    "unauthorized" = answers::unauthorized,
    "forbidden" = answers::forbidden,
    "unreachable" = answers::unreachable,
    "refused" = order::refused,
    "held" = order::held,
    "closed period" = order::closed_period,
    "gone before its successor" = order::gone,
    "draft edited by hand" = hands::draft_edited,
    "document edited by hand" = hands::document_edited,
    "draft deleted by hand" = hands::draft_deleted,
    "document deleted by hand" = hands::document_deleted,
    "posted anew before an election" = anew::before_election,
    "late duplicate of the old key" = anew::late_duplicate,
    "changed after it was sent" = payloads::changed,
    "the target holds something else" = payloads::held,
    "death at every step" = deaths::at_every_step,
    "death after death" = deaths::one_after_the_other,
    "sleep at every step" = deaths::sleepers,
    "restored database" = drafts::restored,
    "restored with an older draft" = drafts::restored_with_older_draft,
    "two released by hand" = drafts::two_released,
    "strays" = drafts::strays,
}
