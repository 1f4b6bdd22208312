//! Which actions may be done, which wait for people, and which may not be done: rules in an order, the first that fits
//! decides. What no rule is about is allowed.

use serde::{Deserialize, Serialize};

use super::Needs;
use crate::Role;
use crate::action::Tier;
use crate::clock::Micros;
use crate::money::NanoUsd;
use crate::schedule::{Cron, Timing};

/// Most rules of one policy.
pub const MAX_RULES: usize = 200;
/// Most patterns or names in one condition.
const MAX_ALTERNATIVES: usize = 100;
/// Most people that one rule may ask for.
const MAX_PEOPLE: u32 = 20;
/// Longest name, pattern or reason, in characters.
const MAX_CHARS: usize = 300;

/// A figure of an action.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Figure<T> {
    /// Actions of its kind have none.
    #[default]
    None,
    /// It has one, and nobody can tell it.
    Unknown,
    /// It is this.
    Is(T),
}

impl<T: PartialOrd> Figure<T> {
    /// Whether it is at least so much. What is unknown is taken for too much.
    fn at_least(&self, least: &T) -> bool {
        match self {
            Self::None => false,
            Self::Unknown => true,
            Self::Is(value) => value >= least,
        }
    }

    /// Whether it is at most so much. What is unknown is not known to be.
    fn at_most(&self, most: &T) -> bool {
        matches!(self, Self::Is(value) if value <= most)
    }
}

/// What rules look at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// The action's name, for instance `query.run`.
    pub kind: String,
    /// How much it can change.
    pub tier: Tier,
    /// What it is done to.
    pub resource: String,
    /// Who wants to do it.
    pub subject: String,
    /// What they may do.
    pub role: Role,
    /// How risky it is, from 0 to 1.
    pub risk: Figure<f64>,
    /// The most that it can cost, in nano-USD.
    pub cost: Figure<NanoUsd>,
    /// Rows that it reads.
    pub rows: Figure<u64>,
    /// Bytes that it reads.
    pub bytes: Figure<u64>,
    /// Where it takes effect, for instance `production`.
    pub environment: String,
    /// When.
    pub at: Micros,
}

impl Facts {
    /// An action without any figures: its name, what it can change, who wants to do it, and when.
    pub fn new(kind: &str, tier: Tier, (subject, role): (&str, Role), at: Micros) -> Self {
        Self {
            kind: kind.to_owned(),
            tier,
            resource: String::new(),
            subject: subject.to_owned(),
            role,
            risk: Figure::None,
            cost: Figure::None,
            rows: Figure::None,
            bytes: Figure::None,
            environment: String::new(),
            at,
        }
    }
}

/// What becomes of the actions that a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// They are done.
    Allow,
    /// So many people of a role have to agree first.
    Approvals(Needs),
    /// They are not done.
    Deny,
}

/// A rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// What it is called wherever it has decided.
    pub name: String,
    /// What it is about; everything, where nothing is said.
    #[serde(default)]
    pub when: When,
    /// What becomes of that.
    pub then: Effect,
    /// Why, in words for whoever is stopped by it.
    #[serde(default)]
    pub because: String,
}

/// What a rule is about: all that is said must fit, and of a list one must. A `*` in a pattern stands for any text.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct When {
    /// Patterns of actions' names, for instance `connections.*`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kinds: Option<Vec<String>>,
    /// How much actions can change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tiers: Option<Vec<Tier>>,
    /// Patterns of what actions are done to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<Vec<String>>,
    /// Patterns of who wants to do them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subjects: Option<Vec<String>>,
    /// What they may do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<Role>>,
    /// Where actions take effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environments: Option<Vec<String>>,
    /// Least risk, from 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk_at_least: Option<f64>,
    /// Least cost, in nano-USD.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_nano_usd_at_least: Option<NanoUsd>,
    /// Least rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows_at_least: Option<u64>,
    /// Least bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_at_least: Option<u64>,
    /// Most cost, in nano-USD.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_nano_usd_at_most: Option<NanoUsd>,
    /// Most rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows_at_most: Option<u64>,
    /// Most bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_at_most: Option<u64>,
    /// The minutes in which the rule holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub during: Option<During>,
}

/// Minutes by the clocks of a place; as JSON a cron expression and its time zone, as schedules have them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Timing", into = "Timing")]
pub struct During(Cron);

impl TryFrom<Timing> for During {
    type Error = &'static str;

    fn try_from(timing: Timing) -> Result<Self, Self::Error> {
        match timing {
            Timing::Cron(cron) => Ok(Self(cron)),
            Timing::Every(_) => Err("the minutes in which a rule holds are a cron expression"),
        }
    }
}

impl From<During> for Timing {
    fn from(during: During) -> Self {
        Self::Cron(during.0)
    }
}

/// What the rules say of an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruling {
    /// What becomes of it.
    pub effect: Effect,
    /// The rule that says so; none where no rule is about it.
    pub rule: Option<String>,
    /// Why.
    pub because: String,
}

/// What the first of `rules` that is about an action says of it.
pub fn judge<'a>(rules: impl IntoIterator<Item = &'a Rule>, facts: &Facts) -> Ruling {
    let first = rules.into_iter().find(|rule| rule.when.fits(facts));
    match first {
        Some(rule) => Ruling { effect: rule.then, rule: Some(rule.name.clone()), because: rule.because.clone() },
        None => Ruling { effect: Effect::Allow, rule: None, because: String::new() },
    }
}

impl When {
    fn fits(&self, facts: &Facts) -> bool {
        one_of(self.kinds.as_ref(), |pattern| matches(pattern, &facts.kind))
            && one_of(self.tiers.as_ref(), |tier| *tier == facts.tier)
            && one_of(self.resources.as_ref(), |pattern| matches(pattern, &facts.resource))
            && one_of(self.subjects.as_ref(), |pattern| matches(pattern, &facts.subject))
            && one_of(self.roles.as_ref(), |role| *role == facts.role)
            && one_of(self.environments.as_ref(), |name| *name == facts.environment)
            && said(self.risk_at_least, |least| facts.risk.at_least(least))
            && said(self.cost_nano_usd_at_least, |least| facts.cost.at_least(least))
            && said(self.rows_at_least, |least| facts.rows.at_least(least))
            && said(self.bytes_at_least, |least| facts.bytes.at_least(least))
            && said(self.cost_nano_usd_at_most, |most| facts.cost.at_most(most))
            && said(self.rows_at_most, |most| facts.rows.at_most(most))
            && said(self.bytes_at_most, |most| facts.bytes.at_most(most))
            && self.during.as_ref().is_none_or(|During(cron)| cron.covers(facts.at))
    }
}

fn one_of<T>(wanted: Option<&Vec<T>>, fits: impl FnMut(&T) -> bool) -> bool {
    wanted.is_none_or(|wanted| wanted.iter().any(fits))
}

fn said<T>(bound: Option<T>, fits: impl FnOnce(&T) -> bool) -> bool {
    bound.is_none_or(|bound| fits(&bound))
}

/// Whether `text` is what `pattern` says, in which `*` stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut left) = text.strip_prefix(start) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let end = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(at) = left.find(part) else { return false };
        left = &left[at + part.len()..];
    }
    left.ends_with(end)
}

/// Why rules cannot be in force.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// There are too many.
    #[error("there may be at most {MAX_RULES} rules")]
    TooMany,
    /// Two have the same name, so that nobody could tell which of them has decided.
    #[error("two rules are called '{0}'")]
    Twice(String),
    /// A rule says what makes no sense.
    #[error("rule '{rule}': {why}")]
    Rule {
        /// Its name.
        rule: String,
        /// What makes no sense.
        why: &'static str,
    },
}

/// Checks rules before they are in force.
///
/// # Errors
/// What is wrong with the first that is.
pub fn check(rules: &[Rule]) -> Result<(), Unfit> {
    if rules.len() > MAX_RULES {
        return Err(Unfit::TooMany);
    }
    for (index, rule) in rules.iter().enumerate() {
        if let Some(why) = rule.unfit() {
            return Err(Unfit::Rule { rule: rule.name.chars().take(MAX_CHARS).collect(), why });
        }
        if rules.iter().take(index).any(|other| other.name == rule.name) {
            return Err(Unfit::Twice(rule.name.clone()));
        }
    }
    Ok(())
}

impl Rule {
    fn unfit(&self) -> Option<&'static str> {
        let When { kinds, tiers, resources, subjects, roles, environments, risk_at_least, .. } = &self.when;
        let texts = [kinds, resources, subjects, environments];
        let lengths = texts.iter().map(|list| list.as_ref().map(Vec::len));
        let lengths = lengths.chain([tiers.as_ref().map(Vec::len), roles.as_ref().map(Vec::len)]);
        let too_long = |text: &str| text.chars().count() > MAX_CHARS;
        if self.name.trim().is_empty() {
            return Some("it has no name");
        }
        if too_long(&self.name) || too_long(&self.because) {
            return Some("its name or its reason is too long");
        }
        for length in lengths.flatten() {
            match length {
                0 => return Some("an empty list fits nothing"),
                1..=MAX_ALTERNATIVES => {}
                _ => return Some("a list is too long"),
            }
        }
        if texts.into_iter().flatten().flatten().any(|text| text.is_empty() || too_long(text)) {
            return Some("a pattern is empty or too long");
        }
        if risk_at_least.is_some_and(|risk| !(0.0..=1.0).contains(&risk)) {
            return Some("a risk is a number from 0 to 1");
        }
        match self.then {
            Effect::Approvals(Needs { count, .. }) if !(1..=MAX_PEOPLE).contains(&count) => {
                Some("1 to 20 people can be asked for")
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn facts() -> Facts {
        Facts {
            kind: "query.run".into(),
            tier: Tier::Read,
            resource: "conn".into(),
            subject: "ada@example.com".into(),
            role: Role::Member,
            risk: Figure::None,
            cost: Figure::Is(NanoUsd(5)),
            rows: Figure::Unknown,
            bytes: Figure::Is(1_000),
            environment: "production".into(),
            at: 0,
        }
    }

    fn rules(json: serde_json::Value) -> Vec<Rule> {
        let rules: Vec<Rule> = serde_json::from_value(json).expect("they are rules");
        check(&rules).expect("they are fit");
        rules
    }

    fn about(when: serde_json::Value) -> bool {
        let rules = rules(serde_json::json!([{"name": "r", "when": when, "then": "deny"}]));
        judge(&rules, &facts()).effect == Effect::Deny
    }

    #[test]
    fn the_first_rule_that_fits_decides() {
        let rules = rules(serde_json::json!([
            {"name": "deletions", "when": {"tiers": ["destructive"]}, "then": "deny"},
            {"name": "dear", "when": {"bytes_at_least": 500}, "then": {"approvals": {"count": 2, "of": "operator"}},
             "because": "It is dear."},
            {"name": "rest", "then": "allow"},
        ]));
        let ruling = judge(&rules, &facts());
        assert_eq!(ruling.effect, Effect::Approvals(Needs { count: 2, of: Role::Operator }));
        assert_eq!((ruling.rule.as_deref(), ruling.because.as_str()), (Some("dear"), "It is dear."));
        let small = Facts { bytes: Figure::Is(499), ..facts() };
        assert_eq!(judge(&rules, &small).rule.as_deref(), Some("rest"));
        assert_eq!(judge(&rules[..2], &small), Ruling { effect: Effect::Allow, rule: None, because: String::new() });
    }

    #[test]
    fn all_that_is_said_must_fit() {
        use serde_json::json;
        assert!(about(json!({})));
        assert!(about(json!({"kinds": ["query.*"], "subjects": ["*@example.com"], "roles": ["member", "viewer"]})));
        assert!(!about(json!({"kinds": ["query.*"], "subjects": ["*@example.org"]})));
        assert!(!about(json!({"environments": ["development"]})));
        // 1970-01-01 was a Thursday.
        assert!(about(json!({"during": {"cron": "* 0-5 * * 4"}})));
        assert!(!about(json!({"during": {"cron": "* 0-5 * * 5"}})));
        assert!(!about(json!({"during": {"cron": "* 0-5 * * *", "timezone": "America/New_York"}})));
    }

    #[test]
    fn what_is_unknown_is_taken_for_too_much() {
        use serde_json::json;
        assert!(about(json!({"rows_at_least": u64::MAX})));
        assert!(!about(json!({"rows_at_most": u64::MAX})));
        assert!(!about(json!({"risk_at_least": 0.0})), "queries have no risk");
        assert!(about(json!({"cost_nano_usd_at_least": 5, "cost_nano_usd_at_most": 5})));
    }

    #[test]
    fn rules_that_make_no_sense_are_refused() {
        use serde_json::json;
        let refused = |json| check(&serde_json::from_value::<Vec<Rule>>(json).expect("they are rules")).is_err();
        assert!(refused(json!([{"name": " ", "then": "allow"}])));
        assert!(refused(json!([{"name": "a", "then": "allow"}, {"name": "a", "then": "deny"}])));
        assert!(refused(json!([{"name": "a", "when": {"kinds": []}, "then": "allow"}])));
        assert!(refused(json!([{"name": "a", "when": {"risk_at_least": 70}, "then": "deny"}])));
        assert!(refused(json!([{"name": "a", "then": {"approvals": {"count": 0, "of": "admin"}}}])));
        let unread = |json| serde_json::from_value::<Vec<Rule>>(json).is_err();
        assert!(unread(json!([{"name": "a", "then": "allow", "wenn": {}}])));
        assert!(unread(json!([{"name": "a", "then": "deny", "when": {"during": {"cron": "61 * * * *"}}}])));
        assert!(unread(json!([{"name": "a", "then": "deny", "when": {"during": {"every_seconds": 60}}}])));
    }

    #[test]
    fn rules_are_written_as_they_are_read() {
        let json = serde_json::json!([{"name": "nights", "when": {"tiers": ["write"],
            "during": {"cron": "* 22-23,0-5 * * *", "timezone": "Europe/Berlin"}}, "then": "deny", "because": "Sleep."}]);
        assert_eq!(serde_json::to_value(rules(json.clone())).expect("they have a form"), json);
    }

    /// The plain way to say it: every way to cut the text is tried.
    fn fits(pattern: &[u8], text: &[u8]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some((b'*', rest)) => (0..=text.len()).any(|at| fits(rest, &text[at..])),
            Some((first, rest)) => text.split_first().is_some_and(|(byte, left)| byte == first && fits(rest, left)),
        }
    }

    proptest! {
        #[test]
        fn a_pattern_fits_as_if_every_cut_were_tried(pattern in "[ab*]{0,8}", text in "[ab]{0,10}") {
            prop_assert_eq!(matches(&pattern, &text), fits(pattern.as_bytes(), text.as_bytes()));
        }
    }
}
