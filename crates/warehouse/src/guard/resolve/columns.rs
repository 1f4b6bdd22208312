//! Columns: which FROM item a name belongs to, from the innermost scope outwards.

use super::Resolver;
use super::scope::Rel;
use crate::guard::access::Marks;
use crate::guard::children;
use crate::guard::ir::{Column, Expr};
use crate::guard::names::{Name, nearest, push_name};
use crate::guard::report::ReasonCode;

/// Whether a FROM item goes by this name, with or without its schema.
pub fn is_named(rel: &Rel, qualifier: &[Name]) -> bool {
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
            [name] => {
                let name = name.clone();
                (column.relation, column.marks) = self.plain(&name, true);
            }
            parts => {
                let parts = parts.to_vec();
                (column.relation, column.marks) = self.qualified(&parts, &mut column.parts);
            }
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
            let mut found = scope.rels.iter().filter(|rel| rel.shape.column(text).is_some());
            if let Some(first) = found.next() {
                let id = first.id;
                let all: Vec<&Rel> = std::iter::once(first).chain(found).collect();
                let bases: Vec<_> = all.iter().map(|rel| rel.base_of(text)).collect();
                let marks = all.iter().filter_map(|rel| Some(rel.shape.column(text)?.marks));
                let marks = marks.chain(scope.aliases.get(text).copied()).collect();
                if bases.len() > 1 && !scope.merged.contains(text) {
                    // An output column of that name settles it where the clause sees those.
                    if !scope.aliases.contains_key(text) {
                        let message = format!("more than one table has a column {text}");
                        self.refuse(
                            ReasonCode::ColumnAmbiguous,
                            name.pos,
                            message,
                            Some(format!("write table.{text}")),
                        );
                    }
                }
                self.facts.columns.extend(bases.into_iter().flatten());
                return (Some(id), marks);
            }
            if let Some(marks) = scope.aliases.get(text) {
                return (None, *marks);
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
        let known = known.chain(self.scopes.iter().flat_map(|scope| scope.aliases.keys()).map(String::as_str));
        let quoted: Vec<String> = known.map(|name| self.as_written(name)).collect();
        let suggestion = nearest(text, quoted.iter().map(String::as_str));
        let mut shown = String::new();
        push_name(&mut shown, text, self.catalog.dialect);
        self.refuse(ReasonCode::ColumnUnknown, name.pos, format!("there is no column {shown}"), suggestion);
    }

    /// A name with a table before it, or with fields after it.
    fn qualified(&mut self, parts: &[Name], written: &mut Vec<Name>) -> (Option<u32>, Marks) {
        for length in [2, 1] {
            let Some((qualifier, rest)) = parts.split_at_checked(length) else { continue };
            let Some((name, fields)) = rest.split_first() else { continue };
            let found =
                self.scopes.iter().rev().find_map(|scope| scope.rels.iter().find(|rel| is_named(rel, qualifier)));
            let Some(rel) = found.cloned() else { continue };
            if rel.stands_in {
                written.drain(..length - 1);
            }
            return self.column_of(&rel, name, fields);
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

    fn column_of(&mut self, rel: &Rel, name: &Name, fields: &[Name]) -> (Option<u32>, Marks) {
        let text = name.text.as_str();
        let column = rel.shape.column(text);
        let fields_fit = fields.is_empty() || column.is_none_or(|column| column.nested);
        if (column.is_none() && !rel.shape.may_have_made(text)) || !fields_fit {
            let quoted: Vec<String> = rel
                .shape
                .columns
                .iter()
                .filter_map(|column| column.name.as_deref())
                .map(|name| self.as_written(name))
                .collect();
            let suggestion = nearest(text, quoted.iter().map(String::as_str));
            let table = rel.name.as_deref().unwrap_or("this table");
            self.refuse(ReasonCode::ColumnUnknown, name.pos, format!("{table} has no column {text}"), suggestion);
        }
        self.facts.columns.extend(rel.base_of(text));
        (Some(rel.id), column.map(|column| column.marks).unwrap_or_default())
    }
}

impl Resolver<'_> {
    fn as_written(&self, name: &str) -> String {
        let mut out = String::new();
        push_name(&mut out, name, self.catalog.dialect);
        out
    }
}
