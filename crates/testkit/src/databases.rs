//! The same tests on both control-plane databases.

/// Runs each test once per database, on a store of its own: `on_both_databases! { module::test, … }`, where a test is
/// an `async fn(&Store)`. It stands beside a module with `support::sqlite() -> (Store, TempDir)` and
/// `support::postgres(name) -> Store`, and the store has `close`.
#[macro_export]
macro_rules! on_both_databases {
    ($($module:ident :: $test:ident,)*) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                let (store, folder) = super::support::sqlite().await;
                super::$module::$test(&store).await;
                store.close().await;
                drop(folder);
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                let store = super::support::postgres(stringify!($module)).await;
                super::$module::$test(&store).await;
                store.close().await;
            })*
        }
    };
}
