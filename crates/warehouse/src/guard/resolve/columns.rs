//! Columns: which FROM item a name belongs to, from the innermost scope outwards.

use super::Resolver;
use super::scope::Rel;
use crate::guard::access::Marks;
use crate::guard::children;
use crate::guard::ir::{Column, Expr};
use crate::guard::names::{Name, nearest, push_name};
use crate::guard::report::ReasonCode;

/// Whether a FROM item goes by this name, with or without its schema.
pub fn is_named(rel: &Rel<'_>, qualifier: &[Name]) -> bool {
    match qualifier {
        [name] => rel.name.as_deref() == Some(name.text.as_str()),
        [schema, name] => {
            rel.name.as_deref() == Some(name.text.as_str()) && rel.schema.as_deref().unwrap_or("public") == schema.text
        }
        _ => false,
    }
}

impl Resolver<'_> {
    pub(super) fn expr(&mut self, expr: &mut Expr) {
        match expr {
            Expr::Column(column) => self.column(column),
            other => children::of_expr_mut(other, &mut |part| self.child(part)),
        }
    }

    fn column(&mut self, column: &mut Column) {
        match column.parts.as_slice() {
            [] => {}
            [name] => (column.relation, column.marks) = self.plain(name, true),
            _ => (column.relation, column.marks) = self.qualified(&mut column.parts),
        }
        self.read(&mut column.marks, column.parts.last());
    }

    /// Notes that a value with these marks is read here.
    pub(super) fn read(&mut self, marks: &mut Marks, name: Option<&Name>) {
        if self.raw {
            // What the policy itself does with a column is its own affair.
            *marks = if self.passing { *marks } else { Marks::default() };
            return;
        }
        if marks.masked && self.views == 0 {
            let (text, pos) = name.map_or(("a column", Default::default()), |name| (name.text.as_str(), name.pos));
            self.refuse(ReasonCode::ColumnMasked, pos, format!("{text} is masked"), None);
        }
        self.telling |= marks.quasi && !self.passing;
    }

    /// A name without a table before it; `whole` when nothing follows it.
    fn plain(&mut self, name: &Name, whole: bool) -> (Option<u32>, Marks) {
        let text = name.text.as_str();
        for index in (0..self.scopes.len()).rev() {
            let Some(scope) = self.scopes.get(index) else { continue };
            let alias = scope.alias(text);
            let mut found = scope.rels.iter().filter_map(|rel| Some((rel.id, rel.shape.column(text)?)));
            if let Some((id, first)) = found.next() {
                self.facts.columns.extend(first.base);
                let (mut marks, mut times) = (first.marks.and(alias.unwrap_or_default()), 1);
                for (_, other) in found {
                    self.facts.columns.extend(other.base);
                    (marks, times) = (marks.and(other.marks), times + 1);
                }
                // An output column of that name settles it where the clause sees those.
                if times > 1 && alias.is_none() && !scope.merged.iter().any(|merged| merged == text) {
                    let message = format!("more than one table has a column {text}");
                    let suggestion = Some(format!("write table.{text}"));
                    self.refuse(ReasonCode::ColumnAmbiguous, name.pos, message, suggestion);
                }
                return (Some(id), marks);
            }
            if let Some(marks) = alias {
                return (None, marks);
            }
            if scope.rels.iter().any(|rel| rel.shape.may_have_made(text)) {
                return (None, Marks::default());
            }
        }
        self.unknown(name, whole);
        (None, Marks::default())
    }

    fn unknown(&mut self, name: &Name, whole: bool) {
        let text = name.text.as_str();
        let rels = || self.scopes.iter().flat_map(|scope| &scope.rels);
        if whole && rels().any(|rel| rel.name.as_deref() == Some(text)) {
            let message = format!("{text} is a table, not a column");
            let suggestion = Some(format!("name its columns, or write {text}.*"));
            self.refuse(ReasonCode::ColumnWholeRow, name.pos, message, suggestion);
            return;
        }
        let known = rels().flat_map(|rel| &rel.shape.columns).filter_map(|column| column.name.as_deref());
        let known = known.chain(self.scopes.iter().flat_map(|scope| &scope.aliases).map(|(name, _)| name.as_str()));
        let quoted: Vec<String> = known.map(|name| self.as_written(name)).collect();
        let suggestion = nearest(text, quoted.iter().map(String::as_str));
        let mut shown = String::new();
        push_name(&mut shown, text, self.catalog.dialect);
        self.refuse(ReasonCode::ColumnUnknown, name.pos, format!("there is no column {shown}"), suggestion);
    }

    /// A name with a table before it, or with fields after it.
    fn qualified(&mut self, parts: &mut Vec<Name>) -> (Option<u32>, Marks) {
        for length in [2, 1] {
            let Some((qualifier, rest)) = parts.split_at_checked(length) else { continue };
            let Some((name, fields)) = rest.split_first() else { continue };
            let found =
                self.scopes.iter().rev().find_map(|scope| scope.rels.iter().find(|rel| is_named(rel, qualifier)));
            let Some(rel) = found else { continue };
            let (id, stands_in, column) = (rel.id, rel.stands_in, rel.shape.column(&name.text));
            let fields_fit = fields.is_empty() || column.is_none_or(|column| column.nested);
            let refused = (column.is_none() && !rel.shape.may_have_made(&name.text)) || !fields_fit;
            let refused = refused.then(|| self.no_such_column(rel, name));
            let marks = column.map(|column| column.marks).unwrap_or_default();
            self.facts.columns.extend(column.and_then(|column| column.base));
            if let Some((message, suggestion)) = refused {
                self.refuse(ReasonCode::ColumnUnknown, name.pos, message, suggestion);
            }
            if stands_in {
                parts.drain(..length - 1);
            }
            return (Some(id), marks);
        }
        let Some((first, fields)) = parts.split_first() else { return (None, Marks::default()) };
        let text = first.text.as_str();
        let nested = self
            .scopes
            .iter()
            .flat_map(|scope| &scope.rels)
            .any(|rel| rel.shape.column(text).is_some_and(|column| column.nested));
        if nested && !fields.is_empty() {
            return self.plain(first, false);
        }
        let tables: Vec<String> = self
            .scopes
            .iter()
            .flat_map(|scope| &scope.rels)
            .filter_map(|rel| rel.name.as_deref())
            .map(|name| self.as_written(name))
            .collect();
        let suggestion = nearest(text, tables.iter().map(String::as_str));
        self.refuse(
            ReasonCode::ColumnUnknown,
            first.pos,
            format!("there is no table {text} in this query"),
            suggestion,
        );
        (None, Marks::default())
    }

    /// That a FROM item has no such column, and which one might be meant.
    fn no_such_column(&self, rel: &Rel<'_>, name: &Name) -> (String, Option<String>) {
        let named = rel.shape.columns.iter().filter_map(|column| column.name.as_deref());
        let quoted: Vec<String> = named.map(|name| self.as_written(name)).collect();
        let table = rel.name.as_deref().unwrap_or("this table");
        let message = format!("{table} has no column {}", name.text);
        (message, nearest(&name.text, quoted.iter().map(String::as_str)))
    }
}

impl Resolver<'_> {
    fn as_written(&self, name: &str) -> String {
        let mut out = String::new();
        push_name(&mut out, name, self.catalog.dialect);
        out
    }
}
