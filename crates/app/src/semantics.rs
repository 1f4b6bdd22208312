//! The semantic model of a connection, as people read and edit it.

use pilothouse_domain::action::Tier;
use pilothouse_domain::audit::Outcome;
use pilothouse_domain::{Code, ConnectionId, Micros, Role};
use pilothouse_store::{audit as audit_rows, semantic_models};
use pilothouse_warehouse::semantic;

use crate::{App, Caller, Error, Field, audit, connections, gates};

/// Largest model, in bytes of YAML.
const MAX_YAML_BYTES: usize = 512 << 10;

/// A model and its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versioned {
    /// The model as YAML.
    pub yaml: String,
    /// Its version; 0 is inferred and not stored yet.
    pub version: i64,
    /// When it was stored, or when the catalog it was inferred from was read.
    pub updated_at: Micros,
}

/// The present model of a connection.
pub async fn get(app: &App, caller: &Caller, id: ConnectionId) -> Result<Versioned, Error> {
    connections::get(app, caller, id).await?;
    let open = app.sources.open(&caller.principal.tenant, id).await?;
    let home = app.sources.home(&caller.principal.tenant, id);
    let latest =
        app.store.read(move |tx| Box::pin(async move { semantic_models::latest(tx, &home, id).await })).await?;
    let updated_at = latest.map_or(open.catalog_at, |stored| stored.created_at);
    Ok(Versioned { yaml: open.yaml.clone(), version: open.model_version, updated_at })
}

/// Stores a new version after checking it against the catalog.
pub async fn put(app: &App, caller: &Caller, id: ConnectionId, yaml: &str) -> Result<Versioned, Error> {
    let action = audit::action("semantic.put", Tier::Write, Role::Operator, &id.to_string(), &yaml);
    gates::pass(app, caller, &action).await?;
    if connections::get(app, caller, id).await?.sample {
        return Err(Error::new(Code::ConnectionReadOnly, "The sample's model cannot be changed."));
    }
    if yaml.len() > MAX_YAML_BYTES {
        let message = format!("A semantic model has at most {MAX_YAML_BYTES} bytes.");
        return Err(Error::new(Code::BodyTooLarge, message));
    }
    let (catalog, _) = connections::catalog(app, caller, id).await?;
    semantic::yaml::read(yaml, &catalog).map_err(|error| invalid(&error))?;
    let (tenant, text, by, now) =
        (caller.principal.tenant.clone(), yaml.to_owned(), caller.principal.subject.clone(), app.clock.now());
    let entry = audit::entry(app, caller, &action, Outcome::Allowed, None);
    let version = app
        .store
        .write(move |tx| {
            Box::pin(async move {
                let version = semantic_models::put(tx, &tenant, id, &text, now, &by).await?;
                audit_rows::append(tx, &entry).await.map(|_| version)
            })
        })
        .await?;
    app.sources.forget(&caller.principal.tenant, id);
    Ok(Versioned { yaml: yaml.to_owned(), version, updated_at: now })
}

fn invalid(error: &semantic::yaml::YamlError) -> Error {
    let field = Field {
        location: vec!["body".into(), "yaml".into(), error.line.into()],
        kind: "semantic",
        message: error.reason.clone(),
        input: serde_json::Value::Null,
        context: Some(serde_json::json!({ "line": error.line })),
    };
    let mut refused = Error::new(Code::SemanticInvalid, error.to_string());
    refused.fields.push(field);
    refused
}
