//! The page's session: sign in, look, switch tenant, sign out.

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequest, FromRequestParts, Request, State as FromState};
use axum::http::header::SET_COOKIE;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use pilothouse_app::auth::{self, SignedIn};
use pilothouse_app::tenants;
use pilothouse_domain::{Code, Role, TenantId};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::{COOKIE, Session, check_csrf};
use crate::dto::requests::{SignInRequest, SwitchTenantRequest};
use crate::error::Failure;
use crate::json::JsonBody;
use crate::middleware::RequestId;
use crate::state::State;

pub fn routes() -> OpenApiRouter<Arc<State>> {
    OpenApiRouter::new().routes(routes!(show, sign_in, sign_out)).routes(routes!(switch))
}

/// Who is signed in, and where.
#[derive(Serialize, ToSchema)]
struct SessionDto {
    /// Always true; who is not signed in gets 401.
    authenticated: bool,
    /// The tenant acted in.
    tenant: String,
    /// Who.
    subject: String,
    /// What may be done there.
    role: String,
    /// `development` or `production`.
    mode: String,
    /// The tenants that can be switched to.
    tenants: Vec<ReachableTenant>,
    /// What every change must carry as `X-CSRF-Token`.
    csrf_token: String,
    /// The program's version.
    version: String,
}

/// A tenant that the session reaches.
#[derive(Serialize, ToSchema)]
struct ReachableTenant {
    /// Its id.
    id: String,
    /// Its name.
    name: String,
    /// What may be done there.
    role: String,
}

async fn described(state: &State, session: &SignedIn) -> Result<SessionDto, Failure> {
    let role: Role = session.identity.role;
    let reached = tenants::reached(&state.app, &session.identity).await?;
    let tenants = reached.into_iter();
    let mode = state.app.settings.mode;
    Ok(SessionDto {
        authenticated: true,
        tenant: session.tenant.to_string(),
        subject: session.identity.subject.clone(),
        role: role.to_string(),
        mode: serde_json::to_value(mode).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default(),
        tenants: tenants
            .map(|t| ReachableTenant { id: t.id.to_string(), name: t.name, role: role.to_string() })
            .collect(),
        csrf_token: session.csrf.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

/// Who is signed in.
#[utoipa::path(get, path = "/api/v1/session", tag = "session", responses((status = 200, body = SessionDto)))]
async fn show(FromState(state): FromState<Arc<State>>, session: Session) -> Result<Json<SessionDto>, Failure> {
    Ok(Json(described(&state, &session.signed_in).await?))
}

/// Signs in with `{"token": "ph_…"}`, or in development mode with `{"development": true}`.
#[utoipa::path(post, path = "/api/v1/session", tag = "session", request_body = SignInRequest,
    responses((status = 200, body = SessionDto)))]
async fn sign_in(
    FromState(state): FromState<Arc<State>>,
    axum::Extension(request_id): axum::Extension<RequestId>,
    JsonBody(mut fields): JsonBody,
) -> Result<Response, Failure> {
    let session = match fields.optional_text("token") {
        Some(token) => {
            fields.finish()?;
            auth::sign_in(&state.app, token.trim(), &request_id.0).await?
        }
        None => {
            fields.must_be_true("development");
            fields.finish()?;
            auth::sign_in_development(&state.app, &request_id.0).await?
        }
    };
    let cookie = session.cookie.clone().unwrap_or_default();
    let lasts = u64::from(state.app.settings.auth.session_hours) * 3600;
    let mut response = Json(described(&state, &session).await?).into_response();
    set_cookie(&state, &mut response, &cookie, lasts)?;
    Ok(response)
}

/// Signs out.
#[utoipa::path(delete, path = "/api/v1/session", tag = "session", responses((status = 204)))]
async fn sign_out(FromState(state): FromState<Arc<State>>, request: Request) -> Result<Response, Failure> {
    let (mut parts, _) = request.into_parts();
    let session = Session::from_request_parts(&mut parts, &state).await?;
    check_csrf(&parts, &session.signed_in)?;
    auth::sign_out(&state.app, &session.cookie, &session.signed_in, request_id(&parts)).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    set_cookie(&state, &mut response, "", 0)?;
    Ok(response)
}

/// Acts in another tenant from now on: `{"tenant": "acme"}`.
#[utoipa::path(post, path = "/api/v1/session/tenant", tag = "session", request_body = SwitchTenantRequest,
    responses((status = 200, body = SessionDto)))]
async fn switch(FromState(state): FromState<Arc<State>>, request: Request) -> Result<Json<SessionDto>, Failure> {
    let (mut parts, body) = request.into_parts();
    let session = Session::from_request_parts(&mut parts, &state).await?;
    check_csrf(&parts, &session.signed_in)?;
    let id = request_id(&parts).to_owned();
    let request = Request::from_parts(parts, body);
    let JsonBody(mut fields) = JsonBody::from_request(request, &state).await?;
    let tenant = fields.text("tenant", 1);
    fields.finish()?;
    let tenant: TenantId =
        tenant.parse().map_err(|_| Failure::new(Code::TenantInvalid, "The tenant's id is not a valid one."))?;
    let switched = auth::switch_tenant(&state.app, &session.cookie, &session.signed_in, tenant, &id).await?;
    Ok(Json(described(&state, &switched).await?))
}

fn request_id(parts: &Parts) -> &str {
    parts.extensions.get::<RequestId>().map_or("", |id| &id.0)
}

fn set_cookie(state: &State, response: &mut Response, value: &str, max_age: u64) -> Result<(), Failure> {
    let secure = if state.settings.is_secure() { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={value}; HttpOnly; SameSite=Strict; Path=/; Max-Age={max_age}{secure}");
    let cookie =
        HeaderValue::from_str(&cookie).map_err(|_| Failure::new(Code::Internal, "The cookie is malformed."))?;
    response.headers_mut().insert(SET_COOKIE, cookie);
    Ok(())
}
