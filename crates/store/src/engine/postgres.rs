//! PostgreSQL: a pool, one transaction per unit of work.

use std::str::FromStr;
use std::time::Duration;

use futures::future::BoxFuture;
use pilothouse_domain::Micros;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgListener, PgPool, PgPoolOptions, PgTransaction};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};

use super::unit::settle;
use super::{STATEMENT_CACHE, UNIT_TIME, WAITING_TIME};
use crate::{Error, Hints, Options, Tx, args, migrations};

/// The oldest server, in the form of `server_version_num`.
const OLDEST_SERVER: i64 = 150_000;

/// What a session must never do: hang on a lock, run without end, or hold a transaction open, in milliseconds. And how
/// its statements are planned: every one finds its rows by an index.
const SESSION: [(&str, &str); 12] = [
    ("statement_timeout", "30000"),
    ("lock_timeout", "10000"),
    ("idle_in_transaction_session_timeout", "60000"),
    // Plans for the usual case, made once: estimates that follow a queue's size lead the planner astray. Made while a
    // table is still small, they would read all of it for ever.
    ("plan_cache_mode", "force_generic_plan"),
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    // What a statement costs is how many rows it looks at: pages are in memory.
    ("random_page_cost", "0.1"),
    ("seq_page_cost", "0.1"),
    ("cpu_tuple_cost", "1"),
    ("cpu_index_tuple_cost", "1"),
    // Not worth its start for statements of a millisecond.
    ("jit", "off"),
];

/// How long a connection can lie idle before it is looked at.
const TRUSTED: Duration = Duration::from_secs(1);

/// The first half of the advisory lock's key; the second is the schema's name.
const MIGRATION_LOCK: &str = "SELECT pg_advisory_lock(1885956984, hashtext(current_schema()))";

/// An open PostgreSQL database.
pub(crate) struct Postgres {
    pool: PgPool,
    /// Where the processes that use this schema hear each other.
    channel: String,
    /// Taken while every connection of the pool is looked at, so that two who look never wait for each other.
    looking: tokio::sync::Mutex<()>,
}

impl Postgres {
    pub(crate) async fn open(url: &str, options: &Options) -> Result<Self, Error> {
        let connect = PgConnectOptions::from_str(url)
            .map_err(|_| Error::Unavailable("the address of the database is not a valid PostgreSQL URL".into()))?
            .application_name("pilothouse")
            .options(SESSION)
            .statement_cache_capacity(STATEMENT_CACHE)
            .disable_statement_logging();
        let mut first = tokio::time::timeout(WAITING_TIME, connect.connect())
            .await
            .map_err(|_| Error::Unavailable("the server does not answer".into()))??;
        let schema = check_server(&mut first).await?;
        migrate(&mut first).await?;
        first.close().await?;
        let pool = PgPoolOptions::new()
            .max_connections(options.postgres_connections.max(1))
            .acquire_timeout(WAITING_TIME)
            .after_connect(|connection, _| Box::pin(flush_on_commit(connection)))
            .test_before_acquire(false)
            .before_acquire(|connection, known| Box::pin(look_after(connection, known.idle_for)))
            .connect_with(connect)
            .await?;
        // A name has at most 63 bytes, of which a schema's may use all.
        let channel = format!("pilothouse_{}", schema.chars().take(40).collect::<String>());
        Ok(Self { pool, channel, looking: tokio::sync::Mutex::new(()) })
    }

    pub(crate) async fn write<T, F>(&self, work: F) -> Result<T, Error>
    where
        F: for<'t> FnOnce(&'t mut Tx<'_>) -> BoxFuture<'t, Result<T, Error>> + Send + 'static,
        T: Send + 'static,
    {
        let mut transaction = self.begin("BEGIN").await?;
        let result = run(work, Tx::postgres(&mut transaction)).await;
        match result {
            Ok(_) => transaction.commit().await?,
            // What cannot be rolled back because the connection is gone is rolled back by the server.
            Err(_) => transaction.rollback().await.unwrap_or_default(),
        }
        result
    }

    /// Without a transaction around it: `work` runs one statement.
    pub(crate) async fn write_one<T, F>(&self, work: F) -> Result<T, Error>
    where
        F: for<'t> FnOnce(&'t mut Tx<'_>) -> BoxFuture<'t, Result<T, Error>> + Send + 'static,
        T: Send + 'static,
    {
        let mut connection = self.pool.acquire().await?;
        run(work, Tx::postgres_once(&mut connection)).await
    }

    pub(crate) async fn read<T, F>(&self, work: F) -> Result<T, Error>
    where
        F: for<'t> FnOnce(&'t mut Tx<'_>) -> BoxFuture<'t, Result<T, Error>> + Send + 'static,
        T: Send + 'static,
    {
        let mut transaction = self.begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        let result = run(work, Tx::postgres(&mut transaction)).await;
        transaction.rollback().await?;
        result
    }

    /// Begins a transaction, in a task of its own: where one is given up while it begins, the library does not know of it, and
    /// whoever is given the connection next would go on in it.
    async fn begin(&self, statement: &'static str) -> Result<PgTransaction<'static>, Error> {
        let pool = self.pool.clone();
        let begun = tokio::spawn(async move { pool.begin_with(statement).await }).await;
        Ok(begun.map_err(|_| Error::Unavailable("the program is stopping".into()))??)
    }

    pub(crate) async fn now(&self) -> Result<Micros, Error> {
        let sql = "SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint AS now";
        let row = Tx::postgres(&mut *self.pool.acquire().await?).fetch_optional(sql, args![]).await?;
        row.ok_or_else(|| Error::unreadable("now"))?.int("now")
    }

    pub(crate) async fn hints(&self) -> Result<Hints, Error> {
        // A listener keeps its connection for ever, so that it has one of its own.
        let own = PgPoolOptions::new().max_connections(1).acquire_timeout(WAITING_TIME);
        let own =
            own.max_lifetime(None).idle_timeout(None).connect_with((*self.pool.connect_options()).clone()).await?;
        let mut listener = PgListener::connect_with(&own).await?;
        listener.listen(&self.channel).await?;
        Ok(Hints::heard_by(listener))
    }

    /// In a transaction of its own: inside another one it would make all commits wait for each other.
    pub(crate) async fn hint(&self, word: String) -> Result<(), Error> {
        let channel = self.channel.clone();
        self.write(|tx| {
            Box::pin(async move { tx.fetch_all("SELECT pg_notify($1, $2)", args![channel, word]).await.map(|_| ()) })
        })
        .await
    }

    /// The settings that decide whether a commit survives a power cut, read from every connection of the pool.
    pub(crate) async fn durability(&self) -> Result<Vec<(String, String)>, Error> {
        let _alone = self.looking.lock().await;
        let mut found = vec![("engine".to_owned(), "postgres".to_owned())];
        let mut held = Vec::new();
        for index in 0..self.pool.options().get_max_connections() {
            let mut connection = self.pool.acquire().await?;
            let read = settings(&mut connection).await?;
            found.extend(read.into_iter().map(|(name, value)| (format!("connection{index}.{name}"), value)));
            held.push(connection);
        }
        Ok(found)
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}

async fn run<T, F>(work: F, mut tx: Tx<'_>) -> Result<T, Error>
where
    F: for<'t> FnOnce(&'t mut Tx<'_>) -> BoxFuture<'t, Result<T, Error>>,
{
    let returned = tokio::time::timeout(UNIT_TIME, work(&mut tx))
        .await
        .unwrap_or_else(|_| Err(Error::Unavailable("a unit of work took too long".into())));
    settle(returned, &mut tx)
}

/// Looks whether a connection still stands that has lain idle: the library does so each time, which is a round trip more.
async fn look_after(connection: &mut PgConnection, idle: Duration) -> Result<bool, sqlx::Error> {
    if idle >= TRUSTED {
        connection.ping().await?;
    }
    Ok(true)
}

/// A server, database or role may have turned `synchronous_commit` off; our sessions turn it on again.
async fn flush_on_commit(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    connection
        .execute(
            "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
        )
        .await
        .map(|_| ())
}

/// Checks that the server is one that this program can use, and returns the schema that it uses.
async fn check_server(connection: &mut PgConnection) -> Result<String, Error> {
    let row = Tx::postgres(connection)
        .fetch_optional(
            "SELECT current_setting('server_version_num')::bigint AS version, current_setting('fsync') AS fsync,
                    COALESCE(current_schema()::text, '') AS schema",
            args![],
        )
        .await?
        .ok_or_else(|| Error::unreadable("server_version_num"))?;
    if row.int("version")? < OLDEST_SERVER {
        return Err(Error::Unavailable("the server is older than PostgreSQL 15".into()));
    }
    let schema = row.text("schema")?;
    if schema.is_empty() {
        return Err(Error::Unavailable("the schema of the search path does not exist".into()));
    }
    if row.text("fsync")? != "on" {
        tracing::warn!("the PostgreSQL server runs with fsync = off: a power cut can lose acknowledged work");
    }
    Ok(schema)
}

/// The lock belongs to the session, so the connection that takes it gives it back by closing, whatever happens.
async fn migrate(connection: &mut PgConnection) -> Result<(), Error> {
    flush_on_commit(connection).await?;
    connection.execute("SET statement_timeout = 0").await?;
    connection.execute("SET lock_timeout = 0").await?;
    tokio::time::timeout(UNIT_TIME * 2, connection.execute(MIGRATION_LOCK))
        .await
        .map_err(|_| Error::Unavailable("another process is still migrating the database".into()))??;
    let mut transaction = connection.begin().await?;
    migrations::apply(&mut Tx::postgres(&mut transaction)).await?;
    Ok(transaction.commit().await?)
}

async fn settings(connection: &mut PgConnection) -> Result<Vec<(&'static str, String)>, Error> {
    let row = Tx::postgres(connection)
        .fetch_optional(
            "SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS synchronous_commit,
                    current_setting('full_page_writes') AS full_page_writes",
            args![],
        )
        .await?
        .ok_or_else(|| Error::unreadable("settings"))?;
    ["fsync", "synchronous_commit", "full_page_writes"].into_iter().map(|name| Ok((name, row.text(name)?))).collect()
}
