//! What a value looks like: forms and checksums of what states, banks and networks give out.

use std::net::IpAddr;

use pilothouse_domain::catalog::DataType;
use pilothouse_domain::personal::PersonalKind;

/// Whether values of this type can be of this kind.
pub fn may_be(kind: PersonalKind, data_type: DataType) -> bool {
    use PersonalKind::{BirthDate, Card, NationalId, Phone};
    match data_type {
        DataType::String => true,
        DataType::Integer => matches!(kind, Card | NationalId | Phone | BirthDate),
        DataType::Date | DataType::Timestamp => kind == BirthDate,
        DataType::Number | DataType::Boolean | DataType::Other => false,
    }
}

/// Percent of the sample that looks like it. Where the column's `name` speaks of it, plain digits can be a phone number too.
pub fn share(kind: PersonalKind, sample: &[&str], named: bool) -> u64 {
    let fits = |value: &&&str| match kind {
        PersonalKind::Email => is_email(value),
        PersonalKind::Phone => is_phone(value, named),
        PersonalKind::Card => is_card(value),
        PersonalKind::BankAccount => is_iban(value),
        PersonalKind::NationalId => is_national_id(value),
        PersonalKind::IpAddress => value.parse::<IpAddr>().is_ok(),
        PersonalKind::PersonName => is_person(value, named),
        PersonalKind::Address => is_street(value),
        PersonalKind::BirthDate => false,
    };
    (sample.iter().filter(fits).count() as u64 * 100).checked_div(sample.len() as u64).unwrap_or(0)
}

/// Whether an e-mail address stands anywhere in the texts.
pub fn mentions_email(sample: &[&str]) -> bool {
    sample.iter().any(|text| text.split([' ', ',', ';', '<', '>', '(', ')', ':', '"', '\n']).any(is_email))
}

fn is_email(value: &str) -> bool {
    let Some((local, domain)) = value.trim_end_matches('.').split_once('@') else { return false };
    let plain = |text: &str, also: &str| text.chars().all(|c| c.is_alphanumeric() || also.contains(c));
    let labels: Vec<&str> = domain.split('.').collect();
    !local.is_empty()
        && plain(local, ".!#$%&'*+/=?^_`{|}~-")
        && labels.len() >= 2
        && labels.iter().all(|label| !label.is_empty() && plain(label, "-"))
}

/// The digits of a value that is nothing but digits and `also`.
fn digits(value: &str, also: &str) -> Option<Vec<u32>> {
    let all = value.chars().all(|c| c.is_ascii_digit() || also.contains(c));
    all.then(|| value.chars().filter_map(|c| c.to_digit(10)).collect())
}

fn is_phone(value: &str, named: bool) -> bool {
    let Some(digits) = digits(value, "+()-./ ") else { return false };
    let written_as_one = value.starts_with('+') || value.contains(['(', ' ']) || value.matches('-').count() == 2;
    let date = value.len() == 10 && value.get(4..5) == Some("-");
    (7..=15).contains(&digits.len()) && !date && (named || written_as_one)
}

fn is_card(value: &str) -> bool {
    let Some(digits) = digits(value, " -") else { return false };
    (13..=19).contains(&digits.len()) && (3..=6).contains(&digits[0]) && luhn(&digits)
}

/// The check that card numbers end with (ISO/IEC 7812).
fn luhn(digits: &[u32]) -> bool {
    let doubled = |(place, digit): (usize, &u32)| if place % 2 == 0 { *digit } else { digit * 2 / 10 + digit * 2 % 10 };
    digits.iter().rev().enumerate().map(doubled).sum::<u32>() % 10 == 0
}

/// Country, two check digits, account (ISO 13616): the number they stand for leaves 1 when divided by 97.
fn is_iban(value: &str) -> bool {
    let text: String = value.chars().filter(|c| *c != ' ').collect();
    let formed = (15..=34).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
        && text.chars().take(2).all(|c| c.is_ascii_uppercase())
        && text.chars().skip(2).take(2).all(|c| c.is_ascii_digit());
    let turned = || text[4..].chars().chain(text[..4].chars()).filter_map(|c| c.to_digit(36));
    formed && turned().fold(0, |rest, n| (if n < 10 { rest * 10 } else { rest * 100 } + n) % 97) == 1
}

fn is_national_id(value: &str) -> bool {
    is_us(value)
        || is_uk(value)
        || is_spanish(value)
        || digits(value, "-+. /").is_some_and(|digits| {
            is_nordic_date(&digits) && (is_norwegian(&digits) || is_swedish(&digits)) || is_brazilian(value, &digits)
        })
}

/// `AAA-GG-SSSS` with its dashes; areas 000, 666 and from 900 on, group 00 and serial 0000 are not given out.
fn is_us(value: &str) -> bool {
    let parts: Vec<&str> = value.split('-').collect();
    let [area, group, serial] = parts.as_slice() else { return false };
    let number = |text: &str, length: usize| text.parse::<u32>().ok().filter(|_| text.len() == length);
    let (Some(area), Some(group), Some(serial)) = (number(area, 3), number(group, 2), number(serial, 4)) else {
        return false;
    };
    area != 0 && area != 666 && area < 900 && group != 0 && serial != 0
}

/// Two letters, six digits, a letter from A to D.
fn is_uk(value: &str) -> bool {
    let text: Vec<char> = value.chars().filter(|c| *c != ' ').collect();
    text.len() == 9
        && text[..2].iter().all(char::is_ascii_uppercase)
        && text[2..8].iter().all(char::is_ascii_digit)
        && ('A'..='D').contains(&text[8])
}

/// Eight digits (or X, Y, Z and seven) and the letter that their rest by 23 stands for.
fn is_spanish(value: &str) -> bool {
    const LETTERS: &[u8] = b"TRWAGMYFPDXBNJZSQVHLCKE";
    let text = value.replace(['-', ' '], "");
    if text.len() != 9 || !text.is_ascii() {
        return false;
    }
    let (number, letter) = text.split_at(8);
    let number = number.replacen('X', "0", 1).replacen('Y', "1", 1).replacen('Z', "2", 1);
    let rest = number.parse::<usize>().ok().filter(|_| number.bytes().all(|b| b.is_ascii_digit())).map(|n| n % 23);
    rest.is_some_and(|rest| letter.as_bytes().first() == LETTERS.get(rest))
}

/// Whether the first six digits are a day, as day, month, year or as year, month, day.
fn is_nordic_date(digits: &[u32]) -> bool {
    let two = |at: usize| digits.get(at).zip(digits.get(at + 1)).map_or(0, |(a, b)| a * 10 + b);
    let day = |day: u32, month: u32| (1..=31).contains(&day) && (1..=12).contains(&month);
    day(two(0), two(2)) || day(two(4), two(2)) || digits.len() == 12 && day(two(6), two(4))
}

/// Eleven digits, the last two of which check the others by 11.
fn is_norwegian(digits: &[u32]) -> bool {
    let check =
        |weights: &[u32]| weights.iter().zip(digits).map(|(weight, digit)| weight * digit).sum::<u32>() % 11 == 0;
    digits.len() == 11 && check(&[3, 7, 6, 1, 8, 9, 4, 5, 2, 1]) && check(&[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1])
}

/// Ten digits, or twelve with the century, that end with the check of card numbers.
fn is_swedish(digits: &[u32]) -> bool {
    match digits.len() {
        10 => luhn(digits),
        12 => luhn(&digits[2..]),
        _ => false,
    }
}

/// `000.000.000-00` as it is written, the last two digits of which check the others by 11.
fn is_brazilian(value: &str, digits: &[u32]) -> bool {
    let check = |count: usize| {
        let sum: u32 = digits.iter().take(count).enumerate().map(|(at, digit)| digit * (count + 1 - at) as u32).sum();
        sum * 10 % 11 % 10
    };
    value.len() == 14 && digits.len() == 11 && value.contains('.') && check(9) == digits[9] && check(10) == digits[10]
}

/// Given names that are common in many countries.
const GIVEN_NAMES: &str = include_str!("given_names.txt");

/// Whether the first word is a given name; where the column's name speaks of people, any two words without digits that
/// begin with capitals will do too.
fn is_person(value: &str, named: bool) -> bool {
    use std::collections::HashSet;
    use std::sync::LazyLock;
    static KNOWN: LazyLock<HashSet<&str>> = LazyLock::new(|| GIVEN_NAMES.split_whitespace().collect());
    let words: Vec<&str> = value.split_whitespace().collect();
    let formed = (1..=4).contains(&words.len())
        && words.iter().all(|word| word.chars().all(|c| c.is_alphabetic() || "-'.,".contains(c)))
        && words.iter().all(|word| word.chars().next().is_some_and(char::is_uppercase));
    let first = words.first().map(|word| word.trim_matches(|c: char| !c.is_alphabetic()).to_lowercase());
    let last_is_given = words.len() == 2 && value.contains(',') && KNOWN.contains(words[1].to_lowercase().as_str());
    formed && (first.is_some_and(|first| KNOWN.contains(first.as_str())) || last_is_given || named && words.len() == 2)
}

/// Words for streets, at the end of a word or as one.
const STREETS: &[&str] = &[
    "street",
    "st",
    "road",
    "rd",
    "avenue",
    "ave",
    "lane",
    "ln",
    "drive",
    "dr",
    "boulevard",
    "blvd",
    "court",
    "ct",
    "way",
    "square",
    "straße",
    "strasse",
    "str",
    "weg",
    "platz",
    "gasse",
    "gata",
    "gate",
    "gaten",
    "vei",
    "veien",
    "vägen",
    "rue",
    "calle",
    "avenida",
    "via",
    "rua",
    "straat",
    "laan",
    "ulica",
    "ul",
];

/// A number and a word for a street.
fn is_street(value: &str) -> bool {
    let words: Vec<String> =
        value.split([' ', ',']).map(|word| word.trim_matches('.').to_lowercase()).filter(|w| !w.is_empty()).collect();
    let has_number = words.iter().any(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    let long = |street: &&&str| street.chars().count() >= 4;
    let is_street = |word: &String| {
        STREETS.contains(&word.as_str()) || STREETS.iter().filter(long).any(|street| word.ends_with(*street))
    };
    words.len() >= 2 && has_number && words.iter().any(is_street)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn checksums_tell_a_number_from_its_neighbour() {
        for (right, wrong) in [("4111111111111111", "4111111111111112"), ("30569309025904", "30569309025905")] {
            assert!(is_card(right) && !is_card(wrong));
        }
        assert!(is_iban("NO93 8601 1117 947") && !is_iban("NO93 8601 1117 948"));
        assert!(is_national_id("12345678Z") && !is_national_id("12345678A"));
        assert!(is_national_id("529.982.247-25") && !is_national_id("529.982.247-26"));
        assert!(is_national_id("811228-9874") && !is_national_id("811228-9875"));
        assert!(is_national_id("01010750160") && !is_national_id("01010750161"));
        assert!(!is_national_id("000-12-3456") && is_national_id("AB 12 34 56 C"));
    }

    #[test]
    fn streets_and_people() {
        assert!(is_street("221B Baker Street") && is_street("Hauptstraße 5") && is_street("12, rue de la Paix"));
        assert!(!is_street("Baker Street") && !is_street("5 apples"));
        assert!(is_person("Maria Lopez", false) && is_person("O'Neil, James", false) && !is_person("Maria 7", true));
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(text in ".{0,60}", named in any::<bool>()) {
            for kind in [
                PersonalKind::Email, PersonalKind::Phone, PersonalKind::Card, PersonalKind::BankAccount,
                PersonalKind::NationalId, PersonalKind::IpAddress, PersonalKind::PersonName, PersonalKind::Address,
            ] {
                prop_assert!(share(kind, &[&text], named) <= 100);
            }
            mentions_email(&[&text]);
        }

        #[test]
        fn one_changed_digit_breaks_a_card_number(number in 0_u64..100_000_000_000_000, at in 0_usize..15, by in 1_u32..10) {
            let mut digits: Vec<u32> = format!("4{number:014}").chars().filter_map(|c| c.to_digit(10)).collect();
            digits.push(0);
            digits[15] = (0..10).find(|check| { let mut whole = digits.clone(); whole[15] = *check; luhn(&whole) }).unwrap_or(0);
            prop_assert!(luhn(&digits));
            digits[at] = (digits[at] + by) % 10;
            prop_assert!(!luhn(&digits));
        }
    }
}
