//! Named places at which a test lets the process die, as by `kill -9`. Only builds with debug assertions have them.
//!
//! `PAYSTAND_SYNC_CRASH_AT=<name>` dies when the place is reached for the first time, `<name>:<n>` for the n-th time.
//! `PAYSTAND_SYNC_PANIC_AT` panics there instead.

macro_rules! points {
    ($($(#[$about:meta])* $variant:ident = $text:literal,)+) => {
        /// A place at which a process may die.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Point {
            $($(#[$about])* $variant,)+
        }

        impl Point {
            pub const ALL: &'static [Point] = &[$(Point::$variant),+];

            /// The name in the environment variable.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Point::$variant => $text,)+
                }
            }
        }
    };
}

points! {
    /// Work was taken.
    Leased = "lease.taken",
    /// What an adapter that is new gets is written and not committed.
    Enrolling = "enroll.before_commit",
    Enrolled = "enroll.after_commit",
    /// A page was read, nothing of it is stored.
    PageRead = "poll.page_read",
    /// Records, versions and entries are written and not committed.
    Ingesting = "ingest.before_commit",
    /// They are committed.
    Ingested = "ingest.after_commit",
    /// A cursor is moved and not committed.
    Moving = "cursor.before_commit",
    Moved = "cursor.after_commit",
    /// A window of a backfill is marked as read and not committed.
    Reading = "window.before_commit",
    Read = "window.after_commit",
    /// Days are sealed and not committed.
    Sealing = "seal.before_commit",
    Sealed = "seal.after_commit",
    /// An item that was open is taken off the list and not committed.
    Closing = "item.before_commit",
    Closed = "item.after_commit",
    /// Events and journal entries are written and not committed.
    Booking = "book.before_commit",
    Booked = "book.after_commit",
    /// The attempt is recorded; the ERP was not called.
    Claimed = "deliver.claimed",
    /// The ERP said what it holds.
    Found = "deliver.found",
    /// The ERP answered a write.
    Written = "deliver.written",
    /// The ERP answered that drafts are written.
    Drafted = "deliver.drafted",
    /// Documents are elected in our database.
    Elected = "deliver.elected",
    /// The ERP answered that documents are released.
    Released = "deliver.released",
    /// Nothing is left to ask; the outcome is not recorded.
    Answered = "settle.before_commit",
    Settled = "settle.after_commit",
    /// A file is written beside its folder, and nothing is known of it.
    PartWritten = "files.part_written",
    /// It is entered in the store of the folder, and does not lie in the folder.
    Entered = "files.entered",
    /// It lies in the folder, which is not synced.
    Shown = "files.shown",
}

/// Dies or panics here if a test wants it.
#[cfg(debug_assertions)]
pub fn crash_point(point: Point) {
    use std::sync::OnceLock;

    static DEATH: OnceLock<Option<wanted::Passing>> = OnceLock::new();
    static PANIC: OnceLock<Option<wanted::Passing>> = OnceLock::new();

    if wanted::is_now(&DEATH, "PAYSTAND_SYNC_CRASH_AT", point) {
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
    assert!(!wanted::is_now(&PANIC, "PAYSTAND_SYNC_PANIC_AT", point), "wanted by a test at {}", point.name());
}

#[cfg(debug_assertions)]
mod wanted {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::Point;

    /// A place that an environment variable names, and how many passings are left.
    pub(super) struct Passing {
        name: String,
        left: AtomicU64,
    }

    pub(super) fn is_now(passing: &OnceLock<Option<Passing>>, variable: &str, point: Point) -> bool {
        let passing = passing.get_or_init(|| {
            let text = std::env::var(variable).ok()?;
            let (name, times) = text.split_once(':').unwrap_or((&text, "1"));
            Some(Passing { name: name.to_owned(), left: AtomicU64::new(times.parse().unwrap_or(1)) })
        });
        passing
            .as_ref()
            .is_some_and(|passing| passing.name == point.name() && passing.left.fetch_sub(1, Ordering::SeqCst) == 1)
    }
}

/// Nothing, outside of debug builds.
#[cfg(not(debug_assertions))]
pub const fn crash_point(_: Point) {}
