//! The parser: the only file that calls it. It reads what the guard's own lexer found; and of a text that is to run, what its
//! own lexer finds too must be the same.

use datafusion::sql::sqlparser::ast::Statement;
use datafusion::sql::sqlparser::dialect::Dialect as ParserDialect;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Token as ParserToken, TokenWithSpan, Tokenizer, TokenizerError};
use pilothouse_domain::catalog::Dialect;

use super::dialects;
use super::lexer::{Kind, Pos, Token};
use super::limits::PARSER_RECURSION;
use super::report::{Reason, ReasonCode};
use super::tokens;

/// Who reads the characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lexers {
    /// The guard's own lexer, where what it found is plain.
    Own,
    /// The parser's lexer as well, which must find the same: an engine will read this text.
    Both,
}

/// Parses the one statement of `sql`, whose tokens the guard's lexer has found.
pub fn parse(sql: &str, dialect: Dialect, tokens: &[Token], lexers: Lexers) -> Result<Statement, Reason> {
    let plain = if lexers == Lexers::Own { tokens::plain(sql, dialect, tokens) } else { None };
    let dialect = dialects::of(dialect);
    let theirs = match plain {
        Some(plain) => plain,
        None => compared(sql, dialect, tokens)?,
    };
    let mut parser = Parser::new(dialect).with_recursion_limit(PARSER_RECURSION).with_tokens_with_locations(theirs);
    let mut statements = parser.parse_statements().map_err(parser_reason)?;
    // The parser takes `END` for the end of a block that holds statements, and would read nothing of what follows it.
    parser.expect_token(&ParserToken::EOF).map_err(parser_reason)?;
    match (statements.pop(), statements.is_empty()) {
        (Some(statement), true) => Ok(statement),
        (Some(_), false) => {
            Err(Reason::whole(ReasonCode::StatementMultiple, "only one statement may be sent at a time"))
        }
        (None, _) => Err(Reason::whole(ReasonCode::StatementEmpty, "there is no statement")),
    }
}

/// The tokens that the parser's own lexer finds, which are the same as `tokens`.
pub(super) fn compared(sql: &str, dialect: &dyn ParserDialect, tokens: &[Token]) -> Result<Vec<TokenWithSpan>, Reason> {
    let mut theirs = Tokenizer::new(dialect, sql).tokenize_with_location().map_err(|error| tokenizer_reason(&error))?;
    compare(tokens, &theirs)?;
    // The grammar knows no white space, and comments mean nothing, not even those that some engines take for hints.
    theirs.retain(|token| !matches!(token.token, ParserToken::Whitespace(_)));
    Ok(theirs)
}

/// Both readings must find the same words, names, strings and marks in the same places.
fn compare(ours: &[Token], theirs: &[TokenWithSpan]) -> Result<(), Reason> {
    // Operators and numbers may be cut differently; where they are, the words and marks around them are not.
    let mut ours = ours.iter().filter(|own| !matches!(own.kind, Kind::Number | Kind::Operator));
    for token in theirs {
        let Some(kind) = kind(&token.token) else { continue };
        let start = token.span.start;
        let same = ours.next().is_some_and(|own| {
            own.kind == kind && u64::from(own.pos.line) == start.line && u64::from(own.pos.column) == start.column
        });
        if !same {
            let pos = position(start.line, start.column);
            return Err(Reason::at(ReasonCode::LexerDifferential, pos, "this can be read in more than one way"));
        }
    }
    match ours.next() {
        None => Ok(()),
        Some(own) => Err(Reason::at(ReasonCode::LexerDifferential, own.pos, "this can be read in more than one way")),
    }
}

fn kind(token: &ParserToken) -> Option<Kind> {
    use ParserToken as T;
    match token {
        T::Word(word) => Some(if word.quote_style.is_some() { Kind::Name } else { Kind::Word }),
        T::SingleQuotedString(_)
        | T::EscapedStringLiteral(_)
        | T::DoubleQuotedString(_)
        | T::TripleSingleQuotedString(_)
        | T::TripleDoubleQuotedString(_)
        | T::SingleQuotedRawStringLiteral(_)
        | T::DoubleQuotedRawStringLiteral(_)
        | T::TripleSingleQuotedRawStringLiteral(_)
        | T::TripleDoubleQuotedRawStringLiteral(_) => Some(Kind::Text),
        T::LParen | T::RParen | T::LBracket | T::RBracket | T::LBrace | T::RBrace | T::Comma | T::SemiColon => {
            Some(Kind::Mark)
        }
        // Operators, numbers and white space are not compared; every other literal was refused by the lexer, and
        // would show here as a token that is missing.
        _ => None,
    }
}

fn position(line: u64, column: u64) -> Pos {
    Pos { line: u32::try_from(line).unwrap_or(0), column: u32::try_from(column).unwrap_or(0) }
}

fn tokenizer_reason(error: &TokenizerError) -> Reason {
    let pos = position(error.location.line, error.location.column);
    Reason::at(ReasonCode::SyntaxError, pos, error.message.clone())
}

fn parser_reason(error: ParserError) -> Reason {
    match error {
        ParserError::RecursionLimitExceeded => {
            Reason::whole(ReasonCode::CapDepth, "the statement is nested too deeply")
        }
        ParserError::TokenizerError(message) | ParserError::ParserError(message) => {
            let pos = place_in(&message);
            let words = message.split(" at Line:").next().unwrap_or(&message).to_owned();
            Reason::at(ReasonCode::SyntaxError, pos, words)
        }
    }
}

/// The parser writes places as `at Line: 3, Column: 14` at the end of its messages.
fn place_in(message: &str) -> Pos {
    let number = |label: &str| {
        let rest = message.rsplit_once(label)?.1;
        let digits: String = rest.trim_start().chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    };
    match (number("Line:"), number("Column:")) {
        (Some(line), Some(column)) => Pos { line, column },
        _ => Pos::default(),
    }
}
