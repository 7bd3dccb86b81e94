//! Rows that change, appear and vanish while they are read: before pages, and on a timer.

use crate::model::resource::Resource;
use crate::sandbox::generator::fresh;
use crate::sandbox::scene::Scene;
use crate::sandbox::table::Stamp;

/// How much changes at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dose {
    pub updates: u32,
    pub creates: u32,
    pub removes: u32,
}

/// Changes rows of `resource` that lists show. A report is written once, so its entries stay as they are.
pub(crate) fn churn(scene: &mut Scene<'_>, resource: Resource, dose: Dose) {
    if resource == Resource::TransferEntries {
        return;
    }
    for _ in 0..dose.updates {
        let index = scene.books.table(resource).index(Stamp::Created);
        if index.len() > 0 {
            let (_, row) = index.at(scene.dice.below(index.len()));
            scene.touch(resource, row);
        }
    }
    for _ in 0..dose.creates {
        fresh::row(scene, resource);
    }
    for _ in 0..dose.removes {
        let index = scene.books.table(resource).index(Stamp::Created);
        if index.len() > 0 {
            let (_, row) = index.at(scene.dice.below(index.len()));
            scene.books.remove(resource, row, scene.at_ms);
        }
    }
}

/// Changes rows of one resource after another, as the timer does.
pub(crate) fn churn_any(scene: &mut Scene<'_>, dose: Dose) {
    let resource = *scene.dice.pick(&Resource::ALL);
    churn(scene, resource, dose);
}
