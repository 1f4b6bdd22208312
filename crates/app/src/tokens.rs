//! API tokens as things that admins make, list and revoke.

use pilothouse_domain::action::Tier;
use pilothouse_domain::audit::Outcome;
use pilothouse_domain::clock::SECOND;
use pilothouse_domain::{Code, Micros, Role, TokenId};
use pilothouse_store::audit as audit_rows;
use pilothouse_store::tokens::{self, Token};

use crate::{App, Caller, Error, audit, auth, gates};

/// Longest subject, in characters.
const MAX_SUBJECT_CHARS: usize = 200;
/// Longest life of a token that has an end, in days.
const MAX_EXPIRY_DAYS: u32 = 3650;

/// What is wanted of a new token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// The person or service it belongs to.
    pub subject: String,
    /// What it may do.
    pub role: Role,
    /// Days until it expires; none means never.
    pub expires_in_days: Option<u32>,
}

/// Makes a token in the caller's tenant. The text is returned here and never again.
pub async fn create(app: &App, caller: &Caller, new: NewToken) -> Result<(String, Token), Error> {
    let payload = (&new.subject, new.role, new.expires_in_days);
    let action = audit::action("token.create", Tier::Write, Role::Admin, &new.subject, &payload);
    gates::pass(app, caller, &action).await?;
    let subject = new.subject.trim();
    if subject.is_empty() || subject.chars().count() > MAX_SUBJECT_CHARS {
        let message = format!("A token's subject has 1 to {MAX_SUBJECT_CHARS} characters.");
        return Err(Error::new(Code::BodyInvalid, message));
    }
    if new.expires_in_days.is_some_and(|days| days == 0 || days > MAX_EXPIRY_DAYS) {
        let message = format!("A token lives 1 to {MAX_EXPIRY_DAYS} days, or without an end.");
        return Err(Error::new(Code::BodyInvalid, message));
    }
    let now = app.clock.now();
    let minted = auth::mint(app.ids.as_ref());
    let token = Token {
        id: TokenId(app.ids.uuid(now)),
        tenant: caller.principal.tenant.clone(),
        public_id: minted.public_id,
        secret_hash: minted.hash,
        subject: subject.to_owned(),
        role: new.role,
        created_at: now,
        created_by: caller.principal.subject.clone(),
        expires_at: new.expires_in_days.map(|days| now + Micros::from(days) * 24 * 3600 * SECOND),
        last_used_at: None,
        revoked_at: None,
    };
    let (row, entry) = (token.clone(), audit::entry(app, caller, &action, Outcome::Allowed, None));
    app.store
        .write(move |tx| {
            Box::pin(async move {
                tokens::insert(tx, &row).await?;
                audit_rows::append(tx, &entry).await.map(|_| ())
            })
        })
        .await?;
    Ok((minted.text, token))
}

/// The tokens of the caller's tenant.
pub async fn list(app: &App, caller: &Caller) -> Result<Vec<Token>, Error> {
    gates::pass(app, caller, &audit::action("token.list", Tier::Read, Role::Admin, "", &())).await?;
    let tenant = caller.principal.tenant.clone();
    Ok(app.store.read(move |tx| Box::pin(async move { tokens::list(tx, &tenant).await })).await?)
}

/// Revokes a token; from now on it opens nothing.
pub async fn revoke(app: &App, caller: &Caller, id: TokenId) -> Result<(), Error> {
    let action = audit::action("token.revoke", Tier::Destructive, Role::Admin, &id.to_string(), &id);
    gates::pass(app, caller, &action).await?;
    let (tenant, at) = (caller.principal.tenant.clone(), app.clock.now());
    let entry = audit::entry(app, caller, &action, Outcome::Allowed, None);
    let revoked = app
        .store
        .write(move |tx| {
            Box::pin(async move {
                let revoked = tokens::revoke(tx, &tenant, id, at).await?;
                if revoked {
                    audit_rows::append(tx, &entry).await?;
                }
                Ok(revoked)
            })
        })
        .await?;
    if revoked { Ok(()) } else { Err(Error::new(Code::TokenUnknown, "The tenant has no such live token.")) }
}
