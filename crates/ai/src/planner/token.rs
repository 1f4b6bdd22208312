//! A question as tokens: words, numbers, clock times, dates, quoted text. It knows no model and no grammar.

use jiff::civil::Date;

use super::stem::stem;

/// Most bytes of a question that are looked at.
pub const MAX_QUESTION_BYTES: usize = 4_096;
/// Most tokens of a question; a longer one is refused.
pub const MAX_TOKENS: usize = 96;

/// What a token is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    Word,
    Number {
        value: f64,
        money: bool,
        percent: bool,
        ordinal: bool,
    },
    /// Hours times 100 plus minutes.
    Clock(u16),
    Date(Date),
    Quoted,
    Comma,
}

/// A piece of a question.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Token {
    /// As it was written.
    pub text: String,
    /// In lower case.
    pub lower: String,
    /// Its stem.
    pub stem: String,
    pub kind: Kind,
}

impl Token {
    fn new(text: &str, kind: Kind) -> Self {
        let lower = text.to_lowercase();
        Self { text: text.to_owned(), stem: stem(&lower), lower, kind }
    }

    pub fn is(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.lower == word
    }

    pub fn number(&self) -> Option<f64> {
        match self.kind {
            Kind::Number { value, .. } => Some(value),
            _ => None,
        }
    }
}

/// The tokens of `question`; at most one more than [`MAX_TOKENS`].
pub(crate) fn tokens(question: &str) -> Vec<Token> {
    let plain: String = question.chars().map(plain_char).collect();
    let mut out = Vec::new();
    let mut rest = plain.as_str();
    while let Some(first) = rest.chars().next() {
        if out.len() > MAX_TOKENS {
            break;
        }
        if first == '"' {
            let body = &rest[1..];
            if let Some(end) = body.find('"') {
                if end > 0 {
                    out.push(Token::new(&body[..end], Kind::Quoted));
                }
                rest = &body[end + 1..];
                continue;
            }
        }
        let length = word_length(rest);
        if length == 0 {
            match first {
                ',' | ';' => out.push(Token::new(",", Kind::Comma)),
                '&' => out.push(Token::new("and", Kind::Word)),
                '>' | '<' | '=' => {
                    let two = rest[1..].starts_with('=');
                    let text = if two { &rest[..2] } else { &rest[..1] };
                    out.push(Token::new(text, Kind::Word));
                    rest = &rest[text.len()..];
                    continue;
                }
                _ => {}
            }
            rest = &rest[first.len_utf8()..];
            continue;
        }
        push_word(&mut out, &rest[..length]);
        rest = &rest[length..];
    }
    join_meridiem(&mut out);
    out
}

fn plain_char(c: char) -> char {
    match c {
        '\u{2018}' | '\u{2019}' | '`' => '\'',
        '\u{201c}' | '\u{201d}' => '"',
        '\u{2013}' | '\u{2014}' => '-',
        c if c.is_control() => ' ',
        c => c,
    }
}

/// How many bytes at the start of `text` belong together.
fn word_length(text: &str) -> usize {
    let numeric = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '$' | '€' | '£'));
    let mut end = 0;
    for (at, c) in text.char_indices() {
        let next = text[at + c.len_utf8()..].chars().next();
        let next_digit = next.is_some_and(|n| n.is_ascii_digit());
        let take = c.is_alphanumeric()
            || (c == '\'' && at > 0 && next.is_some_and(char::is_alphabetic))
            || (numeric && matches!(c, '.' | ',' | ':' | '-') && at > 0 && next_digit)
            || (at == 0 && matches!(c, '$' | '€' | '£'))
            || (at == 0 && c == '-' && next_digit)
            || (c == '%' && at > 0 && numeric);
        if !take {
            break;
        }
        end = at + c.len_utf8();
    }
    end
}

fn push_word(out: &mut Vec<Token>, text: &str) {
    if let Some(kind) = numeric(text) {
        out.push(Token::new(text, kind));
        return;
    }
    if text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '$' | '€' | '£')) && text.contains(['-', ',', ':'])
    {
        for part in text.split(['-', ',', ':']).filter(|part| !part.is_empty()) {
            let kind = numeric(part).unwrap_or(Kind::Word);
            out.push(Token::new(part, kind));
        }
        return;
    }
    let (word, not) = match text.to_lowercase().as_str() {
        "can't" | "cannot" => ("can", true),
        "won't" => ("will", true),
        lower if lower.ends_with("n't") => (&text[..text.len() - 3], true),
        _ => (text, false),
    };
    let word = word.split('\'').next().unwrap_or(word);
    if !word.is_empty() {
        out.push(Token::new(word, Kind::Word));
    }
    if not {
        out.push(Token::new("not", Kind::Word));
    }
}

fn numeric(text: &str) -> Option<Kind> {
    if let Ok(date) = text.parse::<Date>()
        && text.len() == 10
    {
        return Some(Kind::Date(date));
    }
    let lower = text.to_ascii_lowercase();
    if let Some(clock) = clock(&lower) {
        return Some(Kind::Clock(clock));
    }
    let money = lower.starts_with(['$', '€', '£']);
    let percent = lower.ends_with('%');
    let body = lower.trim_start_matches(['$', '€', '£']).trim_end_matches('%');
    let (body, ordinal) = match body.len().checked_sub(2).and_then(|at| body.split_at_checked(at)) {
        Some((digits, "st" | "nd" | "rd" | "th")) => (digits, true),
        _ => (body, false),
    };
    let (body, scale) = match body.as_bytes().last() {
        Some(b'k') => (&body[..body.len() - 1], 1e3),
        Some(b'm') if money => (&body[..body.len() - 1], 1e6),
        _ => (body, 1.0),
    };
    let digits = body.strip_prefix('-').unwrap_or(body);
    let grouped = digits.split(',').skip(1).all(|part| part.split('.').next().is_some_and(|p| p.len() == 3));
    if !digits.starts_with(|c: char| c.is_ascii_digit()) || !grouped || digits.contains([':', '-', 'e']) {
        return None;
    }
    let value: f64 = body.replace(',', "").parse().ok()?;
    Some(Kind::Number { value: value * scale, money, percent, ordinal })
}

/// `20:15`, `8pm`, `8:30am` as hours times 100 plus minutes.
fn clock(text: &str) -> Option<u16> {
    let (body, half) = match text.len().checked_sub(2).and_then(|at| text.split_at_checked(at)) {
        Some((body, "am")) => (body, Some(0)),
        Some((body, "pm")) => (body, Some(12)),
        _ => (text, None),
    };
    let (hour, minute) = match body.split_once(':') {
        Some((hour, minute)) if minute.len() == 2 => (hour.parse::<u16>().ok()?, minute.parse::<u16>().ok()?),
        None if half.is_some() => (body.parse::<u16>().ok()?, 0),
        _ => return None,
    };
    let hour = match half {
        Some(half) if (1..=12).contains(&hour) => hour % 12 + half,
        Some(_) => return None,
        None => hour,
    };
    (hour <= 24 && minute < 60).then_some(hour * 100 + minute)
}

/// `8 pm` and `8 o'clock` become one clock time.
fn join_meridiem(out: &mut Vec<Token>) {
    let mut at = 1;
    while at < out.len() {
        let suffix = out[at].lower.as_str();
        let half = match suffix {
            "am" | "pm" => suffix,
            _ => "",
        };
        if !half.is_empty()
            && matches!(out[at - 1].kind, Kind::Number { .. } | Kind::Clock(_))
            && let Some(clock) = clock(&format!("{}{half}", out[at - 1].lower))
        {
            out[at - 1].kind = Kind::Clock(clock);
            out.remove(at);
            continue;
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        tokens(text).iter().map(|t| t.lower.clone()).collect::<Vec<_>>().join("|")
    }

    #[test]
    fn words_numbers_and_marks() {
        assert_eq!(shown("What's the best-selling item?"), "what|the|best|selling|item");
        assert_eq!(shown("weren't delayed, JFK vs. LGA"), "were|not|delayed|,|jfk|vs|lga");
        assert_eq!(tokens("1,000")[0].number(), Some(1000.0));
        assert_eq!(tokens("$1.5k")[0].number(), Some(1500.0));
        assert_eq!(tokens("after 8:30 pm")[1].kind, Kind::Clock(2030));
        assert_eq!(tokens("20:00")[0].kind, Kind::Clock(2000));
        assert!(matches!(tokens("2013-02-04")[0].kind, Kind::Date(_)));
        assert_eq!(shown("carrier 9E and N14228"), "carrier|9e|and|n14228");
    }
}
