//! What a column's name says of people.

use pilothouse_domain::catalog::DataType;
use pilothouse_domain::personal::PersonalKind::{self, *};

/// Words that, one after the other in a column's name, speak of people, and how much is to be believed of it, in percent.
/// The first that fits counts.
const MEANINGS: &[(&[&str], PersonalKind, u8)] = &[
    (&["email"], Email, 90),
    (&["e", "mail"], Email, 90),
    (&["mail", "address"], Email, 80),
    (&["mail"], Email, 60),
    (&["ip", "address"], IpAddress, 90),
    (&["ip", "addr"], IpAddress, 90),
    (&["remote", "addr"], IpAddress, 80),
    (&["client", "ip"], IpAddress, 90),
    (&["ip"], IpAddress, 60),
    (&["ssn"], NationalId, 90),
    (&["social", "security"], NationalId, 90),
    (&["national", "id"], NationalId, 90),
    (&["personal", "number"], NationalId, 80),
    (&["personnummer"], NationalId, 90),
    (&["fodselsnummer"], NationalId, 90),
    (&["passport"], NationalId, 80),
    (&["personal", "id"], NationalId, 80),
    (&["citizen", "id"], NationalId, 80),
    (&["driver", "license"], NationalId, 80),
    (&["drivers", "license"], NationalId, 80),
    (&["tax", "id"], NationalId, 60),
    (&["nino"], NationalId, 80),
    (&["dni"], NationalId, 80),
    (&["cpf"], NationalId, 80),
    (&["iban"], BankAccount, 90),
    (&["bank", "account"], BankAccount, 80),
    (&["account", "number"], BankAccount, 60),
    (&["routing", "number"], BankAccount, 60),
    (&["credit", "card"], Card, 80),
    (&["card", "number"], Card, 90),
    (&["card", "no"], Card, 90),
    (&["cc", "number"], Card, 90),
    (&["pan"], Card, 40),
    (&["phone", "number"], Phone, 90),
    (&["telephone"], Phone, 80),
    (&["phone"], Phone, 80),
    (&["mobile", "number"], Phone, 90),
    (&["mobile"], Phone, 60),
    (&["cellphone"], Phone, 90),
    (&["cell"], Phone, 40),
    (&["fax"], Phone, 60),
    (&["msisdn"], Phone, 90),
    (&["date", "of", "birth"], BirthDate, 95),
    (&["birth", "date"], BirthDate, 95),
    (&["birthdate"], BirthDate, 95),
    (&["birthday"], BirthDate, 90),
    (&["birth", "year"], BirthDate, 80),
    (&["birth"], BirthDate, 60),
    (&["dob"], BirthDate, 95),
    (&["born"], BirthDate, 60),
    (&["first", "name"], PersonName, 90),
    (&["firstname"], PersonName, 90),
    (&["fname"], PersonName, 80),
    (&["last", "name"], PersonName, 90),
    (&["lastname"], PersonName, 90),
    (&["lname"], PersonName, 80),
    (&["middle", "name"], PersonName, 80),
    (&["full", "name"], PersonName, 80),
    (&["fullname"], PersonName, 80),
    (&["given", "name"], PersonName, 90),
    (&["family", "name"], PersonName, 90),
    (&["maiden", "name"], PersonName, 90),
    (&["surname"], PersonName, 90),
    (&["forename"], PersonName, 90),
    (&["patient", "name"], PersonName, 90),
    (&["employee", "name"], PersonName, 90),
    (&["contact", "name"], PersonName, 80),
    (&["customer", "name"], PersonName, 60),
    (&["client", "name"], PersonName, 60),
    (&["user", "name"], PersonName, 60),
    (&["username"], PersonName, 60),
    (&["owner", "name"], PersonName, 60),
    (&["street"], Address, 80),
    (&["home", "address"], Address, 90),
    (&["postal", "address"], Address, 90),
    (&["shipping", "address"], Address, 80),
    (&["billing", "address"], Address, 80),
    (&["address", "line"], Address, 80),
    (&["address"], Address, 60),
    (&["addr"], Address, 50),
];
/// Tables of these are about people, so that a plain `name` in one of them is a person's.
const PEOPLE: &[&str] = &[
    "customer",
    "client",
    "user",
    "employee",
    "person",
    "people",
    "patient",
    "contact",
    "member",
    "student",
    "teacher",
    "staff",
    "candidate",
    "applicant",
    "lead",
    "guest",
    "passenger",
    "tenant",
    "donor",
    "subscriber",
    "doctor",
    "driver",
];
/// Words behind which something else than a person is meant: the model of a phone, the size of a mailing list.
const ABOUT_SOMETHING_ELSE: &[&str] = &[
    "model", "type", "kind", "brand", "size", "count", "domain", "verified", "sent", "opened", "status", "id",
    "provider", "template", "campaign", "list", "rate", "opt", "flag", "hash", "length", "version", "plan", "os",
    "app", "class",
];

/// What the name says of people, and how much is to be believed of it, in percent.
pub fn meaning(table: &str, column: &str, data_type: DataType) -> Option<(PersonalKind, u8)> {
    let words = words(column);
    if words.iter().any(|word| ABOUT_SOMETHING_ELSE.contains(&word.as_str())) && !names_a_number(&words) {
        return None;
    }
    let says = |parts: &[&str]| words.windows(parts.len()).any(|some| some.iter().zip(parts).all(|(a, b)| a == b));
    let found = MEANINGS.iter().find(|(parts, _, _)| says(parts)).map(|(_, kind, strength)| (*kind, *strength));
    let found = found.or_else(|| {
        let is_name = words == ["name"];
        let is_people = self::words(table)
            .iter()
            .any(|word| PEOPLE.contains(&word.trim_end_matches('s')) || PEOPLE.contains(&word.as_str()));
        (is_name && is_people).then_some((PersonName, 60))
    });
    found.filter(|(kind, _)| super::value::may_be(*kind, data_type))
}

/// Whether `id` belongs to the words before it: a national id is the number itself, a phone id is not.
fn names_a_number(words: &[String]) -> bool {
    words
        .windows(2)
        .any(|two| two[1] == "id" && ["national", "tax", "passport", "personal", "citizen"].contains(&two[0].as_str()))
}

/// The words of a name: `customerEmail`, `customer_email` and `CUSTOMER-EMAIL` have the same.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for letter in name.chars() {
        let begins = letter.is_uppercase() && before.is_lowercase();
        if begins || !letter.is_alphanumeric() {
            words.push(String::new());
        }
        if letter.is_alphabetic() {
            words.last_mut().into_iter().for_each(|word| word.extend(letter.to_lowercase()));
        }
        before = letter;
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_word_by_word() {
        for (name, expected) in [
            ("customerEmail", &["customer", "email"][..]),
            ("DATE-OF-BIRTH", &["date", "of", "birth"]),
            ("address_line_1", &["address", "line"]),
            ("phone2", &["phone"]),
        ] {
            assert_eq!(words(name), expected, "{name}");
        }
    }

    #[test]
    fn a_word_within_a_word_says_nothing() {
        for name in
            ["telemetry", "shipment", "mailing", "discard_number", "phone_model", "email_sent", "panel", "user_id"]
        {
            assert_eq!(meaning("t", name, DataType::String), None, "{name}");
        }
        for (name, sure) in [("national_id", 90), ("passport_id", 80), ("citizenId", 80)] {
            assert_eq!(meaning("t", name, DataType::String), Some((NationalId, sure)), "{name}");
        }
    }
}
