//! Why a number changed: by how much the values of each of several fields moved it, one field under the other.

use datafusion::sql::sqlparser::ast;
use pilothouse_domain::catalog::Dialect;
use pilothouse_domain::semantic::{
    Additivity, Calculation, Direction, Filter, Group, Measure, Model, Query, field_text,
};

use super::CompileError;
use super::expressions::{call, cast, column, text};
use super::select::{Parts, union_all};
use super::shapes::plain;

/// The columns of the result.
pub(super) const COLUMNS: [&str; 5] = ["driver", "value", "before", "after", "change"];

const MOVED: &str = "moved";

/// The values of `query.drivers` by how much they moved its change.
pub(super) fn drivers(query: &Query, model: &Model, dialect: Dialect) -> Result<ast::Query, CompileError> {
    let [Measure { calculation: Calculation::Change { measure: of, from, to, .. }, .. }] = query.measures.as_slice()
    else {
        return Err(CompileError::Unsupported("only a change between two sets of rows has drivers"));
    };
    if of.additivity() != Additivity::Additive {
        return Err(CompileError::Unsupported("only of what adds up can parts be told"));
    }
    let only = |filters: &[Filter]| {
        let filters = of.filters.iter().chain(filters).cloned().collect();
        Measure { filters, ..of.as_ref().clone() }
    };
    let change = Calculation::Change { measure: of.clone(), from: from.clone(), to: to.clone(), relative: false };
    let measures = vec![only(from), only(to), Measure::new(&of.dataset, change)];
    let inner: Vec<String> = COLUMNS[1..].iter().map(|name| (*name).to_owned()).collect();
    let each = query.drivers.iter().map(|field| {
        let group = Group::of(field.clone());
        let one = Query {
            dataset: query.dataset.clone(),
            measures: measures.clone(),
            groups: vec![group],
            filters: query.filters.clone(),
            ..Query::default()
        };
        let of_field = plain(&one, &inner, model, dialect)?;
        let mut parts = Parts::default();
        parts.projection.push((text(&field_text(field, model)), Some(COLUMNS[0].to_owned())));
        let value = cast(column(MOVED, COLUMNS[1]), ast::DataType::Varchar(None));
        parts.projection.push((value, Some(COLUMNS[1].to_owned())));
        parts.projection.extend(COLUMNS[2..].iter().map(|name| (column(MOVED, name), Some((*name).to_owned()))));
        Ok(parts.over(of_field, MOVED, None))
    });
    let all = union_all(each.collect::<Result<Vec<_>, CompileError>>()?);
    let all = all.ok_or(CompileError::Unsupported("it has no drivers"))?;
    let mut parts = Parts::default();
    parts.projection.extend(COLUMNS.iter().map(|name| (column("drivers", name), Some((*name).to_owned()))));
    let size = call("abs", vec![column("drivers", COLUMNS[4])]);
    parts.order_by.push((size, Direction::Descending));
    parts.order_by.extend(COLUMNS[..2].iter().map(|name| (column("drivers", name), Direction::Ascending)));
    Ok(parts.over(all, "drivers", query.limit))
}
