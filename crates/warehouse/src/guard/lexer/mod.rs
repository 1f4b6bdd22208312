//! The guard's own reading of the characters, before any parser sees them.
//!
//! It finds the tokens, refuses what engines read differently, and counts (bytes, tokens, nesting, operators, set
//! branches), so that the parser is never handed a text that could exhaust it. It knows no grammar. What is to run is read
//! by the parser's own lexer too, and any difference blocks.

mod caps;
mod chars;
mod quoted;

use pilothouse_domain::catalog::Dialect;

use super::limits::Limits;
use super::report::{Reason, ReasonCode};
use caps::Caps;

/// A place in the statement; two trees are equal wherever their parts stood, so all places compare equal.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pos {
    /// Line from 1; 0 when there is none.
    pub line: u32,
    /// Column from 1, in characters.
    pub column: u32,
}

impl PartialEq for Pos {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An unquoted word.
    Word,
    /// A quoted name.
    Name,
    /// A text literal.
    Text,
    /// A parenthesis, bracket, comma or semicolon.
    Mark,
    /// A number without a sign.
    Number,
    /// One character of an operator.
    Operator,
}

/// One token.
#[derive(Debug, Clone, Copy)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Where it begins.
    pub pos: Pos,
    /// Its first byte in the text.
    pub start: usize,
    /// The byte after its last.
    pub end: usize,
}

/// Reads `sql`, or says every reason why it cannot be read.
pub fn scan(sql: &str, dialect: Dialect, limits: &Limits) -> Result<Vec<Token>, Vec<Reason>> {
    if sql.len() > limits.max_bytes {
        let message = format!("the statement has {} bytes, at most {} are allowed", sql.len(), limits.max_bytes);
        return Err(vec![Reason::whole(ReasonCode::CapBytes, message)]);
    }
    let mut scanner = Scanner {
        text: sql,
        at: 0,
        start: 0,
        pos: Pos { line: 1, column: 1 },
        dialect,
        tokens: Vec::new(),
        reasons: Vec::new(),
        caps: Caps::new(limits),
        after_interval: false,
        ended: None,
    };
    scanner.run();
    if scanner.reasons.is_empty() { Ok(scanner.tokens) } else { Err(scanner.reasons) }
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    /// Where the token at hand begins.
    start: usize,
    pos: Pos,
    dialect: Dialect,
    tokens: Vec<Token>,
    reasons: Vec<Reason>,
    caps: Caps<'a>,
    /// Whether the last token was the word INTERVAL.
    after_interval: bool,
    /// Where the first semicolon stands.
    ended: Option<Pos>,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<char> {
        match self.text.as_bytes().get(self.at) {
            Some(byte) if byte.is_ascii() => Some(char::from(*byte)),
            _ => self.rest().chars().next(),
        }
    }

    /// Goes past the ASCII characters that are `wanted`, none of which ends a line.
    fn skip(&mut self, wanted: impl Fn(u8) -> bool) {
        let length = self.rest().bytes().take_while(|byte| byte.is_ascii() && wanted(*byte)).count();
        self.at += length;
        self.pos.column = self.pos.column.saturating_add(u32::try_from(length).unwrap_or(u32::MAX));
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        if c == '\n' {
            self.pos.line += 1;
            self.pos.column = 1;
        } else {
            self.pos.column += 1;
        }
        Some(c)
    }

    fn refuse(&mut self, code: ReasonCode, pos: Pos, message: impl Into<String>) {
        if !self.reasons.iter().any(|reason| reason.code == code) {
            self.reasons.push(Reason::at(code, pos, message));
        }
    }

    fn push(&mut self, kind: Kind, pos: Pos) {
        self.tokens.push(Token { kind, pos, start: self.start, end: self.at });
        if kind != Kind::Word {
            self.caps.end_run();
        }
        self.settle_interval(kind == Kind::Text);
        self.count(pos);
    }

    fn settle_interval(&mut self, literal: bool) {
        if literal && self.after_interval {
            self.caps.interval_settled();
        }
        self.after_interval = false;
    }

    /// Counts a token; one after the first semicolon is a second statement.
    fn count(&mut self, pos: Pos) {
        self.caps.token();
        if self.ended.is_some() {
            self.refuse(ReasonCode::StatementMultiple, pos, "only one statement may be sent at a time");
        }
    }

    fn run(&mut self) {
        while let Some(c) = self.peek() {
            let pos = self.pos;
            self.start = self.at;
            match c {
                ' ' | '\t' | '\n' | '\r' => {
                    self.next();
                }
                '-' if self.rest().starts_with("--") => self.line_comment(),
                '/' if self.rest().starts_with("/*") => self.block_comment(),
                '#' if self.dialect == Dialect::BigQuery => self.line_comment(),
                '\'' | '"' if self.dialect == Dialect::BigQuery => self.bigquery_text(pos),
                '\'' => self.text_literal(pos, false),
                '"' => self.quoted_name(pos, '"'),
                '`' if self.dialect == Dialect::BigQuery => self.backticked_name(pos),
                '`' if self.dialect == Dialect::DataFusion => self.quoted_name(pos, '`'),
                'a'..='z' | 'A'..='Z' | '_' => self.word(pos),
                '0'..='9' => self.number(pos),
                '(' | ')' | '[' | ']' | '{' | '}' | ',' | ';' => self.mark(pos, c),
                _ => self.other(pos, c),
            }
            if let Some((code, message)) = self.caps.exceeded() {
                // Counting on would only cost time: the text is refused whatever follows.
                self.refuse(code, pos, message);
                return;
            }
        }
    }

    fn mark(&mut self, pos: Pos, c: char) {
        self.next();
        if c == ';' && self.ended.is_none() {
            self.tokens.push(Token { kind: Kind::Mark, pos, start: self.start, end: self.at });
            self.ended = Some(pos);
            return;
        }
        self.push(Kind::Mark, pos);
        self.caps.mark(c);
    }

    fn word(&mut self, pos: Pos) {
        let start = self.at;
        self.skip(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let word = self.text.get(start..self.at).unwrap_or_default();
        let quote_follows = matches!(self.peek(), Some('\'' | '"'));
        if quote_follows && word.eq_ignore_ascii_case("r") && self.dialect == Dialect::BigQuery {
            return self.bigquery_text(pos);
        }
        if quote_follows
            && word.eq_ignore_ascii_case("e")
            && self.peek() == Some('\'')
            && self.dialect != Dialect::BigQuery
        {
            return self.text_literal(pos, true);
        }
        let prefixed = quote_follows
            && ["b", "br", "e", "n", "nq", "q", "r", "rb", "x"].iter().any(|p| word.eq_ignore_ascii_case(p));
        let unicode =
            word.eq_ignore_ascii_case("u") && (self.rest().starts_with("&'") || self.rest().starts_with("&\""));
        if prefixed || unicode {
            self.refuse(ReasonCode::LexerStringForm, pos, "only plain '…' and E'…' strings are allowed");
        }
        let interval = word.eq_ignore_ascii_case("interval");
        self.caps.word(word);
        self.push(Kind::Word, pos);
        self.after_interval = interval;
    }

    fn number(&mut self, pos: Pos) {
        let digits = |scanner: &mut Self| scanner.skip(|byte| byte.is_ascii_digit());
        digits(self);
        if self.peek() == Some('.') {
            self.next();
            digits(self);
        }
        let mut ahead = self.rest().chars();
        if matches!(ahead.next(), Some('e' | 'E')) {
            let sign = ahead.next();
            let first = if matches!(sign, Some('+' | '-')) { ahead.next() } else { sign };
            if first.is_some_and(|c| c.is_ascii_digit()) {
                self.next();
                self.next();
                digits(self);
            }
        }
        if self.peek().is_some_and(|c| c.is_alphanumeric() || c == '_') {
            self.refuse(ReasonCode::LexerCharacter, pos, "a number must not run into a word");
        }
        self.tokens.push(Token { kind: Kind::Number, pos, start: self.start, end: self.at });
        self.caps.end_run();
        self.settle_interval(true);
        self.count(pos);
    }

    fn other(&mut self, pos: Pos, c: char) {
        self.next();
        match c {
            '$' => self.refuse(ReasonCode::LexerParameter, pos, "parameters and dollar-quoted strings are not allowed"),
            '?' | '@' if self.dialect == Dialect::BigQuery => {
                self.refuse(ReasonCode::LexerParameter, pos, "parameters and variables are not allowed");
            }
            '?' if self.dialect == Dialect::DataFusion => {
                self.refuse(ReasonCode::LexerParameter, pos, "parameters are not allowed");
            }
            '+' | '-' | '*' | '/' | '%' | '<' | '>' | '=' | '!' | '~' | '|' | '&' | '^' | ':' | '.' | '@' | '#'
            | '?' => {
                if c != '.' {
                    self.caps.operator();
                    self.after_interval = false;
                }
                self.tokens.push(Token { kind: Kind::Operator, pos, start: self.start, end: self.at });
                self.count(pos);
            }
            _ => self.refuse(ReasonCode::LexerCharacter, pos, chars::why_refused(c)),
        }
    }
}
