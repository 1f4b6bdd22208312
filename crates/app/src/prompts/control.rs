//! What people do with prompts: look at them, write versions, and move labels, which may need somebody's consent.

use std::collections::BTreeSet;

use pilothouse_domain::action::{Action, Tier};
use pilothouse_domain::audit::Outcome;
use pilothouse_domain::clock::SECOND;
use pilothouse_domain::prompt::{Label, Prompt};
use pilothouse_domain::{Code, Micros, Role};
use pilothouse_store::ledger::{self, By, Share};
use pilothouse_store::prompts::{self as rows, INSTALLATION, Move, Version};
use pilothouse_store::{Error as StoreError, audit as audit_rows};
use serde_json::{Value, json};

use super::{either, unknown};
use crate::error::Fault;
use crate::ledger::{AI, MAX_SHARES};
use crate::{App, Caller, Error, audit, gates};

/// Most versions and moves of one prompt that are shown.
const MAX_SHOWN: u32 = 200;
/// How far back versions are compared by what they took.
const COMPARED: Micros = 30 * 24 * 3600 * SECOND;
/// Longest reason, in characters.
const MAX_REASON_CHARS: usize = 500;

/// The prompts that there are.
pub struct Listing {
    /// They, by their names.
    pub items: Vec<Listed>,
    /// The installation's file, where there is one, and what is wrong with it where it does not hold.
    pub file: Option<(String, Option<Fault>)>,
}

/// A prompt and what is in force.
pub struct Listed {
    /// Its name.
    pub name: String,
    /// The version for everybody.
    pub in_force: Version,
    /// Where the tenant's labels stand.
    pub labels: Vec<Move>,
}

/// A prompt, whole.
pub struct Shown {
    /// What is in force.
    pub listed: Listed,
    /// Its versions, the newest first: the tenant's and the installation's.
    pub versions: Vec<Version>,
    /// How its labels were moved, the newest first; those of the file among them.
    pub history: Vec<Move>,
}

/// The prompts of the caller's tenant.
///
/// # Errors
/// Those of the gates and of the database.
pub async fn list_prompts(app: &App, caller: &Caller) -> Result<Listing, Error> {
    gates::pass(app, caller, &audit::action("prompts.get", Tier::Read, Role::Viewer, "", &())).await?;
    let installed = &app.prompts.installed;
    let in_force = installed.of_file(app.clock.now()).await?;
    let own = caller.principal.tenant.clone();
    let own_names = app.store.read(move |tx| Box::pin(async move { rows::names(tx, own.as_str()).await })).await?;
    let known = in_force.prompts.keys().chain(installed.all_built_in().keys()).cloned();
    let names: BTreeSet<String> = known.chain(own_names).collect();
    let mut items = Vec::with_capacity(names.len());
    for name in names {
        items.extend(listed(app, caller, &name).await?);
    }
    let file = installed.file().map(|path| (path.display().to_string(), in_force.fault));
    Ok(Listing { items, file })
}

/// One of them, with its versions and how its labels were moved.
///
/// # Errors
/// [`Code::PromptUnknown`], those of the gates and of the database.
pub async fn show_prompt(app: &App, caller: &Caller, name: &str) -> Result<Shown, Error> {
    gates::pass(app, caller, &audit::action("prompts.get", Tier::Read, Role::Viewer, name, &())).await?;
    let listed = listed(app, caller, name).await?.ok_or_else(|| unknown(name))?;
    let (tenant, name) = (caller.principal.tenant.clone(), name.to_owned());
    let found = app.store.read(move |tx| {
        Box::pin(async move {
            let (mut versions, mut history) = (Vec::new(), Vec::new());
            for owner in [tenant.as_str(), INSTALLATION] {
                versions.extend(rows::versions(tx, owner, &name, MAX_SHOWN).await?);
                history.extend(rows::history(tx, owner, &name, MAX_SHOWN).await?);
            }
            Ok((versions, history))
        })
    });
    let (mut versions, mut history) = found.await?;
    versions.sort_by_key(|version| std::cmp::Reverse(version.created_at));
    history.sort_by_key(|moved| std::cmp::Reverse(moved.at));
    Ok(Shown { listed, versions, history })
}

/// A prompt and what is in force; none where the tenant has written it and put none of it in force.
async fn listed(app: &App, caller: &Caller, name: &str) -> Result<Option<Listed>, Error> {
    let tenant = &caller.principal.tenant;
    // No canary is drawn.
    let told = match app.prompts.told(tenant, name, 1.0).await {
        Err(error) if error.code == Code::PromptUnknown => None,
        told => Some(told?),
    };
    let (of, owned) = (tenant.clone(), name.to_owned());
    let read = app.store.read(move |tx| {
        Box::pin(async move {
            let labels: Vec<Move> =
                rows::standing(tx, of.as_str()).await?.into_iter().filter(|one| one.name == owned).collect();
            let version = match told {
                Some(told) => either(tx, of.as_str(), &owned, &told.hash).await?,
                None => rows::versions(tx, of.as_str(), &owned, 1).await?.pop(),
            };
            Ok(version.map(|in_force| Listed { name: owned, in_force, labels }))
        })
    });
    Ok(read.await?)
}

/// A version to keep.
#[derive(Debug, Clone)]
pub struct NewVersion {
    /// Of which prompt; it need not be there yet.
    pub name: String,
    /// As its author calls it.
    pub version: String,
    /// What the model is told.
    pub text: String,
}

/// Keeps a version, which is not in force by that; one that is there already stays.
///
/// # Errors
/// [`Code::PromptInvalid`], those of the gates and of the database.
pub async fn add_version(app: &App, caller: &Caller, new: NewVersion) -> Result<Version, Error> {
    let NewVersion { name, version, text } = new;
    let prompt = Prompt { name, version, text };
    let hash = prompt.hash();
    let payload = json!({"name": prompt.name, "version": prompt.version, "hash": hash});
    let action = audit::action("prompt.add", Tier::Write, Role::Operator, &prompt.name, &payload);
    gates::pass(app, caller, &action).await?;
    if let Some(reason) = prompt.fault() {
        return Err(Error::new(Code::PromptInvalid, format!("It is no prompt: {reason}.")));
    }
    let new = Version {
        prompt,
        hash,
        source: "tenant".to_owned(),
        created_at: app.clock.now(),
        created_by: caller.principal.subject.clone(),
    };
    let (tenant, row) = (caller.principal.tenant.clone(), new);
    let entry = audit::entry(app, caller, &action, Outcome::Allowed, None);
    let added = app.store.write(move |tx| {
        Box::pin(async move {
            rows::add(tx, tenant.as_str(), &row).await?;
            audit_rows::append(tx, &entry).await?;
            let kept = rows::get(tx, tenant.as_str(), &row.prompt.name, &row.hash).await?;
            kept.ok_or(StoreError::Missing { what: "prompt" })
        })
    });
    Ok(added.await?)
}

/// Where a label is to stand.
#[derive(Debug, Clone)]
pub struct MoveWish {
    /// Of which prompt.
    pub name: String,
    /// Which.
    pub label: Label,
    /// At which version; none takes it away, so that the installation's holds again.
    pub hash: Option<String>,
    /// Of a canary, for how many in a hundred.
    pub percent: u32,
    /// Why.
    pub because: String,
}

/// Moves a label of the caller's tenant. That of what is in force for everybody is protected: somebody has to agree, who is
/// shown both versions and what each took so far.
///
/// # Errors
/// [`Code::PromptUnknown`], [`Code::PromptChanged`], [`Code::BodyInvalid`], those of the gates and of the database.
pub async fn move_label(app: &App, caller: &Caller, wish: MoveWish) -> Result<(), Error> {
    let tenant = caller.principal.tenant.clone();
    let (of, looked) = (tenant.clone(), wish.clone());
    let found = app.store.read(move |tx| {
        Box::pin(async move {
            let stands = rows::standing(tx, of.as_str()).await?;
            let stands = stands.into_iter().find(|one| one.name == looked.name && one.label == looked.label);
            let to = match &looked.hash {
                Some(hash) => either(tx, of.as_str(), &looked.name, hash).await?,
                None => None,
            };
            Ok((stands, to))
        })
    });
    let (stands, to) = found.await?;
    let in_force = app.prompts.told(&tenant, &wish.name, 1.0).await.ok();
    let from = in_force.map(|told| described(&told.hash, &told.prompt));
    let payload = json!({"name": wish.name, "label": wish.label, "percent": wish.percent, "because": wish.because,
        "from": from, "to": to.as_ref().map(|to| described(&to.hash, &to.prompt))});
    let resource = format!("{}/{}", wish.name, wish.label);
    let action = audit::action("prompt.label", Tier::Write, Role::Operator, &resource, &payload);
    let action = Action { figures: compared(app, caller, &payload).await?, ..action };
    gates::pass(app, caller, &action).await?;
    check(&wish, to.is_some())?;
    let entry = audit::entry(app, caller, &action, Outcome::Allowed, None);
    let new = Move {
        name: wish.name,
        label: wish.label,
        hash: wish.hash,
        percent: wish.percent,
        at: app.clock.now(),
        by: caller.principal.subject.clone(),
        because: wish.because,
    };
    let from = stands.and_then(|stands| stands.hash);
    let owner = tenant.clone();
    let moved = app.store.write(move |tx| {
        Box::pin(async move {
            rows::put(tx, owner.as_str(), from.as_deref(), &new).await?;
            audit_rows::append(tx, &entry).await.map(|_| ())
        })
    });
    moved.await.map_err(|error| match error {
        StoreError::Conflict { .. } => Error::new(Code::PromptChanged, "Somebody has moved the label since."),
        other => other.into(),
    })?;
    app.prompts.tenants.forget(&tenant);
    Ok(())
}

fn check(wish: &MoveWish, is_known: bool) -> Result<(), Error> {
    if let Some(hash) = wish.hash.as_ref().filter(|_| !is_known) {
        let message = format!("The prompt {:?} has no version {hash:?}.", wish.name);
        return Err(Error::new(Code::PromptUnknown, message));
    }
    let fits = match wish.label {
        Label::Production => wish.percent == 100,
        Label::Canary => wish.percent <= 100,
    };
    if !fits && wish.hash.is_some() {
        let message = "of a canary it is from 0 to 100, and the other label is for all";
        return Err(Error::unfit("percent", message, wish.percent.into()));
    }
    if wish.because.chars().count() > MAX_REASON_CHARS {
        return Err(Error::unfit("because", &format!("it has at most {MAX_REASON_CHARS} characters"), Value::Null));
    }
    Ok(())
}

fn described(hash: &str, prompt: &Prompt) -> Value {
    json!({"hash": hash, "version": prompt.version, "text": prompt.text})
}

/// What each of two versions took in the last 30 days, for whoever decides.
async fn compared(app: &App, caller: &Caller, payload: &Value) -> Result<Value, Error> {
    let (tenant, now) = (caller.principal.tenant.clone(), app.clock.now());
    let read = app.store.read(move |tx| {
        Box::pin(async move {
            ledger::usage(tx, &tenant, (now - COMPARED, now.saturating_add(1)), (By::Prompt, Some(AI)), MAX_SHARES)
                .await
        })
    });
    let shares = read.await?;
    let name = payload["name"].as_str().unwrap_or_default();
    let of = |side: &str| {
        let id = format!("{name}@{}", payload[side]["hash"].as_str()?);
        shares.iter().find(|share| share.name.as_deref() == Some(id.as_str())).map(figures)
    };
    Ok(json!({"evaluation": {"days": 30, "from": of("from"), "to": of("to")}}))
}

fn figures(share: &Share) -> Value {
    let calls = share.charges.max(1);
    json!({
        "calls": share.charges,
        "failed": share.errors,
        "nano_usd_per_call": share.nano_usd / calls,
        "tokens_per_call": share.tokens_in.saturating_add(share.tokens_out) / calls,
    })
}
