//! The parts of one SELECT, and the statement they make.

use datafusion::sql::sqlparser::ast::helpers::attached_token::AttachedToken;
use datafusion::sql::sqlparser::ast::{
    Distinct, Expr, GroupByExpr, Ident, Join, JoinConstraint, JoinOperator, LimitClause, ObjectName, OrderBy,
    OrderByExpr, OrderByKind, OrderByOptions, Query, Select, SelectFlavor, SelectItem, SetExpr, SetOperator,
    SetQuantifier, TableAlias, TableFactor, TableWithJoins,
};
use pilothouse_domain::semantic::Direction;

use super::expressions::{all, ident, number};
use super::scope::Scope;

/// What stands in a SELECT.
#[derive(Default)]
pub(super) struct Parts {
    pub distinct: bool,
    pub projection: Vec<(Expr, Option<String>)>,
    pub conditions: Vec<Expr>,
    pub group_by: Vec<Expr>,
    pub having: Option<Expr>,
    pub order_by: Vec<(Expr, Direction)>,
}

impl Parts {
    /// The statement over the tables of `scope`.
    pub fn into_query(self, scope: &Scope<'_>, limit: Option<u32>) -> Query {
        let joins = scope.joined.iter().map(|joined| {
            let operator = if joined.outer { JoinOperator::Left } else { JoinOperator::Inner };
            Join {
                relation: joined.relation.clone(),
                global: false,
                join_operator: operator(JoinConstraint::On(joined.on.clone())),
            }
        });
        let from = TableWithJoins { relation: table(&scope.root.table, &scope.root_alias), joins: joins.collect() };
        self.from(from, limit)
    }

    /// The statement over another, in parentheses and called `alias`.
    pub fn over(self, inner: Query, alias: &str, limit: Option<u32>) -> Query {
        self.from(TableWithJoins { relation: derived(inner, alias), joins: Vec::new() }, limit)
    }

    /// The statement over `left` and, where `on` holds, `right`; both in parentheses, called as said.
    pub fn over_both(self, left: (Query, &str), right: (Query, &str), on: Expr, limit: Option<u32>) -> Query {
        let join = Join {
            relation: derived(right.0, right.1),
            global: false,
            join_operator: JoinOperator::Left(JoinConstraint::On(on)),
        };
        self.from(TableWithJoins { relation: derived(left.0, left.1), joins: vec![join] }, limit)
    }

    fn from(self, from: TableWithJoins, limit: Option<u32>) -> Query {
        let projection = self.projection.into_iter().map(|(expr, alias)| match alias {
            Some(alias) => SelectItem::ExprWithAlias { expr, alias: ident(&alias) },
            None => SelectItem::UnnamedExpr(expr),
        });
        let select = Select {
            select_token: AttachedToken::empty(),
            optimizer_hints: Vec::new(),
            distinct: self.distinct.then_some(Distinct::Distinct),
            select_modifiers: None,
            top: None,
            top_before_distinct: false,
            projection: projection.collect(),
            exclude: None,
            into: None,
            from: vec![from],
            lateral_views: Vec::new(),
            prewhere: None,
            selection: all(self.conditions),
            connect_by: Vec::new(),
            group_by: GroupByExpr::Expressions(self.group_by, Vec::new()),
            cluster_by: Vec::new(),
            distribute_by: Vec::new(),
            sort_by: Vec::new(),
            having: self.having,
            named_window: Vec::new(),
            qualify: None,
            window_before_qualify: false,
            value_table_mode: None,
            flavor: SelectFlavor::Standard,
        };
        let order: Vec<OrderByExpr> = self.order_by.into_iter().map(ordered).collect();
        let limit = limit.map(|limit| LimitClause::LimitOffset {
            limit: Some(number(limit.to_string())),
            offset: None,
            limit_by: Vec::new(),
        });
        Query {
            with: None,
            body: Box::new(SetExpr::Select(Box::new(select))),
            order_by: (!order.is_empty())
                .then_some(OrderBy { kind: OrderByKind::Expressions(order), interpolate: None }),
            limit_clause: limit,
            fetch: None,
            locks: Vec::new(),
            for_clause: None,
            settings: None,
            format_clause: None,
            pipe_operators: Vec::new(),
        }
    }
}

fn ordered((expr, direction): (Expr, Direction)) -> OrderByExpr {
    let asc = direction == Direction::Ascending;
    OrderByExpr { expr, options: OrderByOptions { asc: Some(asc), nulls_first: Some(false) }, with_fill: None }
}

/// A statement in parentheses, called `alias`.
pub(super) fn derived(inner: Query, alias: &str) -> TableFactor {
    TableFactor::Derived { lateral: false, subquery: Box::new(inner), alias: Some(named(alias)), sample: None }
}

/// All rows of each, one after the other.
pub(super) fn union_all(queries: Vec<Query>) -> Option<Query> {
    queries.into_iter().reduce(|left, right| Query {
        body: Box::new(SetExpr::SetOperation {
            op: SetOperator::Union,
            set_quantifier: SetQuantifier::All,
            left: left.body,
            right: right.body,
        }),
        ..right
    })
}

fn named(alias: &str) -> TableAlias {
    TableAlias { explicit: true, name: ident(alias), columns: Vec::new(), at: None }
}

/// A table by its name, which may be `schema.table`, called `alias`.
pub(super) fn table(name: &str, alias: &str) -> TableFactor {
    let parts: Vec<Ident> = name.split('.').map(ident).collect();
    TableFactor::Table {
        name: ObjectName::from(parts),
        alias: (name != alias).then(|| named(alias)),
        args: None,
        with_hints: Vec::new(),
        version: None,
        with_ordinality: false,
        partitions: Vec::new(),
        json_path: None,
        sample: None,
        index_hints: Vec::new(),
    }
}
