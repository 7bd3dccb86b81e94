//! The daemon dies at every step on the way of a file, while a consumer looks: what is there is whole, and in the end every entry is in
//! exactly one file, the one that its receipt names. Then our own database is lost, and nothing is dropped again.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use paystand_sync::crash::Point;
use rustix::process::Signal;

use super::reader::Reader;
use crate::faults::paystand::Paystand;
use crate::faults::plant::configuration;
use crate::faults::play;
use crate::harness::{Database, Site, column};

const BUSINESS: u64 = 3;
const CRASH_AT: &str = "PAYSTAND_SYNC_CRASH_AT";
const PAUSE: Duration = Duration::from_millis(25);
const FOLDERS: [&str; 2] = ["drop", "feed"];

/// On the way of a file, at its first and at later passings.
const PLACES: [(Point, u32); 6] = [
    (Point::PartWritten, 1),
    (Point::Entered, 1),
    (Point::Shown, 1),
    (Point::PartWritten, 3),
    (Point::Entered, 3),
    (Point::Shown, 3),
];

/// An installation with a folder of journal lines and one of bank statements.
struct Plant {
    site: Site,
    folders: tempfile::TempDir,
}

impl Plant {
    async fn new(paystand: &Paystand) -> Self {
        let folders = tempfile::tempdir().expect("a temporary directory");
        for name in FOLDERS {
            std::fs::create_dir(folders.path().join(name)).expect("own directory");
        }
        let at = |name: &str| folders.path().join(name).display().to_string();
        let adapters = format!(
            "[erp.drop]\nkind = \"files\"\nfolder = \"{}\"\n[erp.feed]\nkind = \"files\"\nfolder = \"{}\"\nformat = \"mt940\"\n\
             [erp.feed.statement]\nnumber = \"123\"\ncurrency = \"USD\"\nafter = \"0s\"\n",
            at("drop"),
            at("feed"),
        );
        let site = Site::configured(Database::fresh().await, &configuration(paystand, &adapters));
        Self { site, folders }
    }

    fn folder(&self, name: &str) -> PathBuf {
        self.folders.path().join(name)
    }

    /// Every entry that is posted, with its receipt, is in the folder of its adapter, once and there.
    async fn assert_whole(&self, what: &str) -> Vec<String> {
        let posted = "select key || ' ' || receipt from paystand_sync.ledger_entry where adapter = 'drop' and state = 'posted' order by 1";
        let mut posted = column(self.site.pool(), posted).await;
        let mut read: Vec<String> = Vec::new();
        for (key, places) in Reader::of(&self.folder("drop")).all().places {
            let [place] = &places[..] else { panic!("{what}: {key} is at {places:?}") };
            read.push(format!("{} {place}", key.splitn(4, ':').last().expect("a key")));
        }
        posted.sort();
        read.sort();
        assert_eq!(read, posted, "{what}");
        let lines = Reader::of(&self.folder("feed")).all().places;
        assert!(!lines.is_empty() && lines.values().all(|places| places.len() == 1), "{what}: {lines:?}");
        read.extend(lines.into_keys());
        read
    }
}

/// Looks until told to stop; whatever is there must be whole.
fn look(folder: &Path, stop: &AtomicBool) {
    let reader = Reader::of(folder);
    while !stop.load(Ordering::SeqCst) {
        // Before its first run the program has made no folders for its consumer.
        if folder.join("err").is_dir() {
            reader.all();
        }
        // A look takes a while, and the program needs the machine too.
        std::thread::sleep(PAUSE);
    }
}

#[test]
fn a_death_at_any_step_leaves_whole_files_and_loses_and_doubles_nothing() {
    let paystand = Paystand::still_at_home(BUSINESS);
    let next = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some((point, passing)) = PLACES.get(next.fetch_add(1, Ordering::SeqCst)) {
                    play(dies_at(&paystand, *point, *passing));
                }
            });
        }
    });
}

async fn dies_at(paystand: &Paystand, point: Point, passing: u32) {
    let mut plant = Plant::new(paystand).await;
    let what = format!("{}:{passing}", point.name());
    let stop = AtomicBool::new(false);
    let (drop, feed) = (plant.folder("drop"), plant.folder("feed"));
    std::thread::scope(|scope| {
        for folder in [&drop, &feed] {
            scope.spawn(|| look(folder, &stop));
        }
        plant.site.set_variable(CRASH_AT, &what);
        let finished = plant.site.once();
        plant.site.unset_variable(CRASH_AT);
        let again = plant.site.once();
        stop.store(true, Ordering::SeqCst);
        assert_eq!(finished.signal, Some(Signal::KILL.as_raw()), "{what}: {finished}");
        assert_eq!(again.code, Some(0), "{what}: {again}");
    });
    let whole = plant.assert_whole(&what).await;
    assert!(whole.len() > 20, "{what}: only {} entries and lines", whole.len());
}

/// A new, empty database of ours is the oldest copy that there can be.
#[test]
fn a_database_that_is_lost_drops_nothing_again() {
    play(async {
        let paystand = Paystand::still_at_home(BUSINESS);
        let plant = Plant::new(&paystand).await;
        plant.site.once_clean();
        let before = plant.assert_whole("at first").await;
        let files = Reader::of(&plant.folder("drop")).all().files;
        let site = Site::configured(
            Database::fresh().await,
            &std::fs::read_to_string(plant.site.config_path()).expect("own file"),
        );
        let plant = Plant { site, folders: plant.folders };
        plant.site.once_clean();
        assert_eq!(plant.assert_whole("with another database").await, before);
        assert_eq!(Reader::of(&plant.folder("drop")).all().files, files);
    });
}

#[test]
fn a_person_has_a_lost_file_dropped_again() {
    play(async {
        let paystand = Paystand::still_at_home(BUSINESS);
        let plant = Plant::new(&paystand).await;
        plant.site.once_clean();
        let before = plant.assert_whole("at first").await;
        let redrop = ["adapter", "redrop", "drop", "1", "--reason", "the importer lost it"];
        let refused = plant.site.run(&redrop);
        assert!(refused.code != Some(0) && refused.stderr.contains("is still there"), "{refused}");
        let names =
            std::fs::read_dir(plant.folder("drop")).expect("a folder").map(|entry| entry.expect("an entry").path());
        let first =
            names.into_iter().find(|path| path.display().to_string().contains("_00000001_")).expect("the first");
        std::fs::remove_file(first).expect("lost");
        let done = plant.site.run(&redrop);
        assert_eq!(done.code, Some(0), "{done}");
        assert_eq!(plant.assert_whole("dropped again").await, before);
        let kept = "select action || ' ' || object || ' ' || reason from paystand_sync.audit where action = 'redrop'";
        assert_eq!(column(plant.site.pool(), kept).await, ["redrop adapter/drop the importer lost it"]);
    });
}

#[test]
fn check_names_a_folder_that_is_missing_and_what_to_do() {
    play(async {
        let paystand = Paystand::still_at_home(BUSINESS);
        let plant = Plant::new(&paystand).await;
        let folder = plant.folder("drop");
        std::fs::remove_dir(&folder).expect("own directory");
        let finished = plant.site.run(&["check"]);
        assert_ne!(finished.code, Some(0), "{finished}");
        let complaint = finished.complaints().join("\n");
        let said = format!(
            "adapter drop: the ERP's target does not fit: {} is not there; create the folder",
            folder.display()
        );
        assert!(complaint.contains(&said), "{complaint}");
        std::fs::create_dir(&folder).expect("own directory");
        plant.site.check_but_the_clock();
    });
}
