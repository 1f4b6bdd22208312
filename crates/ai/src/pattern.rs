//! Regular expressions for texts that strangers wrote.

use regex::RegexSet;

/// The same pattern, with words that end by ASCII alone. By all of Unicode, one letter beyond ASCII anywhere in a text makes
/// the search in it a hundred times slower (the documents of `regex`, on performance).
pub(crate) fn by_ascii(pattern: &str) -> String {
    pattern.replace(r"\b", r"(?-u:\b)")
}

/// Patterns that are looked for all at once; none of them where one is no pattern, which is for a test to see.
pub(crate) fn set<'a>(patterns: impl Iterator<Item = &'a str>) -> RegexSet {
    RegexSet::new(patterns.map(by_ascii)).unwrap_or_else(|_| RegexSet::empty())
}
