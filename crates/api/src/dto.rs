//! What goes over the wire: the shapes of answers, and how ours become them. Times are RFC 3339 in UTC.

use pilothouse_domain::Micros;
use pilothouse_domain::clock::rfc3339;
use pilothouse_store::audit::Record;
use pilothouse_store::connections::Connection;
use pilothouse_store::runs::Run;
use pilothouse_store::steps::Step;
use pilothouse_store::tenants::Tenant;
use pilothouse_store::tokens::Token;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A list that is complete.
#[derive(Serialize, ToSchema)]
pub struct List<T> {
    /// The things.
    pub items: Vec<T>,
}

/// One page of a list.
#[derive(Serialize, ToSchema)]
pub struct Page<T> {
    /// The things.
    pub items: Vec<T>,
    /// What to send as `cursor` for the next page; null on the last.
    pub next_cursor: Option<String>,
}

/// A stable code and the reason in words.
#[derive(Serialize, ToSchema)]
pub struct Problem {
    /// The stable code.
    pub code: String,
    /// The reason for a person.
    pub message: String,
}

impl Problem {
    fn of(code: Option<String>, message: Option<String>) -> Option<Self> {
        code.map(|code| Self { code, message: message.unwrap_or_default() })
    }
}

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

/// A connection to a warehouse, without its credentials.
#[derive(Serialize, ToSchema)]
pub struct ConnectionDto {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// `files` or `postgres`.
    pub kind: String,
    /// `ready`, `failed` or `profiling`.
    pub status: String,
    /// Where the data is.
    pub location: String,
    /// Whether it is the sample data, which cannot be changed.
    pub read_only_sample: bool,
    /// When it was made.
    pub created_at: String,
    /// When it was last read.
    pub checked_at: Option<String>,
    /// Why it could not be read.
    pub error: Option<Problem>,
}

impl From<Connection> for ConnectionDto {
    fn from(connection: Connection) -> Self {
        Self {
            id: connection.id.to_string(),
            name: connection.name,
            kind: connection.kind,
            status: connection.status,
            location: if connection.sample { "sample data".to_owned() } else { connection.location },
            read_only_sample: connection.sample,
            created_at: rfc3339(connection.created_at),
            checked_at: time(connection.checked_at),
            error: Problem::of(connection.error_code, connection.error_message),
        }
    }
}

/// A run.
#[derive(Serialize, ToSchema)]
pub struct RunDto {
    /// Its id.
    pub id: String,
    /// Which workflow.
    pub kind: String,
    /// What it is about.
    pub title: String,
    /// `queued`, `running`, `waiting`, `succeeded`, `failed`, `cancelled` or `dead`.
    pub status: String,
    /// Who asked for it.
    pub subject: String,
    /// When it was asked for.
    pub created_at: String,
    /// When it began.
    pub started_at: Option<String>,
    /// When it ended.
    pub finished_at: Option<String>,
    /// How many times it was tried.
    pub attempt: i64,
    /// Why it did not end well.
    pub error: Option<Problem>,
}

impl From<Run> for RunDto {
    fn from(run: Run) -> Self {
        Self {
            id: run.id.to_string(),
            kind: run.kind,
            title: run.title,
            status: run.status.as_str().to_owned(),
            subject: run.subject,
            created_at: rfc3339(run.created_at),
            started_at: time(run.started_at),
            finished_at: time(run.finished_at),
            attempt: run.attempt,
            error: Problem::of(run.error_code, run.error_message),
        }
    }
}

/// A run with its input, output and steps.
#[derive(Serialize, ToSchema)]
pub struct RunDetailDto {
    /// The run.
    #[serde(flatten)]
    pub run: RunDto,
    /// What was asked.
    pub input: Value,
    /// What came of it.
    pub output: Option<Value>,
    /// Its steps, in order.
    pub steps: Vec<StepDto>,
}

impl RunDetailDto {
    /// The run with its steps.
    pub fn new(run: Run, steps: Vec<Step>) -> Self {
        let input = json_or_null(&run.input);
        let output = run.output.as_deref().map(json_or_null);
        Self { input, output, run: run.into(), steps: steps.into_iter().map(StepDto::from).collect() }
    }
}

/// A journalled step.
#[derive(Serialize, ToSchema)]
pub struct StepDto {
    /// Its place in the run, from 1.
    pub seq: i64,
    /// Its name.
    pub name: String,
    /// In which try it ran.
    pub attempt: i64,
    /// `running`, `succeeded` or `failed`.
    pub status: String,
    /// When it began.
    pub started_at: String,
    /// When it ended.
    pub finished_at: Option<String>,
    /// What it returned.
    pub output: Option<Value>,
    /// Why it failed.
    pub error: Option<Value>,
}

impl From<Step> for StepDto {
    fn from(step: Step) -> Self {
        Self {
            seq: step.seq,
            name: step.name,
            attempt: step.attempt,
            status: step.status.as_str().to_owned(),
            started_at: rfc3339(step.started_at),
            finished_at: time(step.finished_at),
            output: step.output.as_deref().map(json_or_null),
            error: step.error.as_deref().map(json_or_null),
        }
    }
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

/// A time that may be absent.
pub fn time(at: Option<Micros>) -> Option<String> {
    at.map(rfc3339)
}

fn json_or_null(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or(Value::Null)
}
