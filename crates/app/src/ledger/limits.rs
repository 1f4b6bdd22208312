//! What people set: limits, and by whose clocks they are counted.

use pilothouse_domain::action::Tier;
use pilothouse_domain::audit::Outcome;
use pilothouse_domain::ledger::{Level, Limit, read_zone};
use pilothouse_domain::{Code, LimitId, Role};
use pilothouse_store::spending_limits::{self as rows, Stored};
use pilothouse_store::{audit as audit_rows, ledger, tenants};

use crate::{App, Caller, Error, audit, gates};

/// Most limits of one tenant.
const MAX_LIMITS: usize = 500;
/// Most that the history shows.
const MAX_HISTORY: u32 = 500;
/// Longest name, in characters.
const MAX_NAME_CHARS: usize = 200;

/// A limit to set.
pub type NewLimit = Limit;

/// Sets a limit, in the place of the one about the same.
pub async fn put_limit(app: &App, caller: &Caller, new: NewLimit) -> Result<Stored, Error> {
    let action = audit::action("budget.set", Tier::Write, Role::Admin, &new.kind(), &new);
    gates::pass(app, caller, &action).await?;
    let refuse = |name, message| Err(Error::unfit(name, message, serde_json::Value::Null));
    if new.amount.is_some_and(|amount| amount < 0) {
        return refuse("amount", "it is at least 0, or null for no limit");
    }
    if new.level == Level::Tenant && new.name.is_some() {
        return refuse("name", "of the tenant there is but one");
    }
    let is_name = |name: &String| !name.trim().is_empty() && name.chars().count() <= MAX_NAME_CHARS && name != "*";
    if new.name.as_ref().is_some_and(|name| !is_name(name)) {
        return refuse("name", "it has 1 to 200 characters");
    }
    let (tenant, now) = (caller.principal.tenant.clone(), app.clock.now());
    let stored = Stored {
        id: LimitId(app.ids.uuid(now)),
        limit: new,
        created_at: now,
        created_by: caller.principal.subject.clone(),
        ended_at: None,
        ended_by: None,
    };
    let (row, entry) = (stored.clone(), audit::entry(app, caller, &action, Outcome::Allowed, None));
    let put = app.store.write(move |tx| {
        Box::pin(async move {
            ledger::hold(tx, &tenant).await?;
            if rows::held(tx, &tenant).await?.len() >= MAX_LIMITS {
                return Ok(false);
            }
            rows::put(tx, &tenant, &row).await?;
            audit_rows::append(tx, &entry).await.map(|_| true)
        })
    });
    if put.await? {
        app.ledger.changed(&caller.principal.tenant);
        return Ok(stored);
    }
    Err(Error::new(Code::BodyInvalid, format!("A tenant has at most {MAX_LIMITS} limits.")))
}

/// Ends a limit: what is set by default holds again, if anything is.
pub async fn end_limit(app: &App, caller: &Caller, id: LimitId) -> Result<(), Error> {
    let action = audit::action("budget.end", Tier::Destructive, Role::Admin, &id.to_string(), &id);
    gates::pass(app, caller, &action).await?;
    let (tenant, by, now) = (caller.principal.tenant.clone(), caller.principal.subject.clone(), app.clock.now());
    let entry = audit::entry(app, caller, &action, Outcome::Allowed, None);
    let ended = app.store.write(move |tx| {
        Box::pin(async move {
            ledger::hold(tx, &tenant).await?;
            let Some(limit) = rows::end(tx, &tenant, id, (&by, now)).await? else { return Ok(false) };
            ledger::forget(tx, &tenant, Some(&limit)).await?;
            audit_rows::append(tx, &entry).await.map(|_| true)
        })
    });
    if !ended.await? {
        return Err(Error::new(Code::LimitUnknown, "There is no such limit that holds."));
    }
    app.ledger.changed(&caller.principal.tenant);
    Ok(())
}

/// The limits that hold and held, the newest first.
pub async fn history(app: &App, caller: &Caller) -> Result<Vec<Stored>, Error> {
    gates::pass(app, caller, &audit::action("budgets.get", Tier::Read, Role::Viewer, "", &())).await?;
    let tenant = caller.principal.tenant.clone();
    Ok(app.store.read(move |tx| Box::pin(async move { rows::history(tx, &tenant, MAX_HISTORY).await })).await?)
}

/// Says by whose clocks the tenant's days and months are counted; none means the installation's.
pub async fn set_time_zone(app: &App, caller: &Caller, zone: Option<String>) -> Result<(), Error> {
    let action = audit::action("budget.time_zone", Tier::Write, Role::Admin, "", &zone);
    gates::pass(app, caller, &action).await?;
    if let Some(name) = zone.as_deref().filter(|name| read_zone(name).is_none()) {
        let message = "it is the name of a time zone, for instance Europe/Berlin";
        return Err(Error::unfit("time_zone", message, name.into()));
    }
    let tenant = caller.principal.tenant.clone();
    let entry = audit::entry(app, caller, &action, Outcome::Allowed, None);
    let set = app.store.write(move |tx| {
        Box::pin(async move {
            ledger::hold(tx, &tenant).await?;
            tenants::set_time_zone(tx, &tenant, zone.as_deref()).await?;
            // Days begin at other moments now: what was spent is counted again.
            ledger::forget(tx, &tenant, None).await?;
            audit_rows::append(tx, &entry).await.map(|_| ())
        })
    });
    set.await?;
    app.ledger.changed(&caller.principal.tenant);
    Ok(())
}
