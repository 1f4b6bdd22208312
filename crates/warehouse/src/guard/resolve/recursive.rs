//! Recursive queries: those that count their rounds up to a number, so that they end.
//!
//! ```sql
//! WITH RECURSIVE t (n, …) AS (SELECT 1, … UNION ALL SELECT n + 1, … FROM t … WHERE n < 10)
//! ```

use super::Resolver;
use super::scope::{CteInfo, Shape};
use crate::guard::ir::{Body, Cte, Expr, Item, Query, RelId, Relation, Select, Source};
use crate::guard::report::ReasonCode;
use crate::guard::walk::{self, Visitor};

/// Whether a CTE names itself, anywhere.
pub fn names_itself(cte: &Cte) -> bool {
    times_named(&cte.query, &cte.name.text) > 0
}

fn times_named(query: &Query, name: &str) -> usize {
    let mut naming = Naming { name, times: 0 };
    walk::query(&mut naming, query);
    naming.times
}

/// A CTE that is named before it is defined. Engines may read it there, or a table of that name.
pub fn named_early(ctes: &[Cte]) -> Option<&Cte> {
    let earlier = |index: usize| ctes.get(..index).unwrap_or_default();
    let early = |(index, cte): &(usize, &Cte)| {
        earlier(*index).iter().any(|before| times_named(&before.query, &cte.name.text) > 0)
    };
    ctes.iter().enumerate().find(early).map(|(_, cte)| cte)
}

struct Naming<'a> {
    name: &'a str,
    times: usize,
}

impl Visitor for Naming<'_> {
    fn relation(&mut self, relation: &Relation) {
        self.times += usize::from(is_named(relation, self.name));
    }
}

fn is_named(relation: &Relation, name: &str) -> bool {
    matches!(&relation.source, Source::Table(parts) if matches!(parts.as_slice(), [only] if only.text == name))
}

impl<'a> Resolver<'a> {
    /// Resolves a CTE that names itself, and refuses one that is not seen to end.
    pub(super) fn recursive(&mut self, cte: &mut Cte) -> Shape<'a> {
        let pos = cte.name.pos;
        let name = cte.name.text.clone();
        let bare = is_bare(&cte.query);
        let named_once = times_named(&cte.query, &name) == 1;
        let Body::Chain { first, rest } = &mut cte.query.body else { return self.endless(pos) };
        let [again] = rest.as_mut_slice() else { return self.endless(pos) };
        if !bare || !named_once || !matches!(again.operator, "UNION ALL" | "UNION" | "UNION DISTINCT") {
            return self.endless(pos);
        }
        let mut shape = self.body(first, &mut []);
        shape.rename(&cte.columns);
        let (before, start_rows) = (shape.marks(), shape.rows.take());
        self.ctes.push(CteInfo { name: name.clone(), shape: shape.clone(), cost: 1 });
        let next = self.body(&mut again.body, &mut []);
        self.ctes.pop();
        for (column, next) in shape.columns.iter_mut().zip(&next.columns) {
            (column.marks, column.base) = (column.marks.and(next.marks), None);
        }
        shape.telling |= next.telling;
        shape.key = None;
        let after = shape.marks();
        if (before.restricted, before.quasi) != (after.restricted, after.quasi) {
            let message = "a recursive query must read what is sensitive before its first round".to_owned();
            self.refuse(ReasonCode::QueryRecursive, pos, message, None);
        }
        let (Body::Select(first), Body::Select(again)) = (first.as_ref(), &again.body) else {
            return self.endless(pos);
        };
        let Some(rounds) = rounds(&name, first, again, &shape) else { return self.endless(pos) };
        if rounds > self.limits.max_recursion {
            let message = format!("the query would go on for more than {} rounds", self.limits.max_recursion);
            self.refuse(ReasonCode::QueryRecursive, pos, message, None);
        }
        let alone = again.from.iter().all(|item| item.joins.is_empty() && is_named(&item.relation, &name));
        shape.rows = start_rows.filter(|_| alone).map(|rows| rows.saturating_mul(rounds.saturating_add(1)));
        shape
    }

    fn endless(&mut self, pos: crate::guard::lexer::Pos) -> Shape<'a> {
        let message = "a recursive query must count its rounds up to a number".to_owned();
        let suggestion = Some("begin with 1 AS n, go on with n + 1, and add WHERE n < 10".to_owned());
        self.refuse(ReasonCode::QueryRecursive, pos, message, suggestion);
        Shape::open()
    }
}

fn is_bare(query: &Query) -> bool {
    query.ctes.is_empty() && query.order_by.is_empty() && query.limit.is_none() && query.offset.is_none()
}

/// How often the query goes on, where a column counts it up to a number.
fn rounds(name: &str, first: &Select, again: &Select, shape: &Shape<'_>) -> Option<u64> {
    let relations = again.from.iter().flat_map(|item| std::iter::once(&item.relation).chain(joined(item)));
    let own = relations.into_iter().find(|relation| is_named(relation, name))?.id;
    let bounds = conjuncts(again.filter.as_ref()?).into_iter().filter_map(|condition| bound(condition, own));
    bounds
        .filter_map(|(column, most)| {
            let index = shape.columns.iter().position(|known| known.name.as_deref() == Some(column))?;
            let start = item(first, index)?.integer()?;
            let step = step(item(again, index)?, column, own)?;
            u64::try_from((most - start).max(0) / step).ok()
        })
        .min()
}

fn joined(item: &crate::guard::ir::FromItem) -> impl Iterator<Item = &Relation> {
    item.joins.iter().map(|join| &join.relation)
}

/// A column of a SELECT whose columns are all written out.
fn item(select: &Select, index: usize) -> Option<&Expr> {
    if select.items.iter().any(|item| matches!(item, Item::Star(_))) {
        return None;
    }
    match select.items.get(index)? {
        Item::Expr { expr, alias: _ } => Some(expr),
        Item::Star(_) => None,
    }
}

/// The conditions that must all hold.
fn conjuncts(condition: &Expr) -> Vec<&Expr> {
    match condition.bare() {
        Expr::Chain { first, rest } if rest.iter().all(|(operator, _)| *operator == "AND") => {
            std::iter::once(first.as_ref()).chain(rest.iter().map(|(_, expr)| expr)).flat_map(conjuncts).collect()
        }
        other => vec![other],
    }
}

/// `column < number`: the column, and the largest number at which another round begins.
fn bound(condition: &Expr, own: RelId) -> Option<(&str, i128)> {
    let Expr::Chain { first, rest } = condition else { return None };
    let [(operator, right)] = rest.as_slice() else { return None };
    match *operator {
        "<" => Some((column(first, own)?, right.integer()?)),
        "<=" => Some((column(first, own)?, right.integer()?.checked_add(1)?)),
        ">" => Some((column(right, own)?, first.integer()?)),
        ">=" => Some((column(right, own)?, first.integer()?.checked_add(1)?)),
        _ => None,
    }
}

fn column(expr: &Expr, own: RelId) -> Option<&str> {
    match expr.bare() {
        Expr::Column(column) if column.relation == Some(own) => column.parts.last().map(|name| name.text.as_str()),
        _ => None,
    }
}

/// How much is added to the column in each round.
fn step(expr: &Expr, counted: &str, own: RelId) -> Option<i128> {
    let Expr::Chain { first, rest } = expr.bare() else { return None };
    let [("+", step)] = rest.as_slice() else { return None };
    (column(first, own)? == counted).then(|| step.integer())?.filter(|step| *step > 0)
}
