//! Prompts: what is in force, versions, and how labels were moved.

use pilothouse_app::prompts::{Listed, Listing, Shown};
use pilothouse_domain::clock::rfc3339;
use pilothouse_store::prompts::{Move, Version};
use serde::Serialize;
use utoipa::ToSchema;

/// A version of a prompt, which never changes.
#[derive(Serialize, ToSchema)]
pub struct PromptVersionDto {
    /// Of which prompt.
    pub name: String,
    /// The name of the version.
    pub hash: String,
    /// As its author calls it; may be empty.
    pub version: String,
    /// What the model is told.
    pub template: String,
    /// Where it comes from: `built_in`, `file` or `tenant`.
    pub source: String,
    /// When it was first seen.
    pub created_at: String,
    /// Who wrote it; null where nobody of the tenant did.
    #[schema(required)]
    pub created_by: Option<String>,
}

impl From<Version> for PromptVersionDto {
    fn from(version: Version) -> Self {
        Self {
            name: version.prompt.name,
            hash: version.hash,
            version: version.prompt.version,
            template: version.prompt.text,
            source: version.source,
            created_at: rfc3339(version.created_at),
            created_by: Some(version.created_by).filter(|by| !by.is_empty()),
        }
    }
}

/// That a label was moved.
#[derive(Serialize, ToSchema)]
pub struct PromptMoveDto {
    /// `production` or `canary`.
    pub label: &'static str,
    /// To which version; null where it was taken away.
    #[schema(required)]
    pub hash: Option<String>,
    /// For how many in a hundred.
    pub percent: u32,
    /// When.
    pub at: String,
    /// By whom.
    pub by: String,
    /// Why.
    pub because: String,
}

impl From<Move> for PromptMoveDto {
    fn from(moved: Move) -> Self {
        let Move { label, hash, percent, at, by, because, .. } = moved;
        Self { label: label.as_str(), hash, percent, at: rfc3339(at), by, because }
    }
}

/// A prompt and what is in force.
#[derive(Serialize, ToSchema)]
pub struct PromptDto {
    /// Its name.
    pub name: String,
    /// The version for everybody.
    pub in_force: PromptVersionDto,
    /// Where the tenant's own labels stand; without any, what the installation says holds.
    pub labels: Vec<PromptMoveDto>,
}

impl From<Listed> for PromptDto {
    fn from(Listed { name, in_force, labels }: Listed) -> Self {
        Self { name, in_force: in_force.into(), labels: labels.into_iter().map(PromptMoveDto::from).collect() }
    }
}

/// The installation's file of prompts.
#[derive(Serialize, ToSchema)]
pub struct PromptFileDto {
    /// Where it is.
    pub path: String,
    /// What is wrong with it, where what it said before stays in force; null where it holds.
    #[schema(required)]
    pub fault: Option<String>,
    /// In which line; null where it is the whole.
    #[schema(required)]
    pub line: Option<u64>,
}

/// The prompts that there are.
#[derive(Serialize, ToSchema)]
pub struct PromptsDto {
    /// They, by their names.
    pub items: Vec<PromptDto>,
    /// The installation's file; null where there is none.
    #[schema(required)]
    pub file: Option<PromptFileDto>,
}

impl From<Listing> for PromptsDto {
    fn from(Listing { items, file }: Listing) -> Self {
        let file = file.map(|(path, fault)| PromptFileDto {
            path,
            line: fault.as_ref().map(|fault| fault.line).filter(|line| *line > 0),
            fault: fault.map(|fault| fault.reason),
        });
        Self { items: items.into_iter().map(PromptDto::from).collect(), file }
    }
}

/// A prompt, whole.
#[derive(Serialize, ToSchema)]
pub struct PromptDetailDto {
    /// Its name.
    pub name: String,
    /// The version for everybody.
    pub in_force: PromptVersionDto,
    /// Where the tenant's own labels stand.
    pub labels: Vec<PromptMoveDto>,
    /// Its versions, the newest first.
    pub versions: Vec<PromptVersionDto>,
    /// How its labels were moved, the newest first; the file of prompts moves the installation's.
    pub history: Vec<PromptMoveDto>,
}

impl From<Shown> for PromptDetailDto {
    fn from(Shown { listed, versions, history }: Shown) -> Self {
        let PromptDto { name, in_force, labels } = listed.into();
        Self {
            name,
            in_force,
            labels,
            versions: versions.into_iter().map(PromptVersionDto::from).collect(),
            history: history.into_iter().map(PromptMoveDto::from).collect(),
        }
    }
}
