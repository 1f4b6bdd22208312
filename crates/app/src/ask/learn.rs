//! What a question says about the one before it: that its words were read otherwise than they were meant.
//!
//! Three things are corrections: a choice that was picked, another number in the place of the one that was understood, and a
//! question that is asked again in words that are known. Another period, value or group is none: people look around.

use pilothouse_domain::canonical::sha256;
use pilothouse_domain::semantic::Query;
use pilothouse_store::runs::Run;

use super::answer::{ResponseType, answer_of};
use super::{Input, Settled};

/// Part of the words of a question that it must share with the one before to be that question again.
const SHARED: f64 = 0.5;

/// How a correction was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LearntFrom {
    /// The question had several readings, and one was picked.
    Choice,
    /// Another number was asked for in the place of the one understood.
    Change,
    /// The question was declined, and asked again in other words.
    OtherWords,
}

impl LearntFrom {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Choice => "choice",
            Self::Change => "change",
            Self::OtherWords => "other_words",
        }
    }
}

/// What `query`, which `input` was answered by, says about the words of a question: those words, and how that is known.
/// `earlier` is the question before it in the conversation.
pub(super) fn learnt(input: &Input, query: &Query, earlier: Option<&Run>) -> Option<(String, LearntFrom)> {
    if input.settled == Some(Settled::Choice) {
        return Some((input.question.clone(), LearntFrom::Choice));
    }
    let earlier = earlier?;
    let before: Input = serde_json::from_str(&earlier.input).ok()?;
    if before.picked.is_some() || before.connection != input.connection {
        return None;
    }
    let answer = answer_of(earlier);
    match (input.settled, answer.response_type) {
        (Some(Settled::Change), ResponseType::QueryResult | ResponseType::ApprovalRequired) => {
            let understood: Query = serde_json::from_value(answer.data.get("query")?.clone()).ok()?;
            is_another_number(&understood, query).then_some((before.question, LearntFrom::Change))
        }
        (None, ResponseType::Refused) => {
            let has_unknown = answer.data.get("unknown_words")?.as_array().is_some_and(|words| !words.is_empty());
            let is_again = has_unknown && shared(&before.question, &input.question) >= SHARED;
            is_again.then_some((before.question, LearntFrom::OtherWords))
        }
        _ => None,
    }
}

/// What a proposal is kept under: the same for the same words and reading.
pub(super) fn key(question: &str, query: &str) -> String {
    let words: Vec<String> = words(question);
    hex::encode(&sha256([words.join(" ").as_str(), "\n", query].concat().as_bytes())[..16])
}

/// Whether two queries differ in what is counted and in nothing else. The order follows the number.
fn is_another_number(understood: &Query, meant: &Query) -> bool {
    let rest = |query: &Query| Query { measures: Vec::new(), order: Vec::new(), ..query.clone() };
    understood.measures != meant.measures && rest(understood) == rest(meant)
}

/// The part of the words of `before` that stand in `now` too, from 0 to 1.
fn shared(before: &str, now: &str) -> f64 {
    let (before, now) = (words(before), words(now));
    let again = before.iter().filter(|word| now.contains(word)).count();
    again as f64 / before.len().max(1) as f64
}

fn words(text: &str) -> Vec<String> {
    let split = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    split.map(str::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_words_and_reading_are_one_proposal() {
        assert_eq!(key("Turnover, by month?", "{}"), key("turnover by  month", "{}"));
        assert_ne!(key("turnover by month", "{}"), key("turnover by month", "{\"limit\":1}"));
        assert_ne!(key("turnover by month", "{}"), key("turnover by week", "{}"));
    }

    #[test]
    fn a_question_asked_again_shares_most_of_its_words() {
        assert!(shared("turnover by month in 2025", "revenue by month in 2025") >= SHARED);
        assert!(shared("turnover by month", "how many flights were there") < SHARED);
    }
}
