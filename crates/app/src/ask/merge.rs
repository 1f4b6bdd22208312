//! The planner's reading of a question and a model's, put together. What the planner reads is answered with or without a
//! model; what it does not, a model can only offer: somebody picks it before it is run.

use pilothouse_ai::planner::MAX_CHOICES;
use pilothouse_domain::semantic::Query;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::plan::{Choice, Planned};
use super::propose::{Proposed, What};

/// How the reading of a question came about. Stored in the journal, so its fields are added to and not renamed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Made {
    /// Whether a model had a part in it.
    #[serde(default)]
    pub source: Source,
    /// How far it can be trusted.
    #[serde(default)]
    pub confidence: Confidence,
    /// What the model said, where one was asked.
    #[serde(default)]
    pub model: Option<Value>,
    /// Whether it reads the question as the planner does; none where one of the two does not read it.
    #[serde(default)]
    pub agrees: Option<bool>,
    /// What whoever reads an answer has to know of that.
    #[serde(default)]
    pub warning: Option<String>,
}

/// Who read a question.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Source {
    /// The planner alone.
    #[default]
    Heuristic,
    /// The planner, and a model beside it.
    HeuristicAndModel,
    /// A model, where the planner does not read it.
    Model,
}

/// How far a reading can be trusted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Confidence {
    /// Nothing speaks against it.
    #[default]
    High,
    /// Two read it differently, or nobody knows whether it is meant so.
    Low,
}

impl Made {
    /// Tells it in an answer.
    pub fn tell(&self, data: &mut Value) {
        let mut model = self.model.clone().unwrap_or_default();
        if model.is_object() {
            model["agrees"] = json!(self.agrees);
        }
        data["read_by"] = json!({"source": self.source, "confidence": self.confidence, "model": model});
    }
}

/// What to do about a question that the planner reads so, and a model so; `is_same` tells whether two readings are the same.
pub(super) fn merged(
    planned: Planned,
    proposed: &Proposed,
    is_same: impl Fn(&Query, &Query) -> bool,
) -> (Planned, Made) {
    let mut made = Made { model: proposed.told(), ..Made::default() };
    if made.model.is_some() && proposed.by.is_some() {
        made.source = Source::HeuristicAndModel;
    }
    let planned = match (planned, &proposed.what) {
        (planned @ Planned::Reading { .. }, What::Query { query, .. }) => {
            let Planned::Reading { query: own, .. } = &planned else { return (planned, made) };
            let agrees = is_same(own, query);
            made.agrees = Some(agrees);
            made.confidence = if agrees { Confidence::High } else { Confidence::Low };
            planned
        }
        (planned @ Planned::Reading { .. }, What::Sql { .. } | What::No) => {
            (made.agrees, made.confidence) = (Some(false), Confidence::Low);
            planned
        }
        (Planned::Unclear { question, mut choices }, What::Query { query, text }) => {
            if !choices.iter().any(|choice| is_same(&choice.query, query)) && choices.len() < MAX_CHOICES {
                choices.push(offered(choices.len() + 1, query, text));
            }
            made.confidence = Confidence::Low;
            Planned::Unclear { question, choices }
        }
        (Planned::Unanswerable { .. }, What::Query { query, text }) => {
            (made.source, made.confidence) = (Source::Model, Confidence::Low);
            let question = format!("A model reads it as: {} Is that meant?", ended(text));
            Planned::Unclear { question, choices: vec![offered(1, query, text)] }
        }
        (planned, _) => planned,
    };
    if made.agrees == Some(false) {
        made.warning = proposed.in_words();
    }
    (planned, made)
}

fn offered(number: usize, query: &Query, text: &str) -> Choice {
    Choice {
        id: number.to_string(),
        label: text.trim_end_matches('.').to_owned(),
        detail: "As a model reads it.".to_owned(),
        message: text.trim_end_matches('.').to_owned(),
        query: query.clone(),
    }
}

fn ended(text: &str) -> String {
    format!("{}.", text.trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_domain::answer::Understanding;

    fn query(dataset: &str) -> Query {
        Query { dataset: dataset.to_owned(), ..Query::default() }
    }

    fn plans() -> [Planned; 3] {
        let choice = |id: usize, dataset: &str| offered(id, &query(dataset), dataset);
        [
            Planned::Reading { query: Box::new(query("a")), understanding: Understanding::default() },
            Planned::Unclear { question: "Which?".to_owned(), choices: vec![choice(1, "a"), choice(2, "b")] },
            Planned::Unanswerable {
                reasons: vec!["No.".to_owned()],
                unknown_words: Vec::new(),
                suggestions: Vec::new(),
            },
        ]
    }

    fn proposals() -> Vec<Proposed> {
        let by = super::super::propose::By {
            provider: "p".to_owned(),
            model: "m".to_owned(),
            prompt: "ask@0".to_owned(),
            nano_usd: 1,
        };
        let one = |what| Proposed { what, why: String::new(), by: Some(by.clone()) };
        let read = |dataset: &str| What::Query { query: Box::new(query(dataset)), text: format!("{dataset}.") };
        let nothing = What::Nothing { code: "ai.unavailable".to_owned() };
        let all = [read("a"), read("c"), What::Sql { sql: "SELECT 1".to_owned() }, What::No, nothing];
        all.into_iter().map(one).chain([Proposed::default()]).collect()
    }

    #[test]
    fn whatever_a_model_says_what_is_run_is_what_the_planner_reads() {
        for plan in plans() {
            for proposed in proposals() {
                let (after, made) = merged(plan.clone(), &proposed, |a, b| a == b);
                let runs = |planned: &Planned| match planned {
                    Planned::Reading { query, .. } => Some(query.clone()),
                    _ => None,
                };
                assert_eq!(runs(&after), runs(&plan), "{proposed:?}");
                assert_eq!(made.model.is_some(), proposed.what != What::Unasked);
            }
        }
    }

    #[test]
    fn disagreement_is_told_and_lowers_the_confidence() {
        let [reading, unclear, refused] = plans();
        let all = proposals();
        let told = |plan: &Planned, at: usize| merged(plan.clone(), &all[at], |a, b| a == b);
        let made = |at| told(&reading, at).1;
        assert_eq!(
            (made(0).agrees, made(0).confidence, made(0).source),
            (Some(true), Confidence::High, Source::HeuristicAndModel)
        );
        for other in [1, 2, 3] {
            assert_eq!((made(other).agrees, made(other).confidence), (Some(false), Confidence::Low), "{other}");
        }
        assert_eq!((made(4).agrees, made(4).confidence), (None, Confidence::High), "nothing came of it");
        assert_eq!(made(5), Made::default());
        let offered = |planned| match planned {
            Planned::Unclear { choices, .. } => choices.into_iter().map(|choice| choice.query.dataset).collect(),
            _ => Vec::new(),
        };
        assert_eq!(offered(told(&unclear, 0).0), ["a", "b"]);
        assert_eq!(offered(told(&unclear, 1).0), ["a", "b", "c"]);
        assert_eq!(offered(told(&refused, 1).0), ["c"]);
        assert_eq!(
            (told(&refused, 1).1.source, told(&refused, 3).1.source),
            (Source::Model, Source::HeuristicAndModel)
        );
        assert!(matches!(told(&refused, 3).0, Planned::Unanswerable { .. }));
    }
}
