//! The tables of one SELECT: the root and what is joined to it, each with its alias.

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, TableFactor};
use pilothouse_domain::catalog::Dialect;
use pilothouse_domain::semantic::{Dataset, Field, FieldRef, Join, Model};

use super::CompileError;
use super::expressions::{Call, all, binary, call, column, days_between, number};
use super::select::{Parts, derived, table};

/// A table joined to those before it.
pub(super) struct Joined {
    pub relation: TableFactor,
    alias: String,
    pub on: Expr,
    /// Rows without a match stay.
    pub outer: bool,
}

/// What a SELECT reads.
pub(super) struct Scope<'a> {
    pub model: &'a Model,
    pub dialect: Dialect,
    pub root: &'a Dataset,
    pub root_alias: String,
    pub joined: Vec<Joined>,
    /// The joins taken, as steps from the root, with the alias each led to.
    steps: Vec<(Vec<usize>, String)>,
}

impl<'a> Scope<'a> {
    pub fn new(model: &'a Model, dialect: Dialect, root: &str) -> Result<Self, CompileError> {
        let root = model.dataset(root).ok_or_else(|| CompileError::UnknownDataset(root.to_owned()))?;
        Ok(Self { model, dialect, root, root_alias: root.name.clone(), joined: Vec::new(), steps: Vec::new() })
    }

    /// The field that `at` names.
    pub fn field(&self, at: &FieldRef) -> Result<&'a Field, CompileError> {
        let dataset =
            self.model.dataset(&at.dataset).ok_or_else(|| CompileError::UnknownDataset(at.dataset.clone()))?;
        dataset
            .field(&at.field)
            .ok_or_else(|| CompileError::UnknownField { dataset: at.dataset.clone(), field: at.field.clone() })
    }

    /// The column that `at` names, with the joins that lead to it.
    pub fn column(&mut self, at: &FieldRef) -> Result<Expr, CompileError> {
        let field = self.field(at)?;
        if let Some((from, to)) = &field.days {
            let sibling = |name: &str| FieldRef { field: name.to_owned(), ..at.clone() };
            let (from, to) = (self.column(&sibling(from))?, self.column(&sibling(to))?);
            return Ok(days_between(from, to));
        }
        if at.dataset == self.root.name && at.via.is_none() {
            return Ok(column(&self.root_alias, &field.column));
        }
        let none = || CompileError::NoWay { from: self.root.name.clone(), to: at.dataset.clone() };
        let way = self.model.way(&self.root.name, &at.dataset, at.via.as_deref()).ok_or_else(none)?;
        let alias = self.join(&way)?;
        Ok(column(&alias, &field.column))
    }

    fn join(&mut self, way: &[usize]) -> Result<String, CompileError> {
        let mut from = self.root_alias.clone();
        for length in 1..=way.len() {
            let prefix = &way[..length];
            if let Some((_, alias)) = self.steps.iter().find(|(steps, _)| steps == prefix) {
                from.clone_from(alias);
                continue;
            }
            let join = &self.model.joins[prefix[length - 1]];
            let dataset = self.model.dataset(&join.to).ok_or_else(|| CompileError::UnknownDataset(join.to.clone()))?;
            let alias = self.free_alias(&called(join));
            let on = join
                .columns
                .iter()
                .zip(&join.references)
                .map(|(left, right)| binary(column(&from, left), BinaryOperator::Eq, column(&alias, right)));
            let on = all(on.collect()).ok_or(CompileError::Unsupported("a join has no columns"))?;
            let relation = table(&dataset.table, &alias);
            self.joined.push(Joined { relation, alias: alias.clone(), on, outer: false });
            self.steps.push((prefix.to_vec(), alias.clone()));
            from = alias;
        }
        Ok(from)
    }

    /// How many rows refer to the row by `at`, a field of theirs.
    pub fn counted(&mut self, at: &FieldRef) -> Result<Expr, CompileError> {
        let none = || CompileError::NoWay { from: at.dataset.clone(), to: self.root.name.clone() };
        let refers = [self.field(at)?.column.clone()];
        let leads = |join: &&Join| join.from == at.dataset && join.to == self.root.name && join.columns == refers;
        let join = self.model.joins.iter().find(leads).ok_or_else(none)?;
        let key = join.references.first().ok_or_else(none)?;
        let mut rows = Scope::new(self.model, self.dialect, &at.dataset)?;
        let owner = rows.column(at)?;
        let count = Call { distinct: false, filter: None, over: false }.star("count");
        let parts = Parts {
            projection: vec![(owner.clone(), Some("owner".to_owned())), (count, Some("number".to_owned()))],
            conditions: vec![Expr::IsNotNull(Box::new(owner.clone()))],
            group_by: vec![owner],
            ..Parts::default()
        };
        let alias = self.free_alias(&format!("{}_counted", at.dataset));
        let relation = derived(parts.into_query(&rows, None), &alias);
        let on = binary(column(&alias, "owner"), BinaryOperator::Eq, column(&self.root_alias, key));
        self.joined.push(Joined { relation, alias: alias.clone(), on, outer: true });
        Ok(call("coalesce", vec![column(&alias, "number"), number("0")]))
    }

    fn free_alias(&self, base: &str) -> String {
        let taken = |alias: &str| alias == self.root_alias || self.joined.iter().any(|joined| joined.alias == alias);
        let mut alias = base.to_owned();
        let mut number = 2;
        while taken(&alias) {
            alias = format!("{base}_{number}");
            number += 1;
        }
        alias
    }
}

/// What the table is called that a join leads to.
fn called(join: &Join) -> String {
    match &join.role {
        Some(role) => format!("{}_{}", role.replace(' ', "_"), join.to),
        None => join.to.clone(),
    }
}
