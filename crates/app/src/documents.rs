//! What people write about a connection, as YAML in versions: what its tables mean ([`Kind::Semantic`]), and who may see
//! what of them ([`Kind::Access`]). A version is checked against the catalog before it is stored, and never changed after.

use pilothouse_domain::action::{Action, Tier};
use pilothouse_domain::audit::Outcome;
use pilothouse_domain::catalog::Catalog;
use pilothouse_domain::{Code, ConnectionId, Micros, Role};
use pilothouse_store::audit as audit_rows;
pub use pilothouse_store::documents::Kind;
use pilothouse_store::documents::{self, Document, NewVersion};
use pilothouse_store::proposals;
use pilothouse_warehouse::guard::access::AccessPolicy;
use pilothouse_warehouse::semantic;
pub use pilothouse_warehouse::semantic::yaml::Exchanged;

pub use crate::error::Fault;
use crate::proposals::ACCEPTED;
use crate::{App, Caller, Error, audit, connections, gates};

/// Largest document, in bytes of YAML.
const MAX_YAML_BYTES: usize = 512 << 10;

/// A document and its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versioned {
    /// The text.
    pub yaml: String,
    /// Its version; 0 is what holds where nobody has written anything.
    pub version: i64,
    /// When it was stored, or when the catalog it was inferred from was read.
    pub updated_at: Micros,
    /// Who stored it; nobody where it was inferred.
    pub updated_by: Option<String>,
}

impl From<Document> for Versioned {
    fn from(document: Document) -> Self {
        let Document { version, yaml, created_at, created_by, connection: _ } = document;
        Self { yaml, version, updated_at: created_at, updated_by: Some(created_by) }
    }
}

/// What each kind of document is called, and who may do what with it.
struct Rules {
    put: &'static str,
    what: &'static str,
    invalid: Code,
    reads: Role,
    writes: Role,
}

fn rules(kind: Kind) -> Rules {
    match kind {
        Kind::Semantic => Rules {
            put: "semantic.put",
            what: "semantic model",
            invalid: Code::SemanticInvalid,
            reads: Role::Viewer,
            writes: Role::Operator,
        },
        Kind::Access => Rules {
            put: "policy.put",
            what: "access policy",
            invalid: Code::PolicyInvalid,
            reads: Role::Operator,
            writes: Role::Admin,
        },
    }
}

/// The present version.
pub async fn get(app: &App, caller: &Caller, id: ConnectionId, kind: Kind) -> Result<Versioned, Error> {
    readable(app, caller, id, kind).await?;
    let home = app.sources.home(&caller.principal.tenant, id);
    let latest =
        app.store.read(move |tx| Box::pin(async move { documents::latest(tx, &home, id, kind).await })).await?;
    if let Some(stored) = latest {
        return Ok(stored.into());
    }
    let (yaml, updated_at) = match kind {
        Kind::Semantic => {
            let open = app.sources.open(&caller.principal.tenant, id).await?;
            (open.yaml.clone(), open.catalog_at)
        }
        Kind::Access => (String::new(), connections::catalog(app, caller, id).await?.1),
    };
    Ok(Versioned { yaml, version: 0, updated_at, updated_by: None })
}

/// Every stored version, newest first.
pub async fn versions(app: &App, caller: &Caller, id: ConnectionId, kind: Kind) -> Result<Vec<Versioned>, Error> {
    readable(app, caller, id, kind).await?;
    let home = app.sources.home(&caller.principal.tenant, id);
    let all = app.store.read(move |tx| Box::pin(async move { documents::list(tx, &home, id, kind).await })).await?;
    Ok(all.into_iter().map(Versioned::from).collect())
}

/// One stored version.
pub async fn version(app: &App, caller: &Caller, id: ConnectionId, kind: Kind, n: i64) -> Result<Versioned, Error> {
    readable(app, caller, id, kind).await?;
    let home = app.sources.home(&caller.principal.tenant, id);
    let found = app.store.read(move |tx| Box::pin(async move { documents::get(tx, &home, id, kind, n).await })).await?;
    found.map(Versioned::from).ok_or_else(|| Error::not_found("version"))
}

/// What is wrong with a text, before it is stored.
pub async fn check(
    app: &App,
    caller: &Caller,
    id: ConnectionId,
    kind: Kind,
    yaml: &str,
) -> Result<Option<Fault>, Error> {
    readable(app, caller, id, kind).await?;
    let (catalog, _) = connections::catalog(app, caller, id).await?;
    Ok(fault(kind, yaml, &catalog))
}

/// Stores a new version after checking it against the catalog.
pub async fn put(app: &App, caller: &Caller, id: ConnectionId, kind: Kind, yaml: &str) -> Result<Versioned, Error> {
    let Rules { put, writes, .. } = rules(kind);
    let action = audit::action(put, Tier::Write, writes, &id.to_string(), &yaml);
    gates::pass(app, caller, &action).await?;
    let change = Change { kind, yaml, follows: None, settles: None };
    change.store(app, caller, id, &action).await
}

/// A new version that is on its way.
pub(crate) struct Change<'a> {
    pub kind: Kind,
    pub yaml: &'a str,
    /// The version that it was made of, where nobody may have stored another one since.
    pub follows: Option<i64>,
    /// The proposal that is accepted by it.
    pub settles: Option<&'a str>,
}

impl Change<'_> {
    /// Stores it after checking it against the catalog. The caller has passed the gates for `action`.
    pub(crate) async fn store(
        self,
        app: &App,
        caller: &Caller,
        id: ConnectionId,
        action: &Action,
    ) -> Result<Versioned, Error> {
        let Self { kind, yaml, follows, settles } = self;
        let Rules { what, invalid, .. } = rules(kind);
        if connections::get(app, caller, id).await?.sample {
            return Err(Error::new(Code::ConnectionReadOnly, format!("The sample's {what} cannot be changed.")));
        }
        if yaml.len() > MAX_YAML_BYTES {
            let message = format!("The {what} has at most {MAX_YAML_BYTES} bytes.");
            return Err(Error::new(Code::BodyTooLarge, message));
        }
        let (catalog, _) = connections::catalog(app, caller, id).await?;
        if let Some(fault) = fault(kind, yaml, &catalog) {
            return Err(refused(invalid, fault));
        }
        let (tenant, text, settles) = (caller.principal.tenant.clone(), yaml.to_owned(), settles.map(str::to_owned));
        let (by, now) = (caller.principal.subject.clone(), app.clock.now());
        let entry = audit::entry(app, caller, action, Outcome::Allowed, None);
        let stored = app.store.write(move |tx| {
            Box::pin(async move {
                let new = NewVersion { kind, yaml: &text, created_at: now, created_by: &by, follows };
                let version = documents::put(tx, &tenant, id, new).await?;
                if let Some(key) = settles {
                    proposals::decide(tx, &tenant, id, &key, (ACCEPTED, &by, now)).await?;
                }
                audit_rows::append(tx, &entry).await.map(|_| version)
            })
        });
        let version = stored.await?;
        app.sources.forget(&caller.principal.tenant, id);
        let updated_by = Some(caller.principal.subject.clone());
        Ok(Versioned { yaml: yaml.to_owned(), version, updated_at: now, updated_by })
    }
}

/// The present semantic model in the exchange format of Apache Ossie.
pub async fn to_ossie(app: &App, caller: &Caller, id: ConnectionId) -> Result<Exchanged, Error> {
    let name = connections::get(app, caller, id).await?.name;
    let open = app.sources.open(&caller.principal.tenant, id).await?;
    semantic::yaml::to_ossie(&open.model, &name).map_err(|error| of_text(&error))
}

/// Our own text for a model in that format, to be looked at and stored.
pub async fn from_ossie(app: &App, caller: &Caller, id: ConnectionId, yaml: &str) -> Result<Exchanged, Error> {
    let (catalog, _) = connections::catalog(app, caller, id).await?;
    semantic::yaml::from_ossie(yaml, &catalog).map_err(|error| of_text(&error))
}

pub(crate) fn of_text(error: &semantic::yaml::YamlError) -> Error {
    refused(Code::SemanticInvalid, Fault { line: error.line, reason: error.reason.clone() })
}

/// That the caller may read the document of a connection that there is.
async fn readable(app: &App, caller: &Caller, id: ConnectionId, kind: Kind) -> Result<(), Error> {
    let reads = rules(kind).reads;
    if reads > Role::Viewer {
        let action = audit::action("policy.get", Tier::Read, reads, &id.to_string(), &());
        gates::pass(app, caller, &action).await?;
    }
    connections::get(app, caller, id).await.map(|_| ())
}

fn fault(kind: Kind, yaml: &str, catalog: &Catalog) -> Option<Fault> {
    match kind {
        Kind::Semantic => {
            semantic::yaml::read(yaml, catalog).err().map(|error| Fault { line: error.line, reason: error.reason })
        }
        Kind::Access => {
            AccessPolicy::read(yaml, catalog).err().map(|error| Fault { line: error.line, reason: error.reason })
        }
    }
}

fn refused(code: Code, fault: Fault) -> Error {
    let kind = if code == Code::PolicyInvalid { "policy" } else { "semantic" };
    let field = fault.field(kind);
    let mut refused = Error::new(code, format!("line {}: {}", fault.line, fault.reason));
    refused.fields.push(field);
    refused
}
