//! Queries that stand in for what is named: for a protected table what may be seen of it, for a view its text.

use pilothouse_domain::catalog::Table;

use super::Resolver;
use super::scope::Shape;
use crate::guard::access::{Sensitivity, TableAccess, mask};
use crate::guard::ir::{Body, Distinct, FromItem, GroupBy, Item, Query, Relation, Select, Source};
use crate::guard::lexer::Pos;
use crate::guard::names::Name;
use crate::guard::report::ReasonCode;

/// Most views within each other.
const MAX_VIEWS: usize = 8;

/// What stands in for a name.
pub enum StandIn {
    Table(Query),
    View(Query),
}

impl<'a> Resolver<'a> {
    /// The query that stands in for a table or view of this name, if one does.
    pub(super) fn stand_in(&mut self, parts: &[Name]) -> Option<StandIn> {
        let last = parts.last()?;
        if self.raw || (parts.len() == 1 && self.ctes.iter().any(|cte| cte.name == last.text)) {
            return None;
        }
        if let Some(view) = self.access.views.get(last.text.as_str()).filter(|_| self.is_home(parts)) {
            if self.views >= MAX_VIEWS {
                let message = format!("more than {MAX_VIEWS} views stand in each other");
                self.refuse(ReasonCode::CapSubqueries, last.pos, message, None);
                return None;
            }
            return Some(StandIn::View(view.clone()));
        }
        let table = self.base_table(parts)?;
        let access = self.access.table(&table.name)?;
        if !access.is_wrapped() {
            return None;
        }
        if access.rows.is_some() {
            let message = format!("only the rows of {} that you may see", table.name);
            self.refuse(ReasonCode::RowsFiltered, last.pos, message, None);
        }
        Some(StandIn::Table(self.seen(table, access, parts)))
    }

    /// Whether a name with these parts can be one of the connection's own.
    fn is_home(&self, parts: &[Name]) -> bool {
        let schema = self.catalog.tables.first().and_then(|table| table.schema.as_deref()).unwrap_or("public");
        match parts {
            [_] => true,
            [of, _] => of.text == schema,
            [project, of, _] => of.text == schema && self.access.project.as_deref() == Some(project.text.as_str()),
            _ => false,
        }
    }

    /// What may be seen of a table.
    fn seen(&self, table: &Table, access: &TableAccess, parts: &[Name]) -> Query {
        let dialect = self.catalog.dialect;
        let items = table.columns.iter().filter_map(|column| match access.of(&column.name) {
            Sensitivity::Hidden => None,
            Sensitivity::Masked(how) => {
                Some(Item::Expr { expr: how.of(column, dialect), alias: Some(mask::name(&column.name)) })
            }
            Sensitivity::Open | Sensitivity::Quasi | Sensitivity::Restricted => {
                Some(Item::Expr { expr: mask::named(&column.name), alias: None })
            }
        });
        let relation = Relation { source: Source::Table(parts.to_vec()), alias: None, pos: Pos::default(), id: 0 };
        let select = Select {
            as_struct: false,
            distinct: Distinct::No,
            items: items.collect(),
            from: vec![FromItem { relation, joins: Vec::new() }],
            filter: access.rows.clone(),
            group_by: GroupBy::None,
            having: None,
            windows: Vec::new(),
            qualify: None,
        };
        Query {
            recursive: false,
            ctes: Vec::new(),
            body: Body::Select(Box::new(select)),
            order_by: Vec::new(),
            limit: None,
            offset: None,
            pos: Pos::default(),
        }
    }

    /// Resolves a query that stands in, which knows nothing of the query around it.
    pub(super) fn resolve_stand_in(&mut self, query: &mut Query, raw: bool) -> Shape<'a> {
        let ctes = std::mem::take(&mut self.ctes);
        let scopes = std::mem::take(&mut self.scopes);
        let known = self.outside.len();
        self.outside.extend(ctes.iter().map(|cte| cte.name.clone()));
        let (was_raw, passing) = (std::mem::replace(&mut self.raw, raw), std::mem::take(&mut self.passing));
        self.views += 1;
        let shape = self.query(query);
        self.views -= 1;
        (self.raw, self.passing) = (was_raw, passing);
        self.outside.truncate(known);
        self.ctes = ctes;
        self.scopes = scopes;
        shape
    }
}
