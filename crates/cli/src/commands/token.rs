//! `pilothouse token`: make, list and revoke API tokens.

use anyhow::Result;
use pilothouse_app::tokens::{self, NewToken};
use pilothouse_domain::clock::rfc3339;
use serde_json::json;

use super::operator;
use crate::args::TokenCommand;
use crate::config::Config;
use crate::installation;
use crate::output::{Outcome, UsageError, table};

/// Does it.
pub async fn run(config: Config, tenant: &str, command: TokenCommand) -> Result<Outcome> {
    let app = installation::open(&config).await?;
    let caller = operator(tenant)?;
    let outcome = match command {
        TokenCommand::Create { subject, role, expires_in_days } => {
            let role = role.parse().map_err(|error| UsageError(format!("{role:?} is {error}")))?;
            let (token, about) = tokens::create(&app, &caller, NewToken { subject, role, expires_in_days }).await?;
            Outcome::ok(
                format!("{token}\n\nKeep it now: it is not shown again. Its id is {}.", about.id),
                json!({"token": token, "id": about.id, "subject": about.subject, "role": about.role, "tenant": about.tenant}),
            )
        }
        TokenCommand::List => {
            let found = tokens::list(&app, &caller).await?;
            let rows: Vec<Vec<String>> = found
                .iter()
                .map(|t| {
                    let state = match (t.revoked_at, t.expires_at) {
                        (Some(at), _) => format!("revoked {}", rfc3339(at)),
                        (None, Some(at)) => format!("until {}", rfc3339(at)),
                        (None, None) => "without end".to_owned(),
                    };
                    let used = t.last_used_at.map_or_else(|| "never".to_owned(), rfc3339);
                    vec![t.id.to_string(), t.subject.clone(), t.role.to_string(), state, used]
                })
                .collect();
            let items: Vec<_> = found
                .iter()
                .map(|t| json!({"id": t.id, "subject": t.subject, "role": t.role, "revoked": t.revoked_at.is_some()}))
                .collect();
            Outcome::ok(table(&["id", "subject", "role", "valid", "last used"], &rows), json!({ "items": items }))
        }
        TokenCommand::Revoke { id } => {
            let id = id.parse().map_err(|_| UsageError(format!("{id:?} is not a token's id")))?;
            tokens::revoke(&app, &caller, id).await?;
            Outcome::ok("Revoked.", json!({"revoked": id}))
        }
    };
    app.store().close().await;
    Ok(outcome)
}
