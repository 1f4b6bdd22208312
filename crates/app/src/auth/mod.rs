//! Who is calling: API tokens, browser sessions, and the callers of development mode.

mod session;
mod token;

pub use session::{SignedIn, sign_in, sign_in_development, sign_out, signed_in, switch_tenant};
pub use token::{LastUsed, Minted, authenticate, mint};

use pilothouse_domain::{Role, TenantId, TokenId};

use crate::{App, Error, Mode};

/// Who proved to be calling, before a tenant is chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The subject.
    pub subject: String,
    /// The most it may do.
    pub role: Role,
    /// Which tenants it reaches.
    pub reach: Reach,
    /// The token it came with, if it came with one.
    pub token: Option<TokenId>,
}

/// Which tenants an identity reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// One.
    Tenant(TenantId),
    /// Any that it names; development mode only.
    Any,
}

/// The token that is admin in development mode.
pub const DEV_ADMIN_TOKEN: &str = "dev_admin_token";
/// The token that is viewer in development mode.
pub const DEV_VIEWER_TOKEN: &str = "dev_viewer_token";
/// The subject of the page in development mode.
pub const DEV_SUBJECT: &str = "developer";

/// Who a bearer token belongs to.
///
/// # Errors
/// `auth.invalid` where it is unknown, expired or revoked.
pub async fn bearer(app: &App, text: &str) -> Result<Identity, Error> {
    if app.settings.mode == Mode::Development {
        let role = match text {
            DEV_ADMIN_TOKEN => Some(Role::Admin),
            DEV_VIEWER_TOKEN => Some(Role::Viewer),
            _ => None,
        };
        if let Some(role) = role {
            return Ok(Identity { subject: text.to_owned(), role, reach: Reach::Any, token: None });
        }
    }
    authenticate(app, text).await
}
