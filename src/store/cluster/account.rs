//! The user who runs the server: ourselves, or somebody harmless where we are root (Postgres refuses root).

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

use super::ClusterError;

/// Whom the server runs as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// For messages.
    pub(super) name: String,
    /// Whether programs must be started as somebody other than ourselves.
    is_other: bool,
}

impl Account {
    /// Ourselves; as root the owner of the cluster or of the state directory, else `postgres` or `nobody`.
    pub(super) fn choose(state_dir: &Path, data: &Path) -> Result<Self, ClusterError> {
        let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
        if !uid.is_root() {
            return Ok(Self { uid: uid.as_raw(), gid: gid.as_raw(), name: uid.as_raw().to_string(), is_other: false });
        }
        let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let owner = [data, state_dir].into_iter().find_map(|path| {
            let found = fs::metadata(path).ok()?;
            (found.uid() != 0).then_some((found.uid(), found.gid()))
        });
        if let Some((uid, gid)) = owner {
            let name = entries(&passwd)
                .find(|entry| entry.1 == uid)
                .map_or_else(|| uid.to_string(), |entry| entry.0.to_owned());
            return Ok(Self { uid, gid, name, is_other: true });
        }
        ["postgres", "nobody"]
            .into_iter()
            .find_map(|name| entries(&passwd).find(|entry| entry.0 == name && entry.1 != 0))
            .map(|(name, uid, gid)| Self { uid, gid, name: name.to_owned(), is_other: true })
            .ok_or(ClusterError::NoAccount)
    }

    pub(super) fn is_other(&self) -> bool {
        self.is_other
    }

    /// A program run as this user. Its environment is bare: ours may hold secrets, `PG…` variables and a notify socket.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        command.env("LC_ALL", "C.UTF-8").current_dir("/").stdin(Stdio::null());
        if self.is_other {
            command.uid(self.uid).gid(self.gid);
        }
        command
    }
}

/// Name, uid and gid of every line.
fn entries(passwd: &str) -> impl Iterator<Item = (&str, u32, u32)> {
    passwd.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some((name, uid, gid))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwd_lines_are_read() {
        let passwd = "root:x:0:0:root:/root:/bin/bash\nbroken\npostgres:x:101:104:,,,:/var/lib/postgresql:/bin/bash\n";
        assert_eq!(entries(passwd).collect::<Vec<_>>(), [("root", 0, 0), ("postgres", 101, 104)]);
    }
}
