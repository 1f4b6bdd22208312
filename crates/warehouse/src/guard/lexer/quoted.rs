//! Strings, quoted names and comments: the tokens in which other tokens' characters mean nothing.

use super::{Kind, Pos, Scanner, chars};
use crate::guard::report::ReasonCode;

impl Scanner<'_> {
    /// A `'…'` literal with doubled quotes; with `escapes`, backslashes escape as in `E'…'`.
    pub(super) fn text_literal(&mut self, pos: Pos, escapes: bool) {
        self.next();
        while let Some(c) = self.next() {
            match c {
                '\0' => self.refuse(ReasonCode::LexerCharacter, pos, "a string must not hold the NUL character"),
                '\\' if escapes => {
                    self.next();
                }
                '\'' if self.peek() == Some('\'') => {
                    self.next();
                }
                '\'' => return self.push(Kind::Text, pos),
                _ => {}
            }
        }
        self.refuse(ReasonCode::LexerUnterminated, pos, "this string does not end");
    }

    /// A literal of BigQuery, in one or three quotes of either kind, in which a backslash takes the next character with
    /// it, raw or not.
    pub(super) fn bigquery_text(&mut self, pos: Pos) {
        let Some(quote) = self.next() else { return };
        let triple: String = std::iter::repeat_n(quote, 2).collect();
        let is_triple = self.rest().starts_with(&triple);
        if is_triple {
            self.next();
            self.next();
        }
        while let Some(c) = self.next() {
            match c {
                '\0' => self.refuse(ReasonCode::LexerCharacter, pos, "a string must not hold the NUL character"),
                '\\' => {
                    self.next();
                }
                c if c == quote && !is_triple => return self.push(Kind::Text, pos),
                c if c == quote && self.rest().starts_with(&triple) => {
                    self.next();
                    self.next();
                    return self.push(Kind::Text, pos);
                }
                _ => {}
            }
        }
        self.refuse(ReasonCode::LexerUnterminated, pos, "this string does not end");
    }

    /// A name of BigQuery in backticks, in which escapes are read differently by different engines.
    pub(super) fn backticked_name(&mut self, pos: Pos) {
        self.next();
        while let Some(c) = self.next() {
            if chars::is_refused_in_quotes(c) {
                self.refuse(ReasonCode::LexerCharacter, pos, chars::why_refused(c));
            } else if c == '\\' || (c == '`' && self.peek() == Some('`')) {
                self.refuse(ReasonCode::LexerStringForm, pos, "a quoted name must not hold a backslash or a backtick");
            }
            if c == '`' {
                return self.push(Kind::Name, pos);
            }
        }
        self.refuse(ReasonCode::LexerUnterminated, pos, "this quoted name does not end");
    }

    /// A name in quotes, which doubled stand for themselves.
    pub(super) fn quoted_name(&mut self, pos: Pos, quote: char) {
        self.next();
        while let Some(c) = self.next() {
            if chars::is_refused_in_quotes(c) {
                self.refuse(ReasonCode::LexerCharacter, pos, chars::why_refused(c));
            } else if c == quote {
                if self.peek() != Some(quote) {
                    return self.push(Kind::Name, pos);
                }
                self.next();
            }
        }
        self.refuse(ReasonCode::LexerUnterminated, pos, "this quoted name does not end");
    }

    /// A comment to the end of the line.
    pub(super) fn line_comment(&mut self) {
        let pos = self.pos;
        while let Some(c) = self.next() {
            if c == '\n' {
                return;
            }
            // Some engines end the comment at a lone carriage return and would run what follows it.
            let lone_return = c == '\r' && !matches!(self.peek(), Some('\n') | None);
            if lone_return {
                self.refuse(ReasonCode::LexerCharacter, pos, "a comment must not hold a lone carriage return");
            } else if chars::is_refused_in_quotes(c) {
                self.refuse(ReasonCode::LexerCharacter, pos, chars::why_refused(c));
            }
        }
    }

    /// A comment in `/* … */`, which nest.
    pub(super) fn block_comment(&mut self) {
        let pos = self.pos;
        let mut depth = 0_usize;
        while let Some(c) = self.peek() {
            let executable = self.rest().starts_with("/*!");
            let opens = self.rest().starts_with("/*");
            let closes = self.rest().starts_with("*/");
            if executable {
                let message = "comments of the form /*! … */ are executed by some engines";
                self.refuse(ReasonCode::LexerExecutableComment, pos, message);
            }
            if opens {
                depth += 1;
                self.next();
            } else if closes {
                depth -= 1;
                self.next();
            } else if chars::is_refused_in_quotes(c) {
                self.refuse(ReasonCode::LexerCharacter, pos, chars::why_refused(c));
            }
            self.next();
            if depth == 0 {
                return;
            }
        }
        self.refuse(ReasonCode::LexerUnterminated, pos, "this comment does not end");
    }
}
