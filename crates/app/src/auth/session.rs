//! Browser sessions: a random id in a cookie, stored as its hash, that stands for a token or for development mode.

use pilothouse_domain::action::Tier;
use pilothouse_domain::audit::Outcome;
use pilothouse_domain::canonical::sha256;
use pilothouse_domain::clock::SECOND;
use pilothouse_domain::{Code, Micros, Role, TenantId};
use pilothouse_store::sessions::{self, Session};
use pilothouse_store::{audit as audit_rows, tenants, tokens};

use super::{DEV_SUBJECT, Identity, Reach, token};
use crate::{App, Caller, Error, Mode, audit};

/// Random bytes of a session's id.
const ID_BYTES: usize = 32;
/// Ended sessions that are swept out when a new one begins.
const SWEEP: u32 = 100;

/// A session that is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// The cookie's value; only known when the session begins.
    pub cookie: Option<String>,
    /// Who is signed in.
    pub identity: Identity,
    /// The tenant it acts in.
    pub tenant: TenantId,
    /// What changes must carry, so that another site cannot ask for them.
    pub csrf: String,
    /// When it ends.
    pub expires_at: Micros,
}

/// Signs in with a token.
pub async fn sign_in(app: &App, text: &str, request_id: &str) -> Result<SignedIn, Error> {
    let identity = super::bearer(app, text).await?;
    let tenant = match &identity.reach {
        Reach::Tenant(tenant) => tenant.clone(),
        Reach::Any => TenantId::default_tenant(),
    };
    begin(app, identity, tenant, request_id).await
}

/// Signs the page in without a token, in development mode.
pub async fn sign_in_development(app: &App, request_id: &str) -> Result<SignedIn, Error> {
    if app.settings.mode != Mode::Development {
        return Err(Error::new(Code::AuthRequired, "This program runs in production mode: sign in with a token."));
    }
    let identity = Identity { subject: DEV_SUBJECT.into(), role: Role::Admin, reach: Reach::Any, token: None };
    begin(app, identity, TenantId::default_tenant(), request_id).await
}

async fn begin(app: &App, identity: Identity, tenant: TenantId, request_id: &str) -> Result<SignedIn, Error> {
    let cookie = secret(app);
    let csrf = secret(app);
    let now = app.clock.now();
    let expires_at = now + Micros::from(app.settings.auth.session_hours) * 3600 * SECOND;
    let session = Session {
        id_hash: sha256(cookie.as_bytes()),
        tenant: tenant.clone(),
        subject: identity.subject.clone(),
        role: identity.role,
        token_id: identity.token,
        csrf: csrf.clone(),
        created_at: now,
        expires_at,
    };
    let caller = caller(&identity, &tenant, request_id);
    let action = audit::action("session.begin", Tier::Write, Role::Viewer, "", &());
    let entry = audit::entry(app, &caller, &action, Outcome::Allowed, None);
    app.store
        .write(move |tx| {
            Box::pin(async move {
                sessions::delete_expired(tx, now, SWEEP).await?;
                sessions::insert(tx, &session).await?;
                audit_rows::append(tx, &entry).await.map(|_| ())
            })
        })
        .await?;
    Ok(SignedIn { cookie: Some(cookie), identity, tenant, csrf, expires_at })
}

fn secret(app: &App) -> String {
    let mut bytes = [0; ID_BYTES];
    app.ids.secret(&mut bytes);
    hex::encode(bytes)
}

fn caller(identity: &Identity, tenant: &TenantId, request_id: &str) -> Caller {
    let (subject, role) = (identity.subject.clone(), identity.role);
    let principal = pilothouse_domain::Principal { tenant: tenant.clone(), subject, role };
    Caller::new(principal, request_id)
}

/// The session of a cookie, if it is on and the token behind it still is.
pub async fn signed_in(app: &App, cookie: &str) -> Result<Option<SignedIn>, Error> {
    let id_hash = sha256(cookie.as_bytes());
    let found = app
        .store
        .read(move |tx| {
            Box::pin(async move {
                let Some(session) = sessions::get(tx, &id_hash).await? else { return Ok(None) };
                let token = match session.token_id {
                    Some(id) => tokens::get(tx, &session.tenant, id).await?.map(Some),
                    None => Some(None),
                };
                Ok(token.map(|token| (session, token)))
            })
        })
        .await?;
    let now = app.clock.now();
    let Some((session, token)) = found else { return Ok(None) };
    let by_development = session.token_id.is_none();
    let is_on = now < session.expires_at
        && token.is_none_or(|token| token::is_live(&token, now))
        && (!by_development || app.settings.mode == Mode::Development);
    if !is_on {
        return Ok(None);
    }
    let reach = if by_development { Reach::Any } else { Reach::Tenant(session.tenant.clone()) };
    let identity = Identity { subject: session.subject, role: session.role, reach, token: session.token_id };
    let (tenant, csrf, expires_at) = (session.tenant, session.csrf, session.expires_at);
    Ok(Some(SignedIn { cookie: None, identity, tenant, csrf, expires_at }))
}

/// Makes the session act in another tenant that it reaches.
pub async fn switch_tenant(
    app: &App,
    cookie: &str,
    session: &SignedIn,
    to: TenantId,
    request_id: &str,
) -> Result<SignedIn, Error> {
    let unknown = || Error::new(Code::TenantUnknown, "There is no such tenant that this session reaches.");
    if session.identity.reach != Reach::Any && to != session.tenant {
        return Err(unknown());
    }
    let (id_hash, target) = (sha256(cookie.as_bytes()), to.clone());
    let action = audit::action("session.switch", Tier::Write, Role::Viewer, to.as_str(), &to);
    let caller = caller(&session.identity, &session.tenant, request_id);
    let entry = audit::entry(app, &caller, &action, Outcome::Allowed, None);
    let switched = app
        .store
        .write(move |tx| {
            Box::pin(async move {
                if tenants::get(tx, &target).await?.is_none() {
                    return Ok(false);
                }
                audit_rows::append(tx, &entry).await?;
                sessions::set_tenant(tx, &id_hash, &target).await
            })
        })
        .await?;
    if switched { Ok(SignedIn { tenant: to, ..session.clone() }) } else { Err(unknown()) }
}

/// Ends the session of a cookie.
pub async fn sign_out(app: &App, cookie: &str, session: &SignedIn, request_id: &str) -> Result<(), Error> {
    let id_hash = sha256(cookie.as_bytes());
    let action = audit::action("session.end", Tier::Write, Role::Viewer, "", &());
    let caller = caller(&session.identity, &session.tenant, request_id);
    let entry = audit::entry(app, &caller, &action, Outcome::Allowed, None);
    app.store
        .write(move |tx| {
            Box::pin(async move {
                sessions::delete(tx, &id_hash).await?;
                audit_rows::append(tx, &entry).await.map(|_| ())
            })
        })
        .await?;
    Ok(())
}
