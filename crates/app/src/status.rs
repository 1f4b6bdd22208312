//! Whether the program can do its work, part by part. Unknown is not healthy.

use std::time::Duration;

use crate::App;

/// Longest wait for a part's answer, so that readiness itself answers within a second.
const PATIENCE: Duration = Duration::from_millis(800);

/// One part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Its name, for instance `database`.
    pub name: &'static str,
    /// Why it does not work; none when it does.
    pub problem: Option<String>,
}

/// Looks at every part that requests need.
pub async fn checks(app: &App) -> Vec<Check> {
    let database = match tokio::time::timeout(PATIENCE, app.store.ping()).await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some("it did not answer in time".to_owned()),
    };
    vec![Check { name: "database", problem: database }]
}
