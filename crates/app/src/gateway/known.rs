//! What is known of each tenant's models: keys and prices that somebody has replaced hold without a restart, on every node.

use std::collections::BTreeMap;
use std::sync::Arc;

use pilothouse_ai::provider::Provider;
use pilothouse_ai::wire::Wire;
use pilothouse_domain::{Code, Micros, TenantId};
use pilothouse_store::Store;
use pilothouse_store::ai as rows;

use super::book::{ANY, Book, DEFAULT, Open};
use crate::lately::Lately;
use crate::secrets::{Place, Sealer};
use crate::{Error, settings};

/// The name of the operator's provider.
pub(super) const INSTALLATION: &str = "installation";
/// Its rank: after those of the tenants themselves.
const INSTALLATION_RANK: i64 = 1_000;

pub(super) struct Known {
    store: Store,
    sealer: Arc<Sealer>,
    /// The operator's provider.
    own: Option<Arc<Open>>,
    books: Lately<Book>,
}

impl Known {
    pub fn new(store: Store, sealer: Arc<Sealer>, settings: &settings::Ai) -> Result<Self, Error> {
        Ok(Self { store, sealer, own: installations(settings)?.map(Arc::new), books: Lately::default() })
    }

    /// What is known of a tenant's models at the moment `now`.
    pub async fn book(&self, tenant: &TenantId, now: Micros) -> Result<Arc<Book>, Error> {
        let read = async {
            let of = tenant.clone();
            let rows = self.store.read(move |tx| {
                Box::pin(async move { Ok((rows::providers(tx, &of).await?, rows::prices(tx, &of).await?)) })
            });
            let (providers, prices) = rows.await?;
            let own = providers.iter().map(|row| open(&self.sealer, tenant, row).map(Arc::new));
            let providers = own.chain(self.own.clone().map(Ok)).collect::<Result<_, _>>()?;
            Ok(Book { providers, prices })
        };
        self.books.get(tenant, now, read).await
    }

    /// Forgets what was known of a tenant.
    pub fn forget(&self, tenant: &TenantId) {
        self.books.forget(tenant);
    }

    /// The operator's provider.
    pub fn installations(&self) -> Option<&Open> {
        self.own.as_deref()
    }
}

/// Where the sealed key of a provider stands.
pub(super) fn place<'a>(tenant: &'a str, name: &'a str) -> Place<'a> {
    Place { tenant, table: "ai_providers", row: name, column: "sealed" }
}

/// The models of a provider as they are kept.
pub(super) fn models(row: &rows::Provider) -> Result<BTreeMap<String, String>, Error> {
    serde_json::from_str(&row.models).map_err(|_| unreadable(&row.name, "its models"))
}

fn open(sealer: &Sealer, tenant: &TenantId, row: &rows::Provider) -> Result<Open, Error> {
    let key = match (&row.sealed, &row.key_id) {
        (Some(sealed), Some(key_id)) => sealer.open(place(tenant.as_str(), &row.name), key_id, sealed)?,
        _ => Vec::new(),
    };
    Ok(Open {
        name: row.name.clone(),
        provider: Provider {
            wire: Wire::parse(&row.wire).ok_or_else(|| unreadable(&row.name, "its language"))?,
            base_url: row.base_url.clone(),
            key: String::from_utf8(key).map_err(|_| unreadable(&row.name, "its key"))?,
        },
        models: models(row)?,
        rank: row.rank,
        weight: row.weight,
        is_installations: false,
    })
}

fn unreadable(name: &str, what: &str) -> Error {
    Error::new(Code::Internal, format!("The provider {name} cannot be read: {what}."))
}

/// The operator's provider, where there is a key for it or an address that needs none.
fn installations(settings: &settings::Ai) -> Result<Option<Open>, Error> {
    let settings::Ai { wire, base_url, api_key, model, .. } = settings;
    if api_key.is_none() && base_url.is_none() {
        return Ok(None);
    }
    let invalid = |what: &str| Error::new(Code::ConfigInvalid, format!("{what}."));
    let names = || Wire::ALL.map(Wire::as_str).join(", ");
    let wire = match wire {
        Some(name) => Wire::parse(name).ok_or_else(|| invalid(&format!("ai.wire is one of {}", names())))?,
        None if base_url.is_none() => Wire::OpenAi,
        None => Wire::Compatible,
    };
    let base_url = base_url.as_deref().or_else(|| wire.base_url());
    let base_url = base_url.ok_or_else(|| invalid("ai.base_url is needed with ai.wire = openai_compatible"))?;
    let models = [(DEFAULT, model.as_str()), (ANY, ANY)];
    Ok(Some(Open {
        name: INSTALLATION.to_owned(),
        provider: Provider {
            wire,
            base_url: base_url.trim_end_matches('/').to_owned(),
            key: api_key.clone().unwrap_or_default(),
        },
        models: models.map(|(asked, there)| (asked.to_owned(), there.to_owned())).into(),
        rank: INSTALLATION_RANK,
        weight: 1,
        is_installations: true,
    }))
}
