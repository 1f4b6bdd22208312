//! Personal data: what a column may hold of people, how sure that is, and why it is thought so.

use serde::{Deserialize, Serialize};

/// From this confidence on a column is treated as personal until a person has looked at it.
pub const SUSPECT: u8 = 30;
/// From this confidence on a column is taken for personal, and a person only confirms it.
pub const CERTAIN: u8 = 80;

/// What is told of people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PersonalKind {
    /// An e-mail address.
    Email,
    /// A telephone number.
    Phone,
    /// The number of a payment card.
    Card,
    /// The number of a bank account.
    BankAccount,
    /// A number by which a state knows a person.
    NationalId,
    /// The address of somebody's machine.
    IpAddress,
    /// A person's name.
    PersonName,
    /// Where somebody lives.
    Address,
    /// When somebody was born.
    BirthDate,
}

impl PersonalKind {
    /// Its name as people say it, in the plural.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Email => "e-mail addresses",
            Self::Phone => "telephone numbers",
            Self::Card => "card numbers",
            Self::BankAccount => "bank accounts",
            Self::NationalId => "national identity numbers",
            Self::IpAddress => "IP addresses",
            Self::PersonName => "names of people",
            Self::Address => "postal addresses",
            Self::BirthDate => "dates of birth",
        }
    }
}

/// What a column is thought to hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspicion {
    /// What.
    pub kind: PersonalKind,
    /// How sure that is, in percent.
    pub confidence: u8,
    /// Why, in sentences that repeat no value.
    pub evidence: Vec<String>,
}
