//! What models are told to do: versions that never change, and which of them are in force as what, since when and why.

use pilothouse_domain::Micros;
use pilothouse_domain::prompt::{Label, Prompt};

use crate::{Error, Row, Tx, args};

/// Whose prompts those are that come with the program or from the installation's file.
pub const INSTALLATION: &str = "";

/// A version as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// It.
    pub prompt: Prompt,
    /// The name of the version.
    pub hash: String,
    /// Where it comes from: `built_in`, `file` or `tenant`.
    pub source: String,
    /// When it was first seen.
    pub created_at: Micros,
    /// Who wrote it.
    pub created_by: String,
}

/// That a label was moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// Of which prompt.
    pub name: String,
    /// Which.
    pub label: Label,
    /// To which version; none where it was taken away.
    pub hash: Option<String>,
    /// For how many in a hundred.
    pub percent: u32,
    /// When.
    pub at: Micros,
    /// By whom.
    pub by: String,
    /// Why.
    pub because: String,
}

/// Keeps a version; one that is there already stays.
pub async fn add(tx: &mut Tx<'_>, owner: &str, new: &Version) -> Result<(), Error> {
    let Prompt { name, version, text } = &new.prompt;
    tx.execute(
        "INSERT INTO prompts (tenant, name, hash, version, text, source, created_at, created_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (tenant, name, hash) DO NOTHING",
        args![
            owner,
            name.as_str(),
            new.hash.as_str(),
            version.as_str(),
            text.as_str(),
            new.source.as_str(),
            new.created_at,
            new.created_by.as_str(),
        ],
    )
    .await?;
    Ok(())
}

/// The versions of a prompt, the newest first, up to `limit`.
pub async fn versions(tx: &mut Tx<'_>, owner: &str, name: &str, limit: u32) -> Result<Vec<Version>, Error> {
    let sql = "SELECT name, hash, version, text, source, created_at, created_by FROM prompts
         WHERE tenant = $1 AND name = $2 ORDER BY created_at DESC, hash LIMIT $3 + 0";
    tx.fetch_all(sql, args![owner, name, limit]).await?.iter().map(version).collect()
}

/// A version by its name.
pub async fn get(tx: &mut Tx<'_>, owner: &str, name: &str, hash: &str) -> Result<Option<Version>, Error> {
    let sql = "SELECT name, hash, version, text, source, created_at, created_by FROM prompts
         WHERE tenant = $1 AND name = $2 AND hash = $3";
    tx.fetch_optional(sql, args![owner, name, hash]).await?.as_ref().map(version).transpose()
}

/// The names of prompts of which there is a version.
pub async fn names(tx: &mut Tx<'_>, owner: &str) -> Result<Vec<String>, Error> {
    let rows = tx.fetch_all("SELECT DISTINCT name FROM prompts WHERE tenant = $1 ORDER BY name", args![owner]).await?;
    rows.iter().map(|row| row.text("name")).collect()
}

/// Where all labels stand, with when, by whom and why; those that were taken away are left out.
pub async fn standing(tx: &mut Tx<'_>, owner: &str) -> Result<Vec<Move>, Error> {
    let sql = "SELECT name, label, hash, percent, at, moved_by, because FROM prompt_labels AS own WHERE tenant = $1
           AND hash IS NOT NULL AND number = (SELECT MAX(number) FROM prompt_labels AS newer
             WHERE newer.tenant = $1 AND newer.name = own.name AND newer.label = own.label)
         ORDER BY name, label";
    tx.fetch_all(sql, args![owner]).await?.iter().map(moved).collect()
}

/// How the labels of a prompt were moved, the newest first, up to `limit`.
pub async fn history(tx: &mut Tx<'_>, owner: &str, name: &str, limit: u32) -> Result<Vec<Move>, Error> {
    let sql =
        "SELECT name, label, hash, percent, at, moved_by, because FROM prompt_labels WHERE tenant = $1 AND name = $2
         ORDER BY at DESC, number DESC LIMIT $3 + 0";
    tx.fetch_all(sql, args![owner, name, limit]).await?.iter().map(moved).collect()
}

/// Moves a label, if it stands where `from` says.
///
/// # Errors
/// [`Error::Conflict`] where somebody else has moved it since.
pub async fn put(tx: &mut Tx<'_>, owner: &str, from: Option<&str>, new: &Move) -> Result<(), Error> {
    let (name, label) = (new.name.as_str(), new.label.as_str());
    let sql = "SELECT number, hash FROM prompt_labels WHERE tenant = $1 AND name = $2 AND label = $3
         ORDER BY number DESC LIMIT 1";
    let last = tx.fetch_optional(sql, args![owner, name, label]).await?;
    let number = last.as_ref().map_or(Ok(0), |row| row.int("number"))?;
    let stands = last.map_or(Ok(None), |row| row.optional_text("hash"))?;
    if stands.as_deref() != from {
        return Err(Error::Conflict { what: "label" });
    }
    // Of two who move it at once the second finds the number taken.
    let put = tx
        .execute(
            "INSERT INTO prompt_labels (tenant, name, label, number, hash, percent, at, moved_by, because)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
            args![
                owner,
                name,
                label,
                number + 1,
                new.hash.as_deref(),
                new.percent,
                new.at,
                new.by.as_str(),
                new.because.as_str(),
            ],
        )
        .await?;
    if put == 1 { Ok(()) } else { Err(Error::Conflict { what: "label" }) }
}

fn version(row: &Row) -> Result<Version, Error> {
    Ok(Version {
        prompt: Prompt { name: row.text("name")?, version: row.text("version")?, text: row.text("text")? },
        hash: row.text("hash")?,
        source: row.text("source")?,
        created_at: row.int("created_at")?,
        created_by: row.text("created_by")?,
    })
}

fn moved(row: &Row) -> Result<Move, Error> {
    let percent = u32::try_from(row.int("percent")?).map_err(|_| Error::unreadable("percent"))?;
    Ok(Move {
        name: row.text("name")?,
        label: Label::parse(&row.text("label")?).ok_or_else(|| Error::unreadable("label"))?,
        hash: row.optional_text("hash")?,
        percent,
        at: row.int("at")?,
        by: row.text("moved_by")?,
        because: row.text("because")?,
    })
}
