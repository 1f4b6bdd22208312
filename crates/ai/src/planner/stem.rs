//! A light stemmer: enough that `orders`, `ordered` and `ordering` meet, and no more.

/// The stem of a word in lower case. Words of up to three letters, and words with digits, are left alone.
pub(crate) fn stem(word: &str) -> String {
    if word.len() <= 3 || !word.bytes().all(|b| b.is_ascii_lowercase()) {
        return word.to_owned();
    }
    let base = strip(word);
    let base = undouble(&base);
    base.strip_suffix('e').filter(|s| s.len() >= 3).unwrap_or(base).to_owned()
}

fn strip(word: &str) -> String {
    if let Some(base) = word.strip_suffix("ies").or_else(|| word.strip_suffix("ied")).filter(|b| b.len() >= 2) {
        return format!("{base}y");
    }
    for suffix in ["sses", "shes", "ches", "xes"] {
        if word.ends_with(suffix) {
            return word[..word.len() - 2].to_owned();
        }
    }
    if let Some(base) = word.strip_suffix("ing").or_else(|| word.strip_suffix("ed"))
        && base.len() >= 3
        && base.contains(['a', 'e', 'i', 'o', 'u', 'y'])
    {
        return base.to_owned();
    }
    match word.strip_suffix('s') {
        Some(base) if !base.ends_with(['s', 'u', 'i']) => base.to_owned(),
        _ => word.to_owned(),
    }
}

fn undouble(word: &str) -> &str {
    let bytes = word.as_bytes();
    match bytes {
        [.., a, b] if a == b && !matches!(b, b'e' | b'o' | b's') && bytes.len() > 3 => &word[..word.len() - 1],
        _ => word,
    }
}

#[cfg(test)]
mod tests {
    use super::stem;

    #[test]
    fn forms_of_a_word_meet() {
        for group in [
            &["order", "orders", "ordered", "ordering"][..],
            &["cancel", "cancelled", "canceled", "cancelling"],
            &["delay", "delays", "delayed"],
            &["category", "categories"],
            &["arrive", "arrived", "arrives", "arriving"],
            &["purchase", "purchases", "purchased"],
        ] {
            assert!(group.iter().all(|word| stem(word) == stem(group[0])), "{group:?}");
        }
        assert_eq!(stem("status"), "status");
        assert_ne!(stem("origin"), stem("orig"));
    }
}
