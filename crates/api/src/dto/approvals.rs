//! Approvals as they are sent.

use pilothouse_app::approvals::Detail;
use pilothouse_domain::approval::Objection;
use pilothouse_domain::clock::rfc3339;
use pilothouse_store::approval_breaks::{Break, Review};
use pilothouse_store::approvals::{Approval, Voted};
use pilothouse_store::delegations::Delegation;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// What waits for people, or did.
#[derive(Serialize, ToSchema)]
pub struct ApprovalDto {
    /// Its id.
    id: String,
    /// `pending`, `approved`, `rejected`, `revoked`, `expired`, `used` or `void`.
    state: &'static str,
    /// The action's name, for instance `query.run`.
    kind: String,
    /// What it is done to.
    resource: String,
    /// SHA-256 of the canonical payload: what is decided about, to the byte.
    payload_hash: String,
    /// Exactly what would be done.
    payload: Value,
    /// The figures by which the rules judged it.
    facts: Value,
    /// Who asked; empty where it was granted in advance.
    requested_by: String,
    /// When.
    requested_at: String,
    /// The rule that asks for it, if one does.
    rule: Option<String>,
    /// Why it needs people.
    because: String,
    /// Whose decision it takes.
    needs: NeedsDto,
    /// The run that waits for it.
    run_id: Option<String>,
    /// Since when it stands so.
    changed_at: String,
    /// By whom; null where time did it.
    changed_by: Option<String>,
    /// Why, in their words.
    changed_because: Option<String>,
    /// When it expires.
    expires_at: Option<String>,
    /// What was asked for, where somebody who decided has put `payload` in its place.
    #[schema(required)]
    asked_payload: Option<Value>,
    /// Who has.
    #[schema(required)]
    edited_by: Option<String>,
    /// Since when it waits for longer than it may.
    #[schema(required)]
    escalated_at: Option<String>,
}

/// Whose decision it takes.
#[derive(Serialize, ToSchema)]
pub struct NeedsDto {
    /// How many must agree.
    count: u32,
    /// The least role of each.
    role: &'static str,
}

/// An approval with what was said of it.
#[derive(Serialize, ToSchema)]
pub struct ApprovalDetailDto {
    /// The approval.
    #[serde(flatten)]
    approval: ApprovalDto,
    /// Who has said what, in order.
    votes: Vec<VoteDto>,
    /// Whether the caller may decide it.
    may_decide: bool,
    /// Why not: `own_request`, `role`, `again` or `closed`.
    objection: Option<&'static str>,
    /// Where somebody gave it alone, in an emergency.
    #[schema(required)]
    broken: Option<BreakDto>,
    /// Whether the caller may do so.
    may_break: bool,
    /// Whether the caller may say what they think of it.
    may_review: bool,
}

/// That somebody gave an approval alone.
#[derive(Serialize, ToSchema)]
pub struct BreakDto {
    /// Who.
    by: String,
    /// Why.
    reason: String,
    /// When.
    at: String,
    /// What somebody else thought of it afterwards.
    #[schema(required)]
    review: Option<ReviewDto>,
}

/// What somebody thought of an approval that was given alone.
#[derive(Serialize, ToSchema)]
pub struct ReviewDto {
    /// Who.
    by: String,
    /// When.
    at: String,
    /// Whether it was right.
    justified: bool,
    /// Why.
    words: String,
}

/// An approval that was given alone and that nobody has looked at.
#[derive(Serialize, ToSchema)]
pub struct UnreviewedDto {
    /// It.
    #[serde(flatten)]
    approval: ApprovalDto,
    /// Who gave it, and why.
    broken: BreakDto,
}

impl From<(Approval, Break)> for UnreviewedDto {
    fn from((approval, broken): (Approval, Break)) -> Self {
        Self { approval: approval.into(), broken: broken.into() }
    }
}

impl From<Break> for BreakDto {
    fn from(broken: Break) -> Self {
        let Break { by, because, at, review, approval: _ } = broken;
        let review =
            review.map(|Review { by, at, justified, words }| ReviewDto { by, at: rfc3339(at), justified, words });
        Self { by, reason: because, at: rfc3339(at), review }
    }
}

/// Somebody's decisions in the hands of somebody else.
#[derive(Serialize, ToSchema)]
pub struct DelegationDto {
    /// Its id.
    id: String,
    /// Whose decisions.
    from: String,
    /// The role that they have had.
    role: &'static str,
    /// Who decides in their place.
    to: String,
    /// Why.
    reason: String,
    /// From when.
    begins_at: String,
    /// Until when.
    ends_at: String,
}

impl From<Delegation> for DelegationDto {
    fn from(one: Delegation) -> Self {
        Self {
            id: one.id.to_string(),
            from: one.giver,
            role: one.role.as_str(),
            to: one.taker,
            reason: one.because,
            begins_at: rfc3339(one.begins_at),
            ends_at: rfc3339(one.ends_at),
        }
    }
}

/// What somebody said.
#[derive(Serialize, ToSchema)]
pub struct VoteDto {
    /// Who.
    by: String,
    /// In whose place, if not in their own.
    in_place_of: Option<String>,
    /// `approve` or `reject`.
    decision: &'static str,
    /// Why; empty where nothing was said.
    reason: String,
    /// When.
    at: String,
}

impl From<Approval> for ApprovalDto {
    fn from(one: Approval) -> Self {
        let value = |json: &str| serde_json::from_str(json).unwrap_or_default();
        Self {
            id: one.id.to_string(),
            state: one.state.as_str(),
            kind: one.kind,
            resource: one.resource,
            payload_hash: one.payload_hash,
            payload: value(&one.payload),
            facts: value(&one.facts),
            requested_by: one.requested_by,
            requested_at: rfc3339(one.requested_at),
            rule: one.rule,
            because: one.because,
            needs: NeedsDto { count: one.needs.count, role: one.needs.of.as_str() },
            run_id: one.run.map(|run| run.to_string()),
            changed_at: rfc3339(one.changed_at),
            changed_by: one.changed_by,
            changed_because: one.changed_because,
            expires_at: one.expires_at.map(rfc3339),
            asked_payload: one.asked_payload.as_deref().map(value),
            edited_by: one.edited_by,
            escalated_at: one.escalated_at.map(rfc3339),
        }
    }
}

impl From<Voted> for VoteDto {
    fn from(voted: Voted) -> Self {
        let Voted { vote, reason, at } = voted;
        let decision = vote.decision.as_str();
        Self { by: vote.by, in_place_of: vote.in_place_of, decision, reason, at: rfc3339(at) }
    }
}

impl From<Detail> for ApprovalDetailDto {
    fn from(detail: Detail) -> Self {
        let Detail { approval, votes, objection, broken, may_break, may_review } = detail;
        let objection = match objection {
            _ if approval.state.is_final() => Some("closed"),
            Some(Objection::OwnRequest) => Some("own_request"),
            Some(Objection::Role) => Some("role"),
            Some(Objection::Again) => Some("again"),
            None => None,
        };
        let votes = votes.into_iter().map(VoteDto::from).collect();
        let (may_decide, broken) = (objection.is_none(), broken.map(BreakDto::from));
        Self { approval: approval.into(), votes, may_decide, objection, broken, may_break, may_review }
    }
}
