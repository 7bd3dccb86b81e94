//! How one document, and never two, gets into an ERP that takes drafts: draft, elect, release, read back.
//!
//! Which document of a key may be released is decided once, in our database, and never again. So it does not matter how many
//! drafts there are, who wrote them and how late they arrive: releasing the elected one twice changes nothing, and no other one is
//! ever released.
//!
//! - What the ERP released before anything was elected here (a restored database) is elected.
//! - More than one released document is a person's business, and so is one that is gone, taken back, or not what it should be.

use crate::model::posting::{Found, Stage};

/// What comes next for one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Nothing is there: write a draft.
    Draft,
    /// Elect this document, if none is elected yet.
    Elect(String),
    /// Release this document: it is elected, and is what it should be.
    Release(String),
    /// This document is elected, released, and what it should be.
    Posted(String),
    /// Write nothing: a person must look.
    Stop(Trouble),
}

/// Why nothing is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// Several documents of one key are in the books.
    SeveralReleased(Vec<String>),
    /// The elected document is not there any more.
    Gone(String),
    /// It was taken back in the ERP.
    Void(String),
    /// It is there and says something else.
    Differs { reference: String, held: String },
}

/// What to do about a key of which the ERP shows these documents, oldest first.
#[must_use]
pub fn next(found: &[Found], elected: Option<&str>) -> Next {
    let released: Vec<&Found> = found.iter().filter(|it| it.stage.is_live()).collect();
    if released.len() > 1 {
        return several(&released);
    }
    match elected {
        Some(reference) => after_election(found, &released, reference),
        None => before_election(found, &released),
    }
}

fn after_election(found: &[Found], released: &[&Found], elected: &str) -> Next {
    if let Some(other) = released.iter().find(|it| it.reference != elected) {
        return Next::Stop(Trouble::SeveralReleased(vec![elected.to_owned(), other.reference.clone()]));
    }
    let Some(document) = found.iter().find(|it| it.reference == elected) else {
        return Next::Stop(Trouble::Gone(elected.to_owned()));
    };
    match (document.stage, &document.differs) {
        (Stage::Void, _) => Next::Stop(Trouble::Void(elected.to_owned())),
        (Stage::Draft | Stage::Released | Stage::Unfinished, Some(held)) => Next::Stop(differs(document, held)),
        (Stage::Draft | Stage::Unfinished, None) => Next::Release(elected.to_owned()),
        (Stage::Released, None) => Next::Posted(elected.to_owned()),
    }
}

fn before_election(found: &[Found], released: &[&Found]) -> Next {
    // Even one that differs: it is in the books, so no other one may get there, and a person may let it stand.
    if let Some(document) = released.first() {
        return Next::Elect(document.reference.clone());
    }
    if let Some(void) = found.iter().find(|it| it.stage == Stage::Void) {
        return Next::Stop(Trouble::Void(void.reference.clone()));
    }
    match found.iter().find(|it| it.differs.is_none()) {
        Some(draft) => Next::Elect(draft.reference.clone()),
        None => match found.first() {
            Some(Found { reference, differs: Some(held), .. }) => {
                Next::Stop(Trouble::Differs { reference: reference.clone(), held: held.clone() })
            }
            Some(_) | None => Next::Draft,
        },
    }
}

fn several(released: &[&Found]) -> Next {
    Next::Stop(Trouble::SeveralReleased(released.iter().map(|it| it.reference.clone()).collect()))
}

fn differs(document: &Found, held: &str) -> Trouble {
    Trouble::Differs { reference: document.reference.clone(), held: held.to_owned() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn document(reference: &str, stage: Stage) -> Found {
        Found { reference: reference.to_owned(), stage, differs: None }
    }

    fn edited(reference: &str, stage: Stage) -> Found {
        Found { differs: Some("another amount".to_owned()), ..document(reference, stage) }
    }

    #[test]
    fn a_document_goes_from_draft_over_election_to_release() {
        assert_eq!(next(&[], None), Next::Draft);
        let draft = [document("1", Stage::Draft)];
        assert_eq!(next(&draft, None), Next::Elect("1".to_owned()));
        assert_eq!(next(&draft, Some("1")), Next::Release("1".to_owned()));
        assert_eq!(next(&[document("1", Stage::Released)], Some("1")), Next::Posted("1".to_owned()));
    }

    #[test]
    fn what_was_released_before_the_database_was_restored_is_elected_before_an_older_draft() {
        let found = [document("9", Stage::Draft), document("10", Stage::Released)];
        assert_eq!(next(&found, None), Next::Elect("10".to_owned()));
    }

    #[test]
    fn what_was_released_otherwise_than_it_would_be_today_is_elected_and_for_a_person() {
        let found = [document("9", Stage::Draft), edited("10", Stage::Released)];
        assert_eq!(next(&found, None), Next::Elect("10".to_owned()));
        assert!(matches!(next(&found, Some("10")), Next::Stop(Trouble::Differs { .. })));
    }

    #[test]
    fn what_release_left_unfinished_is_released_again_and_counts_as_in_the_books() {
        let found = [document("1", Stage::Draft), document("2", Stage::Unfinished)];
        assert_eq!(next(&found, None), Next::Elect("2".to_owned()));
        assert_eq!(next(&found, Some("2")), Next::Release("2".to_owned()));
        assert!(matches!(next(&found, Some("1")), Next::Stop(Trouble::SeveralReleased(_))));
    }

    #[test]
    fn late_drafts_change_nothing() {
        let found = [document("1", Stage::Draft), document("2", Stage::Released), document("3", Stage::Draft)];
        assert_eq!(next(&found, Some("2")), Next::Posted("2".to_owned()));
    }

    #[test]
    fn two_documents_in_the_books_are_for_a_person() {
        let both = [document("1", Stage::Released), document("2", Stage::Released)];
        for elected in [None, Some("1"), Some("2")] {
            assert!(matches!(next(&both, elected), Next::Stop(Trouble::SeveralReleased(_))));
        }
        let other = [document("1", Stage::Draft), document("2", Stage::Released)];
        assert!(matches!(next(&other, Some("1")), Next::Stop(Trouble::SeveralReleased(_))));
    }

    #[test]
    fn an_elected_document_that_is_gone_void_or_edited_is_for_a_person() {
        assert_eq!(next(&[], Some("1")), Next::Stop(Trouble::Gone("1".to_owned())));
        assert_eq!(next(&[document("2", Stage::Draft)], Some("1")), Next::Stop(Trouble::Gone("1".to_owned())));
        assert_eq!(next(&[document("1", Stage::Void)], Some("1")), Next::Stop(Trouble::Void("1".to_owned())));
        for stage in [Stage::Draft, Stage::Released] {
            assert!(matches!(next(&[edited("1", stage)], Some("1")), Next::Stop(Trouble::Differs { .. })));
        }
    }

    #[test]
    fn a_draft_that_was_edited_is_never_elected() {
        let found = [edited("1", Stage::Draft), document("2", Stage::Draft)];
        assert_eq!(next(&found, None), Next::Elect("2".to_owned()));
        assert!(matches!(next(&found[..1], None), Next::Stop(Trouble::Differs { .. })));
    }

    fn any_found() -> impl Strategy<Value = Vec<Found>> {
        let stage = prop_oneof![Just(Stage::Draft), Just(Stage::Released), Just(Stage::Unfinished), Just(Stage::Void)];
        prop::collection::vec((stage, any::<bool>()), 0..5).prop_map(|shown| {
            let documents = shown.into_iter().enumerate();
            let found = |(place, (stage, same)): (usize, (Stage, bool))| {
                let reference = place.to_string();
                if same { document(&reference, stage) } else { edited(&reference, stage) }
            };
            documents.map(found).collect()
        })
    }

    proptest! {
        /// Whatever the ERP shows, at most one document of a key can come to be in the books by what is done.
        #[test]
        fn nothing_is_released_beside_a_released_document(found in any_found(), elected in prop::option::of(0_usize..6)) {
            let elected = elected.map(|place| place.to_string());
            let released: Vec<&Found> = found.iter().filter(|it| it.stage.is_live()).collect();
            match next(&found, elected.as_deref()) {
                Next::Release(reference) => {
                    prop_assert_eq!(Some(&reference), elected.as_ref());
                    prop_assert!(released.iter().all(|it| it.reference == reference));
                    let is_it = |it: &Found| it.reference == reference && it.stage != Stage::Void && it.differs.is_none();
                    prop_assert!(found.iter().any(is_it));
                }
                Next::Elect(reference) => {
                    prop_assert!(elected.is_none());
                    prop_assert!(released.iter().all(|it| it.reference == reference));
                }
                Next::Draft => prop_assert!(found.is_empty() && elected.is_none()),
                Next::Posted(reference) => prop_assert!(found.contains(&document(&reference, Stage::Released))),
                Next::Stop(_) => {}
            }
        }
    }
}
