//! Characters that have no place outside a string.

/// Whether a character changes how text looks without being seen: direction marks, zero-width characters and the
/// byte order mark.
pub fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{00AD}' | '\u{061C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{E0000}'..='\u{E01EF}'
    )
}

/// Whether a character is refused within quoted names and comments too.
pub fn is_refused_in_quotes(c: char) -> bool {
    is_invisible(c) || (c.is_control() && !matches!(c, '\t' | '\n' | '\r'))
}

/// Plain words for a character that stands where it must not.
pub fn why_refused(c: char) -> String {
    let code = u32::from(c);
    if is_invisible(c) {
        format!("the invisible character U+{code:04X} is not allowed here")
    } else if c.is_control() {
        format!("the control character U+{code:04X} is not allowed here")
    } else if c.is_ascii() {
        format!("the character {c} is not allowed here")
    } else {
        format!("the character {c} (U+{code:04X}) is not allowed outside strings and quoted names")
    }
}
