//! One SELECT and its clauses.

use datafusion::sql::sqlparser::ast::{
    Distinct as AstDistinct, ExceptSelectItem, ExcludeSelectItem, GroupByExpr, IdentWithAlias, NamedWindowDefinition,
    NamedWindowExpr, RenameSelectItem, ReplaceSelectElement, Select as AstSelect, SelectFlavor, SelectItem,
    SelectItemQualifiedWildcardKind, ValueTableMode, WildcardAdditionalOptions,
};
use pilothouse_domain::catalog::Dialect;

use super::Lowering;
use crate::guard::ir::{Distinct, Expr, GroupBy, Item, Select, Star, Window};
use crate::guard::names::Name;
use crate::guard::report::ReasonCode;

impl Lowering<'_> {
    pub(super) fn select(&mut self, select: &AstSelect) -> Select {
        // Hints are comments; they are dropped as comments are.
        let AstSelect {
            select_token: _,
            optimizer_hints: _,
            distinct,
            select_modifiers,
            top,
            top_before_distinct: _,
            projection,
            exclude,
            into,
            from,
            lateral_views,
            prewhere,
            selection,
            connect_by,
            group_by,
            cluster_by,
            distribute_by,
            sort_by,
            having,
            named_window,
            qualify,
            window_before_qualify: _,
            value_table_mode,
            flavor,
        } = select;
        if into.is_some() {
            self.refuse(ReasonCode::StatementInto, "a query must not write its result (INTO)");
        }
        self.only_without(
            select_modifiers.as_ref().is_some_and(|modifiers| modifiers.is_any_set()),
            "a modifier of SELECT",
        );
        self.only_without(top.is_some(), "TOP (use LIMIT)");
        self.only_without(exclude.is_some(), "EXCLUDE after the columns");
        self.only_without(!lateral_views.is_empty(), "LATERAL VIEW");
        self.only_without(prewhere.is_some(), "PREWHERE");
        self.only_without(!connect_by.is_empty(), "CONNECT BY");
        self.only_without(!cluster_by.is_empty(), "CLUSTER BY");
        self.only_without(!distribute_by.is_empty(), "DISTRIBUTE BY");
        self.only_without(!sort_by.is_empty(), "SORT BY");
        let as_struct = match value_table_mode {
            None => false,
            Some(ValueTableMode::AsStruct | ValueTableMode::DistinctAsStruct) if self.dialect == Dialect::BigQuery => {
                true
            }
            Some(_) => {
                self.unsupported("this form of SELECT AS");
                false
            }
        };
        Select {
            as_struct,
            from: from.iter().map(|item| self.joined_item(item)).collect(),
            distinct: match value_table_mode {
                Some(ValueTableMode::DistinctAsStruct) => Distinct::Yes,
                _ => self.distinct(distinct.as_ref()),
            },
            items: self.items(projection, flavor),
            filter: self.optional(selection.as_ref()),
            group_by: self.group_by(group_by),
            having: self.optional(having.as_ref()),
            windows: named_window.iter().map(|window| self.named_window(window)).collect(),
            qualify: self.optional(qualify.as_ref()),
        }
    }

    fn distinct(&mut self, distinct: Option<&AstDistinct>) -> Distinct {
        match distinct {
            None | Some(AstDistinct::All) => Distinct::No,
            Some(AstDistinct::Distinct) => Distinct::Yes,
            Some(AstDistinct::On(exprs)) => Distinct::On(self.exprs(exprs)),
        }
    }

    fn items(&mut self, projection: &[SelectItem], flavor: &SelectFlavor) -> Vec<Item> {
        match flavor {
            // FROM without SELECT means every column.
            SelectFlavor::FromFirstNoSelect => vec![Item::Star(Star::all(self.here))],
            SelectFlavor::Standard | SelectFlavor::FromFirst => {
                self.only_without(projection.is_empty(), "SELECT without columns");
                projection.iter().map(|item| self.item(item)).collect()
            }
        }
    }

    pub(super) fn item(&mut self, item: &SelectItem) -> Item {
        match item {
            SelectItem::UnnamedExpr(expr) => Item::Expr { expr: self.expr(expr), alias: None },
            SelectItem::ExprWithAlias { expr, alias } => {
                let expr = self.expr(expr);
                Item::Expr { expr, alias: Some(self.name(alias)) }
            }
            SelectItem::ExprWithAliases { expr: _, aliases: _ } => {
                self.unsupported("several names for one column");
                Item::Expr { expr: Expr::refused(), alias: None }
            }
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), options) => {
                let qualifier = self.object_name(name);
                self.star(qualifier, options)
            }
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::Expr(_), _) => {
                self.unsupported("a star after an expression");
                Item::Expr { expr: Expr::refused(), alias: None }
            }
            SelectItem::Wildcard(options) => self.star(Vec::new(), options),
        }
    }

    fn star(&mut self, qualifier: Vec<Name>, options: &WildcardAdditionalOptions) -> Item {
        let WildcardAdditionalOptions {
            wildcard_token: _,
            opt_ilike,
            opt_exclude,
            opt_except,
            opt_replace,
            opt_rename,
            opt_alias,
        } = options;
        self.only_without(opt_ilike.is_some(), "* ILIKE");
        self.only_without(opt_alias.is_some(), "a name for a star");
        let mut star = Star { qualifier, ..Star::all(self.here) };
        if let Some(ExceptSelectItem { first_element, additional_elements }) = opt_except {
            star.except =
                std::iter::once(first_element).chain(additional_elements).map(|name| self.name(name)).collect();
        }
        if let Some(exclude) = opt_exclude {
            let names = match exclude {
                ExcludeSelectItem::Single(name) => std::slice::from_ref(name),
                ExcludeSelectItem::Multiple(names) => names,
            };
            star.except.extend(names.iter().filter_map(|name| self.single_name(name)));
            star.exclude = true;
        }
        for element in opt_replace.iter().flat_map(|replace| &replace.items) {
            let ReplaceSelectElement { expr, column_name, as_keyword: _ } = element.as_ref();
            star.replace.push((self.expr(expr), self.name(column_name)));
        }
        if let Some(rename) = opt_rename {
            let pairs = match rename {
                RenameSelectItem::Single(pair) => std::slice::from_ref(pair),
                RenameSelectItem::Multiple(pairs) => pairs,
            };
            for IdentWithAlias { ident, alias } in pairs {
                star.rename.push((self.name(ident), self.name(alias)));
            }
        }
        Item::Star(star)
    }

    fn group_by(&mut self, group_by: &GroupByExpr) -> GroupBy {
        match group_by {
            GroupByExpr::All(modifiers) => {
                self.only_without(!modifiers.is_empty(), "a modifier of GROUP BY");
                GroupBy::All
            }
            GroupByExpr::Expressions(exprs, modifiers) => {
                self.only_without(!modifiers.is_empty(), "GROUP BY … WITH (use GROUP BY ROLLUP(…))");
                if exprs.is_empty() { GroupBy::None } else { GroupBy::Exprs(self.exprs(exprs)) }
            }
        }
    }

    fn named_window(&mut self, window: &NamedWindowDefinition) -> (Name, Window) {
        let NamedWindowDefinition(name, definition) = window;
        let name = self.name(name);
        let window = match definition {
            NamedWindowExpr::NamedWindow(base) => Window::Named(self.name(base)),
            NamedWindowExpr::WindowSpec(spec) => Window::Spec(Box::new(self.window_spec(spec))),
        };
        (name, window)
    }
}
