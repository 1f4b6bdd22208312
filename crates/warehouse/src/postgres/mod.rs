//! PostgreSQL as a source: read-only transactions over the extended protocol, one statement each, on a session that
//! is used once. The guard is the first wall, the read-only role and transaction the second.

mod cell;
mod profile;

use std::time::{Duration, Instant};

use async_trait::async_trait;
use pilothouse_domain::Code;
use pilothouse_domain::answer::ResultSet;
use pilothouse_domain::catalog::{Catalog, Dialect};
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::error::SqlState;
use tokio_postgres::{CancelToken, Client, Transaction};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::Error;
use crate::engine::{Cancel, Engine, Estimate, Limits};
use crate::guard::CheckedQuery;
use crate::source::PostgresTarget;

/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest wait for a lock, so that a query never queues behind a migration.
const LOCK_TIMEOUT_MS: &str = "2000";

/// A database, reached anew for each query.
pub struct PostgresEngine {
    target: PostgresTarget,
    timeout_seconds: u64,
}

/// One session, closed when it is dropped.
struct Session {
    client: Client,
    cancel: CancelToken,
    tls: MakeRustlsConnect,
}

impl PostgresEngine {
    /// The database at `target`, whose statements may take `timeout_seconds`.
    pub(crate) fn new(target: PostgresTarget, timeout_seconds: u64) -> Self {
        Self { target, timeout_seconds }
    }

    async fn connect(&self) -> Result<Session, Error> {
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
        let timeout_ms = (self.timeout_seconds * 1000).to_string();
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
    async fn begin(&mut self) -> Result<Transaction<'_>, Error> {
        self.client.build_transaction().read_only(true).start().await.map_err(|error| explain(&error))
    }
}

#[async_trait]
impl Engine for PostgresEngine {
    fn dialect(&self) -> Dialect {
        Dialect::PostgreSql
    }

    async fn ping(&self) -> Result<(), Error> {
        let session = self.connect().await?;
        session.client.query_one("SELECT 1", &[]).await.map(|_| ()).map_err(|error| explain(&error))
    }

    async fn profile(&self) -> Result<Catalog, Error> {
        let mut session = self.connect().await?;
        profile::catalog(&session.begin().await?).await
    }

    async fn estimate(&self, query: &CheckedQuery) -> Result<Estimate, Error> {
        let mut session = self.connect().await?;
        let transaction = session.begin().await?;
        let explained = ["EXPLAIN (FORMAT JSON) ", query.sql()].concat();
        let row = transaction.query_one(explained.as_str(), &[]).await.map_err(|error| explain(&error))?;
        let plan: serde_json::Value = row.try_get(0).map_err(|error| explain(&error))?;
        let number = |key: &str| plan.pointer("/0/Plan").and_then(|plan| plan.get(key)).and_then(|n| n.as_f64());
        let rows = number("Plan Rows").map(|rows| rows as u64);
        let bytes = rows.zip(number("Plan Width")).map(|(rows, width)| rows * width as u64);
        Ok(Estimate { rows, bytes })
    }

    async fn execute(&self, query: &CheckedQuery, limits: Limits, cancel: &Cancel) -> Result<ResultSet, Error> {
        let mut session = self.connect().await?;
        let (token, tls) = (session.cancel.clone(), session.tls.clone());
        let transaction = session.begin().await?;
        tokio::select! {
            result = fetch(&transaction, query.sql(), limits.max_rows) => result,
            () = cancel.cancelled() => {
                // The server is told too: dropping the connection alone would let the query run on there.
                let _ = token.cancel_query(tls).await;
                Err(Error::new(Code::RunCancelled, "The query was cancelled."))
            }
        }
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
