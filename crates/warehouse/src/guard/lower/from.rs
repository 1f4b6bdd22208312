//! FROM: tables, derived tables, table functions, joins.

use datafusion::sql::sqlparser::ast::{
    Expr as AstExpr, ExprWithAlias, FunctionArg, Join as AstJoin, JoinConstraint, JoinOperator, NullInclusion,
    ObjectName, PivotValueSource, TableAlias, TableAliasColumnDef, TableFactor, TableFunctionArgs, TableWithJoins,
};
use pilothouse_domain::catalog::Dialect;

use super::Lowering;
use crate::guard::ir::{Alias, Call, Constraint, FromItem, Join, JoinKind, Named, Pivot, Relation, Source, Unpivot};
use crate::guard::names::Name;
use crate::guard::report::ReasonCode;

impl Lowering<'_> {
    pub(super) fn joined_item(&mut self, item: &TableWithJoins) -> FromItem {
        let TableWithJoins { relation, joins } = item;
        FromItem { relation: self.relation(relation), joins: joins.iter().map(|join| self.join(join)).collect() }
    }

    pub(super) fn join(&mut self, join: &AstJoin) -> Join {
        let AstJoin { relation, global, join_operator } = join;
        self.only_without(*global, "GLOBAL JOIN");
        let relation = self.relation(relation);
        let (kind, constraint) = match join_operator {
            JoinOperator::Join(on) | JoinOperator::Inner(on) => (JoinKind::Inner, self.constraint(on)),
            JoinOperator::Left(on) | JoinOperator::LeftOuter(on) => (JoinKind::Left, self.constraint(on)),
            JoinOperator::Right(on) | JoinOperator::RightOuter(on) => (JoinKind::Right, self.constraint(on)),
            JoinOperator::FullOuter(on) => (JoinKind::Full, self.constraint(on)),
            JoinOperator::CrossJoin(on) => (JoinKind::Cross, self.constraint(on)),
            JoinOperator::Semi(on) | JoinOperator::LeftSemi(on) => (JoinKind::LeftSemi, self.constraint(on)),
            JoinOperator::RightSemi(on) => (JoinKind::RightSemi, self.constraint(on)),
            JoinOperator::Anti(on) | JoinOperator::LeftAnti(on) => (JoinKind::LeftAnti, self.constraint(on)),
            JoinOperator::RightAnti(on) => (JoinKind::RightAnti, self.constraint(on)),
            JoinOperator::CrossApply
            | JoinOperator::OuterApply
            | JoinOperator::AsOf { match_condition: _, constraint: _ }
            | JoinOperator::StraightJoin(_)
            | JoinOperator::ArrayJoin
            | JoinOperator::LeftArrayJoin
            | JoinOperator::InnerArrayJoin => {
                self.unsupported("this kind of join");
                (JoinKind::Inner, Constraint::None)
            }
        };
        Join { kind, constraint, relation }
    }

    fn constraint(&mut self, constraint: &JoinConstraint) -> Constraint {
        match constraint {
            JoinConstraint::On(expr) => Constraint::On(self.expr(expr)),
            JoinConstraint::Using(names) => {
                Constraint::Using(names.iter().filter_map(|name| self.single_name(name)).collect())
            }
            JoinConstraint::Natural => Constraint::Natural,
            JoinConstraint::None => Constraint::None,
        }
    }

    pub(super) fn alias(&mut self, alias: &TableAlias) -> Alias {
        let TableAlias { explicit: _, name, columns, at } = alias;
        self.only_without(at.is_some(), "AT after a table's name");
        let name = self.name(name);
        let columns = columns
            .iter()
            .map(|TableAliasColumnDef { name, data_type }| {
                self.only_without(data_type.is_some(), "a type in a list of column names");
                self.name(name)
            })
            .collect();
        Alias { name, columns }
    }

    fn relation(&mut self, factor: &TableFactor) -> Relation {
        if !self.enter() {
            return Relation { source: Source::Refused, alias: None, pos: self.here, id: 0 };
        }
        let (source, alias) = self.source(factor);
        self.leave();
        let pos = match &source {
            Source::Table(parts) => parts.last().map_or(self.here, |name| name.pos),
            _ => self.here,
        };
        let alias = alias.map(|alias| self.alias(alias));
        Relation { source, alias, pos, id: 0 }
    }

    fn source<'f>(&mut self, factor: &'f TableFactor) -> (Source, Option<&'f TableAlias>) {
        match factor {
            TableFactor::Table { alias, .. } => (self.table(factor), alias.as_ref()),
            TableFactor::Derived { lateral, subquery, alias, sample } => {
                self.only_without(sample.is_some(), "TABLESAMPLE");
                (Source::Derived { lateral: *lateral, query: Box::new(self.query(subquery)) }, alias.as_ref())
            }
            TableFactor::Function { lateral, name, args, with_ordinality, alias } => {
                self.only_without(*with_ordinality, "WITH ORDINALITY");
                (self.table_function(*lateral, name, args), alias.as_ref())
            }
            TableFactor::UNNEST { alias, array_exprs, with_offset, with_offset_alias, with_ordinality } => {
                let offset = match with_offset_alias {
                    Some(alias) => Some(self.name(alias)),
                    None => with_offset.then(|| Name { text: "offset".into(), pos: self.here }),
                };
                let exprs = self.exprs(array_exprs);
                (Source::Unnest { exprs, ordinality: *with_ordinality, offset }, alias.as_ref())
            }
            TableFactor::NestedJoin { table_with_joins, alias } => {
                (Source::Nested(Box::new(self.joined_item(table_with_joins))), alias.as_ref())
            }
            TableFactor::TableFunction { expr: _, alias } => {
                self.refuse(ReasonCode::FunctionTable, "TABLE(…) may name any table and is not allowed");
                (Source::Refused, alias.as_ref())
            }
            TableFactor::Pivot { table, aggregate_functions, value_column, value_source, default_on_null, alias } => {
                self.only_without(self.dialect != Dialect::BigQuery, "PIVOT");
                self.only_without(default_on_null.is_some(), "DEFAULT ON NULL");
                let of = self.relation(table);
                let ([column], PivotValueSource::List(values)) = (value_column.as_slice(), value_source) else {
                    self.unsupported("a pivot over several columns, or without a list of values");
                    return (Source::Refused, alias.as_ref());
                };
                let (aggregates, column) = (self.named(aggregate_functions), self.expr(column));
                (Source::Pivot(Box::new(Pivot { of, aggregates, column, values: self.named(values) })), alias.as_ref())
            }
            TableFactor::Unpivot { table, value, name, columns, null_inclusion, alias } => {
                self.only_without(self.dialect != Dialect::BigQuery, "UNPIVOT");
                let of = self.relation(table);
                let AstExpr::Identifier(value) = value else {
                    self.unsupported("an unpivot of several values");
                    return (Source::Refused, alias.as_ref());
                };
                let nulls = null_inclusion.as_ref().map(|nulls| match nulls {
                    NullInclusion::IncludeNulls => "INCLUDE NULLS",
                    NullInclusion::ExcludeNulls => "EXCLUDE NULLS",
                });
                let (value, name) = (self.name(value), self.name(name));
                let columns = self.named(columns);
                (Source::Unpivot(Box::new(Unpivot { of, nulls, value, name, columns })), alias.as_ref())
            }
            TableFactor::JsonTable { .. }
            | TableFactor::OpenJsonTable { .. }
            | TableFactor::MatchRecognize { .. }
            | TableFactor::XmlTable { .. }
            | TableFactor::SemanticView { .. } => {
                self.unsupported("this form of table");
                (Source::Refused, None)
            }
        }
    }

    fn named(&mut self, exprs: &[ExprWithAlias]) -> Vec<Named> {
        exprs.iter().map(|named| self.named_one(named)).collect()
    }

    pub(super) fn named_one(&mut self, named: &ExprWithAlias) -> Named {
        let ExprWithAlias { expr, alias } = named;
        let expr = self.expr(expr);
        (expr, alias.as_ref().map(|alias| self.name(alias)))
    }

    fn table(&mut self, factor: &TableFactor) -> Source {
        let TableFactor::Table {
            name,
            alias: _,
            args,
            with_hints,
            version,
            with_ordinality,
            partitions,
            json_path,
            sample,
            index_hints,
        } = factor
        else {
            return Source::Refused;
        };
        self.only_without(!with_hints.is_empty() || !index_hints.is_empty(), "a table hint");
        self.only_without(version.is_some(), "an older version of a table");
        self.only_without(*with_ordinality, "WITH ORDINALITY");
        self.only_without(!partitions.is_empty(), "PARTITION after a table");
        self.only_without(json_path.is_some(), "a path after a table");
        self.only_without(sample.is_some(), "TABLESAMPLE");
        match args {
            None => Source::Table(self.object_name(name)),
            Some(TableFunctionArgs { args, settings }) => {
                if settings.is_some() {
                    self.refuse(ReasonCode::StatementSetting, "a query must not change settings");
                }
                self.table_function(false, name, args)
            }
        }
    }

    fn table_function(&mut self, lateral: bool, name: &ObjectName, args: &[FunctionArg]) -> Source {
        let name = self.object_name(name);
        let args = args.iter().map(|arg| self.arg(arg)).collect();
        Source::Function { lateral, call: Call::plain(name, args) }
    }
}
