//! Queries: WITH, set operations, VALUES, ORDER BY, LIMIT.

use datafusion::sql::sqlparser::ast::{
    Cte as AstCte, CteAsMaterialized, Fetch, LimitClause, Offset, OrderBy, OrderByExpr, OrderByKind, OrderByOptions,
    Query as AstQuery, SetExpr, SetOperator, SetQuantifier, Table, Values, With,
};

use pilothouse_domain::catalog::Dialect;
use smol_str::StrExt as _;

use super::Lowering;
use crate::guard::ir::{
    Body, Branch, Cte, Distinct, Expr, FromItem, GroupBy, Item, OrderItem, Query, Relation, Select, Source, Star,
};
use crate::guard::names::Name;
use crate::guard::report::ReasonCode;

impl Lowering<'_> {
    pub(super) fn query(&mut self, query: &AstQuery) -> Query {
        let AstQuery {
            with,
            body,
            order_by,
            limit_clause,
            fetch,
            locks,
            for_clause,
            settings,
            format_clause,
            pipe_operators,
        } = query;
        let pos = self.here;
        let mut out = Query {
            recursive: with.as_ref().is_some_and(|with| with.recursive),
            ctes: Vec::new(),
            body: Body::Values(Vec::new()),
            order_by: Vec::new(),
            limit: None,
            offset: None,
            pos,
        };
        if self.queries >= self.limits.max_subquery_depth {
            let message = format!("queries stand more than {} deep in each other", self.limits.max_subquery_depth);
            self.refuse(ReasonCode::CapSubqueries, message);
            return out;
        }
        if !self.enter() {
            return out;
        }
        self.queries += 1;
        if !locks.is_empty() {
            self.refuse(ReasonCode::StatementLock, "rows must not be locked (FOR UPDATE, FOR SHARE)");
        }
        if settings.is_some() {
            self.refuse(ReasonCode::StatementSetting, "a query must not change settings");
        }
        self.only_without(for_clause.is_some(), "FOR XML, JSON or BROWSE");
        self.only_without(format_clause.is_some(), "FORMAT");
        if let Some(with) = with {
            out.ctes = self.with(with);
        }
        out.body = self.body(body);
        if let Some(order_by) = order_by {
            out.order_by = self.order_by(order_by);
        }
        (out.limit, out.offset) = self.limit(limit_clause.as_ref(), fetch.as_ref());
        match self.dialect {
            Dialect::BigQuery => out = self.piped(out, pipe_operators),
            Dialect::DataFusion | Dialect::PostgreSql => {
                self.only_without(!pipe_operators.is_empty(), "the pipe syntax");
            }
        }
        self.queries -= 1;
        self.leave();
        out
    }

    fn with(&mut self, with: &With) -> Vec<Cte> {
        let With { with_token: _, recursive: _, cte_tables } = with;
        cte_tables.iter().map(|cte| self.cte(cte)).collect()
    }

    fn cte(&mut self, cte: &AstCte) -> Cte {
        let AstCte { alias, query, from, materialized, closing_paren_token: _ } = cte;
        self.only_without(from.is_some(), "FROM after a WITH query");
        let alias = self.alias(alias);
        let materialized = materialized.as_ref().map(|how| match how {
            CteAsMaterialized::Materialized => true,
            CteAsMaterialized::NotMaterialized => false,
        });
        Cte { name: alias.name, columns: alias.columns, query: self.query(query), materialized }
    }

    fn body(&mut self, body: &SetExpr) -> Body {
        // The parser nests chains of set operations to the left, so the spine is walked instead of recursed into.
        let mut rest = Vec::new();
        let mut first = body;
        while let SetExpr::SetOperation { left, op, set_quantifier, right } = first {
            rest.push((*op, *set_quantifier, right.as_ref()));
            first = left;
        }
        if !self.enter() {
            return Body::Values(Vec::new());
        }
        let first = self.simple_body(first);
        let rest: Vec<Branch> = rest
            .into_iter()
            .rev()
            .map(|(operator, quantifier, right)| Branch {
                operator: self.set_operator(operator, quantifier),
                body: self.body(right),
            })
            .collect();
        self.leave();
        if rest.is_empty() { first } else { Body::Chain { first: Box::new(first), rest } }
    }

    fn simple_body(&mut self, body: &SetExpr) -> Body {
        match body {
            SetExpr::Select(select) => Body::Select(Box::new(self.select(select))),
            SetExpr::Query(query) => Body::Nested(Box::new(self.query(query))),
            SetExpr::Values(values) => self.values(values),
            SetExpr::Table(table) => self.table_command(table),
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {
                self.refuse(ReasonCode::StatementWrite, "a query must not hold a statement that writes");
                Body::Values(Vec::new())
            }
            // `body` walks the spine, so this is never reached; it is refused all the same.
            SetExpr::SetOperation { .. } => {
                self.unsupported("this set operation");
                Body::Values(Vec::new())
            }
        }
    }

    pub(super) fn set_operator(&mut self, operator: SetOperator, quantifier: SetQuantifier) -> &'static str {
        use {SetOperator as O, SetQuantifier as Q};
        let distinct = self.dialect == Dialect::BigQuery;
        match (operator, quantifier) {
            (O::Union, Q::None | Q::Distinct) if distinct => "UNION DISTINCT",
            (O::Intersect, Q::None | Q::Distinct) if distinct => "INTERSECT DISTINCT",
            (O::Except | O::Minus, Q::None | Q::Distinct) if distinct => "EXCEPT DISTINCT",
            (O::Union, Q::None | Q::Distinct) => "UNION",
            (O::Union, Q::All) => "UNION ALL",
            (O::Intersect, Q::None | Q::Distinct) => "INTERSECT",
            (O::Intersect, Q::All) => "INTERSECT ALL",
            (O::Except | O::Minus, Q::None | Q::Distinct) => "EXCEPT",
            (O::Except | O::Minus, Q::All) => "EXCEPT ALL",
            (_, Q::ByName | Q::AllByName | Q::DistinctByName) => {
                self.unsupported("a set operation BY NAME");
                "UNION"
            }
        }
    }

    fn values(&mut self, values: &Values) -> Body {
        let Values { explicit_row: _, value_keyword: _, rows } = values;
        Body::Values(rows.iter().map(|row| self.exprs(row)).collect())
    }

    /// `TABLE t` is `SELECT * FROM t`.
    fn table_command(&mut self, table: &Table) -> Body {
        let Table { table_name, schema_name } = table;
        let pos = self.here;
        let name = [schema_name, table_name]
            .into_iter()
            .flatten()
            .map(|part| Name { text: part.to_ascii_lowercase_smolstr(), pos })
            .collect();
        let relation = Relation { source: Source::Table(name), alias: None, pos, id: 0 };
        Body::Select(Box::new(Select {
            as_struct: false,
            distinct: Distinct::No,
            items: vec![Item::Star(Star::all(pos))],
            from: vec![FromItem { relation, joins: Vec::new() }],
            filter: None,
            group_by: GroupBy::None,
            having: None,
            windows: Vec::new(),
            qualify: None,
        }))
    }

    fn order_by(&mut self, order_by: &OrderBy) -> Vec<OrderItem> {
        let OrderBy { kind, interpolate } = order_by;
        self.only_without(interpolate.is_some(), "INTERPOLATE");
        match kind {
            OrderByKind::All(_) => {
                self.unsupported("ORDER BY ALL");
                Vec::new()
            }
            OrderByKind::Expressions(items) => self.order_items(items),
        }
    }

    pub(super) fn order_items(&mut self, items: &[OrderByExpr]) -> Vec<OrderItem> {
        items
            .iter()
            .map(|item| {
                let OrderByExpr { expr, options, with_fill } = item;
                let OrderByOptions { asc, nulls_first } = options;
                self.only_without(with_fill.is_some(), "WITH FILL");
                OrderItem { expr: self.expr(expr), ascending: *asc, nulls_first: *nulls_first }
            })
            .collect()
    }

    fn limit(&mut self, clause: Option<&LimitClause>, fetch: Option<&Fetch>) -> (Option<Expr>, Option<Expr>) {
        let (mut limit, offset) = match clause {
            None => (None, None),
            Some(LimitClause::LimitOffset { limit, offset, limit_by }) => {
                self.only_without(!limit_by.is_empty(), "LIMIT BY");
                let offset = offset.as_ref().map(|Offset { value, rows: _ }| self.expr(value));
                (limit.as_ref().map(|limit| self.expr(limit)), offset)
            }
            Some(LimitClause::OffsetCommaLimit { offset, limit }) => (Some(self.expr(limit)), Some(self.expr(offset))),
        };
        if let Some(Fetch { with_ties, percent, quantity }) = fetch {
            self.only_without(*with_ties, "FETCH … WITH TIES");
            self.only_without(*percent, "FETCH … PERCENT");
            self.only_without(limit.is_some(), "LIMIT together with FETCH");
            limit = Some(match quantity {
                Some(quantity) => self.expr(quantity),
                None => Expr::number(1),
            });
        }
        (limit, offset)
    }
}
