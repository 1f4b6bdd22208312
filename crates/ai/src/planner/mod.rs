//! Questions in words to semantic queries, without a language model: the same question over the same model always gives
//! the same plan. It knows the model and the language; it knows no SQL and reads no rows.
//!
//! Tokens become items (words of the grammar, phrases of the model), items become a draft, a draft becomes queries over
//! each dataset it could be about, and the cheapest reading answers. Every word must have its place: what is left over,
//! or two readings that differ, is asked back. Read first: [`Planner`], [`Plan`], `scan::Scan`.

mod candidates;
mod choose;
mod dates;
mod draft;
mod filters;
mod followup;
mod graph;
mod lexicon;
mod meant;
mod measures;
mod resolve;
mod scan;
mod stem;
mod suggest;
mod tag;
mod time;
mod token;
mod verified;
mod words;

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use jiff::civil::Date;
use pilothouse_domain::answer::Understanding;
use pilothouse_domain::semantic::{Model, Query};
use serde::{Deserialize, Serialize};

pub use token::{MAX_QUESTION_BYTES, MAX_TOKENS};

use graph::Graph;
use lexicon::Lexicon;
use tag::Tagged;
use token::{Kind, Token};

/// What a question is asked in.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The day it is for the one who asks.
    pub today: Date,
    /// The query of the answer before, which a follow-up changes.
    pub previous: Option<&'a Query>,
}

/// A question as it was understood.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// What is computed.
    pub query: Query,
    /// The same in words.
    pub understanding: Understanding,
    /// Words that were read as others: `(written, read)`.
    #[serde(default)]
    pub corrections: Vec<(String, String)>,
}

/// One of the ways a question could be meant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// What sets it apart, short.
    pub label: String,
    /// The whole reading, in a sentence.
    pub detail: String,
    /// The question with the choice put in: asked in these words, it has only this reading.
    pub message: String,
    /// What is computed when it is picked.
    pub query: Query,
}

/// What to do about a question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Plan {
    /// It has one reading.
    Answer(Box<Reading>),
    /// It has several: ask back.
    Clarify {
        /// What to ask.
        question: String,
        /// Two to four ways it could be meant.
        choices: Vec<Choice>,
    },
    /// It cannot be answered.
    Refuse {
        /// Why, in sentences.
        reasons: Vec<String>,
        /// The words that mean nothing here.
        unknown_words: Vec<String>,
        /// Questions that can be asked.
        suggestions: Vec<String>,
    },
}

/// The most choices of a question asked back.
pub const MAX_CHOICES: usize = 4;

/// The stems of the words of a text, or of a name such as `order_lines`, but for the shortest.
pub(crate) fn words_of(text: &str) -> BTreeSet<String> {
    let words = text.split(|char: char| !char.is_alphanumeric()).filter(|word| word.chars().count() > 2);
    words.map(|word| stem::stem(&word.to_lowercase())).collect()
}

/// A model, compiled for reading questions.
#[derive(Debug)]
pub struct Planner {
    model: Arc<Model>,
    graph: Graph,
    lexicon: Lexicon,
    suggestions: OnceLock<Vec<String>>,
    verified: OnceLock<verified::Known>,
}

impl Planner {
    /// Compiles `model`. Costs a few milliseconds for each thousand values; keep the planner as long as the model.
    pub fn new(model: Arc<Model>) -> Self {
        let graph = Graph::build(&model);
        let lexicon = Lexicon::build(&model, &graph);
        Self { model, graph, lexicon, suggestions: OnceLock::new(), verified: OnceLock::new() }
    }

    /// What to do about `question`. Never fails and never guesses: what it does not understand it asks or refuses.
    pub fn plan(&self, question: &str, context: &Context<'_>) -> Plan {
        let said = self.vouched(question, context).or_else(|| self.settled(question, context));
        said.unwrap_or_else(|| self.open(question, context))
    }

    /// The plan for a question that says nothing about which of its readings is meant.
    fn open(&self, question: &str, context: &Context<'_>) -> Plan {
        let question = self.without_preamble(question.trim());
        if question.len() > MAX_QUESTION_BYTES {
            return self.refuse(vec![format!("A question has at most {MAX_QUESTION_BYTES} bytes.")], Vec::new());
        }
        let mut tokens = token::tokens(question);
        if tokens.is_empty() {
            return self.refuse(vec!["There is no question.".to_owned()], Vec::new());
        }
        if tokens.len() > MAX_TOKENS {
            return self.refuse(vec![format!("A question has at most {MAX_TOKENS} words.")], Vec::new());
        }
        let corrections = self.respell(&mut tokens);
        let items = self.items(tokens, context.today);
        self.choose(question, &items, corrections, context)
    }

    /// `I need one figure for the board: how many …?` without what leads it in. What names anything of the model stays.
    fn without_preamble<'a>(&self, question: &'a str) -> &'a str {
        const ENDS: [&str; 7] = [
            ": ",
            "would like to know ",
            "want to know ",
            "need to know ",
            "like to know ",
            "tell me ",
            "let me know ",
        ];
        let end = ENDS.iter().filter_map(|end| Some(question.to_ascii_lowercase().find(end)? + end.len())).min();
        let Some((head, rest)) = end.and_then(|end| question.split_at_checked(end)) else { return question };
        let says = |token: &Token| token.kind != Kind::Word || self.lexicon.knows(&token.lower, &token.stem);
        if rest.trim().is_empty() || token::tokens(head).iter().any(says) { question } else { rest }
    }

    fn items(&self, mut tokens: Vec<Token>, today: Date) -> Vec<Tagged> {
        self.elide(&mut tokens);
        tag::tag(&tokens, &self.lexicon, today)
    }

    /// Words that are one letter away from exactly one known word are read as it.
    fn respell(&self, tokens: &mut [Token]) -> Vec<(String, String)> {
        let mut corrections = Vec::new();
        for token in tokens.iter_mut().filter(|token| token.kind == Kind::Word) {
            if self.lexicon.knows(&token.lower, &token.stem) {
                continue;
            }
            let whole = words::whole(&token.lower).filter(|whole| self.lexicon.has_word(whole));
            if let Some(known) = whole.or_else(|| self.lexicon.respell(&token.lower)) {
                corrections.push((token.text.clone(), known.to_owned()));
                token.stem = stem::stem(known);
                token.lower = known.to_owned();
            }
        }
        corrections
    }

    /// `departure and arrival delay` is `departure delay and arrival delay`.
    fn elide(&self, tokens: &mut Vec<Token>) {
        let mut at = 0;
        while at + 3 < tokens.len() && tokens.len() <= MAX_TOKENS {
            let pair = |a: &Token, b: &Token| {
                self.lexicon.knows(&format!("{} {}", a.lower, b.lower), &format!("{} {}", a.stem, b.stem))
            };
            let joined = tokens[at + 1].is("and") || tokens[at + 1].is("or");
            let plain = !pair(&tokens[at], &tokens[at + 1]);
            if joined && plain && pair(&tokens[at], &tokens[at + 3]) && pair(&tokens[at + 2], &tokens[at + 3]) {
                let head = tokens[at + 3].clone();
                tokens.insert(at + 1, head);
                at += 1;
            }
            at += 1;
        }
    }
}
