//! What a question's run logs at each of its steps, in words for whoever reads along.

use pilothouse_engine::{Done, Failure, Journal};
use tracing::Level;

use super::answer::Answer;
use super::plan::{Planned, Validated};
use super::propose::Proposed;
use crate::queries::{Executed, Judged};

/// What the planner made of the question.
pub(super) async fn planned(journal: &Journal, is_picked: bool, planned: &Planned) {
    match planned {
        Planned::Reading { understanding, .. } => {
            let how = if is_picked { "The reading was given" } else { "The question is read as" };
            journal.log(Level::INFO, &format!("{how}: {}", understanding.text)).await;
        }
        Planned::Unclear { question, choices } => {
            let labels: Vec<&str> = choices.iter().map(|choice| choice.label.as_str()).collect();
            let line =
                format!("It can be read in {} ways: {}. Asked back: {question}", labels.len(), labels.join("; "));
            journal.log(Level::INFO, &line).await;
        }
        Planned::Unanswerable { reasons, .. } => {
            journal.log(Level::WARN, &format!("It cannot be answered: {}", reasons.join("; "))).await;
        }
    }
}

/// What a model made of it.
pub(super) async fn proposed(journal: &Journal, proposed: &Proposed) {
    if let Some(line) = proposed.in_words() {
        journal.log(Level::INFO, &line).await;
    }
}

/// What the guard said of the SQL.
pub(super) async fn validated(journal: &Journal, validated: &Validated) {
    let verdict = validated.verdict["verdict"].as_str().unwrap_or("no verdict");
    let Some(sql) = &validated.sql else {
        let line = format!("The guard says {verdict}: {}", validated.reasons.join("; "));
        return journal.log(Level::WARN, &line).await;
    };
    let tables = validated.tables.join(", ");
    journal.log(Level::INFO, &format!("The guard says {verdict}; read are {tables}.")).await;
    journal.log(Level::DEBUG, sql).await;
}

/// What running it would read, beside what one query may.
pub(super) async fn judged(journal: &Journal, most: u64, judged: &Result<Done<Judged>, Failure>) {
    let judged = match judged {
        Ok(done) => &done.output,
        Err(failure) => return failed(journal, failure).await,
    };
    let (level, verdict) = match (judged.allowed, judged.waits_for) {
        (true, _) => (Level::INFO, "it may run".to_owned()),
        (false, Some(whom)) => (Level::WARN, format!("it waits for an {}", whom.as_str())),
        (false, None) => (Level::WARN, "it may not run".to_owned()),
    };
    let expected = judged.forecast.in_words();
    journal.log(level, &format!("It {expected}; a query may read {most} bytes: {verdict}.")).await;
}

/// What was found, and what that took.
pub(super) async fn executed(journal: &Journal, executed: &Result<Done<Executed>, Failure>) {
    let result = match executed {
        Ok(done) => &done.output.result,
        Err(failure) => return failed(journal, failure).await,
    };
    let read = match (result.rows_scanned, result.bytes_scanned) {
        (Some(rows), Some(bytes)) => format!("; {rows} rows and {bytes} bytes were read"),
        (Some(rows), None) => format!("; {rows} rows were read"),
        _ => String::new(),
    };
    let line = format!("{} rows in {} ms{read}.", result.rows.len(), result.elapsed_us / 1_000);
    journal.log(Level::INFO, &line).await;
}

/// What is answered.
pub(super) async fn composed(journal: &Journal, answer: &Answer) {
    journal.log(Level::INFO, &format!("The answer is: {}", answer.summary)).await;
}

async fn failed(journal: &Journal, failure: &Failure) {
    journal.log(Level::ERROR, &format!("{} ({})", failure.message, failure.code)).await;
}
