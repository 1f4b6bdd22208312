//! What an answer offers in the place of its parts: every alternative can be asked, there are few, and what they are
//! called tells them apart. Held over the readings of our own questions, and over walks from one alternative to the next.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod support;

use std::collections::HashSet;
use std::sync::Arc;

use jiff::civil::date;
use pilothouse_ai::planner::{Context, Plan, Planner};
use pilothouse_domain::answer::{Chip, ChipKind};
use pilothouse_domain::catalog::Catalog;
use pilothouse_domain::semantic::{MAX_ALTERNATIVES, MAX_OFFERED_BYTES, Model, Query, editable};
use pilothouse_warehouse::guard::{self, Limits, Policy};
use pilothouse_warehouse::semantic::{compile, infer, yaml};
use proptest::prelude::*;
use serde_json::Value;
use support::Schema;

/// Bytes of labels and of the JSON around alternatives, beside their queries.
const WORDS_BYTES: usize = 8 * 1024;

/// Both schemas, each with its curated model and with the inferred one.
const ALL: [(Schema, bool); 4] =
    [(Schema::Sample, false), (Schema::Sample, true), (Schema::Wholesale, false), (Schema::Wholesale, true)];

struct Sample {
    schema: Schema,
    catalog: Catalog,
    model: Arc<Model>,
    planner: Planner,
}

async fn sample(schema: Schema, inferred: bool) -> Sample {
    let catalog = support::catalog(&support::open(&schema.data()).await).await;
    let model = if inferred { infer(&catalog) } else { yaml::read(&schema.model(), &catalog).expect("model fits") };
    let model = Arc::new(model);
    Sample { schema, planner: Planner::new(model.clone()), model, catalog }
}

impl Sample {
    /// The readings of our own questions, and of the choices of those that are asked back.
    fn queries(&self) -> Vec<Query> {
        let lines = self.schema.questions();
        let questions = lines.lines().filter(|line| !line.trim().is_empty()).map(|line| {
            let case: Value = serde_json::from_str(line).expect("a question");
            case["question"].as_str().expect("words").to_owned()
        });
        let plans = questions.map(|question| self.plan(&question));
        plans
            .flat_map(|plan| match plan {
                Plan::Answer(reading) => vec![reading.query.clone()],
                Plan::Clarify { choices, .. } => choices.into_iter().map(|choice| choice.query).collect(),
                Plan::Refuse { .. } => Vec::new(),
            })
            .collect()
    }

    fn plan(&self, question: &str) -> Plan {
        self.planner.plan(question, &Context { today: date(2026, 1, 15), previous: None })
    }

    fn fault(&self, query: &Query) -> Option<String> {
        let sql = match compile(query, &self.model, self.catalog.dialect) {
            Ok(sql) => sql,
            Err(error) => return Some(error.to_string()),
        };
        let report = guard::check(
            &sql,
            &Policy { catalog: &self.catalog, access: &guard::access::Access::open(), limits: &Limits::default() },
        );
        report.query.is_none().then(|| format!("{:?}: {sql}", report.reasons))
    }

    /// What is offered for `query`, each of which must be askable.
    fn offered(&self, query: &Query) -> Vec<Chip> {
        let fits = |other: &Query| compile(other, &self.model, self.catalog.dialect).is_ok();
        let chips = editable(query, &self.model, &fits).chips;
        for chip in &chips {
            assert!(chip.alternatives.len() <= MAX_ALTERNATIVES);
            let labels: HashSet<&str> = chip.alternatives.iter().map(|other| other.label.as_str()).collect();
            assert_eq!(labels.len(), chip.alternatives.len(), "{chip:?}");
            for other in &chip.alternatives {
                assert_ne!(other.query, *query, "{} {}", chip.label, other.label);
                let fault = self.fault(&other.query);
                assert_eq!(fault, None, "{} {} of {query:?}", chip.label, other.label);
            }
        }
        let size = serde_json::to_vec(&chips).expect("chips").len();
        assert!(size <= MAX_OFFERED_BYTES + WORDS_BYTES, "{size} bytes: {query:?}");
        chips
    }
}

#[tokio::test]
async fn every_alternative_to_our_own_questions_can_be_asked() {
    for (schema, inferred) in ALL {
        let sample = sample(schema, inferred).await;
        let queries = sample.queries();
        assert!(queries.len() > 15, "{}", queries.len());
        let offered: usize =
            queries.iter().flat_map(|query| sample.offered(query)).map(|chip| chip.alternatives.len()).sum();
        assert!(offered > queries.len() * 5, "{offered} alternatives to {} queries", queries.len());
    }
}

#[tokio::test]
async fn the_parts_of_a_reading_offer_what_a_person_would_look_for() {
    let sample = sample(Schema::Sample, false).await;
    let Plan::Answer(reading) = sample.plan("Number of flights per month from JFK in 2013") else {
        panic!("not answered");
    };
    let chips = sample.offered(&reading.query);
    let labels = |kind: ChipKind| -> Vec<String> {
        let chip = chips.iter().find(|chip| chip.kind == kind).expect("chip");
        chip.alternatives.iter().map(|other| other.label.clone()).collect()
    };
    assert!(labels(ChipKind::Metric).contains(&"average departure delay".to_owned()), "{:?}", labels(ChipKind::Metric));
    assert!(labels(ChipKind::Filter).contains(&"origin is LGA".to_owned()), "{:?}", labels(ChipKind::Filter));
    assert!(labels(ChipKind::Filter).contains(&"any origin".to_owned()), "{:?}", labels(ChipKind::Filter));
}

#[tokio::test]
async fn what_a_refusal_suggests_can_be_answered() {
    for (schema, inferred) in ALL {
        let sample = sample(schema, inferred).await;
        let Plan::Refuse { suggestions, .. } = sample.plan("How melancholic were the zeppelins?") else {
            panic!("not refused");
        };
        assert_eq!(suggestions.len(), 4, "{suggestions:?}");
        for suggestion in &suggestions {
            assert!(suggestion.ends_with('?') && !suggestion.contains('`'), "{suggestion}");
            let Plan::Answer(reading) = sample.plan(suggestion) else { panic!("{suggestion} is not answered") };
            assert_eq!(sample.fault(&reading.query), None, "{suggestion}");
        }
    }
}

#[tokio::test]
async fn walks_along_alternatives_never_leave_what_can_be_asked() {
    let sample = sample(Schema::Sample, false).await;
    let queries = sample.queries();
    let steps = prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..5);
    let config = ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(start in any::<prop::sample::Index>(), steps in steps)| {
        let mut query = start.get(&queries).clone();
        for (part, other) in steps {
            let chips = sample.offered(&query);
            let open: Vec<&Chip> = chips.iter().filter(|chip| !chip.alternatives.is_empty()).collect();
            if open.is_empty() {
                break;
            }
            query = other.get(&part.get(&open).alternatives).query.clone();
        }
    });
}
