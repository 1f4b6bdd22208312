//! What should not be told to strangers: secrets, and what is told of people, in any text.
//!
//! Secrets are known by the forms that their makers give them, and by their checksums where they have one, so that an example
//! in a manual is none; what is merely called a password or a key, by how random it looks. Personal data in free text is
//! what has a form that can be checked: names and postal addresses have none.
//! Sources: the forms that the makers document; GitHub, "Behind GitHub's new authentication token formats" (2021) for the
//! checksum; ISO 7064 for bank accounts, ISO/IEC 7812 for cards.

use std::ops::Range;
use std::sync::LazyLock;

use pilothouse_domain::personal::PersonalKind;
use regex::{Regex, RegexSet};

use crate::pattern::{by_ascii, set};

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A secret, by the name of its form.
    Secret(&'static str),
    /// Something of a person.
    Personal(PersonalKind),
}

impl Kind {
    /// Its name as it stands in a masked text and in what is told of it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Secret(name) => name,
            Self::Personal(PersonalKind::Email) => "email",
            Self::Personal(PersonalKind::Phone) => "phone",
            Self::Personal(PersonalKind::Card) => "card",
            Self::Personal(PersonalKind::BankAccount) => "bank_account",
            Self::Personal(PersonalKind::NationalId) => "national_id",
            Self::Personal(_) => "personal",
        }
    }
}

/// A place in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What is there.
    pub kind: Kind,
    /// Where, in bytes.
    pub range: Range<usize>,
    /// The same with what it is known by, for instance the word `password` before it.
    pub known_by: Range<usize>,
}

/// A form: what it is, how it looks, and what else must be true of it. Where the pattern has a group, that is the secret.
struct Form {
    kind: Kind,
    pattern: &'static str,
    is_real: fn(&str) -> bool,
}

const fn secret(name: &'static str, pattern: &'static str) -> Form {
    Form { kind: Kind::Secret(name), pattern, is_real: |_| true }
}

const fn checked(kind: Kind, pattern: &'static str, is_real: fn(&str) -> bool) -> Form {
    Form { kind, pattern, is_real }
}

/// The forms. Where two are in one place, the first stands.
const FORMS: &[Form] = &[
    secret(
        "private_key",
        r"-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----|\z)",
    ),
    secret("aws_access_key", r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b"),
    checked(Kind::Secret("github_token"), r"\bgh[pousr]_[A-Za-z0-9]{36}\b", has_checksum),
    secret("github_token", r"\bgithub_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}\b"),
    checked(Kind::Secret("npm_token"), r"\bnpm_[A-Za-z0-9]{36}\b", has_checksum),
    secret("gitlab_token", r"\bglpat-[A-Za-z0-9_-]{20,}"),
    secret("slack_token", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}"),
    secret("slack_webhook", r"https://hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/]{20,}"),
    secret("stripe_key", r"\b(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,}"),
    secret("anthropic_key", r"\bsk-ant-[a-z0-9]{3,8}-[A-Za-z0-9_-]{20,}"),
    secret("openai_key", r"\bsk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{16,}T3BlbkFJ[A-Za-z0-9_-]{16,}"),
    secret("google_api_key", r"\bAIza[A-Za-z0-9_-]{35}"),
    secret("pypi_token", r"\bpypi-AgE[A-Za-z0-9_-]{50,}"),
    secret("sendgrid_key", r"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}"),
    secret("telegram_token", r"\b[0-9]{8,10}:AA[A-Za-z0-9_-]{33}"),
    secret("pilothouse_token", r"\bph_[A-Za-z0-9_-]{32,}"),
    secret("jwt", r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),
    checked(
        Kind::Secret("password_in_url"),
        r#"\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@"']{1,64}:([^\s/@"']{3,128})@"#,
        is_given,
    ),
    checked(
        Kind::Secret("credential"),
        r#"(?i)\b[a-z0-9_]*(?:password|passwd|pwd|secret|token|api_?key|access_?key)["']?\s{0,4}(?::|=|=>)\s{0,4}["']?([^\s"',;(){}<>]{8,128})"#,
        looks_random,
    ),
    checked(
        Kind::Personal(PersonalKind::Email),
        r"(?i)\b[a-z0-9._%+-]{1,64}@[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){0,4}\.[a-z]{2,24}\b",
        |_| true,
    ),
    checked(
        Kind::Personal(PersonalKind::BankAccount),
        r"\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b",
        is_iban,
    ),
    checked(
        Kind::Personal(PersonalKind::Card),
        r"\b(?:[0-9]{13,19}|[0-9]{4}(?:[ -][0-9]{4}){3}|[0-9]{4}[ -][0-9]{6}[ -][0-9]{5})\b",
        is_card,
    ),
    checked(Kind::Personal(PersonalKind::NationalId), r"\b[0-9]{3}-[0-9]{2}-[0-9]{4}\b", is_social_security),
    checked(Kind::Personal(PersonalKind::Phone), r"\+[1-9][0-9]{0,2}(?:[ ()./-]{0,2}[0-9]){6,12}\b", |_| true),
];

/// Each form on its own, and all of them for a first look.
static PATTERNS: LazyLock<(Vec<Regex>, RegexSet)> = LazyLock::new(|| {
    let patterns = || FORMS.iter().map(|form| form.pattern);
    // They are constants, and a test builds them.
    let each = patterns().filter_map(|pattern| Regex::new(&by_ascii(pattern)).ok()).collect();
    (each, set(patterns()))
});

/// What is found in a text, in order, nothing twice.
pub fn find(text: &str) -> Vec<Finding> {
    let (each, all) = &*PATTERNS;
    let mut found: Vec<Finding> = Vec::new();
    for index in &all.matches(text) {
        let form = &FORMS[index];
        for groups in each[index].captures_iter(text) {
            let Some(whole) = groups.get(0) else { continue };
            let place = groups.get(1).unwrap_or(whole);
            let is_new = found.iter().all(|known| known.range.end <= place.start() || place.end() <= known.range.start);
            if is_new && (form.is_real)(place.as_str()) {
                found.push(Finding { kind: form.kind, range: place.range(), known_by: whole.range() });
            }
        }
    }
    found.sort_by_key(|finding| finding.range.start);
    found
}

/// The text with a name in the place of each finding.
pub fn masked(text: &str, findings: &[Finding]) -> String {
    let (mut out, mut from) = (String::with_capacity(text.len()), 0);
    for Finding { kind, range, .. } in findings {
        out.push_str(&text[from..range.start]);
        out.push('[');
        out.push_str(kind.name());
        out.push(']');
        from = range.end;
    }
    out.push_str(&text[from..]);
    out
}

/// Whether the last six characters of a token are the checksum of those before: CRC-32, in the digits 0-9, A-Z, a-z.
fn has_checksum(token: &str) -> bool {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let Some((_, body)) = token.split_once('_') else { return false };
    let Some((random, told)) = body.len().checked_sub(6).map(|cut| body.split_at(cut)) else { return false };
    let mut left = crc32fast::hash(random.as_bytes());
    let mut digits = [b'0'; 6];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[(left % 62) as usize];
        left /= 62;
    }
    told.as_bytes() == digits
}

/// Whether a password stands there, and not a place for one.
fn is_given(text: &str) -> bool {
    !text.starts_with(['$', '{', '<', '[', '%', '*']) && !text.chars().all(|char| char == 'x' || char == '.')
}

/// Whether a text looks as random as passwords and keys do: letters and digits, and many different ones.
fn looks_random(text: &str) -> bool {
    let has = |is: fn(&char) -> bool| text.chars().any(|char| is(&char));
    is_given(text) && has(char::is_ascii_alphabetic) && has(char::is_ascii_digit) && entropy(text) >= 3.0
}

/// Shannon's entropy in bits per byte.
fn entropy(text: &str) -> f64 {
    let mut counts = [0_u32; 256];
    text.bytes().for_each(|byte| counts[usize::from(byte)] += 1);
    let length = text.len() as f64;
    let part = |count: u32| {
        let share = f64::from(count) / length;
        -share * share.log2()
    };
    counts.into_iter().filter(|count| *count > 0).map(part).sum()
}

fn is_card(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().filter_map(|char| char.to_digit(10)).collect();
    let doubled = |digit: u32| if digit > 4 { 2 * digit - 9 } else { 2 * digit };
    let sum: u32 =
        digits.iter().rev().enumerate().map(|(at, digit)| if at % 2 == 1 { doubled(*digit) } else { *digit }).sum();
    let is_of_an_issuer = matches!(digits.first(), Some(2..=6));
    is_of_an_issuer && sum.is_multiple_of(10) && digits.iter().any(|digit| *digit != digits[0])
}

fn is_iban(text: &str) -> bool {
    let compact: Vec<u8> = text.bytes().filter(|byte| *byte != b' ').collect();
    if !(15..=34).contains(&compact.len()) {
        return false;
    }
    let (country, rest) = compact.split_at(4);
    let value = |byte: &u8| if byte.is_ascii_digit() { u32::from(byte - b'0') } else { u32::from(byte - b'A') + 10 };
    let remainder = rest
        .iter()
        .chain(country)
        .map(value)
        .fold(0, |sum, value| (if value > 9 { sum * 100 + value } else { sum * 10 + value }) % 97);
    remainder == 1
}

/// By the rules of the authority that gives them out: no group is zero, and some areas are never given.
fn is_social_security(text: &str) -> bool {
    let mut parts = text.split('-').map(|part| part.parse::<u32>().unwrap_or_default());
    let (area, group, serial) = (parts.next(), parts.next(), parts.next());
    area.is_some_and(|area| area > 0 && area != 666 && area < 900) && group > Some(0) && serial > Some(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The names of what is found, and the text without it.
    fn told(text: &str) -> (Vec<&'static str>, String) {
        let found = find(text);
        (found.iter().map(|finding| finding.kind.name()).collect(), masked(text, &found))
    }

    /// Put together here, so that no scanner takes this file for a leak.
    fn joined(parts: &[&str]) -> String {
        parts.concat()
    }

    #[test]
    fn every_form_is_a_pattern() {
        assert_eq!(PATTERNS.0.len(), FORMS.len());
        assert_eq!(PATTERNS.1.len(), FORMS.len());
    }

    #[test]
    fn secrets_are_known_by_their_forms() {
        let long = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7".repeat(4);
        for (name, text) in [
            ("aws_access_key", joined(&["AKIA", "IOSFODNN7EXAMPLE"])),
            ("github_token", joined(&["ghp_", "zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17"])),
            ("github_token", joined(&["github_pat_", &long[..22], "_", &long[..59]])),
            ("gitlab_token", joined(&["glpat-", &long[..20]])),
            ("slack_token", joined(&["xoxb-", "1234567890-abcdef"])),
            ("stripe_key", joined(&["sk_live_", &long[..24]])),
            ("anthropic_key", joined(&["sk-ant-api03-", &long[..40]])),
            ("openai_key", joined(&["sk-proj-", &long[..20], "T3Blbk", "FJ", &long[..20]])),
            ("google_api_key", joined(&["AIza", &long[..35]])),
            ("telegram_token", joined(&["123456789:AA", &long[..33]])),
            ("jwt", joined(&["eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NSJ9.", &long[..43]])),
            ("private_key", joined(&["-----BEGIN RSA PRIVATE", " KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----"])),
        ] {
            let (names, rest) = told(&format!("the log says {text} and goes on"));
            assert_eq!((names, rest), (vec![name], format!("the log says [{name}] and goes on")));
        }
        let (names, rest) = told("postgres://app:hunter22@db:5432/x failed; API_KEY=\"q8Zr71Lw0pXv\" was set");
        assert_eq!(names, ["password_in_url", "credential"]);
        assert_eq!(rest, "postgres://app:[password_in_url]@db:5432/x failed; API_KEY=\"[credential]\" was set");
    }

    #[test]
    fn personal_data_is_known_where_it_can_be_checked() {
        let text = "ada@example.org paid DE89 3704 0044 0532 0130 00 with 4111 1111 1111 1111, call +49 30 901820, 219-09-9999";
        let (names, rest) = told(text);
        assert_eq!(names, ["email", "bank_account", "card", "phone", "national_id"]);
        assert_eq!(rest, "[email] paid [bank_account] with [card], call [phone], [national_id]");
    }

    #[test]
    fn what_only_looks_like_it_is_left_alone() {
        for text in [
            "ghp_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "4111 1111 1111 1112 and 1234567890123456",
            "DE88 3704 0044 0532 0130 00",
            "666-12-3456 and 2026-11-23",
            "postgres://app:$PASSWORD@db/x, password: <your password>, token = REPLACE_ME",
            "SELECT token, password FROM users WHERE id = 12345678",
            "20260101123000, 192.168.0.1, 3.14159265358979, job-2026-11-23T10:00:00Z",
            "the secret: it works",
        ] {
            assert_eq!(told(text).0, [""; 0], "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_and_nothing_is_found_twice(text in "(\\PC|[0-9 -]{5}|key=|@a\\.de|:|//){0,60}") {
            let found = find(&text);
            prop_assert!(found.windows(2).all(|pair| pair[0].range.end <= pair[1].range.start));
            let rest = masked(&text, &found);
            for finding in &found {
                prop_assert!(text.is_char_boundary(finding.range.start) && text.is_char_boundary(finding.range.end));
            }
            prop_assert!(found.is_empty() == (rest == text));
        }

        #[test]
        fn a_key_is_found_wherever_it_stands(before in "[a-z ,.\n]{0,80}", after in "[ ,.\n][a-z ,.\n]{0,80}") {
            let key = joined(&["AKIA", "IOSFODNN7EXAMPLE"]);
            let text = format!("{before} {key}{after}");
            prop_assert!(!told(&text).1.contains(&key));
        }

        #[test]
        fn a_key_is_found_beside_any_letter_that_no_key_has(before in "[\\P{ASCII}]", after in "[\\P{ASCII}]") {
            let key = joined(&["AKIA", "IOSFODNN7EXAMPLE"]);
            prop_assert_eq!(told(&format!("{before}{key}{after}")).1, format!("{before}[aws_access_key]{after}"));
        }
    }
}
