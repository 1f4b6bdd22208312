//! The gates: one list, in one order, that every action passes before anything happens.
//!
//! A gate looks at the caller, the action, the rules and what people have agreed to. A refusal is audited here, so that no
//! use case can forget it; the audit row of what was allowed is written by the use case, in the transaction that does it.

use futures::FutureExt;
use futures::future::BoxFuture;
use pilothouse_domain::action::{Action, Denial, Tier, Verdict};
use pilothouse_domain::approval::policy::{Effect, Facts, Figure, Ruling};
use pilothouse_domain::audit::Outcome;
use pilothouse_domain::money::NanoUsd;
use pilothouse_domain::{ApprovalId, Code, Role};

use crate::{App, Caller, Error, approvals, audit};

type Gate = for<'a> fn(&'a App, &'a Caller, &'a Action) -> BoxFuture<'a, Result<Verdict, Error>>;

/// The order of the gates.
const GATES: [Gate; 2] = [role, rules];

/// Actions that the rules are not asked about, by what their names begin with: without them nobody could sign in, or decide
/// about what waits.
const BESIDE_THE_RULES: [&str; 3] = ["session.", "approval.", "approvals."];

/// Lets `action` pass, or refuses it with the first gate's reason and writes that down.
pub async fn pass(app: &App, caller: &Caller, action: &Action) -> Result<(), Error> {
    for gate in GATES {
        let error = match gate(app, caller, action).await? {
            Verdict::Allow => continue,
            Verdict::Deny(denial) => Error::new(denial.code, denial.message),
            Verdict::Wait { approval, message } => {
                Error::new(Code::ApprovalRequired, message).with("approval_id", approval.to_string())
            }
        };
        let entry = audit::entry(app, caller, action, Outcome::Refused, Some(error.code));
        audit::write(app, entry).await?;
        return Err(Error { audited: true, ..error });
    }
    Ok(())
}

fn role<'a>(_: &'a App, caller: &'a Caller, action: &'a Action) -> BoxFuture<'a, Result<Verdict, Error>> {
    std::future::ready(Ok(may(caller.principal.role, action.needs))).boxed()
}

fn may(has: Role, needs: Role) -> Verdict {
    if has >= needs {
        return Verdict::Allow;
    }
    let needed = match needs {
        Role::Viewer => "viewer, member, operator or admin",
        Role::Member => "member or admin",
        Role::Operator => "operator or admin",
        Role::Admin => "admin",
    };
    let message = format!("Insufficient role: requires {needed}");
    Verdict::Deny(Denial { code: Code::RoleInsufficient, message })
}

/// What only looks is allowed or not, and never waits; queries are judged once more with their figures, before they run.
fn rules<'a>(app: &'a App, caller: &'a Caller, action: &'a Action) -> BoxFuture<'a, Result<Verdict, Error>> {
    async move {
        if caller.is_operator || BESIDE_THE_RULES.iter().any(|own| action.kind.starts_with(own)) {
            return Ok(Verdict::Allow);
        }
        let principal = &caller.principal;
        let by = (principal.subject.as_str(), principal.role);
        let cost = if action.worst_cost > NanoUsd(0) { Figure::Is(action.worst_cost) } else { Figure::None };
        let facts = app.approvals.facts(action.kind, action.tier, by);
        let facts = Facts { resource: action.resource.clone(), cost, ..facts };
        let Ruling { effect, rule, because } = app.approvals.judge(&principal.tenant, &facts).await?;
        let name = rule.clone().unwrap_or_default();
        match (effect, action.tier) {
            (Effect::Allow, _) | (Effect::Approvals(_), Tier::Read) => Ok(Verdict::Allow),
            (Effect::Deny, _) => {
                let message = in_words(&format!("The rule '{name}' does not allow it"), &because);
                Ok(Verdict::Deny(Denial { code: Code::PolicyDenied, message }))
            }
            (Effect::Approvals(needs), _) => {
                let wish = approvals::Wish {
                    facts,
                    figures: action.figures.clone(),
                    payload: action.payload.clone(),
                    run: None,
                    needs,
                    rule,
                    because,
                };
                let because = wish.because.clone();
                match app.approvals.claim(&principal.tenant, wish, &caller.request_id).await? {
                    Ok(()) => Ok(Verdict::Allow),
                    Err(waits) => Ok(waiting(waits.id, &in_words(&format!("It needs {needs}"), &because))),
                }
            }
        }
    }
    .boxed()
}

fn waiting(approval: ApprovalId, why: &str) -> Verdict {
    Verdict::Wait { approval, message: format!("{why} Send the same again once it is given.") }
}

fn in_words(what: &str, because: &str) -> String {
    if because.is_empty() { format!("{what}.") } else { format!("{what}: {}.", because.trim_end_matches('.')) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_opens_its_own_gate_and_those_below() {
        let roles = [Role::Viewer, Role::Member, Role::Operator, Role::Admin];
        for has in roles {
            for needs in roles {
                assert_eq!(may(has, needs) == Verdict::Allow, has >= needs);
            }
        }
    }
}
