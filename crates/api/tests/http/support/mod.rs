//! A whole application behind its router, and how to talk to it.

mod app;
mod call;
mod flow;
mod inputs;
mod schema;
mod tables;

pub use app::{Database, Setup, TestApp};
pub use call::{Call, Reply};
pub use schema::Document;

/// The body of a question in the original's form.
pub fn question(tenant: &str, message: &str) -> serde_json::Value {
    serde_json::json!({"org_id": tenant, "user_id": "u1", "session_id": "s1", "message": message})
}
