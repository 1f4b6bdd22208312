//! `pilothouse connect`: makes a connection and says what it holds.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{connected, text_or_stdin};
use crate::client::Client;
use crate::output::Outcome;

/// Makes it.
pub async fn run(client: &Client, name: &str, target: String) -> Result<Outcome> {
    let body = body(name, &text_or_stdin(target)?, client.way().is_local())?;
    Ok(connected(&client.post("/api/v1/connections").json(&body).send().await?))
}

/// What is asked for: the target tells by its beginning what it is.
fn body(name: &str, target: &str, on_this_machine: bool) -> Result<Value> {
    if target.starts_with("postgres://") || target.starts_with("postgresql://") {
        return Ok(json!({"name": name, "kind": "postgres", "url": target}));
    }
    // The server has a working folder of its own, so a path of this machine must say where it begins.
    let path = if on_this_machine && !target.is_empty() {
        let whole = std::path::absolute(target).context("the folder's path cannot be made whole")?;
        whole.to_string_lossy().into_owned()
    } else {
        target.to_owned()
    };
    Ok(json!({"name": name, "kind": "files", "path": path}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_tells_what_it_is() {
        let wanted = body("a", "postgres://db/x", true).unwrap();
        assert_eq!(wanted, json!({"name": "a", "kind": "postgres", "url": "postgres://db/x"}));
        assert_eq!(body("a", "data/x", false).unwrap()["path"], "data/x");
        let here = std::env::current_dir().unwrap().join("data/x");
        assert_eq!(body("a", "data/x", true).unwrap()["path"], here.to_str().unwrap());
    }
}
