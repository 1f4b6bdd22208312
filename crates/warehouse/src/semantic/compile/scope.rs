//! The tables of one SELECT: the root and what is joined to it, each with its alias.

use std::collections::VecDeque;

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr};
use pilothouse_domain::catalog::Dialect;
use pilothouse_domain::semantic::{Dataset, Field, FieldRef, Join, Model};

use super::CompileError;
use super::expressions::{all, binary, column};

/// Most joins between the root and a field.
const MAX_HOPS: usize = 4;

/// A table joined to those before it.
pub(super) struct Joined<'a> {
    pub dataset: &'a Dataset,
    pub alias: String,
    pub on: Expr,
}

/// What a SELECT reads.
pub(super) struct Scope<'a> {
    pub model: &'a Model,
    pub dialect: Dialect,
    pub root: &'a Dataset,
    pub root_alias: String,
    pub joined: Vec<Joined<'a>>,
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
        if at.dataset == self.root.name && at.via.is_none() {
            return Ok(column(&self.root_alias, &field.column));
        }
        let way = self.way(at)?;
        let alias = self.join(&way)?;
        Ok(column(&alias, &field.column))
    }

    /// The one shortest way from the root to the dataset of `at`.
    fn way(&self, at: &FieldRef) -> Result<Vec<usize>, CompileError> {
        let mut found: Vec<Vec<usize>> = Vec::new();
        let mut queue: VecDeque<(&str, Vec<usize>)> = VecDeque::from([(self.root.name.as_str(), Vec::new())]);
        while let Some((here, way)) = queue.pop_front() {
            let shortest = found.first().map_or(MAX_HOPS, Vec::len);
            if way.len() >= shortest {
                continue;
            }
            for (index, join) in self.model.joins.iter().enumerate().filter(|(_, join)| join.from == here) {
                let mut longer = way.clone();
                longer.push(index);
                if join.to == at.dataset {
                    found.push(longer);
                } else if !way.iter().any(|step| self.model.joins[*step].to == join.to) {
                    queue.push_back((join.to.as_str(), longer));
                }
            }
        }
        if let Some(role) = &at.via {
            found.retain(|way| way.iter().any(|step| self.model.joins[*step].role.as_ref() == Some(role)));
        }
        let shortest = found.iter().map(Vec::len).min().unwrap_or_default();
        found.retain(|way| way.len() == shortest);
        match <[Vec<usize>; 1]>::try_from(found) {
            Ok([way]) => Ok(way),
            Err(_) => Err(CompileError::NoWay { from: self.root.name.clone(), to: at.dataset.clone() }),
        }
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
            let alias = self.free_alias(join);
            let on = join
                .columns
                .iter()
                .zip(&join.references)
                .map(|(left, right)| binary(column(&from, left), BinaryOperator::Eq, column(&alias, right)));
            let on = all(on.collect()).ok_or(CompileError::Unsupported("a join has no columns"))?;
            self.joined.push(Joined { dataset, alias: alias.clone(), on });
            self.steps.push((prefix.to_vec(), alias.clone()));
            from = alias;
        }
        Ok(from)
    }

    fn free_alias(&self, join: &Join) -> String {
        let base = match &join.role {
            Some(role) => format!("{}_{}", role.replace(' ', "_"), join.to),
            None => join.to.clone(),
        };
        let taken = |alias: &str| alias == self.root_alias || self.joined.iter().any(|joined| joined.alias == alias);
        let mut alias = base.clone();
        let mut number = 2;
        while taken(&alias) {
            alias = format!("{base}_{number}");
            number += 1;
        }
        alias
    }
}
