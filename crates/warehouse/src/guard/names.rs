//! Names: how a dialect folds them, when they need quotes, and which known name is nearest to an unknown one.

use datafusion::sql::sqlparser::keywords::ALL_KEYWORDS;
use smol_str::SmolStr;

use pilothouse_domain::catalog::Dialect;

use super::lexer::Pos;

/// A name as the engine knows it, with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Name {
    /// Folded to lower case unless it stood in quotes.
    pub text: SmolStr,
    /// Where it stood.
    pub pos: Pos,
}

/// Key words that read as plain names wherever the printer puts a name, and are common as column names.
const HARMLESS_KEYWORDS: [&str; 43] = [
    "YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND", "WEEK", "QUARTER", "DATE", "NAME", "TYPE", "STATUS", "COUNT",
    "CATEGORY", "VALUE", "KEY", "REGION", "STATE", "SOURCE", "SEGMENT", "TOTALS", "LABEL", "OWNER", "LEVEL", "MODEL",
    "PERCENT", "SESSION", "TARGET", "TEMP", "VERSION", "CHANNEL", "CITY", "COUNTRY", "EMAIL", "EVENT", "AVG", "SUM",
    "MIN", "MAX", "RANK", "TAG", "CODE", "ENGINE",
];

/// Whether `text` must be quoted to be read back as the same name.
pub fn needs_quotes(text: &str) -> bool {
    let mut chars = text.chars();
    let starts_well = chars.next().is_some_and(|c| c.is_ascii_lowercase() || c == '_');
    if !starts_well || !chars.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_') {
        return true;
    }
    let upper = text.to_ascii_uppercase();
    ALL_KEYWORDS.binary_search(&upper.as_str()).is_ok() && !HARMLESS_KEYWORDS.contains(&upper.as_str())
}

/// Appends `text` to `out`, quoted where it must be.
pub fn push_name(out: &mut String, text: &str, dialect: Dialect) {
    if !needs_quotes(text) {
        out.push_str(text);
    } else if dialect == Dialect::BigQuery {
        // The lexer lets no backtick into a name.
        out.push('`');
        out.push_str(text);
        out.push('`');
    } else {
        out.push('"');
        out.push_str(&text.replace('"', "\"\""));
        out.push('"');
    }
}

/// The known name nearest to `name`, when it is near enough to be a slip of the hand.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let wanted = name.to_lowercase();
    let most = (wanted.chars().count() / 3).max(1);
    // A slip changes few letters, so what is much longer or shorter is not looked at.
    known
        .filter(|candidate| candidate.len().abs_diff(name.len()) <= 2 * most)
        .map(|candidate| (distance(&wanted, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= most)
        .min()
        .map(|(_, candidate)| format!("did you mean {candidate}?"))
}

/// Longest name for which a distance is worked out; beyond it two names only count as equal or not.
const MAX_COMPARED: usize = 64;

/// Insertions, deletions and replacements between two words.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len() > MAX_COMPARED || b.len() > MAX_COMPARED {
        return if a == b { 0 } else { usize::MAX };
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (y, cell) in b.iter().zip(row.iter_mut().skip(1)) {
            let above = *cell;
            let best = (diagonal + usize::from(x != y)).min(above + 1).min(left + 1);
            diagonal = above;
            *cell = best;
            left = best;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_stand_only_where_they_must() {
        for plain in ["carrier", "dep_delay", "month", "name", "total_2"] {
            assert!(!needs_quotes(plain), "{plain}");
        }
        for quoted in ["Carrier", "select", "interval", "a b", "2nd", "", "é", "order", "current_user"] {
            assert!(needs_quotes(quoted), "{quoted}");
        }
    }

    #[test]
    fn the_nearest_name_is_a_slip_away() {
        let known = ["flights", "airlines", "airports"];
        assert_eq!(nearest("flihgts", known.into_iter()).as_deref(), Some("did you mean flights?"));
        assert_eq!(nearest("Airline", known.into_iter()).as_deref(), Some("did you mean airlines?"));
        assert_eq!(nearest("customers", known.into_iter()), None);
    }
}
