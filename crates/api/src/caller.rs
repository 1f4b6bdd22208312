//! Who is calling, as an extractor: a handler that asks for a [`Caller`] cannot be reached without one.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use pilothouse_app::auth::{self, Identity, Reach, SignedIn};
use pilothouse_app::{App, Mode, tenants};
use pilothouse_domain::{Code, Principal, Role, TenantId};
use subtle::ConstantTimeEq;

use crate::error::Failure;
use crate::middleware::{KnownCaller, RequestId};
use crate::operator::is_operator;
use crate::state::State;

/// The session cookie's name.
pub const COOKIE: &str = "ph_session";

/// An authenticated caller.
pub struct Caller(pub pilothouse_app::Caller);

/// A caller on the routes of the data team autopilot's document, whose clients state tenant and role by header; in
/// development mode that is enough, elsewhere a token is needed as on every route.
pub struct HeaderCaller(pub pilothouse_app::Caller);

/// A browser session that is on, with its cookie.
pub struct Session {
    /// The cookie's value.
    pub cookie: String,
    /// The session.
    pub signed_in: SignedIn,
}

impl FromRequestParts<Arc<State>> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<State>) -> Result<Self, Failure> {
        match proved(parts, state).await? {
            Some(caller) => Ok(Self(caller)),
            None if is_open(state) => Ok(Self(unauthenticated(parts, state).await?)),
            None => Err(Failure::new(Code::AuthRequired, "Unauthorized")),
        }
    }
}

impl FromRequestParts<Arc<State>> for HeaderCaller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<State>) -> Result<Self, Failure> {
        if let Some(caller) = proved(parts, state).await? {
            return Ok(Self(caller));
        }
        if is_open(state) {
            return Ok(Self(unauthenticated(parts, state).await?));
        }
        let by_header = state.app.settings.mode == Mode::Development;
        if !by_header {
            return Err(Failure::new(Code::AuthRequired, "Unauthorized"));
        }
        let missing = |code, name: &str| Failure::new(code, format!("Missing {name} header"));
        let tenant = named_tenant(&parts.headers)?.ok_or_else(|| missing(Code::TenantMissing, "X-Tenant-Id"))?;
        let role = header(&parts.headers, "x-user-role").ok_or_else(|| missing(Code::RoleMissing, "X-User-Role"))?;
        let role = parse_role(role)?;
        tenants::ensure(&state.app, &tenant).await?;
        let principal = Principal { tenant, subject: "header".to_owned(), role };
        limited(&state.app, caller(parts, principal)).map(Self)
    }
}

impl FromRequestParts<Arc<State>> for Session {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<State>) -> Result<Self, Failure> {
        let session = session(parts, &state.app).await?;
        let session = session.ok_or_else(|| Failure::new(Code::AuthRequired, "Nobody is signed in."))?;
        know(parts, &session.signed_in.identity, &session.signed_in.tenant);
        Ok(session)
    }
}

/// Whether callers need not prove who they are. Outside of development mode they always must, whatever is set.
fn is_open(state: &State) -> bool {
    !state.app.settings.auth.enabled && state.app.settings.mode == Mode::Development
}

/// The caller that the way in, a token or a session proves, in the tenant it names; none where there is neither.
async fn proved(parts: &Parts, state: &State) -> Result<Option<pilothouse_app::Caller>, Failure> {
    if is_operator(&parts.extensions) {
        return operator(parts, &state.app).await.map(Some);
    }
    let app = &state.app;
    let (identity, own_tenant) = match token(&parts.headers) {
        Some(token) => {
            let identity = auth::bearer(app, token).await?;
            let own = match &identity.reach {
                Reach::Tenant(tenant) => tenant.clone(),
                Reach::Any => TenantId::default_tenant(),
            };
            know(parts, &identity, &own);
            (identity, (!app.settings.auth.tenant_strict).then_some(own))
        }
        None => match session(parts, app).await? {
            Some(session) => {
                know(parts, &session.signed_in.identity, &session.signed_in.tenant);
                check_csrf(parts, &session.signed_in)?;
                (session.signed_in.identity, Some(session.signed_in.tenant))
            }
            None => return Ok(None),
        },
    };
    let named = named_tenant(&parts.headers)?;
    let tenant = named.or(own_tenant).ok_or_else(|| Failure::new(Code::TenantMissing, "Missing X-Tenant header"))?;
    let principal = principal(app, &identity, tenant).await?;
    let principal = match header(&parts.headers, "x-user-role") {
        Some(role) => principal.narrowed_to(parse_role(role)?),
        None => principal,
    };
    limited(app, pilothouse_app::Caller { token: identity.token, ..caller(parts, principal) }).map(Some)
}

/// The operator, whatever the headers say besides the tenant. It is not limited: it could stop the program as well.
async fn operator(parts: &Parts, app: &App) -> Result<pilothouse_app::Caller, Failure> {
    let tenant = named_tenant(&parts.headers)?.unwrap_or_else(TenantId::default_tenant);
    tenants::known(app, &tenant).await?;
    let operator = pilothouse_app::Caller::operator(tenant);
    let caller = pilothouse_app::Caller { is_operator: true, ..caller(parts, operator.principal) };
    if let Some(known) = parts.extensions.get::<KnownCaller>() {
        known.set(caller.clone());
    }
    Ok(caller)
}

/// The identity in `tenant`, if it reaches it.
async fn principal(app: &App, identity: &Identity, tenant: TenantId) -> Result<Principal, Failure> {
    match &identity.reach {
        Reach::Tenant(own) if *own != tenant => {
            return Err(Failure::new(Code::TenantForbidden, "Cross-tenant request denied"));
        }
        Reach::Tenant(_) => {}
        Reach::Any => tenants::ensure(app, &tenant).await?,
    }
    Ok(Principal { tenant, subject: identity.subject.clone(), role: identity.role })
}

/// The admin that everybody is where authentication is turned off.
async fn unauthenticated(parts: &Parts, state: &State) -> Result<pilothouse_app::Caller, Failure> {
    let strict = state.app.settings.auth.tenant_strict;
    let fallback = (!strict).then(TenantId::default_tenant);
    let tenant = named_tenant(&parts.headers)?.or(fallback);
    let tenant = tenant.ok_or_else(|| Failure::new(Code::TenantMissing, "Missing X-Tenant header"))?;
    tenants::ensure(&state.app, &tenant).await?;
    let mut principal = Principal { tenant, subject: "anonymous".to_owned(), role: Role::Admin };
    if let Some(role) = header(&parts.headers, "x-user-role") {
        principal = principal.narrowed_to(parse_role(role)?);
    }
    limited(&state.app, caller(parts, principal))
}

fn limited(app: &App, caller: pilothouse_app::Caller) -> Result<pilothouse_app::Caller, Failure> {
    app.check_rate(&caller)?;
    Ok(caller)
}

/// Tells the surroundings of the request who is calling, in the caller's own tenant, so that a refusal of any kind is
/// written down there.
fn know(parts: &Parts, identity: &Identity, own: &TenantId) {
    if let Some(known) = parts.extensions.get::<KnownCaller>() {
        let principal = Principal { tenant: own.clone(), subject: identity.subject.clone(), role: identity.role };
        known.set(caller(parts, principal));
    }
}

fn caller(parts: &Parts, principal: Principal) -> pilothouse_app::Caller {
    let request_id = parts.extensions.get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
    pilothouse_app::Caller::new(principal, request_id)
}

async fn session(parts: &Parts, app: &App) -> Result<Option<Session>, Failure> {
    let Some(cookie) = cookie(&parts.headers) else { return Ok(None) };
    let signed_in = auth::signed_in(app, cookie).await?;
    Ok(signed_in.map(|signed_in| Session { cookie: cookie.to_owned(), signed_in }))
}

/// Refuses a change by cookie without the session's token: another site can make a browser send the cookie, and
/// cannot know the token.
pub fn check_csrf(parts: &Parts, session: &SignedIn) -> Result<(), Failure> {
    if matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    let sent = header(&parts.headers, "x-csrf-token").unwrap_or("");
    let matches: bool = sent.as_bytes().ct_eq(session.csrf.as_bytes()).into();
    if matches { Ok(()) } else { Err(Failure::new(Code::CsrfMissing, "The header X-CSRF-Token is missing or wrong.")) }
}

fn token(headers: &HeaderMap) -> Option<&str> {
    let bearer = header(headers, "authorization").and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
    });
    // A header of another scheme is a credential that failed, not the absence of one.
    bearer.or_else(|| header(headers, "authorization")).or_else(|| header(headers, "x-dash-key"))
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let pairs = header(headers, "cookie")?.split(';');
    pairs.filter_map(|pair| pair.trim().split_once('=')).find(|(name, _)| *name == COOKIE).map(|(_, value)| value)
}

/// The tenant that the headers name, if they do.
fn named_tenant(headers: &HeaderMap) -> Result<Option<TenantId>, Failure> {
    let (first, second) = (header(headers, "x-tenant"), header(headers, "x-tenant-id"));
    let name = match (first, second) {
        (Some(first), Some(second)) if first != second => {
            return Err(Failure::new(Code::TenantConflict, "X-Tenant and X-Tenant-Id name different tenants"));
        }
        (first, second) => first.or(second),
    };
    let invalid = |_| Failure::new(Code::TenantInvalid, "The tenant's id is not a valid one.");
    name.filter(|name| !name.is_empty()).map(|name| name.parse().map_err(invalid)).transpose()
}

fn parse_role(text: &str) -> Result<Role, Failure> {
    text.parse().map_err(|_| Failure::new(Code::RoleInvalid, "Invalid X-User-Role header"))
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
