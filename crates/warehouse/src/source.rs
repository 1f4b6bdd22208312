//! Where a connection's data is, and whether it may be reached: no path outside the allowed folders, no private
//! address unless the settings allow them.

use std::fmt;
use std::path::{Path, PathBuf};

use pilothouse_domain::Code;
use serde::{Deserialize, Serialize};

use crate::bucket::{Bucket, location_of};
use crate::{Error, Settings};

/// Where a connection's data is. Serialised, it may hold a secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// A folder of Parquet, CSV or JSON files.
    Files {
        /// The folder, or one file.
        path: PathBuf,
    },
    /// A PostgreSQL database.
    Postgres {
        /// `postgres://user:password@host:port/database`; holds a secret.
        url: String,
    },
    /// A bucket of an object store, with the credentials that read it.
    ObjectStore(Bucket),
}

impl Source {
    /// Where it is, without a secret, as it is written for people; none where that cannot be read. Nobody looks whether it
    /// may be reached.
    pub fn location(&self) -> Option<String> {
        match self {
            Self::Files { path } => Some(path.to_string_lossy().into_owned()),
            Self::Postgres { url } => parse_postgres(url).ok().map(|target| target.location()),
            Self::ObjectStore(bucket) => location_of(bucket),
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Files { path } => f.debug_struct("Files").field("path", path).finish(),
            Self::Postgres { .. } => f.write_str("Postgres { .. }"),
            Self::ObjectStore(bucket) => f.debug_tuple("ObjectStore").field(bucket).finish(),
        }
    }
}

/// A PostgreSQL server whose addresses were checked; connections go to these addresses and no others, so that a name
/// that changes its address after the check gains nothing.
#[derive(Clone)]
pub struct PostgresTarget {
    pub(crate) config: tokio_postgres::Config,
    pub(crate) host: String,
}

impl PostgresTarget {
    /// Where it is, without the password: `user@host:port/database`.
    pub fn location(&self) -> String {
        let port = self.config.get_ports().first().copied().unwrap_or(5432);
        let user = self.config.get_user().unwrap_or("");
        let database = self.config.get_dbname().unwrap_or(user);
        format!("{user}@{}:{port}/{database}", self.host)
    }
}

/// The real path of `path`, if it lies in one of the allowed folders.
pub fn allowed_path(path: &Path, settings: &Settings) -> Result<PathBuf, Error> {
    let real = path
        .canonicalize()
        .map_err(|_| Error::new(Code::ConnectionFailed, "There is no such file or folder, or it cannot be read."))?;
    let allowed = settings.allowed_roots.iter().filter_map(|root| root.canonicalize().ok());
    if allowed.into_iter().any(|root| real.starts_with(root)) {
        Ok(real)
    } else {
        Err(Error::new(
            Code::PathForbidden,
            "The path lies outside the folders that connections may read (setting warehouse.allowed_roots).",
        ))
    }
}

/// Parses a PostgreSQL URL and resolves its host to addresses that may be reached.
pub async fn postgres_target(url: &str, settings: &Settings) -> Result<PostgresTarget, Error> {
    let mut target = parse_postgres(url)?;
    let port = target.config.get_ports().first().copied().unwrap_or(5432);
    let reach = settings.reach();
    let addresses =
        pilothouse_outbound::resolve(&target.host, port, reach).await.map_err(|error| unreachable(&error))?;
    if let Some(first) = addresses.first() {
        target.config.hostaddr(first.ip());
    }
    Ok(target)
}

fn parse_postgres(url: &str) -> Result<PostgresTarget, Error> {
    let invalid = |why: &str| Error::new(Code::BodyInvalid, format!("Not a usable PostgreSQL URL: {why}."));
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Err(invalid("it must begin with postgres://"));
    }
    // The parser's own message can repeat the password, so it is not passed on.
    let config: tokio_postgres::Config = url.parse().map_err(|_| invalid("it cannot be parsed"))?;
    let [tokio_postgres::config::Host::Tcp(host)] = config.get_hosts() else {
        return Err(invalid("it must name exactly one host"));
    };
    let host = host.clone();
    Ok(PostgresTarget { config, host })
}

/// Why the way out refused or failed, as one of our errors.
pub(crate) fn unreachable(error: &pilothouse_outbound::Error) -> Error {
    match error {
        pilothouse_outbound::Error::Forbidden { .. } => Error::new(
            Code::AddressForbidden,
            "The server has a private address, and those are not allowed (setting warehouse.allow_private_addresses).",
        ),
        other => Error::retryable(Code::ConnectionFailed, format!("{other}.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_cannot_escape_the_roots() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("inside");
        std::fs::create_dir(&inside).unwrap();
        std::os::unix::fs::symlink("/etc", inside.join("link")).unwrap();
        let settings = Settings { allowed_roots: vec![inside.clone()], ..Settings::default() };
        assert!(allowed_path(&inside, &settings).is_ok());
        for bad in [inside.join(".."), inside.join("link"), PathBuf::from("/etc"), folder.path().to_path_buf()] {
            assert_eq!(allowed_path(&bad, &settings).unwrap_err().code, Code::PathForbidden, "{bad:?}");
        }
    }

    #[tokio::test]
    async fn a_url_with_a_private_host_is_refused_and_never_repeats_its_password() {
        let refused = postgres_target("postgres://ada:hunter2@127.0.0.1/db", &Settings::default()).await.err().unwrap();
        assert_eq!(refused.code, Code::AddressForbidden);
        let garbled = postgres_target("postgres://ada:hunter2@[::/db", &Settings::default()).await.err().unwrap();
        assert!(!garbled.message.contains("hunter2"));
    }
}
