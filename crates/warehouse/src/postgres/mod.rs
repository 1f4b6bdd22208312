//! PostgreSQL as a source: read-only transactions over the extended protocol, one statement each, on a session that
//! is used once. The guard is the first wall, the read-only role and transaction the second.

mod cell;
mod explained;
mod profile;

use std::time::{Duration, Instant};

use async_trait::async_trait;
use pilothouse_domain::Code;
use pilothouse_domain::answer::ResultSet;
use pilothouse_domain::catalog::{Catalog, Dialect};
use pilothouse_domain::cost::Estimate;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::error::SqlState;
use tokio_postgres::{CancelToken, Client, Transaction};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::Error;
use crate::engine::{Call, Cancel, Engine};
use crate::guard::{CanonicalQuery, CheckedQuery};
use crate::source::PostgresTarget;

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest wait for a lock, so that a query never queues behind a migration.
const LOCK_TIMEOUT_MS: &str = "2000";

/// A database, reached anew for each query.
pub struct PostgresEngine {
    target: PostgresTarget,
}

/// One session, closed when it is dropped.
struct Session {
    client: Client,
    cancel: CancelToken,
    tls: MakeRustlsConnect,
}

impl PostgresEngine {
    /// The database at `target`.
    pub(crate) fn new(target: PostgresTarget) -> Self {
        Self { target }
    }

    /// A session, each statement of which may take `timeout`.
    async fn connect(&self, timeout: Duration) -> Result<Session, Error> {
        let tls = MakeRustlsConnect::new(tls_config()?);
        let mut config = self.target.config.clone();
        config.connect_timeout(CONNECT_TIMEOUT).application_name("pilothouse");
        let connecting = tokio::time::timeout(CONNECT_TIMEOUT, config.connect(tls.clone()));
        let (client, connection) = match connecting.await {
            Ok(Ok(connected)) => connected,
            Ok(Err(error)) => return Err(explain(&error)),
            Err(_) => return Err(Error::retryable(Code::ConnectionFailed, "The database server does not answer.")),
        };
        // The task ends by itself when the client is dropped.
        tokio::spawn(connection);
        let cancel = client.cancel_token();
        let timeout_ms = timeout.as_millis().to_string();
        let settings = [
            ("default_transaction_read_only", "on"),
            ("statement_timeout", timeout_ms.as_str()),
            ("lock_timeout", LOCK_TIMEOUT_MS),
            ("idle_in_transaction_session_timeout", timeout_ms.as_str()),
            ("TimeZone", "UTC"),
        ];
        for (name, value) in settings {
            client.execute("SELECT set_config($1, $2, false)", &[&name, &value]).await.map_err(|e| explain(&e))?;
        }
        Ok(Session { client, cancel, tls })
    }
}

impl Session {
    fn stop(&self) -> Stop {
        Stop { token: self.cancel.clone(), tls: self.tls.clone() }
    }

    async fn begin(&mut self) -> Result<Transaction<'_>, Error> {
        self.client.build_transaction().read_only(true).start().await.map_err(|error| explain(&error))
    }
}

/// Stops what a session does in the server too: dropping the connection alone would let a query run on there.
struct Stop {
    token: CancelToken,
    tls: MakeRustlsConnect,
}

impl Stop {
    async fn unless_cancelled<T>(
        self,
        cancel: &Cancel,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        tokio::select! {
            result = work => result,
            () = cancel.cancelled() => {
                let _ = self.token.cancel_query(self.tls).await;
                Err(Error::cancelled())
            }
        }
    }
}

#[async_trait]
impl Engine for PostgresEngine {
    fn dialect(&self) -> Dialect {
        Dialect::PostgreSql
    }

    /// A database does not tell what has changed in it.
    fn version(&self) -> Option<&str> {
        None
    }

    async fn ping(&self) -> Result<(), Error> {
        let session = self.connect(CONNECT_TIMEOUT).await?;
        session.client.query_one("SELECT 1", &[]).await.map(|_| ()).map_err(|error| explain(&error))
    }

    async fn profile(&self, call: &Call<'_>) -> Result<Catalog, Error> {
        let mut session = self.connect(call.limits.timeout).await?;
        let stop = session.stop();
        let work = async { profile::catalog(&session.begin().await?).await };
        stop.unless_cancelled(call.cancel, work).await
    }

    async fn estimate(&self, query: &CanonicalQuery, call: &Call<'_>) -> Result<Estimate, Error> {
        let mut session = self.connect(call.limits.timeout).await?;
        let stop = session.stop();
        let work = async { explained::estimate(&session.begin().await?, query).await };
        stop.unless_cancelled(call.cancel, work).await
    }

    async fn execute(&self, query: &CheckedQuery, call: &Call<'_>) -> Result<ResultSet, Error> {
        let mut session = self.connect(call.limits.timeout).await?;
        let stop = session.stop();
        let work = async { fetch(&session.begin().await?, query.sql(), call.limits.max_rows).await };
        stop.unless_cancelled(call.cancel, work).await
    }
}

async fn fetch(transaction: &Transaction<'_>, sql: &str, max_rows: usize) -> Result<ResultSet, Error> {
    let started = Instant::now();
    let statement = transaction.prepare(sql).await.map_err(|error| explain(&error))?;
    let columns = statement.columns().iter();
    let mut result = ResultSet {
        columns: columns.map(|c| (c.name().to_owned(), cell::data_type(c.type_()))).collect(),
        ..ResultSet::default()
    };
    let portal = transaction.bind(&statement, &[]).await.map_err(|error| explain(&error))?;
    let wanted = i32::try_from(max_rows.saturating_add(1)).unwrap_or(i32::MAX);
    let rows = transaction.query_portal(&portal, wanted).await.map_err(|error| explain(&error))?;
    result.truncated = rows.len() > max_rows;
    for row in rows.iter().take(max_rows) {
        result.rows.push(cell::values(row).map_err(|error| explain(&error))?);
    }
    result.elapsed_us = started.elapsed().as_micros() as u64;
    Ok(result)
}

fn tls_config() -> Result<ClientConfig, Error> {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| Error::new(Code::Internal, "TLS could not be set up."))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// The server's error as one of ours. Its text is shown only where it speaks of the statement.
fn explain(error: &tokio_postgres::Error) -> Error {
    let Some(database) = error.as_db_error() else {
        return Error::retryable(Code::ConnectionFailed, "The database server cannot be reached, or refuses TLS.");
    };
    match *database.code() {
        SqlState::QUERY_CANCELED => Error::new(Code::QueryTimeout, "The query took too long and was stopped."),
        SqlState::LOCK_NOT_AVAILABLE => Error::retryable(Code::QueryTimeout, "A table is locked by other work."),
        SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            Error::new(Code::ConnectionRefused, "The database server refuses this user or password.")
        }
        SqlState::INVALID_CATALOG_NAME => Error::new(Code::ConnectionFailed, "There is no such database."),
        SqlState::INSUFFICIENT_PRIVILEGE => {
            Error::new(Code::QueryFailed, "The connection's role may not read one of the tables.")
        }
        SqlState::DISK_FULL | SqlState::OUT_OF_MEMORY | SqlState::TOO_MANY_CONNECTIONS => {
            Error::retryable(Code::ConnectionFailed, "The database server is out of resources.")
        }
        _ if database.code().code().starts_with("42") => Error::new(Code::SqlInvalid, database.message()),
        _ if database.code().code().starts_with("22") => Error::new(Code::QueryFailed, database.message()),
        _ => Error::new(Code::QueryFailed, "The database could not run the query."),
    }
}
