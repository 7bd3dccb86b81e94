//! An installation of the program, by the kind of adapter that it writes to.

use sqlx::PgPool;

use super::paystand::Paystand;
use crate::harness::{Database, Site};

/// The kinds of adapter, each with what it writes to. One line more is one kind more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Staging tables beside our own.
    StagingHere,
    /// Staging tables in another database.
    StagingThere,
}

impl Kind {
    pub const ALL: [Self; 2] = [Self::StagingHere, Self::StagingThere];

    /// Points that deliveries of this kind never come by.
    pub const fn skips(self) -> &'static [&'static str] {
        match self {
            Self::StagingHere | Self::StagingThere => &[
                "deliver.drafted",
                "deliver.elected",
                "deliver.released",
                "files.part_written",
                "files.entered",
                "files.shown",
            ],
        }
    }

    /// The section of the adapter, which writes to the database at `url`.
    fn section(self, url: &str) -> String {
        match self {
            Self::StagingHere => "[erp.books]\nkind = \"staging\"\n".to_owned(),
            Self::StagingThere => format!("[erp.books]\nkind = \"staging\"\nurl = \"{url}\"\n"),
        }
    }
}

/// A site and the database where its target is.
pub struct Plant {
    pub site: Site,
    pub target: PgPool,
}

/// Where the program reaches its databases, if not directly.
#[derive(Debug, Clone, Default)]
pub struct Detour {
    pub own: Option<String>,
    pub target: Option<String>,
}

impl Plant {
    pub async fn new(paystand: &Paystand, kind: Kind) -> Self {
        Self::in_databases(paystand, kind, Database::fresh().await, &Database::fresh().await, &Detour::default())
    }

    pub fn in_databases(paystand: &Paystand, kind: Kind, own: Database, other: &Database, detour: &Detour) -> Self {
        let target = match kind {
            Kind::StagingHere => own.pool.clone(),
            Kind::StagingThere => other.pool.clone(),
        };
        let text = configuration(paystand, &kind.section(detour.target.as_deref().unwrap_or(&other.url)));
        let mut site = Site::configured(own, &text);
        if let Some(url) = &detour.own {
            site.set_variable("DATABASE_URL", url);
        }
        Self { site, target }
    }

    pub fn own(&self) -> &PgPool {
        self.site.pool()
    }
}

/// Polls often and gives up early: a test waits for every pause. Few connections, for many installations share a server.
pub fn configuration(paystand: &Paystand, adapter: &str) -> String {
    use paystand_sync::sandbox::{CLIENT_ID, CLIENT_SECRET, CUSTOMER_ID};
    let base_url = &paystand.base_url;
    let start = paystand.began.date_naive();
    format!(
        "[merchants.main]\nenvironment = \"sandbox\"\nbase_url = \"{base_url}\"\nclient_id = \"{CLIENT_ID}\"\n\
         client_secret = \"{CLIENT_SECRET}\"\ncustomer_id = \"{CUSTOMER_ID}\"\ntimezone = \"America/Los_Angeles\"\n\
         requests_per_minute = 3000\nstart_date = \"{start}\"\n\
         [sync]\ninterval = \"500ms\"\nattempts_max = 3\nlease = \"2s\"\n[database]\nconnections_max = 4\n{adapter}[ops]\nlisten = \"\"\n"
    )
}
