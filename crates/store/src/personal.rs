//! What people have decided about columns that may hold personal data.

use pilothouse_domain::{ConnectionId, Micros, TenantId};

use crate::{Error, Row, Tx, args, connections};

/// A decision about one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
    /// Whether it holds personal data.
    pub is_personal: bool,
    /// When that was decided.
    pub reviewed_at: Micros,
    /// By whom.
    pub reviewed_by: String,
}

/// Stores a decision in place of the one before.
///
/// # Errors
/// [`Error::Missing`] where the tenant has no such connection.
pub async fn put(tx: &mut Tx<'_>, tenant: &TenantId, connection: ConnectionId, review: &Review) -> Result<(), Error> {
    if !connections::hold(tx, tenant, connection).await? {
        return Err(Error::Missing { what: "connection" });
    }
    tx.execute(
        "INSERT INTO personal_reviews
           (tenant, connection, table_name, column_name, is_personal, reviewed_at, reviewed_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (tenant, connection, table_name, column_name) DO UPDATE SET
           is_personal = excluded.is_personal, reviewed_at = excluded.reviewed_at, reviewed_by = excluded.reviewed_by",
        args![
            tenant,
            connection,
            review.table.as_str(),
            review.column.as_str(),
            i64::from(review.is_personal),
            review.reviewed_at,
            review.reviewed_by.as_str(),
        ],
    )
    .await?;
    Ok(())
}

/// Every decision about the connection's columns, by table and column.
pub async fn list(tx: &mut Tx<'_>, tenant: &TenantId, connection: ConnectionId) -> Result<Vec<Review>, Error> {
    let sql = "SELECT table_name, column_name, is_personal, reviewed_at, reviewed_by FROM personal_reviews
         WHERE tenant = $1 AND connection = $2 ORDER BY table_name, column_name";
    tx.fetch_all(sql, args![tenant, connection]).await?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Review, Error> {
    Ok(Review {
        table: row.text("table_name")?,
        column: row.text("column_name")?,
        is_personal: row.int("is_personal")? != 0,
        reviewed_at: row.int("reviewed_at")?,
        reviewed_by: row.text("reviewed_by")?,
    })
}
