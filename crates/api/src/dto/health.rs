//! The bodies of the health routes.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

/// That the process answers.
#[derive(Serialize, ToSchema)]
pub struct HealthDto {
    /// Always `ok`.
    pub status: &'static str,
    /// The installation's name.
    pub app: String,
    /// The program.
    pub service: &'static str,
    /// Its version.
    pub version: &'static str,
    /// `development` or `production`.
    pub environment: String,
}

/// Whether every part that requests need works.
#[derive(Serialize, ToSchema)]
pub struct ReadyDto {
    /// Whether all of them do.
    pub ok: bool,
    /// The same.
    pub ready: bool,
    /// Part by part.
    pub checks: BTreeMap<String, CheckDto>,
}

/// Whether one part works.
#[derive(Serialize, ToSchema)]
pub struct CheckDto {
    /// Whether it does.
    pub ok: bool,
    /// `connected` or `error`.
    pub status: &'static str,
    /// Why it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// That the process answers, as the data platform copilot's clients read it.
#[derive(Serialize, ToSchema)]
pub struct LiveDto {
    /// Always `alive`.
    pub status: &'static str,
}

/// Whether the program can work, as the data platform copilot's clients read it.
#[derive(Serialize, ToSchema)]
pub struct VersionedReadyDto {
    /// `ready` or `not_ready`.
    pub status: &'static str,
    /// Why it cannot; absent where it can.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
}

/// Whether a tenant can be served.
#[derive(Serialize, ToSchema)]
pub struct TenantHealthDto {
    /// The tenant's id.
    pub tenant: String,
    /// Always `ok`.
    pub status: &'static str,
    /// Always `tenant_health`.
    pub kind: &'static str,
}

/// What decides whether the installation's records are safe.
#[derive(Serialize, ToSchema)]
pub struct InstallationDto {
    /// The database's settings that decide whether an acknowledged write survives a power cut, and its `engine`.
    pub durability: Vec<SettingDto>,
    /// The ids of the keys that its processes seal credentials with; more than one is a fault.
    pub key_ids: Vec<String>,
}

/// A setting as the database itself reports it.
#[derive(Serialize, ToSchema)]
pub struct SettingDto {
    /// Its name after the connection that was asked, for instance `writer.synchronous`.
    pub name: String,
    /// Its value.
    pub value: String,
}
