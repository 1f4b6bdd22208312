//! The evaluation of the planner on our own half of the questions: plan, compile, run, compare with the gold rows.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking and prints its score"
)]

mod support;

use std::sync::Arc;

use jiff::civil::date;
use pilothouse_ai::planner::{Context, Plan, Planner};
use pilothouse_domain::catalog::Dialect;
use pilothouse_domain::compare::same_rows;
use pilothouse_warehouse::semantic::{compile, yaml};
use serde_json::Value;
use support::Schema;

/// Part of our own questions that must be answered right, in percent.
const MIN_RIGHT_PERCENT: usize = 96;

#[derive(Debug, Default)]
struct Score {
    right: usize,
    asked: usize,
    refused: usize,
    wrong: usize,
}

#[tokio::test]
async fn our_own_questions_are_answered() {
    for schema in Schema::ALL {
        let context = support::open(&schema.data()).await;
        let catalog = support::catalog(&context).await;
        let model = Arc::new(yaml::read(&schema.model(), &catalog).expect("model fits the tables"));
        let planner = Planner::new(model.clone());
        let mut score = Score::default();
        for line in schema.questions().lines().filter(|line| !line.trim().is_empty()) {
            let gold: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            let question = gold["question"].as_str().expect("question");
            let plan = planner.plan(question, &Context { today: date(2026, 1, 15), previous: None });
            said_in_words(&planner, question, &plan);
            judge(&gold, question, &plan, &model, &context, &mut score).await;
        }
        let total = score.right + score.asked + score.refused + score.wrong;
        println!("{schema:?}: {score:?} of {total}");
        assert!(score.right * 100 >= total * MIN_RIGHT_PERCENT, "{schema:?}: {score:?} of {total}");
        assert_eq!(score.wrong, 0, "{schema:?}: {score:?} of {total}");
    }
}

/// Each choice of a question asked back can be typed by hand, and then means just that.
fn said_in_words(planner: &Planner, question: &str, plan: &Plan) {
    let Plan::Clarify { choices, .. } = plan else { return };
    for choice in choices {
        let message = &choice.message;
        assert!(message.ends_with('?') && !message.contains('('), "{question}: {message}");
        match planner.plan(message, &Context { today: date(2026, 1, 15), previous: None }) {
            Plan::Answer(reading) => assert_eq!(reading.query, choice.query, "{message}"),
            other => panic!("{message}: {other:?}"),
        }
    }
}

async fn judge(
    gold: &Value,
    question: &str,
    plan: &Plan,
    model: &pilothouse_domain::semantic::Model,
    context: &datafusion::prelude::SessionContext,
    score: &mut Score,
) {
    let flag = |name: &str| gold[name].as_bool().unwrap_or(false);
    match plan {
        Plan::Answer(reading) => {
            let sql = match compile(&reading.query, model, Dialect::DataFusion) {
                Ok(sql) => sql,
                Err(error) => {
                    println!("BROKEN  {question}\n        {error}");
                    score.wrong += 1;
                    return;
                }
            };
            let ours = support::run(context, &sql).await;
            let mut matched = false;
            for accepted in accepted(gold) {
                let theirs = support::run(context, &accepted).await.unwrap_or_else(|e| panic!("{question}: {e}"));
                let ordered = accepted.to_lowercase().contains("order by") && flag("ordered");
                matched |= ours.as_ref().is_ok_and(|ours| same_rows(&theirs, ours, ordered));
            }
            if matched {
                score.right += 1;
            } else {
                score.wrong += 1;
                let shown = ours.map(|rows| format!("{:?}", rows.rows.iter().take(3).collect::<Vec<_>>()));
                println!(
                    "WRONG   {question}\n        {}\n        {sql}\n        {shown:?}",
                    reading.understanding.text
                );
            }
        }
        Plan::Clarify { choices, .. } if flag("clarify") => {
            score.right += 1;
            for choice in choices {
                let sql = compile(&choice.query, model, Dialect::DataFusion).expect("a choice compiles");
                support::run(context, &sql).await.unwrap_or_else(|error| panic!("{question}: {error}\n{sql}"));
            }
        }
        Plan::Clarify { question: back, .. } => {
            score.asked += 1;
            println!("ASKED   {question}\n        {back}");
        }
        Plan::Refuse { .. } if flag("unanswerable") || flag("clarify") => score.right += 1,
        Plan::Refuse { reasons, .. } => {
            score.refused += 1;
            println!("REFUSED {question}\n        {}", reasons.join(" "));
        }
    }
}

fn accepted(gold: &Value) -> Vec<String> {
    match &gold["sql"] {
        Value::String(sql) => vec![sql.clone()],
        Value::Array(all) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}
