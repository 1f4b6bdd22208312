//! English word forms, as far as labels need them: one and many.

/// Words that are alike in the plural, or have none.
const SAME: [&str; 8] = ["series", "species", "data", "news", "revenue", "aircraft", "status", "address"];

/// The last word of `label` in the plural: `order item` becomes `order items`.
pub fn plural(label: &str) -> String {
    let (head, last) = split_last(label);
    let many = if SAME.contains(&last) || (last.ends_with('s') && !last.ends_with("ss")) {
        last.to_owned()
    } else if last == "person" {
        "people".to_owned()
    } else if last.ends_with('y') && !ends_with_vowel_y(last) {
        format!("{}ies", &last[..last.len() - 1])
    } else if ["s", "x", "z", "ch", "sh"].iter().any(|end| last.ends_with(end)) {
        format!("{last}es")
    } else {
        format!("{last}s")
    };
    format!("{head}{many}")
}

/// The last word of `label` in the singular: `order items` becomes `order item`.
pub fn singular(label: &str) -> String {
    let (head, last) = split_last(label);
    let one = if SAME.contains(&last) {
        last.to_owned()
    } else if last == "people" {
        "person".to_owned()
    } else if last.len() > 4 && last.ends_with("ies") {
        format!("{}y", &last[..last.len() - 3])
    } else if ["sses", "xes", "zes", "ches", "shes", "uses"].iter().any(|end| last.ends_with(end)) {
        last[..last.len() - 2].to_owned()
    } else if last.len() > 3 && last.ends_with('s') && !last.ends_with("ss") && !last.ends_with("us") {
        last[..last.len() - 1].to_owned()
    } else {
        last.to_owned()
    };
    format!("{head}{one}")
}

fn split_last(label: &str) -> (&str, &str) {
    label.rfind(' ').map_or(("", label), |at| label.split_at(at + 1))
}

fn ends_with_vowel_y(word: &str) -> bool {
    ["ay", "ey", "oy", "uy"].iter().any(|end| word.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_and_many() {
        for (one, many) in [
            ("flight", "flights"),
            ("order item", "order items"),
            ("category", "categories"),
            ("day", "days"),
            ("box", "boxes"),
            ("aircraft", "aircraft"),
            ("person", "people"),
        ] {
            assert_eq!(plural(one), many);
            assert_eq!(singular(many), one);
        }
        assert_eq!(plural("flights"), "flights");
        assert_eq!(singular("status"), "status");
    }
}
