//! The shape of a query: its canonical text with a question mark for every literal. What queries of one shape took says
//! what the next one will take.

use pilothouse_domain::canonical::sha256;
use pilothouse_domain::catalog::Dialect;

/// A hash of the shape of a canonical text, in hexadecimal.
pub fn of(canonical: &str, dialect: Dialect) -> String {
    hex::encode(sha256(without_literals(canonical, dialect).as_bytes()))
}

/// Canonical text has no comments, and writes strings as `'…'`: with quotes doubled, or in BigQuery with backslashes before
/// what they escape.
fn without_literals(canonical: &str, dialect: Dialect) -> String {
    let mut shape = String::with_capacity(canonical.len());
    let mut rest = canonical;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '\'' | '"' | '`' => quoted(rest, first, dialect == Dialect::BigQuery),
            c if c.is_ascii_digit() => run(rest, |c| c.is_ascii_alphanumeric() || c == '.'),
            c if is_word(c) => run(rest, is_word),
            c => c.len_utf8(),
        };
        let (token, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        let is_literal = first == '\'' || first.is_ascii_digit();
        if !is_literal {
            shape.push_str(token);
        } else if !shape.ends_with('?') {
            shape.push('?');
        }
        rest = after;
    }
    shape
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Bytes of the characters at the beginning of `text` that are `wanted`.
fn run(text: &str, wanted: impl Fn(char) -> bool) -> usize {
    text.find(|c| !wanted(c)).unwrap_or(text.len())
}

/// Bytes of what stands in quotes at the beginning of `text`, with them. What begins right after is a string of its own,
/// which comes to the same where a doubled quote is one of the characters.
fn quoted(text: &str, quote: char, has_escapes: bool) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' if has_escapes => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_do_not_matter_and_everything_else_does() {
        let shape = |sql| without_literals(sql, Dialect::PostgreSql);
        let text =
            r#"SELECT t1.a2, "q'1", 1.5e10, 'it''s 7', x FROM "a""'b" AS t1 WHERE d >= DATE '2013-01-01' LIMIT 10"#;
        assert_eq!(shape(text), r#"SELECT t1.a2, "q'1", ?, ?, x FROM "a""'b" AS t1 WHERE d >= DATE ? LIMIT ?"#);
        assert_eq!(shape("SELECT a FROM t WHERE n = 1 LIMIT 5"), shape("SELECT a FROM t WHERE n = 27 LIMIT 100"));
        assert_ne!(shape("SELECT a FROM t1"), shape("SELECT a FROM t2"));
        assert_eq!(shape("'open"), "?");
        let escaped = r"SELECT a FROM `t` WHERE c = 'it\'s' AND d = 'x\\' LIMIT 1";
        assert_eq!(without_literals(escaped, Dialect::BigQuery), "SELECT a FROM `t` WHERE c = ? AND d = ? LIMIT ?");
    }
}
