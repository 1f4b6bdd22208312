//! `pilothouse doctor`: what is missing or unsafe, and how to mend it.

use anyhow::Result;
use http::StatusCode;
use pilothouse_app::Mode;
use serde_json::{Value, json};

use super::{HOME, text};
use crate::args::Global;
use crate::client::{Client, Way};
use crate::config::Config;
use crate::output::{NEGATIVE, Outcome};
use crate::{installation, socket};

/// How bad a finding is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Good,
    Note,
    Bad,
}

struct Finding {
    level: Level,
    what: String,
    mend: String,
}

fn finding(level: Level, what: impl Into<String>, mend: impl Into<String>) -> Finding {
    Finding { level, what: what.into(), mend: mend.into() }
}

/// Looks at everything that can be looked at without changing it, besides opening the database. Of a named server only
/// what it tells of itself is looked at: this machine's configuration is not its.
pub async fn run(config: &Config, global: &Global, notes: &[String]) -> Result<Outcome> {
    let mut findings = Vec::new();
    if global.server.is_none() {
        findings.extend([mode(config), key(config), page()]);
        findings.extend(sample(config));
        findings.extend(socket::path(&config.data_dir).err().map(|error| {
            finding(Level::Note, "the command line cannot reach a server on this data folder", error.to_string())
        }));
        findings.extend(notes.iter().map(|note| finding(Level::Note, note.clone(), "")));
    }
    findings.extend(answering(config, global).await);
    let bad = findings.iter().any(|finding| finding.level == Level::Bad);
    let lines = findings.iter().map(|found| {
        let sign = match found.level {
            Level::Good => "ok  ",
            Level::Note => "note",
            Level::Bad => "BAD ",
        };
        let mend = if found.mend.is_empty() { String::new() } else { format!("\n      → {}", found.mend) };
        format!("{sign}  {}{mend}", found.what)
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    let items = findings.iter().map(|found| {
        let level = match found.level {
            Level::Good => "ok",
            Level::Note => "note",
            Level::Bad => "bad",
        };
        json!({"level": level, "what": found.what, "mend": found.mend})
    });
    let outcome = Outcome::ok(text, json!({"healthy": !bad, "findings": items.collect::<Vec<_>>()}));
    Ok(if bad { outcome.with_code(NEGATIVE) } else { outcome })
}

fn mode(config: &Config) -> Finding {
    match config.serving_mode() {
        Ok(Mode::Development) if !config.auth.enabled => finding(
            Level::Note,
            "authentication is turned off: everybody who reaches the address is admin",
            "remove COPILOT_AUTH_ENABLED=0 or auth.enabled = false",
        ),
        Ok(Mode::Development) => finding(
            Level::Note,
            "development mode: the page signs itself in, and anybody on this machine is admin",
            "set mode = \"production\" before others depend on it",
        ),
        Ok(Mode::Production) => finding(Level::Good, "production mode: every caller proves who it is", ""),
        Err(error) => finding(Level::Bad, error.to_string(), "change the address, the mode or the TLS settings"),
    }
}

fn key(config: &Config) -> Finding {
    if installation::key_file_is_open(&config.data_dir) {
        return finding(
            Level::Bad,
            "others can read the encryption key's file",
            "chmod 600 its file in the data folder",
        );
    }
    match std::env::var(installation::KEY_VARIABLE) {
        Ok(_) => finding(Level::Good, "the encryption key comes from ENCRYPTION_KEY", ""),
        Err(_) => finding(
            Level::Note,
            "the encryption key is a file in the data folder",
            "a backup of the folder holds both the lock and the key: set ENCRYPTION_KEY to keep them apart",
        ),
    }
}

fn page() -> Finding {
    if pilothouse_api::has_page() {
        finding(Level::Good, "the page is built in", "")
    } else {
        finding(Level::Bad, "the page was not built into this program", "build web/ before the program, see the README")
    }
}

/// What the program tells of itself, whoever answers.
async fn answering(config: &Config, global: &Global) -> Vec<Finding> {
    let found = async { Client::new(Way::find(config, global, false).await?, HOME) };
    let client = match found.await {
        Ok(client) => client,
        Err(error) => {
            return vec![finding(
                Level::Bad,
                format!("the database cannot be opened: {error:#}"),
                "see docs/errors.md",
            )];
        }
    };
    let mut findings = Vec::new();
    if matches!(client.way(), Way::Socket(_)) {
        findings.push(finding(Level::Good, "a server runs on this data folder, and was asked", ""));
    }
    match told(&client).await {
        Ok(told) => findings.extend(told),
        Err(error) => findings.push(finding(Level::Bad, format!("the server does not tell how it is: {error:#}"), "")),
    }
    client.close().await;
    findings
}

async fn told(client: &Client) -> Result<Vec<Finding>> {
    let (status, body) = client.get("/ready").answer().await?;
    let ready: Value = serde_json::from_slice(&body).unwrap_or_default();
    let checks = ready["checks"].as_object().into_iter().flatten();
    let faults = checks.filter_map(|(part, check)| Some(format!("{part} does not work: {}", check["error"].as_str()?)));
    let mut findings: Vec<Finding> = faults.map(|fault| finding(Level::Bad, fault, "")).collect();
    if status != StatusCode::OK && findings.is_empty() {
        findings.push(finding(Level::Bad, format!("it is not ready: /ready answers {status}"), ""));
    }
    let installation = client.get("/api/v1/installation").send().await?;
    findings.extend(durability(&installation["durability"]));
    findings.push(keys_agree(&installation["key_ids"]));
    Ok(findings)
}

/// Whether the database keeps what it acknowledged, by its own settings.
fn durability(settings: &Value) -> Vec<Finding> {
    let pairs: Vec<(String, String)> =
        settings.as_array().into_iter().flatten().map(|pair| (text(&pair["name"]), text(&pair["value"]))).collect();
    let is_safe = |name: &str, value: &str| match name.rsplit('.').next().unwrap_or(name) {
        "synchronous" => matches!(value, "2" | "3"),
        "fsync" | "synchronous_commit" => matches!(value, "on" | "remote_apply" | "remote_write" | "local"),
        "journal_mode" => value == "wal",
        _ => true,
    };
    let unsafe_pairs: Vec<_> = pairs.iter().filter(|(name, value)| !is_safe(name, value)).collect();
    if unsafe_pairs.is_empty() {
        let is_postgres = pairs.iter().any(|(name, value)| name == "engine" && value == "postgres");
        let engine = if is_postgres { "PostgreSQL" } else { "SQLite" };
        let what = format!("the database ({engine}) keeps what it acknowledged through a power cut");
        return vec![finding(Level::Good, what, "")];
    }
    let told = unsafe_pairs.into_iter().map(|(name, value)| {
        finding(
            Level::Bad,
            format!("{name} is {value}: acknowledged writes can be lost"),
            "turn it on in the database server",
        )
    });
    told.collect()
}

fn keys_agree(key_ids: &Value) -> Finding {
    let keys: Vec<String> = key_ids.as_array().into_iter().flatten().map(text).collect();
    if keys.len() > 1 {
        let what = format!("nodes of this database seal credentials with different keys: {}", keys.join(", "));
        return finding(Level::Bad, what, "give every node the same ENCRYPTION_KEY");
    }
    finding(Level::Good, "every node seals credentials with the same key", "")
}

fn sample(config: &Config) -> Option<Finding> {
    let path = config.sample.path.as_ref()?;
    Some(if path.is_dir() {
        finding(Level::Good, "the sample data is there", "")
    } else {
        finding(Level::Bad, "the folder of the sample data is not there", "set sample.path, or remove it")
    })
}
