//! One file per resource: its routes, and handlers that extract, call one use case, and map the result.

pub mod agent;
pub mod approvals;
pub mod audit;
pub mod bulk;
pub mod connections;
pub mod documents;
pub mod executions;
pub mod feedback;
pub mod health;
pub mod imports;
pub mod installation;
pub mod jobs;
pub mod operations;
pub mod pii;
pub mod proposals;
pub mod queues;
pub mod run_control;
pub mod runs;
pub mod schedules;
pub mod session;
pub mod sql;
pub mod starts;
pub mod targets;
pub mod tenants;
pub mod tokens;
pub mod workflows;
