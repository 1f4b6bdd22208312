//! What can be named at one place: FROM items with their columns, merged columns, names given to output columns.

use std::collections::{BTreeMap, BTreeSet};

use crate::guard::access::Marks;
use crate::guard::ir::{Query, RelId};
use crate::guard::names::Name;

/// One column of a FROM item or of a result.
#[derive(Debug, Clone)]
pub struct OutColumn {
    /// None where only the engine knows the name, as for `count(*)`.
    pub name: Option<String>,
    /// The base table it is read from, when it is a base table's own column.
    pub base: Option<String>,
    /// Whether fields of it may be named.
    pub nested: bool,
    /// What its values carry with them.
    pub marks: Marks,
}

/// The columns of a FROM item or of a result.
#[derive(Debug, Clone, Default)]
pub struct Shape {
    pub columns: Vec<OutColumn>,
    /// Whether there may be more columns than these (table functions, and what was refused already).
    pub open: bool,
    /// Most rows, where the shape bounds them.
    pub rows: Option<u64>,
    /// Whether which rows there are tells something of single persons.
    pub telling: bool,
    /// The column that tells the persons of a table apart, where its columns tell something of them.
    pub key: Option<String>,
}

impl Shape {
    /// A shape of which nothing is known.
    pub fn open() -> Self {
        Self { open: true, ..Self::default() }
    }

    /// What the values of all columns carry with them.
    pub fn marks(&self) -> Marks {
        self.columns.iter().map(|column| column.marks).collect()
    }

    /// The column of that name, if there is one.
    pub fn column(&self, name: &str) -> Option<&OutColumn> {
        self.columns.iter().find(|column| column.name.as_deref() == Some(name))
    }

    /// Whether a name of the engine's own making, such as `count(*)`, could stand for one of the columns.
    pub fn may_have_made(&self, name: &str) -> bool {
        let made = name.contains(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        self.open || (made && self.columns.iter().any(|column| column.name.is_none()))
    }

    /// Names the first columns anew, as `AS t (a, b)` does.
    pub fn rename(&mut self, names: &[Name]) {
        for (index, name) in names.iter().enumerate() {
            match self.columns.get_mut(index) {
                Some(column) => column.name = Some(name.text.clone()),
                None => self.columns.push(OutColumn {
                    name: Some(name.text.clone()),
                    base: None,
                    nested: true,
                    marks: Marks::default(),
                }),
            }
        }
    }
}

/// A FROM item within a scope.
#[derive(Debug, Clone)]
pub struct Rel {
    pub id: RelId,
    pub name: Option<String>,
    pub schema: Option<String>,
    pub shape: Shape,
    /// The catalog's own names of a base table's columns, by position, where they were renamed.
    pub base_names: Vec<String>,
    /// Whether a query stands in for the table, which has no schema.
    pub stands_in: bool,
}

impl Rel {
    /// The base table and column a name of this FROM item stands for.
    pub fn base_of(&self, name: &str) -> Option<(String, String)> {
        let index = self.shape.columns.iter().position(|column| column.name.as_deref() == Some(name))?;
        let table = self.shape.columns.get(index)?.base.clone()?;
        let column = self.base_names.get(index).cloned().unwrap_or_else(|| name.to_owned());
        Some((table, column))
    }
}

/// What one SELECT can name.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    pub rels: Vec<Rel>,
    /// Columns that USING or NATURAL made one.
    pub merged: BTreeSet<String>,
    /// Names given to output columns, in the clauses that see them, with what their values carry.
    pub aliases: BTreeMap<String, Marks>,
}

/// A CTE that may be named.
#[derive(Debug, Clone)]
pub struct CteInfo {
    pub name: String,
    pub shape: Shape,
    /// Base tables it reads, with the CTEs it names written out.
    pub cost: u64,
}

/// The number in a query's own LIMIT.
pub fn literal_limit(query: &Query) -> Option<u64> {
    query.limit.as_ref().and_then(|limit| limit.integer()).and_then(|value| u64::try_from(value).ok())
}

/// The names of columns, with what their values carry.
pub fn named(columns: &[OutColumn]) -> BTreeMap<String, Marks> {
    columns.iter().filter_map(|column| Some((column.name.clone()?, column.marks))).collect()
}

impl Scope {
    /// A FROM item whose rows are persons, with the column that tells them apart.
    pub fn persons(&self) -> Option<(RelId, String, String)> {
        self.rels.iter().find_map(|rel| Some((rel.id, rel.name.clone()?, rel.shape.key.clone()?)))
    }

    /// The name under which a key comes out among the columns of a SELECT.
    pub fn key_among(&self, columns: &[OutColumn]) -> Option<String> {
        let (_, _, key) = self.persons()?;
        columns.iter().any(|column| column.name.as_deref() == Some(key.as_str())).then_some(key)
    }
}
