//! Which columns hold personal data: judged by their names, their types and a sample of their values.
//!
//! It is a suspicion and says why; a person decides. No value stands in what it returns. Read first: [`classify`].

mod name;
mod value;

use pilothouse_domain::catalog::{DataType, Table};
use pilothouse_domain::personal::{PersonalKind, SUSPECT, Suspicion};

/// Rows that values are sampled from.
pub const SAMPLE_ROWS: usize = 2_000;
/// Fewer values prove nothing, and contradict nothing.
const FEW: usize = 5;
/// Percent of the values that must look alike to say what a column holds.
const MOST: u64 = 80;
/// Percent of the values from which on a column holds some of it.
const SOME: u64 = 30;
/// Percent of the values below which a column's name is contradicted.
const HARDLY: u64 = 5;

/// What the column `name` of `table` is thought to hold of people, by a sample of its values as text.
pub fn classify(table: &str, name: &str, data_type: DataType, sample: &[&str]) -> Option<Suspicion> {
    let named = name::meaning(table, name, data_type);
    let of = |kind: PersonalKind| value::share(kind, sample, named.is_some_and(|(said, _)| said == kind));
    let seen = PRECISE.iter().chain(&LOOSE).filter(|kind| value::may_be(**kind, data_type));
    // Of kinds that fit as well, the first.
    let best = seen.rev().map(|kind| (*kind, of(*kind))).max_by_key(|(_, share)| *share);
    let enough = sample.len() >= FEW;
    let found = match (named, best) {
        // One date looks like another.
        (Some((PersonalKind::BirthDate, strength)), _) => Some(by_name(PersonalKind::BirthDate, strength, None)),
        (Some((kind, strength)), _) => Some(by_name(kind, strength, enough.then(|| of(kind)))),
        (None, Some((kind, share))) if enough && share >= SOME => by_values(kind, share),
        _ if enough && data_type == DataType::String && value::mentions_email(sample) => Some(Suspicion {
            kind: PersonalKind::Email,
            confidence: 40,
            evidence: vec!["Some of its texts mention e-mail addresses.".to_owned()],
        }),
        _ => None,
    };
    found.filter(|suspicion| suspicion.confidence >= SUSPECT)
}

/// Kinds whose values have a form, or a checksum, of their own; the stricter ones first.
const PRECISE: [PersonalKind; 6] = [
    PersonalKind::Email,
    PersonalKind::Card,
    PersonalKind::BankAccount,
    PersonalKind::NationalId,
    PersonalKind::IpAddress,
    PersonalKind::Phone,
];
/// Kinds whose values look like much else.
const LOOSE: [PersonalKind; 2] = [PersonalKind::PersonName, PersonalKind::Address];

fn by_name(kind: PersonalKind, strength: u8, share: Option<u64>) -> Suspicion {
    let mut evidence = vec![format!("Its name speaks of {}.", kind.plural())];
    let confidence = match share {
        None => strength,
        Some(share) if share >= SOME => {
            evidence.push(looks(kind, share));
            (80 + share / 5).min(99) as u8
        }
        Some(share) if share >= HARDLY => {
            evidence.push(looks(kind, share));
            strength
        }
        Some(_) => {
            evidence.push("Hardly any of its values look like it.".to_owned());
            if PRECISE.contains(&kind) { strength / 2 } else { strength / 3 }
        }
    };
    Suspicion { kind, confidence, evidence }
}

fn by_values(kind: PersonalKind, share: u64) -> Option<Suspicion> {
    let confidence = match (PRECISE.contains(&kind), share >= MOST) {
        (true, true) => 85,
        (true, false) => 50,
        (false, true) => 65,
        (false, false) => return None,
    };
    Some(Suspicion { kind, confidence, evidence: vec![looks(kind, share)] })
}

fn looks(kind: PersonalKind, share: u64) -> String {
    format!("{share} % of its values look like {}.", kind.plural())
}

/// Notes for each column of `table` what it is thought to hold; `samples` has the sampled values of each column.
pub fn note(table: &mut Table, samples: &[Vec<String>]) {
    for (column, sample) in table.columns.iter_mut().zip(samples) {
        let sample: Vec<&str> = sample.iter().map(|value| value.trim()).filter(|value| !value.is_empty()).collect();
        column.personal = classify(&table.name, &column.name, column.data_type, &sample);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_domain::personal::CERTAIN;

    fn found(table: &str, name: &str, sample: &[&str]) -> Option<(PersonalKind, u8)> {
        classify(table, name, DataType::String, sample).map(|found| (found.kind, found.confidence))
    }

    #[test]
    fn values_tell_whatever_the_column_is_called() {
        use PersonalKind::{BankAccount, Card, Email, IpAddress, NationalId, Phone};
        for (kind, sample) in [
            (Email, ["a@example.com", "b.c@example.org", "d+e@mail.example.net", "f@g.io", "x_y@sub.example.co"]),
            (
                Card,
                [
                    "4111 1111 1111 1111",
                    "5555555555554444",
                    "378282246310005",
                    "6011-1111-1111-1117",
                    "4012888888881881",
                ],
            ),
            (IpAddress, ["10.0.0.1", "192.168.1.20", "2001:db8::1", "8.8.8.8", "::1"]),
            (
                BankAccount,
                [
                    "DE89370400440532013000",
                    "GB29 NWBK 6016 1331 9268 19",
                    "NO9386011117947",
                    "FR1420041010050500013M02606",
                    "BE68539007547034",
                ],
            ),
            (NationalId, ["078-05-1120", "219-09-9999", "457-55-5462", "123-45-6789", "212-34-5678"]),
            (Phone, ["+1 212 555 0100", "+47 22 12 34 56", "(020) 7946-0958", "+49-30-901820", "+33 1 42 68 53 00"]),
        ] {
            let (seen, confidence) = found("t", "x", &sample).unwrap_or_else(|| unreachable!("{kind:?}"));
            assert_eq!((seen, confidence >= CERTAIN), (kind, true), "{confidence}");
        }
    }

    #[test]
    fn a_name_is_believed_unless_the_values_say_otherwise() {
        assert!(found("t", "customerEmail", &[]).unwrap().1 >= CERTAIN);
        assert!(found("t", "email", &["a@b.co", "c@d.co", "e@f.co", "g@h.co", "i@j.co"]).unwrap().1 > 95);
        let hashed = ["9f86d081", "60303ae2", "fd61a03a", "a4e624d6", "86be9a55", "e3b0c442"];
        let doubted = found("t", "email", &hashed).unwrap().1;
        assert!((SUSPECT..CERTAIN).contains(&doubted), "{doubted}");
        assert_eq!(
            found("customers", "name", &["Customer 1", "Customer 2", "Customer 3", "Customer 4", "Customer 5"]),
            None
        );
        let people = ["Maria Lopez", "James Miller", "Anna Olsen", "Peter Novak", "Emma Brown", "Zyx Qwerty"];
        assert!(found("customers", "name", &people).unwrap().1 >= CERTAIN);
        assert_eq!(found("products", "name", &["Blue chair", "Red table", "Lamp", "Green rug", "Shelf"]), None);
    }

    #[test]
    fn what_only_looks_alike_is_no_suspect() {
        for (name, sample) in [
            (
                "order_number",
                ["4111111111111112", "4111111111111113", "4111111111111114", "4111111111111115", "4111111111111119"],
            ),
            ("created", ["2024-01-01", "2024-02-02", "2024-03-03", "2024-04-04", "2024-05-05"]),
            ("version", ["1.2", "1.3", "2.0", "10.4", "3.1"]),
            ("code", ["12345678", "23456789", "34567890", "45678901", "56789012"]),
            ("city", ["Paris", "Oslo", "Berlin", "Madrid", "Rome"]),
            ("mailing_list_size", ["10", "20", "30", "40", "50"]),
            ("telemetry", ["a", "b", "c", "d", "e"]),
            ("phone_model", ["Pixel", "Xperia", "Nokia", "Razr", "Moto"]),
        ] {
            assert_eq!(found("things", name, &sample), None, "{name}");
        }
    }

    #[test]
    fn free_texts_that_mention_people_are_looked_at() {
        let notes = ["call back", "sent to ada@example.com on Monday", "ok", "done", "see above", "x"];
        assert_eq!(found("t", "notes", &notes), Some((PersonalKind::Email, 40)));
    }

    #[test]
    fn birth_is_told_by_the_name() {
        let found = classify("people", "date_of_birth", DataType::Date, &["1980-02-03"]).unwrap();
        assert!(found.kind == PersonalKind::BirthDate && found.confidence >= CERTAIN);
        assert_eq!(classify("orders", "ordered_on", DataType::Date, &["1980-02-03"]), None);
    }
}
