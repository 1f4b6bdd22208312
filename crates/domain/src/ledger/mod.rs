//! The ledger: what may be spent, in money or in tokens, by whom and in which time; what is held and what is left.
//!
//! Pure: what was spent comes in, and so do the time and its zone. Read first: [`Limit`], which [`Payer`]s it is about, and
//! [`Window`] for the time that it counts.

mod month;
mod standing;
mod window;

pub use month::{InvalidMonth, Month};
pub use standing::{Standing, Status, THRESHOLDS};
pub use window::{Span, Window, read_zone};

use serde::{Deserialize, Serialize};

use crate::format::counted;
use crate::money::NanoUsd;

/// Whose spending a limit is about, the widest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// All of the tenant's.
    Tenant,
    /// That of a project.
    Project,
    /// That for a repository.
    Repository,
    /// That by a token.
    Token,
    /// That of a person or service.
    User,
    /// That for a kind of task.
    Task,
    /// That of one run.
    Run,
}

impl Level {
    /// Every level, the widest first.
    pub const ALL: [Self; 7] =
        [Self::Tenant, Self::Project, Self::Repository, Self::Token, Self::User, Self::Task, Self::Run];

    /// The level as it is written everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Project => "project",
            Self::Repository => "repository",
            Self::Token => "token",
            Self::User => "user",
            Self::Task => "task",
            Self::Run => "run",
        }
    }

    /// The level with this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == text)
    }
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Money, in nano-USD.
    NanoUsd,
    /// Tokens of models.
    Tokens,
}

impl Unit {
    /// The unit as it is written everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NanoUsd => "nano_usd",
            Self::Tokens => "tokens",
        }
    }

    /// An amount of it: `$0.25`, `1 token`, `50,000 tokens`.
    pub fn in_words(self, amount: i64) -> String {
        match self {
            Self::NanoUsd => format!("${}", NanoUsd(amount)),
            Self::Tokens => counted(amount.unsigned_abs(), "token"),
        }
    }

    /// The unit with this name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::NanoUsd, Self::Tokens].into_iter().find(|unit| unit.as_str() == text)
    }
}

/// Who pays for something; what is not known is not said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Payer {
    /// For which project.
    pub project: Option<String>,
    /// For which repository.
    pub repository: Option<String>,
    /// By which token.
    pub token: Option<String>,
    /// Who.
    pub user: Option<String>,
    /// For which kind of task, for instance `query` or `triage`.
    pub task: Option<String>,
    /// In which run.
    pub run: Option<String>,
}

impl Payer {
    /// Who that is at a level; none where it is not known, and nothing where there is but one.
    pub fn at(&self, level: Level) -> Option<&str> {
        match level {
            Level::Tenant => Some(""),
            Level::Project => self.project.as_deref(),
            Level::Repository => self.repository.as_deref(),
            Level::Token => self.token.as_deref(),
            Level::User => self.user.as_deref(),
            Level::Task => self.task.as_deref(),
            Level::Run => self.run.as_deref(),
        }
    }
}

/// Amounts of both units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amounts {
    /// Money, in nano-USD.
    pub nano_usd: i64,
    /// Tokens.
    pub tokens: i64,
}

impl Amounts {
    /// That of a unit.
    pub fn of(self, unit: Unit) -> i64 {
        match unit {
            Unit::NanoUsd => self.nano_usd,
            Unit::Tokens => self.tokens,
        }
    }
}

/// How much may be spent.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Limit {
    /// Whose spending it is about.
    pub level: Level,
    /// Of whom; none means each for themselves. Of the tenant there is but one.
    pub name: Option<String>,
    /// What is counted.
    pub unit: Unit,
    /// In which time.
    pub window: Window,
    /// How much; none means as much as they like, and 0 nothing at all.
    pub amount: Option<i64>,
}

impl Limit {
    /// Which of them is about the same: the same of whom, unit and time. Two of one kind contradict each other.
    pub fn kind(&self) -> String {
        let name = self.name.as_deref().unwrap_or("*");
        self.account_of(if self.level == Level::Tenant { "" } else { name })
    }

    fn account_of(&self, name: &str) -> String {
        [self.level.as_str(), self.unit.as_str(), &self.window.to_string(), name].join("|")
    }

    /// The limit that an account is of, with the one whose it is named, and without its amount; none where it is no account.
    pub fn of_account(account: &str) -> Option<Self> {
        let mut parts = account.splitn(4, '|');
        let (level, unit) = (Level::parse(parts.next()?)?, Unit::parse(parts.next()?)?);
        let window = parts.next()?.parse().ok()?;
        let name = Some(parts.next()?.to_owned()).filter(|_| level != Level::Tenant);
        Some(Self { level, name, unit, window, amount: None })
    }

    /// The account in which it counts what somebody spends; none where it is not about them.
    pub fn account(&self, payer: &Payer) -> Option<String> {
        let own = payer.at(self.level)?;
        let is_meant = self.level == Level::Tenant || self.name.as_deref().is_none_or(|name| name == own);
        is_meant.then(|| self.account_of(own))
    }
}

/// The limits that hold for somebody: of those that are about the same account, the one that names them.
pub fn applying<'a>(limits: &'a [Limit], payer: &Payer) -> Vec<(String, &'a Limit)> {
    let mut found: Vec<(String, &Limit)> = Vec::new();
    for limit in limits {
        let Some(account) = limit.account(payer) else { continue };
        match found.iter_mut().find(|(own, _)| *own == account) {
            Some((_, held)) if held.name.is_none() && limit.name.is_some() => *held = limit,
            Some(_) => {}
            None => found.push((account, limit)),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(level: Level, name: Option<&str>, amount: i64) -> Limit {
        let name = name.map(str::to_owned);
        Limit { level, name, unit: Unit::Tokens, window: Window::Day, amount: Some(amount) }
    }

    #[test]
    fn limits_are_said_in_words() {
        let words = |unit: Unit, amount, window: Window| format!("{} {}", unit.in_words(amount), window.in_words());
        assert_eq!(words(Unit::NanoUsd, 250_000_000, Window::ForEver), "$0.25 in all");
        assert_eq!(words(Unit::Tokens, 50_000, Window::Day), "50,000 tokens a day");
        assert_eq!(words(Unit::Tokens, 1, Window::Rolling(7_200)), "1 token in 2 hours");
        assert_eq!(words(Unit::Tokens, 0, Window::Rolling(90)), "0 tokens in 90 seconds");
    }

    #[test]
    fn an_account_tells_whose_it_is() {
        for (own, level) in [("ada|b", Level::User), ("", Level::Tenant)] {
            let payer = Payer { user: Some(own.to_owned()), ..Payer::default() };
            let account = limit(level, None, 1).account(&payer).unwrap();
            let read = Limit::of_account(&account).unwrap();
            assert_eq!((read.level, read.name.as_deref().unwrap_or_default(), read.window), (level, own, Window::Day));
        }
        assert_eq!(Limit::of_account("user|tokens|day"), None);
    }

    #[test]
    fn whoever_is_named_has_a_limit_of_their_own() {
        let limits = [limit(Level::Tenant, None, 1), limit(Level::User, None, 2), limit(Level::User, Some("ada"), 3)];
        let of = |user: &str| {
            let payer = Payer { user: Some(user.to_owned()), ..Payer::default() };
            applying(&limits, &payer).into_iter().map(|(name, limit)| (name, limit.amount)).collect::<Vec<_>>()
        };
        let tenant = ("tenant|tokens|day|".to_owned(), Some(1));
        assert_eq!(of("ada"), [tenant.clone(), ("user|tokens|day|ada".to_owned(), Some(3))]);
        assert_eq!(of("bob"), [tenant.clone(), ("user|tokens|day|bob".to_owned(), Some(2))]);
        assert_eq!(applying(&limits, &Payer::default()).len(), 1, "of nobody only the tenant's");
        let reversed: Vec<Limit> = limits.into_iter().rev().collect();
        let ada = Payer { user: Some("ada".to_owned()), ..Payer::default() };
        assert!(applying(&reversed, &ada).iter().all(|(_, limit)| limit.amount != Some(2)), "in whichever order");
    }
}
