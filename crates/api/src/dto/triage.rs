//! Reports on failures, as the data platform copilot's clients know them.

use pilothouse_app::triage::{Found, Report};
use pilothouse_domain::clock::rfc3339;
use pilothouse_store::triages::Triage;
use serde::Serialize;
use utoipa::ToSchema;

/// What is made of a failure.
#[derive(Serialize, ToSchema)]
pub struct ReportDto {
    /// `OOM`, `network_timeout`, `data_corruption`, `policy_violation`, `quota_exceeded`, `database`, `schema_drift`, `code`
    /// or `unknown`.
    pub root_cause_class: &'static str,
    /// How sure that is, from 0 to 1.
    pub confidence: f64,
    /// What is going on.
    pub human_summary: String,
    /// What to do.
    pub recommended_action: String,
    /// `low`, `medium` or `high`.
    pub recurrence_risk: &'static str,
    /// Our word for the cause: `database`, `network`, `memory`, `quota`, `permission`, `schema_drift`, `data_quality`, `code`
    /// or `unknown`.
    pub cause: &'static str,
    /// Who says so: `heuristic` or `model`.
    pub source: &'static str,
    /// The version of what the model was told, as `name@hash`; null where none was asked.
    #[schema(required)]
    pub prompt: Option<String>,
}

/// A failure and what is made of it.
#[derive(Serialize, ToSchema)]
pub struct TriageDto {
    /// What failed.
    pub job_name: String,
    /// Which build of it.
    pub build_id: String,
    /// The tenant that remembers it.
    pub tenant: String,
    /// Its id in the tenant's memory.
    pub id: String,
    /// What is made of it.
    pub report: ReportDto,
}

impl TriageDto {
    /// That of a tenant.
    pub fn of(triage: Triage, report: Report, tenant: String) -> Self {
        let Report { cause, confidence, summary, advice, recurrence, source, prompt } = report;
        Self {
            job_name: triage.job,
            build_id: triage.build,
            tenant,
            id: triage.id,
            report: ReportDto {
                root_cause_class: cause.original(),
                confidence,
                human_summary: summary,
                recommended_action: advice,
                recurrence_risk: recurrence.as_str(),
                cause: cause.as_str(),
                source,
                prompt,
            },
        }
    }
}

/// What is known of a remembered failure.
#[derive(Serialize, ToSchema)]
pub struct FailureMetadataDto {
    /// What failed.
    pub job_name: String,
    /// Which build of it.
    pub build_id: String,
    /// Why, as in a report.
    pub root_cause_class: &'static str,
    /// Our word for the cause.
    pub cause: &'static str,
    /// How likely it happens again.
    pub recurrence_risk: &'static str,
    /// How sure that is.
    pub confidence: f64,
    /// What is going on.
    pub human_summary: String,
    /// What to do.
    pub recommended_action: String,
    /// The step that failed; may be empty.
    pub step: String,
    /// When it was looked at.
    pub created_at: String,
    /// What mended it; null where that is not known.
    #[schema(required)]
    pub fixed_by: Option<String>,
}

/// A remembered failure.
#[derive(Serialize, ToSchema)]
pub struct FailureDto {
    /// Its id.
    pub id: String,
    /// What was printed.
    pub text: String,
    /// What is known of it.
    pub metadata: FailureMetadataDto,
    /// How much it is like what was asked for: 1 where it is the job's own.
    pub score: f64,
}

/// What a tenant remembers of a job's failures.
#[derive(Serialize, ToSchema)]
pub struct FailuresDto {
    /// The job.
    pub job_name: String,
    /// The tenant.
    pub tenant: String,
    /// Its failures, the newest first, and after them those that are like the last one.
    pub reports: Vec<FailureDto>,
}

impl From<Found> for FailureDto {
    fn from(Found { triage, score }: Found) -> Self {
        Self {
            id: triage.id,
            text: triage.text,
            metadata: FailureMetadataDto {
                job_name: triage.job,
                build_id: triage.build,
                root_cause_class: triage.cause.original(),
                cause: triage.cause.as_str(),
                recurrence_risk: triage.recurrence.as_str(),
                confidence: f64::from(triage.confidence) / 1_000.0,
                human_summary: triage.summary,
                recommended_action: triage.advice,
                step: triage.step,
                created_at: rfc3339(triage.created_at),
                fixed_by: triage.fixed.map(|(by, ..)| by),
            },
            score,
        }
    }
}

impl FailuresDto {
    /// Those that were found.
    pub fn of(job_name: String, tenant: String, found: Vec<Found>) -> Self {
        Self { job_name, tenant, reports: found.into_iter().map(FailureDto::from).collect() }
    }
}
