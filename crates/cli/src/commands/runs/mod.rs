//! `pilothouse runs`: look at runs, and do with one or with many what the API allows.

mod bulk;
mod show;

use std::time::Duration;

use anyhow::Result;
pub use bulk::agrees;
use pilothouse_app::SystemClock;
use pilothouse_domain::clock::{SECOND, rfc3339};
use pilothouse_domain::{Clock as _, Micros};
use serde_json::{Value, json};

use super::{listed, text, text_or_stdin};
use crate::args::runs::{RunsCommand, Which};
use crate::client::{Client, Way, in_query};
use crate::output::{NEGATIVE, Outcome, UsageError};

/// How often a log that is followed is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Lines read at once where a log is followed.
const LINES_AT_ONCE: u32 = 1_000;
/// Said where a run goes on only when somebody works.
const NOBODY: &str = "Nobody is working on this data folder; it goes on when `pilothouse serve` runs.";

/// Whether the command waits for runs, so that somebody must work on them.
pub fn works(command: &RunsCommand) -> bool {
    matches!(
        command,
        RunsCommand::Watch { .. }
            | RunsCommand::Start { wait: true, .. }
            | RunsCommand::Retry { wait: true, .. }
            | RunsCommand::Logs { follow: true, .. }
    )
}

/// Does it.
pub async fn run(client: &Client, command: RunsCommand, as_json: bool) -> Result<Outcome> {
    match command {
        RunsCommand::List { which, status, limit, cursor } => {
            let mut query = which_query(&which)?;
            query.extend([("status", status), ("limit", Some(limit.to_string())), ("cursor", cursor)]);
            list(client, &query).await
        }
        RunsCommand::Dead { which } => {
            let mut query = which_query(&which)?;
            query.push(("status", Some("dead".to_owned())));
            list(client, &query).await
        }
        RunsCommand::Start { kind, input, queue, delay, key, wait } => {
            let body = json!({
                "kind": kind, "input": json_or_stdin(input, "--input")?.unwrap_or_else(|| json!({})), "queue": queue,
                "delay_seconds": delay.as_deref().map(seconds).transpose()?, "unique_key": key,
            });
            let run = client.post("/api/v1/runs").json(&body).send().await?;
            if wait {
                return ended(client, run["id"].as_str().unwrap_or_default()).await;
            }
            Ok(noted(client, Outcome::ok(format!("{} {}", text(&run["id"]), text(&run["status"])), run)))
        }
        RunsCommand::Show { id } => Ok(show::detail(&client.get(&format!("/api/v1/runs/{}", word(&id))).send().await?)),
        RunsCommand::Logs { id, level, step, lines, follow } => {
            let step = step.map(|step| format!("&step={step}")).unwrap_or_default();
            let query = format!("level={}{step}", in_query(&level));
            logs(client, &id, &query, lines, follow, as_json).await
        }
        RunsCommand::Watch { id } => ended(client, &id).await,
        RunsCommand::Cancel { ids, which, status, yes } if ids.is_empty() => {
            let status = status.map(|status| status.split(',').map(str::to_owned).collect()).unwrap_or_default();
            bulk::change(client, "cancel", &which, status, None, yes).await
        }
        RunsCommand::Cancel { ids, .. } => each(client, &ids, "cancel", json!({})).await,
        RunsCommand::Retry { ids, dead, failed, which, wait, yes } => {
            if !ids.is_empty() {
                let outcome = noted(client, each(client, &ids, "retry", json!({})).await?);
                return if wait { all_ended(client, &ids).await } else { Ok(outcome) };
            }
            let named = [(dead, "dead"), (failed, "failed")];
            let status: Vec<String> =
                named.into_iter().filter(|(is, _)| *is).map(|(_, name)| name.to_owned()).collect();
            Ok(noted(client, bulk::change(client, "retry", &which, status, None, yes).await?))
        }
        RunsCommand::Discard { ids, dead, which, reason, yes } => match (ids.is_empty(), dead) {
            (false, _) => each(client, &ids, "discard", json!({"reason": reason})).await,
            (true, true) => bulk::change(client, "discard", &which, vec!["dead".to_owned()], Some(reason), yes).await,
            (true, false) => Err(UsageError("say which runs: ids, or --dead".to_owned()).into()),
        },
        RunsCommand::Stuck { after } => stuck(client, after.as_deref()).await,
        RunsCommand::Reconcile { stale_after } => {
            let body = json!({"stale_after_seconds": seconds(&stale_after)?});
            let answer = client.post("/api/v1/runs/reconcile").json(&body).send().await?;
            Ok(Outcome::ok(format!("Took back {} runs.", answer["reconciled"]), answer))
        }
        RunsCommand::Approve { id, comment } => {
            each(client, &[id], "approve", json!({"comment": comment})).await.map(|outcome| noted(client, outcome))
        }
        RunsCommand::Reject { id, reason } => {
            each(client, &[id], "reject", json!({"reason": reason})).await.map(|outcome| noted(client, outcome))
        }
        RunsCommand::Signal { id, name, payload } => {
            let payload = json_or_stdin(payload, "--payload")?;
            let outcome = each(client, &[id], &format!("signals/{}", word(&name)), json!({"payload": payload})).await;
            outcome.map(|outcome| noted(client, outcome))
        }
    }
}

/// The JSON that an option holds, or that standard input does where it is `-`.
fn json_or_stdin(text: Option<String>, option: &str) -> Result<Option<Value>> {
    let read = text.map(text_or_stdin).transpose()?.map(|text| serde_json::from_str(&text));
    Ok(read.transpose().map_err(|error| UsageError(format!("{option} is no JSON: {error}")))?)
}

/// A word of the person's as a part of a path.
fn word(text: &str) -> String {
    in_query(text)
}

async fn list(client: &Client, query: &[(&str, Option<String>)]) -> Result<Outcome> {
    let given = query.iter().filter_map(|(name, value)| Some(format!("{name}={}", in_query(value.as_deref()?))));
    let path = format!("/api/v1/runs?{}", given.collect::<Vec<_>>().join("&"));
    let found = client.get(&path).send().await?;
    let header = ["id", "status", "kind", "queue", "attempt", "progress", "made", "title"];
    let names = ["id", "status", "kind", "queue", "attempt", "progress", "created_at", "title"];
    let mut outcome = listed(&found, &header, |run| names.map(|name| text(&run[name])).to_vec(), Clone::clone);
    outcome.json["next_cursor"] = found["next_cursor"].clone();
    if let Some(cursor) = found["next_cursor"].as_str() {
        outcome.text.push_str(&format!("\n\nThere are more: --cursor {cursor}"));
    }
    Ok(outcome)
}

/// Asks for the same of each run, and lists what became of them.
async fn each(client: &Client, ids: &[String], verb: &str, body: Value) -> Result<Outcome> {
    let mut items = Vec::with_capacity(ids.len());
    for id in ids {
        items.push(client.post(&format!("/api/v1/runs/{}/{verb}", word(id))).json(&body).send().await?);
    }
    let row = |run: &Value| ["id", "status", "retry_count"].map(|name| text(&run[name])).to_vec();
    Ok(listed(&json!({"items": items}), &["id", "status", "retries"], row, Clone::clone))
}

/// Waits for the end of a run, and says how it ended.
pub async fn ended(client: &Client, id: &str) -> Result<Outcome> {
    let path = format!("/api/v1/runs/{}", word(id));
    client.get(&format!("{path}/events")).events().await?;
    let run = client.get(&path).send().await?;
    let code = if run["status"] == "succeeded" { 0 } else { NEGATIVE };
    let why = run["error"]["message"].as_str().map(|why| format!(": {why}")).unwrap_or_default();
    Ok(Outcome::ok(format!("{} {}{why}", text(&run["id"]), text(&run["status"])), run).with_code(code))
}

async fn all_ended(client: &Client, ids: &[String]) -> Result<Outcome> {
    let (mut lines, mut items, mut code) = (Vec::new(), Vec::new(), 0);
    for id in ids {
        let one = ended(client, id).await?;
        code = code.max(one.code);
        lines.push(one.text);
        items.push(one.json);
    }
    Ok(Outcome::ok(lines.join("\n"), json!({"items": items})).with_code(code))
}

/// What was logged. Lines of a log that is followed are printed as they come.
#[expect(clippy::print_stdout, reason = "printing is what a command line does")]
async fn logs(client: &Client, id: &str, query: &str, lines: u32, follow: bool, as_json: bool) -> Result<Outcome> {
    let path = format!("/api/v1/runs/{}", word(id));
    let first = client.get(&format!("{path}/logs?{query}&limit={lines}")).send().await?;
    if !follow {
        let shown: Vec<String> = first["items"].as_array().into_iter().flatten().map(line).collect();
        return Ok(Outcome::ok(shown.join("\n"), first));
    }
    let (mut page, mut after) = (first, 0);
    loop {
        // Looked at before the lines are read, so that none of a run that has ended is missed.
        let run = client.get(&path).send().await?;
        for item in page["items"].as_array().into_iter().flatten() {
            println!("{}", if as_json { item.to_string() } else { line(item) });
            after = item["seq"].as_i64().unwrap_or(after);
        }
        page = client.get(&format!("{path}/logs?{query}&limit={LINES_AT_ONCE}&cursor={after}")).send().await?;
        let is_over = !run["finished_at"].is_null();
        match (is_over, page["items"].as_array().is_none_or(Vec::is_empty)) {
            (true, true) => return Ok(Outcome::ok("", json!({"status": run["status"]}))),
            (false, true) => tokio::time::sleep(LOOK_EVERY).await,
            (_, false) => {}
        }
    }
}

fn line(item: &Value) -> String {
    let step = item["step"].as_i64().map(|step| step.to_string()).unwrap_or_default();
    format!("{}  {:5}  {step:>2}  {}", text(&item["at"]), text(&item["level"]), text(&item["message"]))
}

async fn stuck(client: &Client, after: Option<&str>) -> Result<Outcome> {
    let query = after.map(seconds).transpose()?.map(|seconds| format!("&stale_after_seconds={seconds}"));
    let path = format!("/api/jobs/stuck?limit=200{}", query.unwrap_or_default());
    let answer = client.get(&path).send().await?;
    let data = &answer["data"];
    let names = ["job_id", "stuck_reason", "stuck_since", "job_type", "attempt", "job_name"];
    let row = |job: &Value| names.map(|name| text(&job[name])).to_vec();
    let header = ["id", "reason", "since", "kind", "attempt", "title"];
    let count = data["stuck_jobs_count"].as_i64().unwrap_or(0);
    if count == 0 {
        return Ok(Outcome::ok("No run stands still.", data.clone()));
    }
    let shown = listed(&json!({"items": data["jobs"]}), &header, row, Clone::clone);
    Ok(Outcome::ok(shown.text, data.clone()).with_code(NEGATIVE))
}

/// The same outcome, with a word where nobody works on what it set going.
pub fn noted(client: &Client, mut outcome: Outcome) -> Outcome {
    let is_changed = outcome.json["changed"].as_u64() != Some(0) && outcome.json["matched"] != 0;
    if is_changed && matches!(client.way(), Way::Here(here) if !here.works()) {
        outcome.text.push_str(&format!("\n\n{NOBODY}"));
    }
    outcome
}

/// The parameters that say which runs are meant.
fn which_query(which: &Which) -> Result<Vec<(&'static str, Option<String>)>> {
    Ok(vec![
        ("kind", which.kind.clone()),
        ("queue", which.queue.clone()),
        ("subject", which.subject.clone()),
        ("error_code", which.error.clone()),
        ("created_after", ago(which.since.as_deref())?),
        ("created_before", ago(which.older_than.as_deref())?),
    ])
}

/// The moment so long ago, as the API reads it.
fn ago(time: Option<&str>) -> Result<Option<String>> {
    let Some(time) = time else { return Ok(None) };
    let before = Micros::try_from(seconds(time)?).unwrap_or(Micros::MAX / SECOND).saturating_mul(SECOND);
    Ok(Some(rfc3339(SystemClock.now().saturating_sub(before).max(0))))
}

/// The seconds of a time such as `90s`, `30m`, `2h` or `7d`.
pub fn seconds(time: &str) -> Result<u64> {
    let units = [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)];
    let found = units.iter().find_map(|(unit, seconds)| {
        let number: u64 = time.trim().strip_suffix(unit)?.parse().ok()?;
        number.checked_mul(*seconds)
    });
    found.ok_or_else(|| UsageError(format!("{time:?} is no time such as 90s, 30m, 2h or 7d")).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_four_units() {
        for (time, expected) in [("90s", 90), ("30m", 1_800), ("2h", 7_200), ("7d", 604_800)] {
            assert_eq!(seconds(time).unwrap(), expected, "{time}");
        }
        for wrong in ["", "5", "m", "-1s", "1.5h", "99999999999999999999s", "99999999999999999d"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
