//! The processes that use this database, each with its last sign of life.

use pilothouse_domain::Micros;

use crate::{Error, Row, Tx, args};

/// A process of this installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Fresh at each start.
    pub id: String,
    /// When it started.
    pub started_at: Micros,
    /// Its last sign of life.
    pub beat_at: Micros,
    /// The id of the encryption key that it uses; all nodes must agree.
    pub key_id: String,
    /// The program's version.
    pub version: String,
}

/// Stores the node's sign of life. What was stored of the node before is replaced.
pub async fn beat(tx: &mut Tx<'_>, node: &Node) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO nodes (id, started_at, beat_at, key_id, version) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (id) DO UPDATE SET started_at = excluded.started_at, beat_at = excluded.beat_at,
           key_id = excluded.key_id, version = excluded.version",
        args![&node.id, node.started_at, node.beat_at, &node.key_id, &node.version],
    )
    .await?;
    Ok(())
}

/// Every node that ever gave a sign of life, the liveliest first.
pub async fn list(tx: &mut Tx<'_>) -> Result<Vec<Node>, Error> {
    let sql = "SELECT id, started_at, beat_at, key_id, version FROM nodes ORDER BY beat_at DESC, id";
    tx.fetch_all(sql, args![]).await?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Node, Error> {
    Ok(Node {
        id: row.text("id")?,
        started_at: row.int("started_at")?,
        beat_at: row.int("beat_at")?,
        key_id: row.text("key_id")?,
        version: row.text("version")?,
    })
}
