//! Questions to offer where one could not be answered: such as a person would ask of these tables, and each of them
//! known to have exactly one reading.

use jiff::civil::Date;
use pilothouse_domain::semantic::{Dataset, Field, FieldKind, singular};

use super::{Planner, token};

/// Most questions suggested.
const MAX_SUGGESTIONS: usize = 4;
/// Most values of what a suggestion groups by: more would not be read.
const MAX_GROUPS: usize = 40;

impl Planner {
    /// The questions; found once, since they depend on the model only.
    pub(crate) fn suggestions(&self) -> &[String] {
        self.suggestions.get_or_init(|| {
            let mut datasets: Vec<&Dataset> = self.model.datasets.iter().collect();
            // What happened is asked about more often than what it happened to.
            datasets.sort_by_key(|dataset| dataset.default_time.is_none());
            let found = datasets.into_iter().enumerate().filter_map(|(at, dataset)| {
                let mut questions = self.questions(dataset);
                // Neighbours begin with another kind of question, so that the list shows what can be asked.
                let kinds = questions.len().max(1);
                questions.rotate_left(at % kinds);
                questions.into_iter().find(|question| self.has_one_reading(question))
            });
            found.take(MAX_SUGGESTIONS).collect()
        })
    }

    fn questions(&self, dataset: &Dataset) -> Vec<String> {
        let rows = &dataset.label;
        let mut out = Vec::new();
        let metrics = self.model.metrics.iter().filter(|metric| metric.measure.dataset == dataset.name);
        let by = dataset.fields.iter().find(|field| can_group(dataset, field));
        if let Some((metric, by)) = metrics.clone().next().zip(by) {
            out.push(format!("What is the {} by {}?", metric.label, by.label));
        }
        if let Some(by) = by {
            out.push(format!("Which {} has the most {rows}?", singular(&by.label)));
        }
        if dataset.default_time.is_some() {
            out.extend(metrics.take(1).map(|metric| format!("What was the {} per month?", metric.label)));
            out.push(format!("How many {rows} were there per month?"));
        }
        out.push(format!("How many {rows} are there?"));
        out
    }

    fn has_one_reading(&self, question: &str) -> bool {
        let items = self.items(token::tokens(question), Date::constant(2000, 1, 1));
        let all = self.candidates(&items);
        self.best(&all).len() == 1
    }
}

/// Whether groups by the field hold more than a row each and are few enough to read.
fn can_group(dataset: &Dataset, field: &Field) -> bool {
    let kind = matches!(field.kind, FieldKind::Dimension | FieldKind::Key);
    let single = dataset.primary_key.contains(&field.column) || dataset.display.as_ref() == Some(&field.name);
    kind && !single && field.calendar.is_none() && (2..=MAX_GROUPS).contains(&field.values.len())
}
