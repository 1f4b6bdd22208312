//! Results that are kept: the same statement, asked by the same tenant, of the same data. What a caller may not see is not
//! in the statement that the guard printed, so that statement stands for the policy too.

use std::sync::Arc;

use pilothouse_domain::answer::ResultSet;
use pilothouse_domain::{ConnectionId, Micros, TenantId};
use pilothouse_warehouse::guard::CheckedQuery;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use serde_json::Value;

/// Bytes that a value takes in memory, besides its text.
const VALUE_BYTES: usize = 32;
/// Bytes of a kept result as it is expected, from which the number of places follows.
const EXPECTED_BYTES: u64 = 4 << 10;

/// Whose result it is, of what.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    tenant: TenantId,
    connection: ConnectionId,
    /// The version of the data.
    data: String,
    /// The statement's fingerprint, and the most rows kept of its result.
    statement: String,
    max_rows: usize,
}

impl Key {
    /// The key of what `query` returns from data of this version.
    pub fn of(
        tenant: &TenantId,
        connection: ConnectionId,
        data: String,
        query: &CheckedQuery,
        max_rows: usize,
    ) -> Self {
        let statement = query.fingerprint().to_owned();
        Self { tenant: tenant.clone(), connection, data, statement, max_rows }
    }
}

/// A result, and when it was computed.
#[derive(Debug)]
pub struct Kept {
    /// It.
    pub result: ResultSet,
    /// When.
    pub at: Micros,
}

/// The results that are kept, up to so many bytes; what is asked for least goes first.
pub struct Results {
    kept: Cache<Key, Arc<Kept>, Bytes>,
}

impl Results {
    /// Room for `bytes`; with none, nothing is kept.
    pub fn new(bytes: u64) -> Self {
        let places = (bytes / EXPECTED_BYTES) as usize;
        Self { kept: Cache::with_weighter(places, bytes, Bytes) }
    }

    /// Whether the result is there.
    pub fn has(&self, key: &Key) -> bool {
        self.kept.contains_key(key)
    }

    /// The kept result, or the one that `run` computes, and whether it was kept. Of many who ask for the same at once, one
    /// computes it; where that one fails or gives up, the next tries.
    pub async fn get_or_run<E>(
        &self,
        key: &Key,
        run: impl Future<Output = Result<Kept, E>>,
    ) -> Result<(Arc<Kept>, bool), E> {
        let mut computed = false;
        let computing = async {
            computed = true;
            Ok(Arc::new(run.await?))
        };
        let found = self.kept.get_or_insert_async(key, computing).await?;
        Ok((found, !computed))
    }

    /// Forgets what is kept of a connection.
    pub fn forget(&self, connection: ConnectionId) {
        self.kept.retain(|key, _| key.connection != connection);
    }
}

/// Weighs a result by the memory that it takes, roughly.
#[derive(Clone)]
struct Bytes;

impl Weighter<Key, Arc<Kept>> for Bytes {
    fn weight(&self, _: &Key, kept: &Arc<Kept>) -> u64 {
        let text = |value: &Value| value.as_str().map_or(0, str::len);
        let row = |row: &Vec<Value>| row.iter().map(|value| VALUE_BYTES + text(value)).sum::<usize>() + VALUE_BYTES;
        (size_of::<Kept>() + kept.result.rows.iter().map(row).sum::<usize>()) as u64
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn key(tenant: &str, statement: &str) -> Key {
        Key {
            tenant: tenant.parse().unwrap(),
            connection: crate::sources::SAMPLE,
            data: "1".to_owned(),
            statement: statement.to_owned(),
            max_rows: 10,
        }
    }

    fn of(text: &str) -> Kept {
        Kept { result: ResultSet { rows: vec![vec![Value::from(text)]], ..ResultSet::default() }, at: 7 }
    }

    async fn ask(results: &Results, key: &Key, text: &str) -> (Value, bool) {
        let (kept, was_kept) = results.get_or_run(key, async { Ok::<_, ()>(of(text)) }).await.unwrap();
        (kept.result.rows[0][0].clone(), was_kept)
    }

    #[tokio::test]
    async fn a_result_is_kept_for_its_tenant_and_statement_alone() {
        let results = Results::new(1 << 20);
        assert_eq!(ask(&results, &key("a", "x"), "first").await, ("first".into(), false));
        assert_eq!(ask(&results, &key("a", "x"), "second").await, ("first".into(), true));
        assert_eq!(ask(&results, &key("b", "x"), "theirs").await, ("theirs".into(), false));
        assert_eq!(ask(&results, &key("a", "y"), "other").await, ("other".into(), false));
        results.forget(crate::sources::SAMPLE);
        assert_eq!(ask(&results, &key("a", "x"), "anew").await, ("anew".into(), false));
    }

    #[tokio::test]
    async fn of_many_who_ask_at_once_one_computes() {
        let (results, key, runs) = (Results::new(1 << 20), key("a", "x"), AtomicUsize::new(0));
        let one = || {
            results.get_or_run(&key, async {
                runs.fetch_add(1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                Ok::<_, ()>(of("it"))
            })
        };
        let all = futures::future::join_all((0..50).map(|_| one())).await;
        assert!(all.iter().all(|found| found.as_ref().is_ok_and(|(kept, _)| kept.at == 7)));
        assert_eq!(runs.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_failure_is_nobody_elses() {
        let (results, key) = (Results::new(1 << 20), key("a", "x"));
        let failing = results.get_or_run(&key, async {
            tokio::task::yield_now().await;
            Err("it failed")
        });
        let (failed, found) = tokio::join!(failing, results.get_or_run(&key, async { Ok::<_, &str>(of("fine")) }));
        assert!(failed.is_err());
        assert!(found.is_ok_and(|(_, was_kept)| !was_kept));
    }

    #[tokio::test]
    async fn memory_is_bounded_and_none_means_nothing_is_kept() {
        let results = Results::new(100_000);
        for n in 0..1_000 {
            ask(&results, &key("a", &n.to_string()), &"long ".repeat(100)).await;
        }
        assert!(results.kept.weight() <= 100_000);
        let none = Results::new(0);
        ask(&none, &key("a", "x"), "first").await;
        assert_eq!(ask(&none, &key("a", "x"), "second").await, ("second".into(), false));
    }
}
