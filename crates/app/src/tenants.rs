//! Tenants: made by whoever administers the installation, that is the admins of the tenant `default`.

use pilothouse_domain::action::Tier;
use pilothouse_domain::audit::{INSTALLATION, Outcome};
use pilothouse_domain::{Code, Role, TenantId};
use pilothouse_store::tenants::{self, Tenant};
use pilothouse_store::{Error as StoreError, audit as audit_rows};

use crate::auth::{Identity, Reach};
use crate::{App, Caller, Error, audit, gates};

/// Longest name of a tenant, in characters.
const MAX_NAME_CHARS: usize = 200;

/// Makes a tenant.
pub async fn create(app: &App, caller: &Caller, id: TenantId, name: &str) -> Result<Tenant, Error> {
    let action = audit::action("tenant.create", Tier::Write, Role::Admin, id.as_str(), &(&id, name));
    gates::pass(app, caller, &action).await?;
    administers(caller)?;
    let name = name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME_CHARS {
        return Err(Error::new(Code::BodyInvalid, format!("A tenant's name has 1 to {MAX_NAME_CHARS} characters.")));
    }
    let tenant = Tenant { id, name: name.to_owned(), created_at: app.clock.now() };
    let (row, entry) = (tenant.clone(), audit::entry(app, caller, &action, Outcome::Allowed, None));
    let written = app
        .store
        .write(move |tx| {
            Box::pin(async move {
                tenants::insert(tx, &row).await?;
                audit_rows::append(tx, &entry).await.map(|_| ())
            })
        })
        .await;
    match written {
        Err(pilothouse_store::Error::Conflict { .. }) => {
            Err(Error::new(Code::TenantExists, "A tenant with this id exists already."))
        }
        other => other.map(|()| tenant).map_err(Error::from),
    }
}

/// Every tenant.
pub async fn list(app: &App, caller: &Caller) -> Result<Vec<Tenant>, Error> {
    gates::pass(app, caller, &audit::action("tenant.list", Tier::Read, Role::Admin, "", &())).await?;
    administers(caller)?;
    Ok(app.store.read(|tx| Box::pin(async move { tenants::list(tx).await })).await?)
}

/// The tenants that an identity may act in.
pub async fn reached(app: &App, identity: &Identity) -> Result<Vec<Tenant>, Error> {
    let only = match &identity.reach {
        Reach::Any => return Ok(app.store.read(|tx| Box::pin(async move { tenants::list(tx).await })).await?),
        Reach::Tenant(tenant) => tenant.clone(),
    };
    let found = app.store.read(move |tx| Box::pin(async move { tenants::get(tx, &only).await })).await?;
    Ok(found.into_iter().collect())
}

/// Refuses a tenant that does not exist, so that a slip of the fingers does not act in a tenant of nobody.
pub async fn known(app: &App, id: &TenantId) -> Result<(), Error> {
    if exists(app, id).await? {
        return Ok(());
    }
    Err(Error::new(Code::TenantUnknown, format!("There is no tenant {id}.")))
}

/// That it exists is known for a while, since every request asks; that it does not is looked up each time.
async fn exists(app: &App, id: &TenantId) -> Result<bool, Error> {
    let wanted = id.clone();
    let read = async {
        let found = app.store.read(move |tx| Box::pin(async move { tenants::get(tx, &wanted).await })).await;
        found.map_err(Some)?.map(|_| ()).ok_or(None::<StoreError>)
    };
    match app.tenants.get(id, app.clock.now(), read).await {
        Ok(_) => Ok(true),
        Err(None) => Ok(false),
        Err(Some(error)) => Err(error.into()),
    }
}

/// Makes the tenant exist, as naming it does in development mode.
pub async fn ensure(app: &App, id: &TenantId) -> Result<(), Error> {
    if exists(app, id).await? {
        return Ok(());
    }
    let (id, at) = (id.clone(), app.clock.now());
    let action = audit::action("tenant.create", Tier::Write, Role::Viewer, id.as_str(), &id);
    let mut entry = audit::entry(app, &Caller::operator(id.clone()), &action, Outcome::Allowed, None);
    // Whoever names a tenant must not write into its chain by that.
    INSTALLATION.clone_into(&mut entry.scope);
    "anonymous".clone_into(&mut entry.subject);
    app.store
        .write(move |tx| {
            Box::pin(async move {
                if tenants::ensure(tx, &id, id.as_str(), at).await? {
                    audit_rows::append(tx, &entry).await?;
                }
                Ok(())
            })
        })
        .await?;
    Ok(())
}

/// Refuses callers who do not administer the installation.
pub(crate) fn administers(caller: &Caller) -> Result<(), Error> {
    if caller.principal.tenant == TenantId::default_tenant() {
        return Ok(());
    }
    let message = "Insufficient role: requires admin of the tenant default";
    Err(Error::new(Code::RoleInsufficient, message))
}
