//! What can go wrong at our database, by what may be done next.

/// A failed call to our database.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("database.url is not a Postgres URL; write it as postgres://USER:PASSWORD@HOST:PORT/DATABASE")]
    BadUrl,
    #[error("the database cannot be reached: {0}")]
    Unreachable(#[source] sqlx::Error),
    #[error("the database's schema cannot be brought up to date: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    #[error(
        "this database serves the {serves} environment of Paystand; use a database of its own for each environment"
    )]
    OtherEnvironment { serves: String },
    #[error(
        "adapter {name} has written to `{recorded}` and is configured for `{configured}`; give the new target a name of its own, or \
         run: paystand-sync adapter rebind {name} --reason TEXT"
    )]
    OtherTarget { name: String, recorded: String, configured: String },
    #[error(
        "the target of adapter {name} is known as adapter {other}, and everything would be sent there again; keep the name {other}, \
         or run: paystand-sync adapter rename {other} {name} --reason TEXT"
    )]
    OtherName { name: String, other: String },
    #[error("the lease {name} was lost to another process; this one stops that work")]
    LeaseLost { name: String },
    #[error("another writer changed the same rows; the work is done again")]
    Conflict,
    #[error("no open exception has the number {0}")]
    NoException(i64),
    /// What a person asked for cannot be done.
    #[error("{0}")]
    NotPossible(String),
    #[error("the database refused a statement: {0}")]
    Statement(#[source] sqlx::Error),
    #[error("a stored row does not make sense: {0}")]
    Corrupt(String),
}

impl StoreError {
    /// The same work, started over at once, may succeed.
    #[must_use]
    pub fn is_worth_repeating(&self) -> bool {
        match self {
            StoreError::Conflict => true,
            StoreError::BadUrl
            | StoreError::Unreachable(_)
            | StoreError::Migration(_)
            | StoreError::OtherEnvironment { .. }
            | StoreError::OtherTarget { .. }
            | StoreError::OtherName { .. }
            | StoreError::LeaseLost { .. }
            | StoreError::NoException(_)
            | StoreError::NotPossible(_)
            | StoreError::Statement(_)
            | StoreError::Corrupt(_) => false,
        }
    }
}

/// Serialization failure and deadlock: the transaction had no effect.
const ROLLED_BACK: [&str; 2] = ["40001", "40P01"];
/// Shutting down, starting up, too many connections, out of disk or memory: no answer to our statement as such.
const OUT_OF_SERVICE: [&str; 7] = ["57P01", "57P02", "57P03", "53300", "53100", "53200", "08006"];

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(refusal) => match refusal.code().as_deref() {
                Some(code) if ROLLED_BACK.contains(&code) => StoreError::Conflict,
                // Class 28 and 3D: wrong credentials, no such database.
                Some(code) if OUT_OF_SERVICE.contains(&code) || code.starts_with("28") || code.starts_with("3D") => {
                    StoreError::Unreachable(error)
                }
                Some(_) | None => StoreError::Statement(error),
            },
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => StoreError::Unreachable(error),
            _ => StoreError::Statement(error),
        }
    }
}
