//! The verbs by which persons step in. Each says who and why, and is kept in the audit trail.

use chrono::NaiveDate;

use super::args::{AdapterVerb, Pausable, Replayed};
use super::show::open;
use super::tell::{self, Complaint};
use crate::clock::{Clock as _, SystemClock};
use crate::config::Config;
use crate::engine::error::Exit;
use crate::engine::person;
use crate::model::ids::AdapterName;
use crate::model::resource::Resource;
use crate::normalize::mask_text;
use crate::store::{Actor, Scope, Store};

/// Who runs this program, as far as the system says.
pub fn name_of_actor() -> String {
    let name = ["SUDO_USER", "USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    name.unwrap_or_else(|| "an unnamed user".to_owned())
}

/// Does one thing in the name of whoever runs this program.
async fn act(
    config: &Config,
    reason: &str,
    work: impl AsyncFnOnce(&Store, Actor<'_>) -> Result<String, Complaint>,
) -> Result<Exit, Complaint> {
    // A reason is shown to everybody who reads the trail, and people paste.
    let (name, reason) = (name_of_actor(), mask_text(reason));
    let (store, database) = open(config).await?;
    let result = work(&store, Actor { name: &name, reason: &reason }).await;
    store.close().await;
    database.close().await?;
    tell::print(&result?);
    Ok(Exit::Clean)
}

fn scope(config: &Config, what: Pausable, name: &str) -> Result<Scope, Complaint> {
    match what {
        Pausable::Resource => {
            let resource: Resource = name.parse().map_err(|error| Complaint::new(Exit::Usage, format!("{error}")))?;
            Ok(Scope::Resource(resource))
        }
        Pausable::Adapter => {
            let adapter = AdapterName::new(name);
            if config.erp.contains_key(&adapter) {
                return Ok(Scope::Adapter(adapter));
            }
            let known: Vec<&str> = config.erp.keys().map(AdapterName::as_str).collect();
            let sentence = format!("no adapter {name} is configured; there is {}", known.join(", "));
            Err(Complaint::new(Exit::Usage, sentence))
        }
    }
}

/// Stops work until it is resumed.
pub async fn pause(config: Config, what: Pausable, name: String, reason: String) -> Result<Exit, Complaint> {
    let scope = scope(&config, what, &name)?;
    act(&config, &reason, async |store, actor| {
        let paused = store.pause(&scope, actor, SystemClock::new().now()).await?;
        Ok(if paused { format!("{scope} is paused") } else { format!("{scope} was paused already") })
    })
    .await
}

/// Lets work go on.
pub async fn resume(config: Config, what: Pausable, name: String, reason: String) -> Result<Exit, Complaint> {
    let scope = scope(&config, what, &name)?;
    act(&config, &reason, async |store, actor| {
        let resumed = store.resume(&scope, actor, SystemClock::new().now()).await?;
        Ok(if resumed { format!("{scope} goes on") } else { format!("{scope} was not paused") })
    })
    .await
}

/// Gives an adapter another name, says that its target moved, or has a file dropped again.
pub async fn adapter(config: Config, verb: AdapterVerb) -> Result<Exit, Complaint> {
    let now = SystemClock::new().now();
    match verb {
        AdapterVerb::Rename { old, new, reason } => {
            let (old, new) = (AdapterName::new(old), AdapterName::new(new));
            act(&config, &reason, async |store, actor| {
                store.rename_adapter((&old, &new), actor, now).await?;
                Ok(format!("adapter {old} is {new} from now on"))
            })
            .await
        }
        AdapterVerb::Redrop { name, sequence, reason } => {
            let name = AdapterName::new(name);
            act(&config, &reason, async |store, actor| {
                let file = person::drop_again(&config, store, (&name, sequence), actor, now).await?;
                Ok(format!("{file} is dropped again by adapter {name}"))
            })
            .await
        }
        AdapterVerb::Rebind { name, reason } => {
            let name = AdapterName::new(name);
            act(&config, &reason, async |store, actor| {
                let target = person::rebind(&config, store, &name, actor, now).await?;
                Ok(format!("adapter {name} writes to `{target}` from now on"))
            })
            .await
        }
    }
}

/// Has an entry tried again, or posted under a new key.
pub async fn retry(config: Config, id: i64, anew: bool, reason: String) -> Result<Exit, Complaint> {
    let now = SystemClock::new().now();
    act(&config, &reason, async |store, actor| {
        Ok(person::retry_exception(&config, store, (id, anew), actor, now).await?)
    })
    .await
}

/// Says who takes care of an exception.
pub async fn assign(config: Config, id: i64, owner: String, reason: String) -> Result<Exit, Complaint> {
    let now = SystemClock::new().now();
    act(&config, &reason, async |store, actor| {
        person::open_exception(store, id).await?;
        store.assign_exception(id, &owner, actor, now).await?;
        Ok(format!("exception {id} is {owner}'s"))
    })
    .await
}

/// Settles an exception by hand, and with it the entry that it is about: nothing more is done about that one.
pub async fn resolve(config: Config, id: i64, reason: String) -> Result<Exit, Complaint> {
    let now = SystemClock::new().now();
    act(&config, &reason, async |store, actor| Ok(person::resolve_exception(store, id, actor, now).await?)).await
}

/// Reads or delivers again; what is posted stays posted.
pub async fn replay(config: Config, what: Replayed, reason: String) -> Result<Exit, Complaint> {
    let now = SystemClock::new().now();
    act(&config, &reason, async |store, actor| match (what.event, what.resource) {
        (Some(event), _) => {
            let mut entries = 0;
            for merchant in config.merchants.values() {
                entries += store.replay_event(&merchant.customer_id, &event, actor, now).await?;
            }
            Ok(format!("{entries} entries of {event} are delivered again"))
        }
        (None, Some(resource)) => {
            store.replay_resource(resource, (what.from, what.to), actor, now).await?;
            let day = |day: Option<NaiveDate>| day.map_or("…".to_owned(), |day| day.to_string());
            Ok(format!("{resource} created from {} to {} are read again", day(what.from), day(what.to)))
        }
        (None, None) => {
            Err(Complaint::new(Exit::Usage, "say what to replay: --event KEY, or --resource NAME".to_owned()))
        }
    })
    .await
}
