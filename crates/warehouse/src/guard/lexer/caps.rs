//! Counters that stop a text before a parser could exhaust itself on it.

use crate::guard::limits::{Limits, MAX_BARE_INTERVALS, MAX_NESTED_RETRIES, MAX_WORD_RUN};
use crate::guard::report::ReasonCode;

/// Words that are operators: each can lengthen a left-deep chain in the parser's tree.
const OPERATOR_WORDS: [&str; 13] =
    ["and", "or", "not", "is", "like", "ilike", "in", "between", "similar", "collate", "at", "xor", "overlaps"];

/// Words after which a new expression begins.
const EXPRESSION_STARTS: [&str; 17] = [
    "select",
    "from",
    "where",
    "group",
    "order",
    "having",
    "qualify",
    "on",
    "when",
    "then",
    "else",
    "limit",
    "union",
    "intersect",
    "except",
    "join",
    "values",
];

/// Words whose brackets the parser may read twice, so that nesting them doubles its time.
const RETRIED: [&str; 16] = [
    "position",
    "array",
    "cast",
    "try_cast",
    "extract",
    "substring",
    "substr",
    "trim",
    "overlay",
    "ceil",
    "floor",
    "convert",
    "struct",
    "map",
    "exists",
    "row",
];

/// What opened a level of nesting.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Opened {
    Mark,
    Case,
    /// Brackets after a word in `RETRIED`, which the parser reads a second time when they do not fit.
    Retried,
}

pub(super) struct Caps<'a> {
    limits: &'a Limits,
    tokens: usize,
    word_run: usize,
    longest_word_run: usize,
    /// Words INTERVAL not followed by a literal so far.
    bare_intervals: usize,
    /// Whether the last token was a word in `RETRIED`.
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
        self.after_retried = RETRIED.iter().any(|known| word.eq_ignore_ascii_case(known));
        self.word_run += 1;
        self.longest_word_run = self.longest_word_run.max(self.word_run);
        let is = |known: &&str| word.eq_ignore_ascii_case(known);
        if ["union", "intersect", "except", "minus"].iter().any(&is) {
            self.set_branches += 1;
        }
        if word.eq_ignore_ascii_case("interval") {
            self.bare_intervals += 1;
        }
        if word.eq_ignore_ascii_case("case") {
            self.open(Opened::Case);
        } else if word.eq_ignore_ascii_case("end") {
            if self.levels.last().is_some_and(|level| level.0 == Opened::Case) {
                self.close();
            }
        } else if OPERATOR_WORDS.iter().any(&is) {
            self.operator();
        } else if EXPRESSION_STARTS.iter().any(&is) {
            self.operators = 0;
            self.word_run = 0;
        }
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
