//! By which rules actions are judged: the installation's, then their tenant's, then those that are built in.

use std::sync::Arc;

use pilothouse_domain::approval::Needs;
use pilothouse_domain::approval::policy::{self, Effect, Facts, Rule, Ruling, When};
use pilothouse_domain::prompt::Label;
use pilothouse_domain::{Code, Micros, Role, TenantId};
use pilothouse_store::Store;
use pilothouse_store::approval_rules as rows;
use serde::Deserialize;

use crate::Error;
use crate::error::Fault;
use crate::lately::Lately;

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
    parse(text).map_err(|fault| fault.reason)
}

/// The same; what is wrong comes with its line.
pub(super) fn parse(text: &str) -> Result<Vec<Rule>, Fault> {
    let of_form = |wrong: serde_saphyr::Error| Fault {
        line: wrong.location().map_or(0, |place| place.line()),
        reason: wrong.to_string(),
    };
    let Document { rules } = serde_saphyr::from_str(text).map_err(of_form)?;
    policy::check(&rules).map_err(|wrong| Fault { line: 0, reason: wrong.to_string() })?;
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
    let protected = When {
        kinds: Some(vec!["prompt.label".to_owned()]),
        resources: Some(vec![format!("*/{}", Label::Production)]),
        ..When::default()
    };
    // The first as the original words it.
    vec![
        one("query-size", large, "Query exceeds max bytes"),
        one("high-risk", risky, "Its risk is high"),
        one("prompt-in-force", protected, "It changes what models are told for everybody"),
    ]
}

/// Every rule there is.
pub(super) struct Rules {
    /// Those of the installation, which come first.
    pub installation: Vec<Rule>,
    /// Those that come last.
    pub built_in: Vec<Rule>,
    store: Store,
    tenants: Lately<Vec<Rule>>,
}

impl Rules {
    pub fn new(store: Store, installation: Vec<Rule>, built_in: Vec<Rule>) -> Self {
        Self { installation, built_in, store, tenants: Lately::default() }
    }

    /// What they say of an action of a tenant, at the moment `now`.
    pub async fn judge(&self, tenant: &TenantId, facts: &Facts, now: Micros) -> Result<Ruling, Error> {
        Ok(self.judge_by(&self.of(tenant, now).await?, facts))
    }

    /// The same with `own` in the place of the tenant's rules.
    pub fn judge_by(&self, own: &[Rule], facts: &Facts) -> Ruling {
        policy::judge(self.installation.iter().chain(own).chain(&self.built_in), facts)
    }

    /// A tenant has stored other rules.
    pub fn changed(&self, tenant: &TenantId) {
        self.tenants.forget(tenant);
    }

    async fn of(&self, tenant: &TenantId, now: Micros) -> Result<Arc<Vec<Rule>>, Error> {
        let read = async {
            let of = tenant.clone();
            let stored = self.store.read(move |tx| Box::pin(async move { rows::latest(tx, &of).await })).await?;
            let Some(stored) = stored else { return Ok(Vec::new()) };
            // Nothing is let through because its rules cannot be read.
            parse(&stored.yaml).map_err(|fault| {
                let message = format!("The tenant's rules about approvals cannot be read: {}", fault.reason);
                Error::new(Code::RulesInvalid, message)
            })
        };
        self.tenants.get(tenant, now, read).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_domain::action::Tier;
    use pilothouse_domain::approval::policy::Figure;

    #[test]
    fn what_is_large_or_risky_needs_somebody_where_nobody_says_otherwise() {
        let rules = built_in(1_000, 0.7, Role::Operator);
        let judged = |kind: &str, bytes: Figure<u64>, risk: Figure<f64>| {
            let blank = Facts::new(kind, Tier::Read, ("ada", Role::Admin), 0);
            policy::judge(&rules, &Facts { risk, bytes, ..blank }).rule
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
        let wrong = parse("rules:\n  - {name: a, then: allow}\n  - {name: b, wenn: {}, then: deny}\n").unwrap_err();
        assert!(wrong.reason.contains("wenn") && wrong.line == 3, "{wrong:?}");
        let twice = read("rules: [{name: a, then: allow}, {name: a, then: deny}]").unwrap_err();
        assert_eq!(twice, "two rules are called 'a'");
        assert!(read("").is_err() && read("rules: 1").is_err());
    }
}
