//! One file per resource: its routes, and handlers that extract, call one use case, and map the result.

pub mod agent;
pub mod audit;
pub mod connections;
pub mod health;
pub mod imports;
pub mod installation;
pub mod runs;
pub mod semantic;
pub mod session;
pub mod sql;
pub mod targets;
pub mod tenants;
pub mod tokens;
