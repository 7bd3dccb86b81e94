//! Which installed Postgres serves the private cluster: `PG_BIN`, else `PATH`, else the distribution's directories.

use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::ClusterError;

/// Where distributions put each major version.
const VERSIONED: [(&str, &str); 2] = [("/usr/lib/postgresql", ""), ("/usr", "pgsql-")];

/// The programs of one installed version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Binaries {
    directory: PathBuf,
    major: u32,
}

impl Binaries {
    /// The installation that can serve a cluster of version `data_version`, or the best one for a new cluster.
    pub(super) async fn for_data(data: &Path, data_version: Option<u32>) -> Result<Self, ClusterError> {
        let named = std::env::var_os("PG_BIN").map(PathBuf::from);
        let directories = match named {
            Some(directory) => vec![directory],
            None => directories(std::env::var_os("PATH").as_deref()),
        };
        let mut installed = Vec::new();
        for directory in directories {
            if let Some(binaries) = Self::at(&directory).await
                && !installed.contains(&binaries)
            {
                installed.push(binaries);
            }
        }
        choose(installed, data, data_version)
    }

    /// What lies in a directory, if it is all there. Links are followed: the server's files lie relative to the real place.
    async fn at(directory: &Path) -> Option<Self> {
        let initdb = std::fs::canonicalize(directory.join("initdb")).ok()?;
        let directory = initdb.parent()?.to_owned();
        if !directory.join("pg_ctl").is_file() {
            return None;
        }
        let output = Command::new(directory.join("postgres")).arg("--version").output().await.ok()?;
        let major = major(&String::from_utf8_lossy(&output.stdout))?;
        Some(Self { directory, major })
    }

    pub(super) fn initdb(&self) -> PathBuf {
        self.directory.join("initdb")
    }

    pub(super) fn pg_ctl(&self) -> PathBuf {
        self.directory.join("pg_ctl")
    }
}

fn choose(installed: Vec<Binaries>, data: &Path, data_version: Option<u32>) -> Result<Binaries, ClusterError> {
    let Some(first) = installed.first().cloned() else { return Err(ClusterError::NotInstalled) };
    let Some(wanted) = data_version else { return Ok(first) };
    let versions = installed.iter().map(|each| each.major.to_string()).collect::<Vec<_>>().join(", ");
    installed.into_iter().find(|each| each.major == wanted).ok_or_else(|| ClusterError::OtherVersion {
        path: data.to_owned(),
        data: wanted,
        installed: versions,
    })
}

/// `PATH` first, then what distributions keep out of it, newest version first.
fn directories(path: Option<&std::ffi::OsStr>) -> Vec<PathBuf> {
    let mut directories: Vec<PathBuf> = path.into_iter().flat_map(std::env::split_paths).collect();
    let mut versioned: Vec<(u32, PathBuf)> = Vec::new();
    for (parent, prefix) in VERSIONED {
        let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
        versioned.extend(entries.filter_map(|entry| {
            let version = entry.file_name().to_str()?.strip_prefix(prefix)?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        }));
    }
    versioned.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    directories.extend(versioned.into_iter().map(|(_, directory)| directory));
    directories
}

/// The major version out of `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`; betas read `18beta1`.
fn major(line: &str) -> Option<u32> {
    let version = line.split_once("(PostgreSQL) ")?.1;
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn installed(majors: &[u32]) -> Vec<Binaries> {
        majors.iter().map(|major| Binaries { directory: PathBuf::from(format!("/{major}")), major: *major }).collect()
    }

    #[test]
    fn the_version_of_the_data_decides() {
        let data = Path::new("/data");
        assert_eq!(choose(installed(&[17, 15]), data, Some(15)).unwrap().major, 15);
        assert_eq!(choose(installed(&[17, 15]), data, None).unwrap().major, 17);
        assert_eq!(
            choose(installed(&[17, 15]), data, Some(14)).unwrap_err().to_string(),
            "the private cluster in /data was made by Postgres 14, but installed is 17, 15; run `apt-get install \
             postgresql-14`, or name its programs with PG_BIN"
        );
        assert!(matches!(choose(installed(&[]), data, None), Err(ClusterError::NotInstalled)));
    }

    #[test]
    fn versions_are_read() {
        assert_eq!(major("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"), Some(15));
        assert_eq!(major("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major("something else"), None);
    }
}
