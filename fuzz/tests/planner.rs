//! The planner: no question makes it panic, and what it reads compiles to SQL that the guard lets pass.

use std::sync::Arc;

use pilothouse_ai::planner::{Context, Plan, Planner};
use pilothouse_domain::catalog::{Catalog, Dialect};
use pilothouse_domain::semantic::{Model, Query};
use pilothouse_fuzz::{QUESTION, catalog, sentence};
use pilothouse_warehouse::guard::access::Access;
use pilothouse_warehouse::guard::{Limits, Policy, check};
use pilothouse_warehouse::semantic;

struct Desk {
    catalog: Catalog,
    model: Arc<Model>,
    planner: Planner,
}

impl Desk {
    fn new() -> Self {
        let catalog = catalog(Dialect::DataFusion);
        let model = Arc::new(semantic::infer(&catalog));
        let planner = Planner::new(model.clone());
        Self { catalog, model, planner }
    }

    /// Asks, and looks at every reading that comes back; the first reading is the context of the next question.
    fn ask(&self, question: &str, previous: Option<&Query>) -> Option<Query> {
        let context = Context { today: jiff::civil::date(2024, 6, 15), previous };
        match self.planner.plan(question, &context) {
            Plan::Answer(found) => {
                self.holds(question, &found.query);
                Some(found.query)
            }
            Plan::Clarify { choices, .. } => {
                assert!(choices.len() > 1, "asked back without a choice: {question}");
                choices.iter().for_each(|choice| self.holds(question, &choice.query));
                None
            }
            Plan::Refuse { reasons, .. } => {
                assert!(!reasons.is_empty(), "refused without a reason: {question}");
                None
            }
        }
    }

    fn holds(&self, question: &str, query: &Query) {
        let compiled = semantic::compile(query, &self.model, Dialect::DataFusion);
        let sql = compiled.unwrap_or_else(|error| unreachable!("{question}: {error}"));
        let report =
            check(&sql, &Policy { catalog: &self.catalog, access: &Access::open(), limits: &Limits::default() });
        assert!(report.query.is_some(), "{question}\n{sql}\n{:?}", report.reasons);
    }
}

#[test]
fn question_bytes() {
    let desk = Desk::new();
    bolero::check!().for_each(|bytes: &[u8]| {
        desk.ask(&String::from_utf8_lossy(bytes), None);
    });
}

#[test]
fn question_words() {
    let desk = Desk::new();
    bolero::check!().for_each(|picks: &[u8]| {
        let (first, second) = picks.split_at(picks.len() / 2);
        let previous = desk.ask(&format!("how many orders {}", sentence(QUESTION, first)), None);
        desk.ask(&sentence(QUESTION, second), previous.as_ref());
    });
}
