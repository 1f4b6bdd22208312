//! The rules of an installation: how they are read, and those that come after them.

use pilothouse_domain::Role;
use pilothouse_domain::approval::Needs;
use pilothouse_domain::approval::policy::{self, Effect, Rule, When};
use serde::Deserialize;

/// The name of a query, as an action.
pub const QUERY: &str = "query.run";

/// The least role of those who decide. Where people may release what they ask for themselves, that is all who may ask.
pub fn approvers(own_allowed: bool) -> Role {
    if own_allowed { Role::Member } else { Role::Operator }
}

/// Rules as they are written down.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    rules: Vec<Rule>,
}

/// The rules of a YAML text, in their order.
///
/// # Errors
/// What is wrong with it, with the line where it is not YAML or not of this form.
pub fn read(text: &str) -> Result<Vec<Rule>, String> {
    let Document { rules } = serde_saphyr::from_str(text).map_err(|wrong| wrong.to_string())?;
    policy::check(&rules).map_err(|wrong| wrong.to_string())?;
    Ok(rules)
}

/// The rules that come last. Queries that read more than `query_max_bytes` need one person, and so does whatever is as risky
/// as `risk_threshold`, from 0 to 1.
pub fn built_in(query_max_bytes: u64, risk_threshold: f64, of: Role) -> Vec<Rule> {
    let one = |name: &str, when: When, because: &str| Rule {
        name: name.to_owned(),
        when,
        then: Effect::Approvals(Needs { count: 1, of }),
        because: because.to_owned(),
    };
    let large = When {
        kinds: Some(vec![QUERY.to_owned()]),
        bytes_at_least: Some(query_max_bytes.saturating_add(1)),
        ..When::default()
    };
    let risky = When { risk_at_least: Some(risk_threshold), ..When::default() };
    // The first as the original words it.
    vec![one("query-size", large, "Query exceeds max bytes"), one("high-risk", risky, "Its risk is high")]
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_domain::action::Tier;
    use pilothouse_domain::approval::policy::{Facts, Figure};

    #[test]
    fn what_is_large_or_risky_needs_somebody_where_nobody_says_otherwise() {
        let rules = built_in(1_000, 0.7, Role::Operator);
        let judged = |kind: &str, bytes: Figure<u64>, risk: Figure<f64>| {
            let facts = Facts {
                kind: kind.to_owned(),
                tier: Tier::Read,
                resource: String::new(),
                subject: "ada".to_owned(),
                role: Role::Admin,
                risk,
                cost: Figure::None,
                rows: Figure::None,
                bytes,
                environment: String::new(),
                at: 0,
            };
            policy::judge(&rules, &facts).rule
        };
        assert_eq!(judged(QUERY, Figure::Is(1_000), Figure::None), None);
        assert_eq!(judged(QUERY, Figure::Is(1_001), Figure::None).as_deref(), Some("query-size"));
        assert_eq!(judged(QUERY, Figure::Unknown, Figure::None).as_deref(), Some("query-size"));
        assert_eq!(judged("build.run", Figure::Is(u64::MAX), Figure::Is(0.69)), None);
        assert_eq!(judged("build.run", Figure::None, Figure::Is(0.7)).as_deref(), Some("high-risk"));
        assert_eq!(judged("build.run", Figure::None, Figure::Unknown).as_deref(), Some("high-risk"));
    }

    #[test]
    fn rules_are_read_in_their_order_and_a_fault_says_where_it_is() {
        let text = "rules:
  - name: two for what is dear
    when: {kinds: [query.*], cost_nano_usd_at_least: 1000000000}
    then: {approvals: {count: 2, of: operator}}
    because: It costs a dollar or more.
  - {name: nights, when: {tiers: [write], during: {cron: '* 22-23 * * *', timezone: Europe/Berlin}}, then: deny}
";
        let names: Vec<String> = read(text).unwrap().into_iter().map(|rule| rule.name).collect();
        assert_eq!(names, ["two for what is dear", "nights"]);
        let wrong = read("rules:\n  - {name: a, then: allow}\n  - {name: b, wenn: {}, then: deny}\n").unwrap_err();
        assert!(wrong.contains("wenn") && wrong.contains("line 3"), "{wrong}");
        let twice = read("rules: [{name: a, then: allow}, {name: a, then: deny}]").unwrap_err();
        assert_eq!(twice, "two rules are called 'a'");
        assert!(read("").is_err() && read("rules: 1").is_err());
    }
}
