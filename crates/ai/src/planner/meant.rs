//! Questions that say which of their readings is meant: `How many flights were late, meaning arrived late?`. The words
//! after `meaning` name one of the choices that the question without them would be asked back with.

use pilothouse_domain::semantic::explain;

use super::{Choice, Context, Plan, Planner, Reading};

/// What leads the choice in.
const MEANING: &str = ", meaning ";
/// What ends a question.
const ENDS: [char; 4] = ['?', '.', '!', ' '];

impl Planner {
    /// The answer to a question that names its choice; none when it names none.
    pub(crate) fn settled(&self, question: &str, context: &Context<'_>) -> Option<Plan> {
        let (head, meant) = split(question)?;
        let Plan::Clarify { choices, .. } = self.open(head, context) else { return None };
        let labels = names(&choices);
        let at = labels.iter().position(|label| same(label, meant));
        let at = at.or_else(|| choices.iter().position(|choice| same(&choice.label, meant)))?;
        let query = choices.into_iter().nth(at)?.query;
        let understanding = explain(&query, &self.model);
        Some(Plan::Answer(Box::new(Reading { query, understanding, corrections: Vec::new() })))
    }
}

/// Puts each choice into the question as the words that [`Planner::settled`] reads.
pub(crate) fn put_in(question: &str, choices: &mut [Choice]) {
    let head = question.trim().trim_end_matches(ENDS);
    let names = names(choices);
    for (choice, name) in choices.iter_mut().zip(names) {
        choice.message = format!("{head}{MEANING}{name}?");
    }
}

fn split(question: &str) -> Option<(&str, &str)> {
    let at = question.to_ascii_lowercase().rfind(MEANING)?;
    Some((question.get(..at)?, question.get(at + MEANING.len()..)?.trim_end_matches(ENDS)))
}

/// What each choice is called: its label, without what stands in brackets where that is enough to tell it apart.
fn names(choices: &[Choice]) -> Vec<String> {
    let short: Vec<&str> = choices
        .iter()
        .map(|choice| choice.label.split_once(" (").map_or(choice.label.as_str(), |(name, _)| name))
        .collect();
    let clear = short.iter().enumerate().all(|(at, name)| !short[..at].iter().any(|other| same(other, name)));
    if clear {
        short.into_iter().map(str::to_owned).collect()
    } else {
        choices.iter().map(|choice| choice.label.clone()).collect()
    }
}

fn same(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}
