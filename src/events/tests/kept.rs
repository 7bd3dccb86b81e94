//! What a later version says, and what it leaves out.

use rust_decimal::Decimal;

use super::play::{Played, Says, Step, numbered};
use crate::model::journal::Role;
use crate::model::resource::Resource;

fn played(resource: Resource, word: &'static str, says: &[Says]) -> Played {
    let steps: Vec<Step> = says.iter().map(|says| Step { word, amount: Some("10.00"), says: *says }).collect();
    Played::of(resource, &numbered(&steps))
}

#[test]
fn a_settlement_that_a_row_leaves_out_stands() {
    for (resource, word) in [(Resource::Payments, "posted"), (Resource::Refunds, "paid"), (Resource::Disputes, "lost")]
    {
        let once = played(resource, word, &[Says::Otherwise]);
        let twice = played(resource, word, &[Says::Otherwise, Says::Little]);
        assert_eq!(twice.keys(), once.keys());
    }
}

#[test]
fn a_settlement_in_the_own_currency_replaces_one_in_another() {
    for (resource, word) in [(Resource::Payments, "posted"), (Resource::Refunds, "paid"), (Resource::Disputes, "lost")]
    {
        let changed = played(resource, word, &[Says::Otherwise, Says::All]);
        assert_eq!(changed.net(), played(resource, word, &[Says::All]).net(), "{resource}");
    }
}

#[test]
fn a_returned_fee_that_goes_there_and_back_is_booked_at_its_last_amount() {
    let books = played(Resource::Refunds, "paid", &[Says::All, Says::Otherwise, Says::All]);
    assert_eq!(books.net()[&(Role::ProcessingFeeExpense, "USD".to_owned())], Decimal::new(-120, 2));
}
