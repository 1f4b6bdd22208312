//! What it costs to read a question without a model.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use pilothouse_ai::planner::{Context, Planner};
use pilothouse_warehouse::{Call, Cancel, Isolation, Settings, Source, Warehouse, semantic};
use serde_json::{Value, json};

use crate::{quantile, report};

/// Readings of each question.
const TIMES: usize = 20;

/// `DATA MODEL QUESTIONS`: a folder of tables, its semantic model, and a file with a question in each line.
pub async fn measure(args: &[String]) {
    let data = Path::new(&args[0]).canonicalize().unwrap();
    let settings = Settings { allowed_roots: vec![data.clone()], ..Settings::default() };
    let warehouse = Warehouse::new(settings, Isolation::Threads);
    let cancel = Cancel::new();
    let call = Call { owner: "bench".into(), weight: 1, limits: warehouse.profile_limits(), cancel: &cancel };
    let engine = warehouse.open(&Source::Files { path: data }, &call).await.unwrap();
    let catalog = engine.profile(&call).await.unwrap();
    let model = semantic::yaml::read(&std::fs::read_to_string(&args[1]).unwrap(), &catalog).unwrap();
    let planner = Planner::new(Arc::new(model));
    let questions = std::fs::read_to_string(&args[2]).unwrap();
    let questions = questions.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let questions: Vec<String> = questions.map(|line| line["question"].as_str().unwrap().to_owned()).collect();
    let today = jiff::civil::date(2026, 11, 22);
    let mut times = Vec::new();
    for _ in 0..TIMES {
        for question in &questions {
            let began = Instant::now();
            std::hint::black_box(planner.plan(question, &Context { today, previous: None }));
            times.push(began.elapsed().as_secs_f64() * 1000.0);
        }
    }
    let (p50, p99) = (quantile(&mut times, 0.5), quantile(&mut times, 0.99));
    report(&json!({"what": "planning", "n": times.len(), "p50_ms": p50, "p99_ms": p99}));
}
