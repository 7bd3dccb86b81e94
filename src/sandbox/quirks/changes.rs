//! When and how rows change and become visible.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChangeQuirks {
    /// Lists show a new row only after a while.
    pub lag_new_per_mille: u16,
    /// Lists show the old state of a changed row for a while; its `lastUpdated` is that of the change.
    pub lag_update_per_mille: u16,
    /// The longest such while; each is drawn from 1 to this.
    pub lag_seconds_max: u32,
    /// A change is followed by a second one within the same second, so with the same `lastUpdated`.
    pub same_second_per_mille: u16,
    /// A change leaves `lastUpdated` as it was.
    pub unbumped_per_mille: u16,
    /// A change of a fee, refund, dispute or transfer moves `lastUpdated` of what it belongs to.
    pub children_bump_parent: bool,
    /// An application moves `lastUpdated` of its receivable. Default true.
    pub applications_bump_receivable: bool,
    /// Rows of the listed resource that change before a page is answered.
    pub updates_per_page: u32,
    pub creates_per_page: u32,
    pub removes_per_page: u32,
    /// Only before every so many pages. 0 and 1 mean every page.
    pub every_pages: u32,
    /// Rows of a random resource change whenever this many seconds have passed. 0 is never.
    pub timer_seconds: u32,
    pub timer_updates: u32,
    pub timer_creates: u32,
    pub timer_removes: u32,
}

impl Default for ChangeQuirks {
    fn default() -> Self {
        Self {
            lag_new_per_mille: 0,
            lag_update_per_mille: 0,
            lag_seconds_max: 0,
            same_second_per_mille: 0,
            unbumped_per_mille: 0,
            children_bump_parent: false,
            applications_bump_receivable: true,
            updates_per_page: 0,
            creates_per_page: 0,
            removes_per_page: 0,
            every_pages: 1,
            timer_seconds: 0,
            timer_updates: 0,
            timer_creates: 0,
            timer_removes: 0,
        }
    }
}
