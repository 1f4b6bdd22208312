//! The database's versions: append-only scripts, embedded in the program and applied at start by whoever holds the
//! engine's lock. A script that was applied once never changes; its checksum says so.

use pilothouse_domain::canonical::sha256;

use crate::{Error, Tx, args};

struct Migration {
    version: i64,
    name: &'static str,
    script: &'static str,
}

const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, name: "foundation", script: include_str!("../migrations/0001_foundation.sql") },
    Migration { version: 2, name: "object stores", script: include_str!("../migrations/0002_object_stores.sql") },
    Migration { version: 3, name: "engine", script: include_str!("../migrations/0003_engine.sql") },
    Migration { version: 4, name: "signal keys", script: include_str!("../migrations/0004_signal_keys.sql") },
    Migration { version: 5, name: "ends", script: include_str!("../migrations/0005_ends.sql") },
    Migration { version: 6, name: "run ids", script: include_str!("../migrations/0006_run_ids.sql") },
    Migration { version: 7, name: "reads", script: include_str!("../migrations/0007_reads.sql") },
    Migration { version: 8, name: "personal", script: include_str!("../migrations/0008_personal.sql") },
    Migration { version: 9, name: "documents", script: include_str!("../migrations/0009_documents.sql") },
    Migration { version: 10, name: "feedback", script: include_str!("../migrations/0010_feedback.sql") },
    Migration { version: 11, name: "costs", script: include_str!("../migrations/0011_costs.sql") },
    Migration { version: 12, name: "proposals", script: include_str!("../migrations/0012_proposals.sql") },
    Migration { version: 13, name: "approvals", script: include_str!("../migrations/0013_approvals.sql") },
    Migration { version: 14, name: "rules", script: include_str!("../migrations/0014_rules.sql") },
    Migration { version: 15, name: "ledger", script: include_str!("../migrations/0015_ledger.sql") },
    Migration { version: 16, name: "gateway", script: include_str!("../migrations/0016_gateway.sql") },
    Migration { version: 17, name: "prompts", script: include_str!("../migrations/0017_prompts.sql") },
    Migration { version: 18, name: "triage", script: include_str!("../migrations/0018_triage.sql") },
    Migration { version: 19, name: "spending alerts", script: include_str!("../migrations/0019_spending_alerts.sql") },
    Migration { version: 20, name: "charges", script: include_str!("../migrations/0020_charges.sql") },
];

/// What SQLite writes differently: the strict types catch there what PostgreSQL always catches, and text compares by
/// bytes there anyway.
const SQLITE_WORDS: &[(&str, &str)] = &[
    (" BIGINT", " INTEGER"),
    (" BYTEA", " BLOB"),
    ("CAST(substr(", "unhex(substr("),
    (" AS UUID)", ")"),
    (" UUID", " BLOB"),
    ("to_timestamp(at / 1000000.0)", "datetime(at / 1000000, 'unixepoch')"),
    (" COLLATE \"C\"", ""),
    ("/* STRICT */", "STRICT"),
    ("/* STRICT, WITHOUT ROWID */", "STRICT, WITHOUT ROWID"),
];

/// The version that this program brings a database to.
pub(crate) fn known_version() -> i64 {
    MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0)
}

/// Brings the database to [`known_version`], in the transaction of `tx`. The caller holds the engine's migration lock.
pub(crate) async fn apply(tx: &mut Tx<'_>) -> Result<(), Error> {
    tx.execute(
        "CREATE TABLE IF NOT EXISTS schema_migrations
           (version BIGINT PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL)",
        args![],
    )
    .await?;
    let applied = tx.fetch_all("SELECT version, checksum FROM schema_migrations ORDER BY version", args![]).await?;
    for row in &applied {
        check(row.int("version")?, &row.text("checksum")?)?;
    }
    for migration in &MIGRATIONS[applied.len().min(MIGRATIONS.len())..] {
        let script = if tx.is_sqlite() { for_sqlite(migration.script) } else { migration.script.to_owned() };
        tx.script(script).await?;
        tx.execute(
            "INSERT INTO schema_migrations (version, name, checksum) VALUES ($1, $2, $3)",
            args![migration.version, migration.name, checksum(migration.script)],
        )
        .await?;
        tracing::info!(version = migration.version, name = migration.name, "the database was migrated");
    }
    Ok(())
}

fn check(found: i64, applied_checksum: &str) -> Result<(), Error> {
    let known = known_version();
    if found > known {
        return Err(Error::Newer { found, known });
    }
    match MIGRATIONS.iter().find(|migration| migration.version == found) {
        Some(migration) if checksum(migration.script) == applied_checksum => Ok(()),
        _ => Err(Error::Corrupt(format!("migration {found} is not the one that this program knows"))),
    }
}

/// `script` in SQLite's words.
fn for_sqlite(script: &str) -> String {
    SQLITE_WORDS.iter().fold(script.to_owned(), |text, (theirs, ours)| text.replace(theirs, ours))
}

fn checksum(script: &str) -> String {
    use std::fmt::Write as _;
    sha256(script.as_bytes()).iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_count_from_one_without_gaps() {
        for (index, migration) in MIGRATIONS.iter().enumerate() {
            assert_eq!(migration.version, index as i64 + 1);
        }
    }

    #[test]
    fn an_applied_migration_must_be_the_known_one() {
        let known = known_version();
        assert_eq!(check(1, &checksum(MIGRATIONS[0].script)), Ok(()));
        assert!(matches!(check(1, "0"), Err(Error::Corrupt(_))));
        assert!(matches!(check(0, "0"), Err(Error::Corrupt(_))));
        assert_eq!(check(known + 1, "0"), Err(Error::Newer { found: known + 1, known }));
    }

    #[test]
    fn sqlite_gets_none_of_the_others_words() {
        for migration in MIGRATIONS {
            let script = for_sqlite(migration.script);
            let statements: String = script.lines().filter(|line| !line.starts_with("--")).collect();
            for word in ["BIGINT", "BYTEA", "UUID", "COLLATE", "/*"] {
                assert!(!statements.contains(word), "{word} in {}", migration.name);
            }
        }
    }
}
