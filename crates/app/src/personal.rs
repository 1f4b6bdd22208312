//! Personal data in connections: which columns are suspected of it, what people have decided, and what follows from both.
//! A column is masked as long as it is suspected and nobody has said that it holds none.

use std::collections::BTreeMap;

use pilothouse_domain::action::Tier;
use pilothouse_domain::audit::Outcome;
use pilothouse_domain::catalog::{Catalog, Column, Table};
use pilothouse_domain::personal::Suspicion;
use pilothouse_domain::{ConnectionId, Role};
use pilothouse_store::audit as audit_rows;
use pilothouse_store::connections::Connection;
pub use pilothouse_store::personal::Review;
use pilothouse_store::{catalogs, personal};
use pilothouse_warehouse::guard::access::{Access, Mask, Sensitivity};
use serde::Serialize;

use crate::{App, Caller, Error, audit, connections, gates};

/// A column that may hold personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The connection.
    pub connection: ConnectionId,
    /// Its name.
    pub connection_name: String,
    /// The schema that the table stands in; where the connection has none, the connection's name.
    pub dataset: String,
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
    /// What it is thought to hold; none where only a person says so.
    pub suspicion: Option<Suspicion>,
    /// What a person has decided.
    pub review: Option<Review>,
}

impl Finding {
    /// Whether it is treated as personal.
    pub fn is_personal(&self) -> bool {
        is_personal(self.suspicion.as_ref(), self.review.as_ref())
    }
}

/// What somebody decides about a column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// The connection; where it is not said, every one that has such a dataset.
    pub connection: Option<ConnectionId>,
    /// The dataset, as in [`Finding::dataset`].
    pub dataset: String,
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
    /// Whether it holds personal data.
    pub is_personal: bool,
}

/// What became of decisions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decided {
    /// Columns that were decided upon.
    pub updated: usize,
    /// Those that no connection of the tenant has, as `dataset.table.column`.
    pub unknown: Vec<String>,
}

fn is_personal(suspicion: Option<&Suspicion>, review: Option<&Review>) -> bool {
    review.map_or(suspicion.is_some(), |review| review.is_personal)
}

/// What was decided, by table and column.
struct Reviewed<'a>(BTreeMap<(&'a str, &'a str), &'a Review>);

impl<'a> Reviewed<'a> {
    fn by(reviews: &'a [Review]) -> Self {
        Self(reviews.iter().map(|review| ((review.table.as_str(), review.column.as_str()), review)).collect())
    }

    fn of(&self, table: &str, column: &Column) -> Option<&'a Review> {
        self.0.get(&(table, column.name.as_str())).copied()
    }

    fn is_personal(&self, table: &str, column: &Column) -> bool {
        is_personal(column.personal.as_ref(), self.of(table, column))
    }
}

/// The schema that a table stands in; where it has none, the name of its connection.
fn dataset<'a>(table: &'a Table, connection: &'a str) -> &'a str {
    table.schema.as_deref().unwrap_or(connection)
}

/// What may be seen of a connection with these decisions: what is personal is masked.
pub(crate) fn access(catalog: &Catalog, reviews: &[Review]) -> Access {
    let (reviewed, mut access) = (Reviewed::by(reviews), Access::open());
    for table in &catalog.tables {
        for column in table.columns.iter().filter(|column| reviewed.is_personal(&table.name, column)) {
            let protected = access.tables.entry(table.name.clone()).or_default();
            protected.columns.insert(column.name.clone(), Sensitivity::Masked(Mask::Null));
        }
    }
    access
}

/// Takes the values of personal columns out of a catalog: what stands there reaches the page, the planner and prompts.
pub(crate) fn without_values(catalog: &mut Catalog, reviews: &[Review]) {
    let reviewed = Reviewed::by(reviews);
    for table in &mut catalog.tables {
        for column in table.columns.iter_mut().filter(|column| reviewed.is_personal(&table.name, column)) {
            (column.values, column.min, column.max) = (None, None, None);
        }
    }
}

/// Every column of the tenant's connections that is suspected of personal data or was decided upon.
pub async fn findings(app: &App, caller: &Caller) -> Result<Vec<Finding>, Error> {
    gates::pass(app, caller, &audit::action("personal.read", Tier::Read, Role::Member, "", &())).await?;
    let mut found = Vec::new();
    for connection in connections::list(app, caller).await? {
        let (catalog, reviews) = held(app, &connection).await?;
        let reviewed = Reviewed::by(&reviews);
        for table in catalog.iter().flat_map(|catalog| &catalog.tables) {
            for column in &table.columns {
                let review = reviewed.of(&table.name, column).cloned();
                let suspicion = column.personal.clone();
                if suspicion.is_none() && review.is_none() {
                    continue;
                }
                found.push(Finding {
                    connection: connection.id,
                    connection_name: connection.name.clone(),
                    dataset: dataset(table, &connection.name).to_owned(),
                    table: table.name.clone(),
                    column: column.name.clone(),
                    suspicion,
                    review,
                });
            }
        }
    }
    Ok(found)
}

/// What a connection was found to hold, if it was read, and what was decided about it.
async fn held(app: &App, connection: &Connection) -> Result<(Option<Catalog>, Vec<Review>), Error> {
    let (home, id) = (connection.tenant.clone(), connection.id);
    let read = app.store.read(move |tx| {
        Box::pin(async move { Ok((catalogs::get(tx, &home, id).await?, personal::list(tx, &home, id).await?)) })
    });
    let (catalog, reviews) = read.await?;
    Ok((catalog.and_then(|(json, _)| serde_json::from_str(&json).ok()), reviews))
}

/// Decides about columns. To say that one holds no personal data shows its values to everybody who may ask, so that takes
/// an operator.
pub async fn decide(app: &App, caller: &Caller, decisions: &[Decision]) -> Result<Decided, Error> {
    let unmasks = decisions.iter().any(|decision| !decision.is_personal);
    let needs = if unmasks { Role::Operator } else { Role::Member };
    let action = audit::action("personal.review", Tier::Write, needs, "", &decisions);
    gates::pass(app, caller, &action).await?;
    let mut left: Vec<&Decision> = decisions.iter().collect();
    let mut updated = 0;
    for connection in connections::list(app, caller).await? {
        // The sample belongs to all tenants, and what it holds is known.
        if connection.sample {
            continue;
        }
        let Some(catalog) = held(app, &connection).await?.0 else { continue };
        let meant = |decision: &Decision| {
            decision.connection.is_none_or(|id| id == connection.id) && holds(&catalog, &connection.name, decision)
        };
        let reviews: Vec<Review> =
            decisions.iter().filter(|decision| meant(decision)).map(|d| review(app, caller, d)).collect();
        left.retain(|decision| !meant(decision));
        if reviews.is_empty() {
            continue;
        }
        updated += reviews.len();
        let (tenant, id) = (connection.tenant.clone(), connection.id);
        let entry = audit::entry(app, caller, &action, Outcome::Allowed, None);
        let stored = app.store.write(move |tx| {
            Box::pin(async move {
                for review in &reviews {
                    personal::put(tx, &tenant, id, review).await?;
                }
                audit_rows::append(tx, &entry).await.map(|_| ())
            })
        });
        stored.await?;
        // Values that were left out are read now, and those that may not be shown any more are forgotten.
        app.sources.read_anew(&connection.tenant, id).await?;
    }
    let unknown = left.iter().map(|d| format!("{}.{}.{}", d.dataset, d.table, d.column)).collect();
    Ok(Decided { updated, unknown })
}

fn holds(catalog: &Catalog, connection: &str, decision: &Decision) -> bool {
    let is_meant = |table: &&Table| table.name == decision.table && dataset(table, connection) == decision.dataset;
    let table = catalog.tables.iter().find(is_meant);
    table.is_some_and(|table| table.column(&decision.column).is_some())
}

fn review(app: &App, caller: &Caller, decision: &Decision) -> Review {
    Review {
        table: decision.table.clone(),
        column: decision.column.clone(),
        is_personal: decision.is_personal,
        reviewed_at: app.clock.now(),
        reviewed_by: caller.principal.subject.clone(),
    }
}
