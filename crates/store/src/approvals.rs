//! What waits for people, and what they have decided.

use pilothouse_domain::approval::{Decision, Needs, State, Vote};
use pilothouse_domain::{ApprovalId, Micros, Role, RunId, TenantId};

use crate::{Error, Row, Tx, args};

/// One action that waits for people, or did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// Its id.
    pub id: ApprovalId,
    /// The action's name.
    pub kind: String,
    /// What the action is done to.
    pub resource: String,
    /// SHA-256 of the canonical payload, in hexadecimal.
    pub payload_hash: String,
    /// What would be done, as JSON.
    pub payload: String,
    /// The figures by which it was judged, as JSON.
    pub facts: String,
    /// Who asked; empty where it was granted before anybody did.
    pub requested_by: String,
    /// When.
    pub requested_at: Micros,
    /// The rule that asks for it, if one does.
    pub rule: Option<String>,
    /// Why it needs people.
    pub because: String,
    /// How many, of which role.
    pub needs: Needs,
    /// The run that waits for it.
    pub run: Option<RunId>,
    /// Where it stands.
    pub state: State,
    /// Since when.
    pub changed_at: Micros,
    /// By whom; none where it was time that changed it.
    pub changed_by: Option<String>,
    /// Why, in their words.
    pub changed_because: Option<String>,
    /// When it expires.
    pub expires_at: Option<Micros>,
    /// What was said of it besides, as JSON.
    pub remark: Option<String>,
    /// What was asked for, as JSON, where somebody who decided has changed it.
    pub asked_payload: Option<String>,
    /// Who has.
    pub edited_by: Option<String>,
    /// When it had waited so long that more people were told.
    pub escalated_at: Option<Micros>,
}

/// A vote as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voted {
    /// Who said what.
    pub vote: Vote,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Micros,
}

/// How an approval changes.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    /// Where it must stand.
    pub from: State,
    /// Where it stands then.
    pub to: State,
    /// When.
    pub at: Micros,
    /// By whom.
    pub by: Option<&'a str>,
    /// Why.
    pub because: Option<&'a str>,
    /// When it expires then.
    pub expires_at: Option<Micros>,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, kind, resource, payload_hash, payload, facts, requested_by, requested_at, rule, because, needs_count,
               needs_role, run, state, changed_at, changed_by, changed_because, expires_at, remark,
               asked_payload, edited_by, escalated_at FROM approvals
             WHERE tenant = $1 ",
            $rest
        )
    };
}

/// Asks for an approval. One that is open for the same payload and whoever asks is returned instead.
pub async fn request(tx: &mut Tx<'_>, tenant: &TenantId, new: &Approval) -> Result<Approval, Error> {
    tx.execute(
        "INSERT INTO approvals (tenant, id, kind, resource, payload_hash, payload, facts, requested_by, requested_at, rule,
           because, needs_count, needs_role, run, state, changed_at, changed_by, changed_because, expires_at, remark)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
         ON CONFLICT (tenant, kind, resource, payload_hash, requested_by) WHERE state IN ('pending', 'approved')
           DO NOTHING",
        args![
            tenant,
            new.id,
            new.kind.as_str(),
            new.resource.as_str(),
            new.payload_hash.as_str(),
            new.payload.as_str(),
            new.facts.as_str(),
            new.requested_by.as_str(),
            new.requested_at,
            new.rule.as_deref(),
            new.because.as_str(),
            new.needs.count,
            new.needs.of.as_str(),
            new.run,
            new.state.as_str(),
            new.changed_at,
            new.changed_by.as_deref(),
            new.changed_because.as_deref(),
            new.expires_at,
            new.remark.as_deref(),
        ],
    )
    .await?;
    let sql = select!(
        "AND kind = $2 AND resource = $3 AND payload_hash = $4 AND requested_by = $5 AND state IN ('pending', 'approved')"
    );
    let of =
        args![tenant, new.kind.as_str(), new.resource.as_str(), new.payload_hash.as_str(), new.requested_by.as_str()];
    let row = tx.fetch_optional(sql, of).await?;
    row.as_ref().map(read).transpose()?.ok_or(Error::Missing { what: "approval" })
}

/// One approval. Nobody else changes it until the unit ends.
pub async fn hold(tx: &mut Tx<'_>, tenant: &TenantId, id: ApprovalId) -> Result<Option<Approval>, Error> {
    tx.execute("UPDATE approvals SET state = state WHERE tenant = $1 AND id = $2", args![tenant, id]).await?;
    get(tx, tenant, id).await
}

/// One approval.
pub async fn get(tx: &mut Tx<'_>, tenant: &TenantId, id: ApprovalId) -> Result<Option<Approval>, Error> {
    tx.fetch_optional(select!("AND id = $2"), args![tenant, id]).await?.as_ref().map(read).transpose()
}

/// Those of one thing that an action is done to, newest first, up to `limit`.
pub async fn of_resource(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    (kind, resource): (&str, &str),
    limit: u32,
) -> Result<Vec<Approval>, Error> {
    let sql = select!("AND kind = $2 AND resource = $3 ORDER BY requested_at DESC, id DESC LIMIT $4 + 0");
    tx.fetch_all(sql, args![tenant, kind, resource, limit]).await?.iter().map(read).collect()
}

/// The one that a run waits for, if it waits for one.
pub async fn of_run(tx: &mut Tx<'_>, tenant: &TenantId, run: RunId) -> Result<Option<Approval>, Error> {
    let sql = select!("AND state IN ('pending', 'approved') AND run = $2");
    tx.fetch_optional(sql, args![tenant, run]).await?.as_ref().map(read).transpose()
}

/// Which approvals are meant.
#[derive(Debug, Clone)]
pub struct Filter {
    /// Those that stand so.
    pub state: State,
    /// Those that this subject has asked for,
    pub subject: String,
    /// and those that one with this role may decide.
    pub role: Role,
    /// Only those asked for before this one.
    pub before: Option<(Micros, ApprovalId)>,
}

/// Those that are meant, newest first, up to `limit`.
pub async fn list(tx: &mut Tx<'_>, tenant: &TenantId, filter: &Filter, limit: u32) -> Result<Vec<Approval>, Error> {
    let sql = select!(
        "AND state = $2 AND (requested_at < $3 OR (requested_at = $3 AND id < $4))
           AND (requested_by = $5 OR needs_role IN ($6, $7, $8, $9))
         ORDER BY requested_at DESC, id DESC LIMIT $10 + 0"
    );
    let (at, id) = filter.before.map_or((Micros::MAX, String::new()), |(at, id)| (at, id.to_string()));
    let may_decide = |needed: Role| if needed <= filter.role { needed.as_str() } else { "" };
    let of = args![
        tenant,
        filter.state.as_str(),
        at,
        id,
        filter.subject.as_str(),
        may_decide(Role::Viewer),
        may_decide(Role::Member),
        may_decide(Role::Operator),
        may_decide(Role::Admin),
        limit,
    ];
    tx.fetch_all(sql, of).await?.iter().map(read).collect()
}

/// Changes where an approval stands, if it still stands where the change begins; false where it does not.
pub async fn change(tx: &mut Tx<'_>, tenant: &TenantId, id: ApprovalId, change: Change<'_>) -> Result<bool, Error> {
    let Change { from, to, at, by, because, expires_at } = change;
    let changed = tx
        .execute(
            "UPDATE approvals SET state = $4, changed_at = $5, changed_by = $6, changed_because = $7, expires_at = $8
             WHERE tenant = $1 AND id = $2 AND state = $3",
            args![tenant, id, from.as_str(), to.as_str(), at, by, because, expires_at],
        )
        .await?;
    Ok(changed == 1)
}

/// Puts another payload in the place of what was asked for, by whom; what was said of the old one does not count any more.
/// False where it is not pending.
pub async fn edit(
    tx: &mut Tx<'_>,
    tenant: &TenantId,
    id: ApprovalId,
    (payload, hash, by): (&str, &str, &str),
) -> Result<bool, Error> {
    let sql = "UPDATE approvals SET asked_payload = COALESCE(asked_payload, payload), payload = $3, payload_hash = $4,
           edited_by = $5 WHERE tenant = $1 AND id = $2 AND state = 'pending'";
    let changed = tx.execute(sql, args![tenant, id, payload, hash, by]).await? == 1;
    if changed {
        let sql = "DELETE FROM approval_votes WHERE tenant = $1 AND approval = $2";
        tx.execute(sql, args![tenant, id]).await?;
    }
    Ok(changed)
}

/// Marks those of every tenant that wait since before `since` and that nobody else was told of; returns them, up to `limit`.
pub async fn escalate(
    tx: &mut Tx<'_>,
    (since, now): (Micros, Micros),
    limit: u32,
) -> Result<Vec<(TenantId, Approval)>, Error> {
    let sql = "UPDATE approvals SET escalated_at = $2 WHERE state = 'pending' AND escalated_at IS NULL
           AND requested_at <= $1 AND (tenant, id) IN (
             SELECT tenant, id FROM approvals WHERE state = 'pending' AND escalated_at IS NULL AND requested_at <= $1
             ORDER BY requested_at LIMIT $3 + 0)
         RETURNING tenant, id, kind, resource, payload_hash, payload, facts, requested_by, requested_at, rule, because,
           needs_count, needs_role, run, state, changed_at, changed_by, changed_because, expires_at, remark,
           asked_payload, edited_by, escalated_at";
    let rows = tx.fetch_all(sql, args![since, now, limit]).await?;
    rows.iter().map(|row| Ok((row.parsed("tenant")?, read(row)?))).collect()
}

/// An approval that is open, and whose run has ended without it.
macro_rules! is_orphan {
    () => {
        "state IN ('pending', 'approved') AND run IS NOT NULL
           AND NOT EXISTS (SELECT 1 FROM live WHERE live.tenant = approvals.tenant AND live.id = approvals.run)"
    };
}

/// An approval that is open, and whose time is over at the moment `$2`.
macro_rules! is_over {
    () => {
        "state IN ('pending', 'approved') AND expires_at <= $2"
    };
}

/// Whether [`expire`] has anything to do.
pub async fn is_overdue(tx: &mut Tx<'_>, tenant: &TenantId, now: Micros) -> Result<bool, Error> {
    let sql =
        concat!("SELECT id FROM approvals WHERE tenant = $1 AND (", is_over!(), " OR ", is_orphan!(), ") LIMIT 1");
    Ok(tx.fetch_optional(sql, args![tenant, now]).await?.is_some())
}

/// Lets those of a tenant expire whose time is over; those whose run has ended without them are void. Returns how many
/// these are.
pub async fn expire(tx: &mut Tx<'_>, tenant: &TenantId, now: Micros) -> Result<u64, Error> {
    let void = tx
        .execute(
            concat!(
                "UPDATE approvals SET state = 'void', changed_at = $2, changed_by = NULL,
                   changed_because = 'The run has ended.' WHERE tenant = $1 AND ",
                is_orphan!()
            ),
            args![tenant, now],
        )
        .await?;
    let expired = tx
        .execute(
            concat!(
                "UPDATE approvals SET state = 'expired', changed_at = expires_at, changed_by = NULL,
                   changed_because = NULL WHERE tenant = $1 AND ",
                is_over!()
            ),
            args![tenant, now],
        )
        .await?;
    Ok(void + expired)
}

/// Keeps a vote; the caller has made sure that its voter may vote.
pub async fn vote(tx: &mut Tx<'_>, tenant: &TenantId, id: ApprovalId, new: &Voted) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO approval_votes (tenant, approval, voter, in_place_of, decision, reason, at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        args![
            tenant,
            id,
            new.vote.by.as_str(),
            new.vote.in_place_of.as_deref(),
            new.vote.decision.as_str(),
            new.reason.as_str(),
            new.at,
        ],
    )
    .await?;
    Ok(())
}

/// The votes on an approval, in their order.
pub async fn votes(tx: &mut Tx<'_>, tenant: &TenantId, id: ApprovalId) -> Result<Vec<Voted>, Error> {
    let sql = "SELECT voter, in_place_of, decision, reason, at FROM approval_votes
         WHERE tenant = $1 AND approval = $2 ORDER BY at, voter";
    let rows = tx.fetch_all(sql, args![tenant, id]).await?;
    let read = |row: &Row| {
        let decision = known("decision", Decision::parse(&row.text("decision")?))?;
        let vote = Vote { by: row.text("voter")?, in_place_of: row.optional_text("in_place_of")?, decision };
        Ok(Voted { vote, reason: row.text("reason")?, at: row.int("at")? })
    };
    rows.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Approval, Error> {
    let count = u32::try_from(row.int("needs_count")?).unwrap_or(u32::MAX);
    Ok(Approval {
        id: row.parsed("id")?,
        kind: row.text("kind")?,
        resource: row.text("resource")?,
        payload_hash: row.text("payload_hash")?,
        payload: row.text("payload")?,
        facts: row.text("facts")?,
        requested_by: row.text("requested_by")?,
        requested_at: row.int("requested_at")?,
        rule: row.optional_text("rule")?,
        because: row.text("because")?,
        needs: Needs { count, of: row.parsed("needs_role")? },
        run: row.optional_run("run")?,
        state: known("state", State::parse(&row.text("state")?))?,
        changed_at: row.int("changed_at")?,
        changed_by: row.optional_text("changed_by")?,
        changed_because: row.optional_text("changed_because")?,
        expires_at: row.optional_int("expires_at")?,
        remark: row.optional_text("remark")?,
        asked_payload: row.optional_text("asked_payload")?,
        edited_by: row.optional_text("edited_by")?,
        escalated_at: row.optional_int("escalated_at")?,
    })
}

fn known<T>(column: &str, found: Option<T>) -> Result<T, Error> {
    found.ok_or_else(|| Error::unreadable(column))
}
