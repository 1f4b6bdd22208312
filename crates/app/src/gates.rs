//! The gates: one list, in one order, that every action passes before anything happens.
//!
//! A gate is a pure look at the caller, the action and the settings. A refusal is audited here, so that no use case
//! can forget it; the audit row of what was allowed is written by the use case, in the transaction that does it.

use pilothouse_domain::action::{Action, Denial, Verdict};
use pilothouse_domain::audit::Outcome;
use pilothouse_domain::{Code, Role};

use crate::{App, Caller, Error, audit};

type Gate = fn(&Caller, &Action) -> Verdict;

/// The order of the gates.
const GATES: [Gate; 1] = [role];

/// Lets `action` pass, or refuses it with the first gate's reason and writes that down.
pub async fn pass(app: &App, caller: &Caller, action: &Action) -> Result<(), Error> {
    let denied = GATES.iter().find_map(|gate| match gate(caller, action) {
        Verdict::Allow => None,
        Verdict::Deny(denial) => Some(denial),
    });
    let Some(denial) = denied else { return Ok(()) };
    let entry = audit::entry(app, caller, action, Outcome::Refused, Some(denial.code));
    audit::write(app, entry).await?;
    Err(Error { audited: true, ..Error::new(denial.code, denial.message) })
}

fn role(caller: &Caller, action: &Action) -> Verdict {
    if caller.principal.role >= action.needs {
        return Verdict::Allow;
    }
    let needed = match action.needs {
        Role::Viewer => "viewer, member, operator or admin",
        Role::Member => "member or admin",
        Role::Operator => "operator or admin",
        Role::Admin => "admin",
    };
    let message = format!("Insufficient role: requires {needed}");
    Verdict::Deny(Denial { code: Code::RoleInsufficient, message })
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_domain::action::Tier;
    use pilothouse_domain::money::NanoUsd;
    use pilothouse_domain::{Principal, TenantId};

    #[test]
    fn a_role_opens_its_own_gate_and_those_below() {
        let roles = [Role::Viewer, Role::Member, Role::Operator, Role::Admin];
        for has in roles {
            for needs in roles {
                let principal = Principal { tenant: TenantId::default_tenant(), subject: "ada".into(), role: has };
                let caller = Caller { principal, request_id: String::new() };
                let action = Action {
                    kind: "test",
                    tier: Tier::Read,
                    needs,
                    resource: String::new(),
                    payload_hash: String::new(),
                    worst_cost: NanoUsd(0),
                };
                assert_eq!(role(&caller, &action) == Verdict::Allow, has >= needs);
            }
        }
    }
}
