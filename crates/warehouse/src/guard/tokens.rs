//! The parser's tokens from the guard's own: most statements are made of plain words, names, strings, numbers and operators,
//! which both lexers read alike, so that the parser's own need not read them once more. A text with anything else in it has
//! no plain tokens.

use std::collections::HashMap;
use std::sync::LazyLock;

use datafusion::sql::sqlparser::keywords::{ALL_KEYWORDS, ALL_KEYWORDS_INDEX, Keyword};
use datafusion::sql::sqlparser::tokenizer::{Location, Span, Token as ParserToken, TokenWithSpan, Word};
use pilothouse_domain::catalog::Dialect;
use rustc_hash::FxBuildHasher;

use super::lexer::{Kind, Token};

/// The tokens of `sql`, whose own reading is `tokens`; none where one of them is not plain.
pub fn plain(sql: &str, dialect: Dialect, tokens: &[Token]) -> Option<Vec<TokenWithSpan>> {
    let mut made = Vec::with_capacity(tokens.len());
    let mut rest = tokens;
    while let Some((first, after)) = rest.split_first() {
        let text = sql.get(first.start..first.end)?;
        let (token, taken) = match first.kind {
            Kind::Word => (word(text), 1),
            Kind::Name => (name(text, dialect)?, 1),
            Kind::Text => (string(text, dialect, after.first().is_some_and(|next| next.start == first.end))?, 1),
            Kind::Mark => (mark(text)?, 1),
            Kind::Number => (number(text, touches(first, after))?, 1),
            Kind::Operator => {
                let run = run(rest);
                let end = rest.get(run - 1)?.end;
                let before_number = rest.get(run).is_some_and(|next| next.start == end && next.kind == Kind::Number);
                (operator(sql.get(first.start..end)?, dialect, before_number)?, run)
            }
        };
        let start = Location::new(u64::from(first.pos.line), u64::from(first.pos.column));
        made.push(TokenWithSpan::new(token, Span::new(start, start)));
        rest = rest.get(taken..)?;
    }
    Some(made)
}

/// How many characters of operators follow each other without anything between them.
fn run(tokens: &[Token]) -> usize {
    let joined = |pair: &&[Token]| match pair {
        [one, other] => other.kind == Kind::Operator && one.end == other.start,
        _ => false,
    };
    1 + tokens.windows(2).take_while(joined).count()
}

/// Whether an operator follows without anything between.
fn touches(token: &Token, after: &[Token]) -> bool {
    after.first().is_some_and(|next| next.start == token.end && next.kind == Kind::Operator)
}

fn word(text: &str) -> ParserToken {
    ParserToken::Word(Word { value: text.to_owned(), quote_style: None, keyword: keyword(text) })
}

/// The longest key word has fewer letters.
const LONGEST_KEYWORD: usize = 40;

fn keyword(word: &str) -> Keyword {
    static ALL: LazyLock<HashMap<&'static [u8], Keyword, FxBuildHasher>> = LazyLock::new(|| {
        ALL_KEYWORDS.iter().map(|word| word.as_bytes()).zip(ALL_KEYWORDS_INDEX.iter().copied()).collect()
    });
    let mut upper = [0; LONGEST_KEYWORD];
    let Some(upper) = upper.get_mut(..word.len()) else { return Keyword::NoKeyword };
    upper.copy_from_slice(word.as_bytes());
    upper.make_ascii_uppercase();
    ALL.get(&*upper).copied().unwrap_or(Keyword::NoKeyword)
}

fn name(text: &str, dialect: Dialect) -> Option<ParserToken> {
    let quote = text.chars().next()?;
    let inner = text.get(1..text.len().checked_sub(1)?)?;
    let value = match (quote, dialect) {
        ('"', Dialect::DataFusion | Dialect::PostgreSql) => inner.replace("\"\"", "\""),
        ('`', Dialect::DataFusion | Dialect::BigQuery) if !inner.contains(['`', '\\']) => inner.to_owned(),
        _ => return None,
    };
    Some(ParserToken::Word(Word { value, quote_style: Some(quote), keyword: Keyword::NoKeyword }))
}

/// `'…'`, which in BigQuery may hold no escape and touch no other string.
fn string(text: &str, dialect: Dialect, touches: bool) -> Option<ParserToken> {
    let inner = text.strip_prefix('\'')?.strip_suffix('\'')?;
    let value = match dialect {
        Dialect::DataFusion | Dialect::PostgreSql => inner.replace("''", "'"),
        Dialect::BigQuery if touches || inner.contains(['\\', '\'']) => return None,
        Dialect::BigQuery => inner.to_owned(),
    };
    Some(ParserToken::SingleQuotedString(value))
}

fn mark(text: &str) -> Option<ParserToken> {
    Some(match text {
        "(" => ParserToken::LParen,
        ")" => ParserToken::RParen,
        "," => ParserToken::Comma,
        ";" => ParserToken::SemiColon,
        "[" => ParserToken::LBracket,
        "]" => ParserToken::RBracket,
        _ => return None,
    })
}

/// Digits, with more of them after a point. What a point could still belong to is not plain.
fn number(text: &str, touches: bool) -> Option<ParserToken> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (digits(whole) && digits(part) && !touches).then(|| ParserToken::Number(text.to_owned(), false))
}

/// The operators that every dialect has; others are not plain, nor is a point before a number.
fn operator(text: &str, dialect: Dialect, before_number: bool) -> Option<ParserToken> {
    Some(match text {
        "." if !before_number => ParserToken::Period,
        "=" => ParserToken::Eq,
        "<" => ParserToken::Lt,
        ">" => ParserToken::Gt,
        "<=" => ParserToken::LtEq,
        ">=" => ParserToken::GtEq,
        "<>" | "!=" => ParserToken::Neq,
        "+" => ParserToken::Plus,
        "-" => ParserToken::Minus,
        "*" => ParserToken::Mul,
        "/" => ParserToken::Div,
        "||" => ParserToken::StringConcat,
        "::" if dialect != Dialect::BigQuery => ParserToken::DoubleColon,
        "|>" if dialect == Dialect::BigQuery => ParserToken::VerticalBarRightAngleBracket,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::limits::Limits;
    use crate::guard::{dialects, lexer, parse};

    const STATEMENTS: &str = include_str!("../../tests/corpus/fresh.jsonl");

    #[test]
    fn what_is_plain_is_what_the_parsers_own_lexer_finds() {
        let (mut plain_ones, mut all) = (0, 0);
        for line in STATEMENTS.lines() {
            let case: serde_json::Value = serde_json::from_str(line).unwrap();
            let sql = case["sql"].as_str().unwrap();
            for dialect in [Dialect::DataFusion, Dialect::PostgreSql, Dialect::BigQuery] {
                let Ok(tokens) = lexer::scan(sql, dialect, &Limits::default()) else { continue };
                all += 1;
                let Some(ours) = plain(sql, dialect, &tokens) else { continue };
                let Ok(theirs) = parse::compared(sql, dialects::of(dialect), &tokens) else { continue };
                plain_ones += 1;
                let told = |tokens: &[TokenWithSpan]| -> Vec<(ParserToken, Location)> {
                    tokens.iter().map(|token| (token.token.clone(), token.span.start)).collect()
                };
                assert_eq!(told(&ours), told(&theirs), "{dialect:?} {sql}");
            }
        }
        assert!(plain_ones * 2 > all, "most are plain: {plain_ones} of {all}");
    }
}
