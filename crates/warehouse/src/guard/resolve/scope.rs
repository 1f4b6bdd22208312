//! What can be named at one place: FROM items with their columns, merged columns, names given to output columns.

use smol_str::SmolStr;

use crate::guard::access::Marks;
use crate::guard::ir::{Query, RelId};
use crate::guard::names::Name;

/// A base table and a column of it, as the catalog calls them.
pub type Base<'a> = (&'a str, &'a str);

/// One column of a FROM item or of a result.
#[derive(Debug, Clone)]
pub struct OutColumn<'a> {
    /// None where only the engine knows the name, as for `count(*)`.
    pub name: Option<SmolStr>,
    /// What it is, when it is a base table's own column.
    pub base: Option<Base<'a>>,
    /// Whether fields of it may be named.
    pub nested: bool,
    /// What its values carry with them.
    pub marks: Marks,
}

/// The columns of a FROM item or of a result.
#[derive(Debug, Clone, Default)]
pub struct Shape<'a> {
    pub columns: Vec<OutColumn<'a>>,
    /// Whether there may be more columns than these (table functions, and what was refused already).
    pub open: bool,
    /// Most rows, where the shape bounds them.
    pub rows: Option<u64>,
    /// Whether which rows there are tells something of single persons.
    pub telling: bool,
    /// The column that tells the persons of a table apart, where its columns tell something of them.
    pub key: Option<SmolStr>,
}

impl OutColumn<'_> {
    /// A column that no base table has.
    pub fn made(name: Option<SmolStr>, marks: Marks) -> Self {
        Self { name, base: None, nested: true, marks }
    }
}

impl<'a> Shape<'a> {
    /// A shape of which nothing is known.
    pub fn open() -> Self {
        Self { open: true, ..Self::default() }
    }

    /// What the values of all columns carry with them.
    pub fn marks(&self) -> Marks {
        self.columns.iter().map(|column| column.marks).collect()
    }

    /// The column of that name, if there is one.
    pub fn column(&self, name: &str) -> Option<&OutColumn<'a>> {
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
                None => self.columns.push(OutColumn::made(Some(name.text.clone()), Marks::default())),
            }
        }
    }
}

/// A FROM item within a scope.
#[derive(Debug, Clone)]
pub struct Rel<'a> {
    pub id: RelId,
    pub name: Option<SmolStr>,
    pub schema: Option<SmolStr>,
    pub shape: Shape<'a>,
    /// Whether a query stands in for the table, which has no schema.
    pub stands_in: bool,
}

/// What one SELECT can name.
#[derive(Debug, Clone, Default)]
pub struct Scope<'a> {
    pub rels: Vec<Rel<'a>>,
    /// Columns that USING or NATURAL made one.
    pub merged: Vec<SmolStr>,
    /// Names given to output columns, in the clauses that see them, with what their values carry.
    pub aliases: Vec<(SmolStr, Marks)>,
}

/// A CTE that may be named.
#[derive(Debug, Clone)]
pub struct CteInfo<'a> {
    pub name: SmolStr,
    pub shape: Shape<'a>,
    /// Base tables it reads, with the CTEs it names written out.
    pub cost: u64,
}

/// The number in a query's own LIMIT.
pub fn literal_limit(query: &Query) -> Option<u64> {
    query.limit.as_ref().and_then(|limit| limit.integer()).and_then(|value| u64::try_from(value).ok())
}

/// The names of columns, with what their values carry.
pub fn named(columns: &[OutColumn<'_>]) -> Vec<(SmolStr, Marks)> {
    columns.iter().filter_map(|column| Some((column.name.clone()?, column.marks))).collect()
}

impl Scope<'_> {
    /// What the output columns of this name carry, if there are any.
    pub fn alias(&self, name: &str) -> Option<Marks> {
        let named = self.aliases.iter().filter(|(known, _)| known == name);
        named.map(|(_, marks)| *marks).reduce(Marks::and)
    }

    /// A FROM item whose rows are persons, with the column that tells them apart.
    pub fn persons(&self) -> Option<(RelId, SmolStr, SmolStr)> {
        self.rels.iter().find_map(|rel| Some((rel.id, rel.name.clone()?, rel.shape.key.clone()?)))
    }

    /// The name under which a key comes out among the columns of a SELECT.
    pub fn key_among(&self, columns: &[OutColumn<'_>]) -> Option<SmolStr> {
        let (_, _, key) = self.persons()?;
        columns.iter().any(|column| column.name.as_deref() == Some(key.as_str())).then_some(key)
    }
}
