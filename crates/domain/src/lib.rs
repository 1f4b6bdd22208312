//! The words of Pilothouse as types: ids, roles, runs, schedules, catalogs, semantic models, hashes.
//!
//! Everything here is pure: no IO, no clock, no runtime, no database. Time, randomness and ids come in through the
//! [`Clock`] and [`Ids`] traits. Read first: [`Principal`] (who is calling), [`run::Status`] (what a run can do next)
//! and [`catalog::Catalog`] (what a connection holds).

pub mod action;
pub mod answer;
pub mod approval;
pub mod audit;
pub mod breaker;
pub mod canonical;
pub mod catalog;
pub mod clock;
pub mod code;
pub mod compare;
pub mod cost;
pub mod format;
pub mod ids;
pub mod ledger;
pub mod money;
pub mod personal;
pub mod price;
pub mod principal;
pub mod prompt;
pub mod run;
pub mod schedule;
pub mod semantic;
pub mod triage;

/// The target of the spans that are exported as OpenTelemetry traces. Their fields with a dot in the name (`http.route`)
/// are for tracing backends; those without (`request_id`) stand in every log line below the span.
pub const TRACE: &str = "trace";

pub use clock::{Clock, Ids, Micros};
pub use code::Code;
pub use ids::{
    ApprovalId, ChargeId, ConnectionId, DelegationId, FeedbackId, LimitId, PreviewId, RunId, ScheduleId, TenantId,
    TokenId,
};
pub use principal::{Principal, Role};
