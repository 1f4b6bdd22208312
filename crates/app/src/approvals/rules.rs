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

/// The rules that come last. Queries that read more than `query_max_bytes` need one person.
pub fn built_in(query_max_bytes: u64, of: Role) -> Vec<Rule> {
    vec![Rule {
        name: "query-size".to_owned(),
        when: When {
            kinds: Some(vec![QUERY.to_owned()]),
            bytes_at_least: Some(query_max_bytes.saturating_add(1)),
            ..When::default()
        },
        then: Effect::Approvals(Needs { count: 1, of }),
        // As the original words it.
        because: "Query exceeds max bytes".to_owned(),
    }]
}

#[cfg(test)]
mod tests {
    use super::*;

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
