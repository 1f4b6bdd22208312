//! Who may see what: sensitivities of columns, conditions on rows, hidden tables, views.
//!
//! Whatever can be kept by changing the query is kept so: a protected table is read as a query of its own, which masks
//! columns, leaves hidden ones out and lets through the rows that may be seen. What is `restricted` or `quasi` is a
//! matter of how a query uses it, so those carry a mark with them, see [`Marks`].

mod file;
mod marks;
pub(in crate::guard) mod mask;
mod policy;

use std::collections::{BTreeMap, BTreeSet};

use pilothouse_domain::catalog::Dialect;

use super::ir::{Body, Expr, Query};
use super::limits::Limits;
use super::{lexer, lower, parse};

pub use file::{Fault, PolicyFile};
pub use marks::Marks;
pub use mask::Mask;
pub use policy::{AccessPolicy, CallerWords, MAX_POLICY_BYTES};

/// What a query may do with a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Sensitivity {
    /// Everything.
    #[default]
    Open,
    /// Everything, with a masked value in its place.
    Masked(Mask),
    /// Tell about groups of people, and never about one.
    Quasi,
    /// Be counted and be compared with NULL.
    Restricted,
    /// Nothing: it does not exist.
    Hidden,
}

impl Sensitivity {
    /// The one that lets less be done.
    fn stricter(self, other: Self) -> Self {
        let rank = |one: Self| match one {
            Self::Open => 0,
            Self::Quasi => 1,
            Self::Masked(_) => 2,
            Self::Restricted => 3,
            Self::Hidden => 4,
        };
        if rank(other) > rank(self) { other } else { self }
    }
}

/// What is protected of a table.
#[derive(Debug, Clone, Default)]
pub struct TableAccess {
    /// Whether the table is not seen at all.
    pub hidden: bool,
    /// Whether a query that reads it waits for a person.
    pub approval: bool,
    /// The columns that are not open.
    pub columns: BTreeMap<String, Sensitivity>,
    pub(super) rows: Option<Expr>,
}

impl TableAccess {
    /// What may be done with a column.
    pub fn of(&self, column: &str) -> Sensitivity {
        self.columns.get(column).copied().unwrap_or_default()
    }

    /// Whether the table cannot be read as it stands.
    pub(super) fn is_wrapped(&self) -> bool {
        let changes = |sensitivity: &Sensitivity| matches!(sensitivity, Sensitivity::Masked(_) | Sensitivity::Hidden);
        self.rows.is_some() || self.columns.values().any(changes)
    }
}

/// What one caller may see of a connection.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// Tables of which something is protected, by name.
    pub tables: BTreeMap<String, TableAccess>,
    pub(super) views: BTreeMap<String, Query>,
    /// The project that all tables stand in, where the engine has projects.
    pub project: Option<String>,
    /// The smallest group that is shown of what a `quasi` column tells.
    pub min_group: u64,
}

/// The smallest group that is shown where nothing else is said.
pub const MIN_GROUP: u64 = 5;

impl Access {
    /// Nothing is protected.
    pub fn open() -> Self {
        Self { min_group: MIN_GROUP, ..Self::default() }
    }

    /// Lets no more be done with a column than this.
    pub fn tighten(&mut self, table: &str, column: &str, sensitivity: Sensitivity) {
        let of_table = self.tables.entry(table.to_owned()).or_default();
        let present = of_table.columns.entry(column.to_owned()).or_default();
        *present = present.stricter(sensitivity);
    }

    pub(super) fn table(&self, name: &str) -> Option<&TableAccess> {
        self.tables.get(name)
    }

    /// Lets only those rows of a table be seen for which `condition` holds.
    ///
    /// # Errors
    /// Where it is no condition; in words.
    pub fn filter_rows(&mut self, table: &str, condition: &str, dialect: Dialect) -> Result<(), String> {
        let (rows, _) = conditional(condition, dialect, &CallerWords::new())?;
        self.tables.entry(table.to_owned()).or_default().rows = rows;
        Ok(())
    }

    /// Gives a name to a query.
    ///
    /// # Errors
    /// Where the text is no query; in words.
    pub fn view(&mut self, name: &str, sql: &str, dialect: Dialect) -> Result<(), String> {
        self.views.insert(name.to_owned(), written(sql, dialect, &CallerWords::new())?.0);
        Ok(())
    }
}

/// A condition as a tree, in which the words about the caller are literals, and those of them that it uses.
fn conditional(
    condition: &str,
    dialect: Dialect,
    caller: &CallerWords,
) -> Result<(Option<Expr>, BTreeSet<String>), String> {
    let (query, used) = written(&format!("SELECT 1 FROM t WHERE {condition}"), dialect, caller)?;
    let Body::Select(select) = query.body else { return Err("it is no condition".to_owned()) };
    if query.limit.is_some() || !query.order_by.is_empty() || select.group_by != super::ir::GroupBy::None {
        return Err("it is more than a condition".to_owned());
    }
    Ok((select.filter, used))
}

/// A text of the policy's own as a tree. It goes through lexer, parser and lowering as every other, and names are
/// resolved where it is used.
fn written(sql: &str, dialect: Dialect, caller: &CallerWords) -> Result<(Query, BTreeSet<String>), String> {
    let limits = Limits::default();
    let told = |reasons: &[super::Reason]| reasons.iter().map(|r| r.message.clone()).collect::<Vec<_>>().join("; ");
    let tokens = lexer::scan(sql, dialect, &limits).map_err(|reasons| told(&reasons))?;
    let statement = parse::parse(sql, dialect, &tokens, parse::Lexers::Both).map_err(|reason| reason.message)?;
    let (mut reasons, mut used) = (Vec::new(), BTreeSet::new());
    let query = lower::lower_for(&statement, dialect, &limits, &mut reasons, Some((caller, &mut used)));
    let query = query.filter(|_| reasons.is_empty()).ok_or_else(|| told(&reasons))?;
    Ok((query, used))
}
