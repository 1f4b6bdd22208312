//! `pilothouse eval`: counts right, asked back, refused and wrong over a file of questions.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use pilothouse_app::SystemClock;
use pilothouse_app::eval::{Case, Evaluation, Judged, Outcome as Ended};
use pilothouse_warehouse::Warehouse;
use serde_json::json;

use crate::config::Config;
use crate::output::Outcome;

/// Asks every question of the file and prints the counts and what was wrong.
pub async fn run(config: Config, data: &Path, questions: &Path, model: Option<&Path>, quiet: bool) -> Result<Outcome> {
    let cases = cases(questions)?;
    let mut settings = config.warehouse.clone();
    settings.allowed_roots.push(data.to_path_buf());
    let warehouse = Warehouse::new(settings, crate::installation::isolation()?);
    let yaml = match model {
        Some(path) => std::fs::read_to_string(path).context("the semantic model cannot be read")?,
        None => String::new(),
    };
    let evaluation = Evaluation::open(&warehouse, data, &yaml, Arc::new(SystemClock)).await?;
    let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new(cases.len() as u64) };
    bar.set_style(
        ProgressStyle::with_template("{bar:40} {pos} of {len}").unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    let mut judged = Vec::with_capacity(cases.len());
    for case in &cases {
        judged.push(evaluation.judge(case).await?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(report(&judged))
}

fn cases(path: &Path) -> Result<Vec<Case>> {
    let text = std::fs::read_to_string(path).context("the questions cannot be read")?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(index, line)| serde_json::from_str(line).with_context(|| format!("line {} of the questions", index + 1)))
        .collect()
}

fn report(judged: &[Judged]) -> Outcome {
    let count = |wanted: Ended| judged.iter().filter(|one| one.outcome == wanted).count();
    let (right, asked, refused, wrong) =
        (count(Ended::Right), count(Ended::AskedBack), count(Ended::Refused), count(Ended::Wrong));
    let percent = if judged.is_empty() { 0.0 } else { right as f64 * 100.0 / judged.len() as f64 };
    let listed = judged.iter().filter(|one| one.outcome != Ended::Right).map(|one| {
        let ended = json!(one.outcome).as_str().unwrap_or_default().replace('_', " ");
        format!("{ended}: {}\n    {}", one.question, one.detail)
    });
    let counts = format!(
        "{right} right ({percent:.1} %), {asked} asked back, {refused} refused, {wrong} wrong, of {} questions",
        judged.len()
    );
    let right_of = |wanted: fn(&Judged) -> bool| {
        let those = judged.iter().filter(|one| wanted(one));
        (those.clone().filter(|one| one.outcome == Ended::Right).count(), those.count())
    };
    let (answerable, answered) = (right_of(|one| one.answerable), right_of(|one| one.answered));
    let unanswerable = judged.iter().filter(|one| !one.answerable);
    let declined = unanswerable.clone().filter(|one| !one.answered).count();
    let text = listed.chain([counts]).collect::<Vec<_>>().join("\n");
    Outcome::ok(
        text,
        json!({
            "questions": judged.len(), "right": right, "asked_back": asked, "refused": refused, "wrong": wrong,
            "right_percent": percent, "results": judged,
            "answerable": answerable.1, "answerable_right": answerable.0,
            "answered": answered.1, "answered_right": answered.0,
            "unanswerable": unanswerable.count(), "unanswerable_declined": declined,
        }),
    )
}
