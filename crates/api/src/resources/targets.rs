//! Reads from a body where a new connection's data is. What fits together is not judged here, but where the source is
//! checked; here it is only that each field is there and is a text.

use pilothouse_app::connections::{Bucket, Credentials, Source};
use serde_json::Value;

use crate::fields::Fields;

/// Fields whose values are never repeated. A PostgreSQL URL holds a password, and so might others by mistake.
pub const SECRETS: &[&str] = &[
    "url",
    "endpoint",
    "access_key_id",
    "secret_access_key",
    "session_token",
    "service_account_key",
    "account_key",
    "sas_token",
];

/// The source that `kind` and the fields of that kind describe.
pub fn read(fields: &mut Fields) -> Source {
    match fields.text("kind", 1).as_str() {
        "postgres" => Source::Postgres { url: fields.text("url", 1) },
        "object_store" => Source::ObjectStore(bucket(fields)),
        "files" => Source::Files { path: fields.text("path", 1).into() },
        other => {
            let message = "Input should be 'files', 'object_store' or 'postgres'";
            fields.refuse(Some("kind"), "enum", message, other.into(), None);
            Source::Files { path: Default::default() }
        }
    }
}

fn bucket(fields: &mut Fields) -> Bucket {
    Bucket {
        url: fields.text("url", 1),
        endpoint: fields.filled_text("endpoint"),
        region: fields.filled_text("region"),
        account: fields.filled_text("account"),
        credentials: credentials(fields),
    }
}

fn credentials(fields: &mut Fields) -> Credentials {
    let mut found = Vec::new();
    if ["access_key_id", "secret_access_key", "session_token"].iter().any(|name| fields.has(name)) {
        found.push(Credentials::AccessKey {
            access_key_id: fields.text("access_key_id", 1),
            secret_access_key: fields.text("secret_access_key", 1),
            session_token: fields.filled_text("session_token"),
        });
    }
    if let Some(service_account_key) = fields.filled_text("service_account_key") {
        found.push(Credentials::ServiceAccount { service_account_key });
    }
    if let Some(account_key) = fields.filled_text("account_key") {
        found.push(Credentials::AccountKey { account_key });
    }
    if let Some(sas_token) = fields.filled_text("sas_token") {
        found.push(Credentials::SasToken { sas_token });
    }
    if found.len() > 1 {
        fields.refuse(None, "value_error", "Credentials of one kind only should be given", Value::Null, None);
    }
    found.pop().unwrap_or_default()
}
