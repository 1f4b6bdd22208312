//! Tenants, tokens and the audit log.

use pilothouse_domain::clock::rfc3339;
use pilothouse_store::audit::{Record, ScopeReport};
use pilothouse_store::tenants::Tenant;
use pilothouse_store::tokens::Token;
use serde::Serialize;
use utoipa::ToSchema;

use super::time;

/// A tenant.
#[derive(Serialize, ToSchema)]
pub struct TenantDto {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// When it was made.
    pub created_at: String,
}

impl From<Tenant> for TenantDto {
    fn from(tenant: Tenant) -> Self {
        Self { id: tenant.id.to_string(), name: tenant.name, created_at: rfc3339(tenant.created_at) }
    }
}

/// An API token, without its secret.
#[derive(Serialize, ToSchema)]
pub struct TokenDto {
    /// Its id.
    pub id: String,
    /// The part of it that is not secret, to recognise it by.
    pub public_id: String,
    /// Whom it belongs to.
    pub subject: String,
    /// What it may do.
    pub role: String,
    /// Where.
    pub tenant: String,
    /// When it was made.
    pub created_at: String,
    /// When it stops working.
    pub expires_at: Option<String>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<String>,
    /// When it was revoked.
    pub revoked_at: Option<String>,
}

impl From<Token> for TokenDto {
    fn from(token: Token) -> Self {
        Self {
            id: token.id.to_string(),
            public_id: token.public_id,
            subject: token.subject,
            role: token.role.to_string(),
            tenant: token.tenant.to_string(),
            created_at: rfc3339(token.created_at),
            expires_at: time(token.expires_at),
            last_used_at: time(token.last_used_at),
            revoked_at: time(token.revoked_at),
        }
    }
}

/// A new token, with its secret; it is shown here and never again.
#[derive(Serialize, ToSchema)]
pub struct NewTokenDto {
    /// The whole token.
    pub token: String,
    /// Everything about it that is kept.
    #[serde(flatten)]
    pub about: TokenDto,
}

/// A row of the audit log.
#[derive(Serialize, ToSchema)]
pub struct AuditDto {
    /// Its place in the tenant's chain.
    pub seq: i64,
    /// When.
    pub at: String,
    /// Who.
    pub subject: String,
    /// What.
    pub action: String,
    /// To what.
    pub resource: String,
    /// `allowed`, `refused` or `failed`.
    pub outcome: String,
    /// Why, where it was refused or failed.
    pub code: Option<String>,
    /// The request that asked for it.
    pub request_id: String,
    /// The SHA-256 of what was asked, in hexadecimal.
    pub payload_hash: String,
}

impl From<Record> for AuditDto {
    fn from(row: Record) -> Self {
        let entry = row.entry;
        Self {
            seq: row.seq,
            at: rfc3339(entry.at),
            subject: entry.subject,
            action: entry.action,
            resource: entry.resource,
            outcome: entry.outcome.as_str().to_owned(),
            code: Some(entry.code).filter(|code| !code.is_empty()),
            request_id: entry.request_id,
            payload_hash: entry.payload_hash,
        }
    }
}

/// What the proof of the audit chains found.
#[derive(Serialize, ToSchema)]
pub struct AuditProofDto {
    /// Whether every chain is whole.
    pub whole: bool,
    /// Chain by chain.
    pub chains: Vec<ChainDto>,
}

/// What the proof of one chain found.
#[derive(Serialize, ToSchema)]
pub struct ChainDto {
    /// The tenant's id, or that of the installation's own chain.
    pub scope: String,
    /// Sound rows before the break, or in all.
    pub rows: i64,
    /// The first row that is changed, missing or too many; null where the chain is whole.
    #[schema(required)]
    pub broken_at: Option<i64>,
}

impl From<Vec<ScopeReport>> for AuditProofDto {
    fn from(reports: Vec<ScopeReport>) -> Self {
        let whole = reports.iter().all(|report| report.broken_at.is_none());
        let chains = reports.into_iter().map(|report| ChainDto {
            scope: report.scope,
            rows: report.rows,
            broken_at: report.broken_at,
        });
        Self { whole, chains: chains.collect() }
    }
}
