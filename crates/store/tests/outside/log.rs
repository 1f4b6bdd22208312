//! The write-ahead log, which begins anew while somebody goes on writing.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::time::{Duration, Instant};

use pilothouse_domain::TenantId;
use pilothouse_store::{Location, Options, Store, tenants};

/// Bytes of one row.
const ROW_BYTES: usize = 1 << 20;
/// Rows that are more than the log may hold,
const ROWS: usize = 50;
/// and those that it holds at least when it begins anew, which may be before all of them are written.
const BROUGHT_BACK: usize = 35;
/// Longest wait for the log to begin anew, while small rows are written.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often the log has begun anew: bytes 12 to 16 of its header (sqlite.org/fileformat2.html).
fn beginnings(log: &Path) -> u32 {
    let mut header = [0; 16];
    File::open(log).unwrap().read_exact(&mut header).unwrap();
    u32::from_be_bytes(header[12..].try_into().unwrap())
}

async fn add(store: &Store, number: usize, bytes: usize) {
    let id: TenantId = format!("t{number}").parse().unwrap();
    let name = "n".repeat(bytes);
    store.write(move |tx| Box::pin(async move { tenants::ensure(tx, &id, &name, 1).await })).await.unwrap();
}

#[tokio::test]
async fn a_long_log_begins_anew_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pilothouse.db");
    let log = folder.path().join("pilothouse.db-wal");
    let location = Location::Sqlite { path: path.clone() };
    let store = Store::open(&location, &Options::default()).await.unwrap();
    let first = beginnings(&log);
    for number in 0..ROWS {
        add(&store, number, ROW_BYTES).await;
    }
    let (began, mut count) = (Instant::now(), ROWS);
    while beginnings(&log) == first {
        assert!(began.elapsed() < PATIENCE, "the log only gets longer: {} bytes", log.metadata().unwrap().len());
        add(&store, count, 1).await;
        count += 1;
    }
    let bytes = path.metadata().unwrap().len();
    assert!(bytes > (BROUGHT_BACK * ROW_BYTES) as u64, "what the log held is in the database: {bytes} bytes");
    store.close().await;
    let store = Store::open(&location, &Options::default()).await.unwrap();
    let found = store.read(|tx| Box::pin(tenants::list(tx))).await.unwrap();
    assert_eq!(found.len(), count);
    assert!(found.iter().all(|tenant| tenant.name.len() == ROW_BYTES || tenant.name.len() == 1));
    store.close().await;
}
