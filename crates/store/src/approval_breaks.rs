//! Approvals that one person gave alone in an emergency, and what somebody else thought of it afterwards.

use pilothouse_domain::{ApprovalId, Micros, TenantId};

use crate::{Error, Row, Tx, args};

/// One such approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Break {
    /// Which.
    pub approval: ApprovalId,
    /// Who gave it.
    pub by: String,
    /// Why, in their words.
    pub because: String,
    /// When.
    pub at: Micros,
    /// What was thought of it afterwards; none as long as nobody has looked.
    pub review: Option<Review>,
}

/// What somebody thought of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// Who.
    pub by: String,
    /// When.
    pub at: Micros,
    /// Whether it was right.
    pub justified: bool,
    /// Why, in their words.
    pub words: String,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT approval, broken_by, because, at, reviewed_by, reviewed_at, justified, words
             FROM approval_breaks WHERE tenant = $1 ",
            $rest
        )
    };
}

/// Keeps one that was just given.
pub async fn insert(tx: &mut Tx<'_>, tenant: &TenantId, new: &Break) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO approval_breaks (tenant, approval, broken_by, because, at) VALUES ($1, $2, $3, $4, $5)",
        args![tenant, new.approval, new.by.as_str(), new.because.as_str(), new.at],
    )
    .await?;
    Ok(())
}

/// That of one approval.
pub async fn get(tx: &mut Tx<'_>, tenant: &TenantId, id: ApprovalId) -> Result<Option<Break>, Error> {
    tx.fetch_optional(select!("AND approval = $2"), args![tenant, id]).await?.as_ref().map(read).transpose()
}

/// Those that nobody has looked at, the oldest first, up to `limit`.
pub async fn unreviewed(tx: &mut Tx<'_>, tenant: &TenantId, limit: u32) -> Result<Vec<Break>, Error> {
    let sql = select!("AND reviewed_by IS NULL ORDER BY at, approval LIMIT $2 + 0");
    tx.fetch_all(sql, args![tenant, limit]).await?.iter().map(read).collect()
}

/// Keeps what somebody thought of one; false where somebody has before.
pub async fn review(tx: &mut Tx<'_>, tenant: &TenantId, id: ApprovalId, review: &Review) -> Result<bool, Error> {
    let sql = "UPDATE approval_breaks SET reviewed_by = $3, reviewed_at = $4, justified = $5, words = $6
         WHERE tenant = $1 AND approval = $2 AND reviewed_by IS NULL";
    let Review { by, at, justified, words } = review;
    Ok(tx.execute(sql, args![tenant, id, by.as_str(), *at, *justified, words.as_str()]).await? == 1)
}

fn read(row: &Row) -> Result<Break, Error> {
    let review = match row.optional_text("reviewed_by")? {
        None => None,
        Some(by) => Some(Review {
            by,
            at: row.int("reviewed_at")?,
            justified: row.flag("justified")?,
            words: row.text("words")?,
        }),
    };
    Ok(Break {
        approval: row.parsed("approval")?,
        by: row.text("broken_by")?,
        because: row.text("because")?,
        at: row.int("at")?,
        review,
    })
}
