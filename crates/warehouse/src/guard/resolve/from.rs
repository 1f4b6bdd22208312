//! FROM: tables found in the catalog or among the CTEs, and what joins merge.

use pilothouse_domain::catalog::{DataType, Dialect, Table};

use smol_str::SmolStr;

use super::Resolver;
use super::scope::{OutColumn, Rel, Scope, Shape};
use super::stand_in::StandIn;
use crate::guard::access::{Marks, Sensitivity};
use crate::guard::children;
use crate::guard::functions;
use crate::guard::ir::{Alias, Column, Constraint, Expr, FromItem, Join, Pivot, Relation, Source};
use crate::guard::names::{Name, nearest};
use crate::guard::report::ReasonCode;

/// Endings of names that engines open as files.
const FILE_ENDINGS: [&str; 14] = [
    ".parquet", ".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".avro", ".arrow", ".orc", ".txt", ".gz", ".zst",
    ".xlsx", ".db",
];

impl<'a> Resolver<'a> {
    pub(super) fn joined_item(&mut self, item: &mut FromItem, scope: &mut Scope<'a>) {
        self.relation(&mut item.relation, scope);
        for join in &mut item.joins {
            self.join(join, scope);
        }
    }

    /// Does `what` where the names of `scope` are seen.
    fn within<T>(&mut self, scope: &mut Scope<'a>, what: impl FnOnce(&mut Self) -> T) -> T {
        self.scopes.push(std::mem::take(scope));
        let done = what(self);
        *scope = self.scopes.pop().unwrap_or_default();
        done
    }

    fn join(&mut self, join: &mut Join, scope: &mut Scope<'a>) {
        let before = scope.rels.len();
        self.relation(&mut join.relation, scope);
        let shared = match &mut join.constraint {
            Constraint::None => return,
            Constraint::On(expr) => {
                self.within(scope, |resolver| resolver.expr(expr));
                return;
            }
            Constraint::Using(names) => names.clone(),
            Constraint::Natural => {
                let (left, right) = scope.rels.split_at(before);
                let names = right.iter().flat_map(|rel| &rel.shape.columns).filter_map(|column| column.name.clone());
                let shared = names.filter(|name| left.iter().any(|rel| rel.shape.column(name).is_some()));
                let pos = join.relation.pos;
                shared.map(|text| Name { text, pos }).collect()
            }
        };
        for name in shared {
            let (left, right) = scope.rels.split_at(before);
            let has =
                |rels: &[Rel<'_>]| rels.iter().any(|rel| rel.shape.open || rel.shape.column(&name.text).is_some());
            if !has(left) || !has(right) {
                let message = format!("both sides of the join must have the column {}", name.text);
                self.refuse(ReasonCode::ColumnUnknown, name.pos, message, None);
            }
            let found = || scope.rels.iter().filter_map(|rel| rel.shape.column(&name.text));
            self.facts.columns.extend(found().filter_map(|column| column.base));
            let mut marks: Marks = found().map(|column| column.marks).collect();
            if marks.restricted {
                let message = format!("{} may only be counted, not joined on", name.text);
                self.refuse(ReasonCode::ColumnRestricted, name.pos, message, None);
            }
            self.read(&mut marks, Some(&name));
            scope.merged.push(name.text);
        }
    }

    fn relation(&mut self, relation: &mut Relation, scope: &mut Scope<'a>) {
        relation.id = self.fresh();
        self.unnest_path(relation, scope);
        let mut stands_in = None;
        if let Source::Table(parts) = &relation.source
            && let Some(query) = self.stand_in(parts)
        {
            stands_in = Some((parts.clone(), relation.alias.is_none(), matches!(query, StandIn::Table(_))));
            let (StandIn::Table(query) | StandIn::View(query)) = query;
            if let (None, Some(name)) = (&relation.alias, parts.last()) {
                relation.alias = Some(Alias { name: name.clone(), columns: Vec::new() });
            }
            relation.source = Source::Derived { lateral: false, query: Box::new(query) };
        }
        let (mut rel, laid_open) = match &mut relation.source {
            Source::Nested(item) => {
                let mut inner = Scope::default();
                self.joined_item(item, &mut inner);
                if relation.alias.is_none() {
                    scope.merged.extend(inner.merged);
                    for rel in inner.rels {
                        self.add(rel, scope, relation.pos);
                    }
                    return;
                }
                (self.combined(inner, relation.id), true)
            }
            Source::Table(parts) => (self.table(parts, relation.id), true),
            Source::Derived { lateral: _, query } if let Some((parts, _, is_table)) = &stands_in => {
                let mut shape = self.resolve_stand_in(query, *is_table);
                if let Some(table) = self.base_table(parts).filter(|_| *is_table) {
                    shape.key = self.key_of(table);
                    let access = self.access.table(&table.name);
                    for column in &mut shape.columns {
                        let name = column.name.as_deref().unwrap_or_default();
                        column.marks = access.map(|access| access.of(name).into()).unwrap_or_default();
                    }
                }
                (self.anonymous(relation.id, shape), true)
            }
            Source::Derived { lateral, query } => {
                let shape = match lateral {
                    true => self.within(scope, |resolver| resolver.query(query)),
                    false => self.query(query),
                };
                (self.anonymous(relation.id, shape), true)
            }
            Source::Function { lateral: _, call } => {
                self.within(scope, |resolver| children::of_call_mut(call, &mut |part| resolver.child(part)));
                let rows = functions::generated_rows(call);
                (self.anonymous(relation.id, Shape { rows, ..Shape::open() }), false)
            }
            Source::Unnest { exprs, ordinality: _, offset } => {
                self.within(scope, |resolver| exprs.iter_mut().for_each(|expr| resolver.expr(expr)));
                let rows = functions::listed_rows(exprs);
                // In BigQuery the name of what is unnested is that of its one column.
                let element = relation.alias.iter().map(|alias| &alias.name);
                let element = element.filter(|_| self.catalog.dialect == Dialect::BigQuery);
                let names = element.chain(offset.as_ref()).map(|name| Some(name.text.clone()));
                let columns = names.map(|name| OutColumn::made(name, Marks::default()));
                let shape = Shape { columns: columns.collect(), rows, ..Shape::open() };
                (self.anonymous(relation.id, shape), false)
            }
            Source::Pivot(pivot) => {
                let Pivot { of, aggregates, column, values } = pivot.as_mut();
                let exprs = aggregates.iter_mut().chain(values).map(|(expr, _)| expr);
                self.turned(of, exprs.chain(std::iter::once(column)));
                (self.anonymous(relation.id, Shape::open()), false)
            }
            Source::Unpivot(unpivot) => {
                self.turned(&mut unpivot.of, unpivot.columns.iter_mut().map(|(expr, _)| expr));
                (self.anonymous(relation.id, Shape::open()), false)
            }
            Source::Refused => (self.anonymous(relation.id, Shape::open()), false),
        };
        if let Some(Alias { name, columns }) = &relation.alias {
            rel.name = Some(name.text.clone());
            rel.schema = None;
            if let Some((parts, true, _)) = &stands_in {
                rel.schema = self.base_table(parts).and_then(|table| table.schema.as_deref()).map(SmolStr::from);
                rel.stands_in = true;
            }
            rel.shape.rename(columns);
            // The columns of a table function are all named when its alias names them.
            rel.shape.open &= laid_open || columns.is_empty();
            if !laid_open && columns.is_empty() {
                rel.shape.open = true;
            }
        }
        self.telling |= rel.shape.telling;
        if let Some(rows) = rel.shape.rows {
            self.facts.rows.insert(rel.id, rows);
        }
        self.add(rel, scope, relation.pos);
    }

    /// A table that is turned: whatever it has comes out, grouped or in other columns.
    fn turned<'e>(&mut self, of: &mut Relation, exprs: impl Iterator<Item = &'e mut Expr>) {
        let mut inner = Scope::default();
        self.relation(of, &mut inner);
        let marks: Marks = inner.rels.iter().map(|rel| rel.shape.marks()).collect();
        if marks.restricted {
            let message = "a restricted column may only be counted, not turned".to_owned();
            let suggestion = Some("name the columns you need in a query in brackets".to_owned());
            self.refuse(ReasonCode::ColumnRestricted, of.pos, message, suggestion);
        }
        self.telling |= marks.quasi && !self.raw;
        self.scopes.push(inner);
        exprs.for_each(|expr| self.expr(expr));
        self.scopes.pop();
    }

    /// BigQuery's `FROM t, t.list`: the path is a list of the row before it.
    fn unnest_path(&self, relation: &mut Relation, scope: &Scope<'a>) {
        let Source::Table(parts) = &relation.source else { return };
        let first = parts.first().map(|name| name.text.as_str());
        let of_row = scope.rels.iter().any(|rel| rel.name.as_deref() == first);
        if self.catalog.dialect == Dialect::BigQuery && parts.len() > 1 && of_row {
            let path = Column { parts: parts.clone(), relation: None, marks: Marks::default() };
            relation.source = Source::Unnest { exprs: vec![Expr::Column(path)], ordinality: false, offset: None };
        }
    }

    fn add(&mut self, rel: Rel<'a>, scope: &mut Scope<'a>, pos: crate::guard::lexer::Pos) {
        let duplicate =
            rel.name.is_some() && scope.rels.iter().any(|other| other.name == rel.name && other.schema == rel.schema);
        if duplicate {
            let name = rel.name.clone().unwrap_or_default();
            let suggestion = Some(format!("give one of them another name: {name} AS other"));
            self.refuse(ReasonCode::TableDuplicate, pos, format!("two tables go by the name {name}"), suggestion);
        }
        scope.rels.push(rel);
    }

    fn anonymous(&self, id: u32, shape: Shape<'a>) -> Rel<'a> {
        Rel { id, name: None, schema: None, shape, stands_in: false }
    }

    /// The FROM items of a join in brackets that has a name of its own.
    fn combined(&self, inner: Scope<'a>, id: u32) -> Rel<'a> {
        let open = inner.rels.iter().any(|rel| rel.shape.open);
        let columns = inner.rels.into_iter().flat_map(|rel| rel.shape.columns).collect();
        let shape = Shape { open, columns, ..Shape::default() };
        self.anonymous(id, shape)
    }

    fn table(&mut self, parts: &mut Vec<Name>, id: u32) -> Rel<'a> {
        let Some(last) = parts.last().cloned() else { return self.anonymous(id, Shape::open()) };
        if parts.len() == 1
            && let Some(cte) = self.ctes.iter().rev().find(|cte| cte.name == last.text)
        {
            let (cost, shape) = (cte.cost, cte.shape.clone());
            self.spend(cost, last.pos);
            return Rel { name: Some(last.text), ..self.anonymous(id, shape) };
        }
        self.spend(1, last.pos);
        let Some(table) = self.base_table(parts) else {
            self.refuse_table(parts, &last);
            return Rel { name: Some(last.text), ..self.anonymous(id, Shape::open()) };
        };
        if self.catalog.dialect == Dialect::BigQuery
            && let Some(written) = parts.last_mut()
        {
            // It tells tables apart by their case; names of tables in a query were folded as all others.
            written.text = table.name.as_str().into();
        }
        let schema = table.schema.as_deref().unwrap_or("public");
        let postgres = self.catalog.dialect == Dialect::PostgreSql;
        // The schema is written out, so that the server's search path decides nothing, and no CTE around a view.
        if parts.len() == 1 && ((postgres && schema != "public") || self.outside.iter().any(|name| *name == table.name))
        {
            parts.insert(0, Name { text: schema.into(), pos: last.pos });
        }
        self.facts.tables.insert(table.name.as_str());
        let access = self.access.table(&table.name);
        if access.is_some_and(|access| access.approval) {
            let message = format!("{} may be read once a person has agreed to it", table.name);
            self.refuse(ReasonCode::ApprovalTable, last.pos, message, None);
        }
        let columns = table.columns.iter().map(|column| OutColumn {
            name: Some(column.name.as_str().into()),
            base: Some((table.name.as_str(), column.name.as_str())),
            nested: column.data_type == DataType::Other,
            marks: access.map(|access| access.of(&column.name).into()).unwrap_or_default(),
        });
        let shape = Shape { columns: columns.collect(), key: self.key_of(table), ..Shape::default() };
        let schema = table.schema.as_deref().map(SmolStr::from);
        Rel { id, name: Some(last.text), schema, shape, stands_in: false }
    }

    /// The column that tells the persons of a table apart, where the table tells something of them.
    fn key_of(&self, table: &Table) -> Option<SmolStr> {
        let quasi = |sensitivity: &Sensitivity| *sensitivity == Sensitivity::Quasi;
        match (table.primary_key.as_slice(), self.access.table(&table.name)) {
            ([key], Some(access)) if access.columns.values().any(quasi) => Some(key.as_str().into()),
            _ => None,
        }
    }

    pub(super) fn base_table(&self, parts: &[Name]) -> Option<&'a Table> {
        let same = |known: &str, written: &str| match self.catalog.dialect {
            Dialect::BigQuery => known.eq_ignore_ascii_case(written),
            Dialect::DataFusion | Dialect::PostgreSql => known == written,
        };
        let is_in = |table: &Table, schema: &str| same(table.schema.as_deref().unwrap_or("public"), schema);
        let name = parts.last()?;
        // A view may read what is not seen without it.
        let hidden = |table: &Table| self.access.table(&table.name).is_some_and(|access| access.hidden);
        let seen = |table: &&Table| self.views > 0 || !hidden(table);
        let catalog = self.catalog;
        let mut found = catalog.tables.iter().filter(|table| same(&table.name, &name.text)).filter(seen);
        match parts {
            [_] => {
                let first = found.next()?;
                let more = found.next();
                if more.is_none() {
                    return Some(first);
                }
                only(std::iter::once(first).chain(more).chain(found).filter(|table| is_in(table, "public")))
            }
            [schema, _] => only(found.filter(|table| is_in(table, &schema.text))),
            [project, schema, _] if self.access.project.as_deref() == Some(project.text.as_str()) => {
                only(found.filter(|table| is_in(table, &schema.text)))
            }
            _ => None,
        }
    }

    fn refuse_table(&mut self, parts: &[Name], last: &Name) {
        let full = parts.iter().map(|name| name.text.as_str()).collect::<Vec<_>>().join(".");
        let lower = full.to_ascii_lowercase();
        let system = |name: &str| {
            let name = name.to_ascii_lowercase();
            name.starts_with("pg_")
                || name == "information_schema"
                || name.starts_with("sqlite_")
                || name.starts_with("duckdb_")
        };
        if parts.iter().any(|name| system(&name.text)) {
            let message = format!("{full} is a system catalog");
            self.refuse(
                ReasonCode::CatalogSystem,
                last.pos,
                message,
                Some("see the catalog page for tables".to_owned()),
            );
        } else if lower.contains(['/', '\\', '*'])
            || lower.contains("://")
            || FILE_ENDINGS.iter().any(|ending| lower.ends_with(ending))
        {
            self.refuse(ReasonCode::TableFile, last.pos, format!("{full} is a file or an address, not a table"), None);
        } else {
            let hidden = |name: &str| self.access.table(name).is_some_and(|access| access.hidden);
            let tables = self.catalog.tables.iter().map(|table| table.name.as_str()).filter(|name| !hidden(name));
            let tables = tables.chain(self.access.views.keys().map(String::as_str));
            let suggestion = nearest(&last.text, tables.chain(self.ctes.iter().map(|cte| cte.name.as_str())));
            self.refuse(ReasonCode::TableUnknown, last.pos, format!("there is no table {full}"), suggestion);
        }
    }
}

/// The one table that there is; none where several are named alike but for their case.
fn only<'a>(mut tables: impl Iterator<Item = &'a Table>) -> Option<&'a Table> {
    tables.next().filter(|_| tables.next().is_none())
}
