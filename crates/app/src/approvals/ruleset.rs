//! A tenant's own rules: read, tried on what was done lately, stored and looked back at.

use pilothouse_domain::action::Tier;
use pilothouse_domain::approval::policy::Rule;
use pilothouse_domain::audit::Outcome;
use pilothouse_domain::{Code, Role};
use pilothouse_store::approval_rules::{self as rows, Version};
use pilothouse_store::{Error as StoreError, audit as audit_rows};

use super::rules::parse;
use super::rulings::{DryRun, MAX_TRIED, REMEMBERED, tried};
use crate::documents::Versioned;
use crate::error::Fault;
use crate::{App, Caller, Error, audit, gates};

/// Largest text, in bytes of YAML.
const MAX_YAML_BYTES: usize = 256 << 10;
/// The text of one who has none.
const NONE: &str = "rules: []\n";

/// The rules that hold for a tenant, in the order in which they are asked.
#[derive(Debug, Clone)]
pub struct Ruleset {
    /// Those of the installation, which come first.
    pub installation: Vec<Rule>,
    /// The tenant's own; version 0 where nobody has written any.
    pub own: Versioned,
    /// Those that are built in, which come last.
    pub built_in: Vec<Rule>,
}

impl From<Version> for Versioned {
    fn from(stored: Version) -> Self {
        let Version { version, yaml, created_at, created_by } = stored;
        Self { yaml, version, updated_at: created_at, updated_by: Some(created_by) }
    }
}

/// What holds for the caller's tenant.
pub async fn ruleset(app: &App, caller: &Caller) -> Result<Ruleset, Error> {
    gates::pass(app, caller, &audit::action("rules.get", Tier::Read, Role::Operator, "", &())).await?;
    let tenant = caller.principal.tenant.clone();
    let own = app.store.read(move |tx| Box::pin(async move { rows::latest(tx, &tenant).await })).await?;
    let none = || Versioned { yaml: NONE.to_owned(), version: 0, updated_at: 0, updated_by: None };
    let (rules, own) = (&app.approvals.rules, own.map_or_else(none, Versioned::from));
    Ok(Ruleset { installation: rules.installation.clone(), own, built_in: rules.built_in.clone() })
}

/// Every version of the tenant's own rules, newest first.
pub async fn rule_versions(app: &App, caller: &Caller) -> Result<Vec<Versioned>, Error> {
    gates::pass(app, caller, &audit::action("rules.get", Tier::Read, Role::Operator, "", &())).await?;
    let tenant = caller.principal.tenant.clone();
    let all = app.store.read(move |tx| Box::pin(async move { rows::list(tx, &tenant).await })).await?;
    Ok(all.into_iter().map(Versioned::from).collect())
}

/// What is wrong with a text, or what it would have said of the tenant's actions of the last 30 days, in the place of the
/// rules that it has. Nothing is changed.
pub async fn try_rules(app: &App, caller: &Caller, yaml: &str) -> Result<Result<DryRun, Fault>, Error> {
    gates::pass(app, caller, &audit::action("rules.check", Tier::Read, Role::Operator, "", &())).await?;
    let own = match sized(yaml).map(|()| parse(yaml))? {
        Ok(own) => own,
        Err(fault) => return Ok(Err(fault)),
    };
    let (tenant, now) = (caller.principal.tenant.clone(), app.clock.now());
    app.approvals.rulings.write(&app.store, now).await?;
    let since = now - REMEMBERED;
    let seen = app
        .store
        .read(move |tx| Box::pin(async move { rows::rulings(tx, &tenant, since, MAX_TRIED + 1).await }))
        .await?;
    Ok(Ok(tried(&app.approvals.rules, &own, &seen, since)))
}

/// Stores rules in the place of the version `follows`; without it, of whichever is the newest.
pub async fn put_rules(app: &App, caller: &Caller, yaml: &str, follows: Option<i64>) -> Result<Versioned, Error> {
    let action = audit::action("rules.put", Tier::Write, Role::Admin, "", &yaml);
    gates::pass(app, caller, &action).await?;
    sized(yaml)?;
    parse(yaml).map_err(refused)?;
    let (tenant, now) = (caller.principal.tenant.clone(), app.clock.now());
    let new =
        Version { version: 0, yaml: yaml.to_owned(), created_at: now, created_by: caller.principal.subject.clone() };
    let entry = audit::entry(app, caller, &action, Outcome::Allowed, None);
    let of = tenant.clone();
    let stored = app.store.write(move |tx| {
        Box::pin(async move {
            let follows = match follows {
                Some(follows) => follows,
                None => rows::latest(tx, &of).await?.map_or(0, |stored| stored.version),
            };
            let version = rows::put(tx, &of, follows, &new).await?;
            audit_rows::append(tx, &entry).await?;
            Ok(Version { version, ..new })
        })
    });
    let stored = stored.await.map_err(|error| match error {
        StoreError::Conflict { .. } => {
            Error::new(Code::RulesChanged, "Somebody has stored other rules since these were read.")
        }
        other => other.into(),
    })?;
    app.approvals.rules.changed(&tenant);
    Ok(stored.into())
}

fn sized(yaml: &str) -> Result<(), Error> {
    if yaml.len() <= MAX_YAML_BYTES {
        return Ok(());
    }
    Err(Error::new(Code::BodyTooLarge, format!("Rules have at most {MAX_YAML_BYTES} bytes.")))
}

fn refused(fault: Fault) -> Error {
    let field = fault.field("rules");
    let mut error = Error::new(Code::RulesInvalid, fault.reason);
    error.fields.push(field);
    error
}
