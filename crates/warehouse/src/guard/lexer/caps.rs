//! Counters that stop a text before a parser could exhaust itself on it.

use crate::guard::limits::{Limits, MAX_BARE_INTERVALS, MAX_NESTED_RETRIES, MAX_WORD_RUN};
use crate::guard::report::ReasonCode;

/// What a word is to the counters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    /// Nothing.
    Plain,
    /// An operator: each can lengthen a left-deep chain in the parser's tree.
    Operator,
    /// A new expression begins after it.
    Start,
    /// Another branch of a set operation begins after it.
    Branch,
    /// The parser may read its brackets twice, so that nesting them doubles its time.
    Retried,
    Interval,
    Case,
    End,
}

/// The longest word that is anything.
const LONGEST_WORD: usize = 9;

impl Word {
    fn of(word: &str) -> Self {
        let mut lower = [0; LONGEST_WORD];
        let Some(lower) = lower.get_mut(..word.len()) else { return Self::Plain };
        lower.copy_from_slice(word.as_bytes());
        lower.make_ascii_lowercase();
        match &*lower {
            b"and" | b"or" | b"not" | b"is" | b"like" | b"ilike" | b"in" | b"between" | b"similar" | b"collate"
            | b"at" | b"xor" | b"overlaps" => Self::Operator,
            b"select" | b"from" | b"where" | b"group" | b"order" | b"having" | b"qualify" | b"on" | b"when"
            | b"then" | b"else" | b"limit" | b"join" | b"values" => Self::Start,
            b"union" | b"intersect" | b"except" | b"minus" => Self::Branch,
            b"position" | b"array" | b"cast" | b"try_cast" | b"extract" | b"substring" | b"substr" | b"trim"
            | b"overlay" | b"ceil" | b"floor" | b"convert" | b"struct" | b"map" | b"exists" | b"row" => Self::Retried,
            b"interval" => Self::Interval,
            b"case" => Self::Case,
            b"end" => Self::End,
            _ => Self::Plain,
        }
    }
}

/// What opened a level of nesting.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Opened {
    Mark,
    Case,
    /// Brackets that the parser reads a second time when they do not fit.
    Retried,
}

pub(super) struct Caps<'a> {
    limits: &'a Limits,
    tokens: usize,
    word_run: usize,
    longest_word_run: usize,
    /// Words INTERVAL not followed by a literal so far.
    bare_intervals: usize,
    /// Whether the last token was a word whose brackets are read twice.
    after_retried: bool,
    most_retries: usize,
    operators: usize,
    most_operators: usize,
    set_branches: usize,
    /// The open levels, each with the operators counted around it.
    levels: Vec<(Opened, usize)>,
    deepest: usize,
}

impl<'a> Caps<'a> {
    pub(super) fn new(limits: &'a Limits) -> Self {
        Self {
            limits,
            tokens: 0,
            word_run: 0,
            longest_word_run: 0,
            bare_intervals: 0,
            after_retried: false,
            most_retries: 0,
            operators: 0,
            most_operators: 0,
            set_branches: 0,
            levels: Vec::new(),
            deepest: 0,
        }
    }

    pub(super) fn token(&mut self) {
        self.tokens += 1;
    }

    /// A token that is no word ends a run of words.
    pub(super) fn end_run(&mut self) {
        self.word_run = 0;
    }

    /// A literal settles what the INTERVAL before it is.
    pub(super) fn interval_settled(&mut self) {
        self.bare_intervals = self.bare_intervals.saturating_sub(1);
    }

    pub(super) fn operator(&mut self) {
        self.word_run = 0;
        self.operators += 1;
        self.most_operators = self.most_operators.max(self.operators);
    }

    pub(super) fn mark(&mut self, c: char) {
        self.mark_level(c);
        self.after_retried = false;
    }

    fn mark_level(&mut self, c: char) {
        match c {
            '(' | '[' | '{' => {
                // A subscript lengthens the chain it stands in.
                if c == '[' {
                    self.operator();
                }
                self.open(if self.after_retried { Opened::Retried } else { Opened::Mark });
            }
            ')' | ']' | '}' => while self.close() == Some(Opened::Case) {},
            _ => self.operators = 0,
        }
    }

    pub(super) fn word(&mut self, word: &str) {
        let word = Word::of(word);
        self.after_retried = word == Word::Retried;
        self.word_run += 1;
        self.longest_word_run = self.longest_word_run.max(self.word_run);
        match word {
            Word::Plain | Word::Retried => {}
            Word::Operator => self.operator(),
            Word::Start => self.expression_starts(),
            Word::Branch => {
                self.set_branches += 1;
                self.expression_starts();
            }
            Word::Interval => self.bare_intervals += 1,
            Word::Case => self.open(Opened::Case),
            Word::End => {
                if self.levels.last().is_some_and(|level| level.0 == Opened::Case) {
                    self.close();
                }
            }
        }
    }

    fn expression_starts(&mut self) {
        self.operators = 0;
        self.word_run = 0;
    }

    fn open(&mut self, opened: Opened) {
        self.levels.push((opened, self.operators));
        self.deepest = self.deepest.max(self.levels.len());
        if opened == Opened::Retried {
            let open = self.levels.iter().filter(|level| level.0 == Opened::Retried).count();
            self.most_retries = self.most_retries.max(open);
        }
        self.operators = 0;
    }

    fn close(&mut self) -> Option<Opened> {
        let (opened, operators) = self.levels.pop()?;
        self.operators = operators;
        Some(opened)
    }

    /// The first bound that is passed, with plain words.
    pub(super) fn exceeded(&self) -> Option<(ReasonCode, String)> {
        let limits = self.limits;
        if self.tokens > limits.max_tokens {
            return Some((ReasonCode::CapTokens, format!("more than {} tokens", limits.max_tokens)));
        }
        if self.deepest > limits.max_depth {
            return Some((ReasonCode::CapDepth, format!("nested deeper than {} levels", limits.max_depth)));
        }
        if self.longest_word_run > MAX_WORD_RUN {
            return Some((ReasonCode::CapDepth, format!("more than {MAX_WORD_RUN} words in a row")));
        }
        // The last one may still get its literal.
        if self.bare_intervals > MAX_BARE_INTERVALS + 1 {
            return Some((ReasonCode::CapDepth, format!("more than {MAX_BARE_INTERVALS} INTERVAL without a literal")));
        }
        if self.most_retries > MAX_NESTED_RETRIES {
            return Some((
                ReasonCode::CapDepth,
                format!(
                    "more than {MAX_NESTED_RETRIES} brackets of CAST, POSITION, ARRAY and the like within each other"
                ),
            ));
        }
        if self.most_operators > limits.max_operator_chain {
            let message = format!("more than {} operators in one expression", limits.max_operator_chain);
            return Some((ReasonCode::CapOperators, message));
        }
        if self.set_branches > limits.max_set_branches {
            let message = format!("more than {} UNION, INTERSECT or EXCEPT", limits.max_set_branches);
            return Some((ReasonCode::CapSetBranches, message));
        }
        None
    }
}
