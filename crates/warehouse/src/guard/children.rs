//! What stands directly within an expression, for reading and for changing; both are made from one text, so that they
//! cannot differ. Every variant is named, so a new one must say what it holds.

use super::ir::{Access, Arg, Bound, Call, Expr, Frame, OrderItem, Query, Window, WindowSpec};

/// A part of an expression.
pub enum Child<'a> {
    Expr(&'a Expr),
    Query(&'a Query),
}

/// A part of an expression that may be changed.
pub enum ChildMut<'a> {
    Expr(&'a mut Expr),
    Query(&'a mut Query),
}

macro_rules! children {
    ($of_expr:ident, $of_call:ident, $of_spec:ident, $child:ident, $lifetime:lifetime, $expr:ty, $call:ty, $spec:ty) => {
        /// Calls `each` with every part of `expr`, in the order of the text.
        pub fn $of_expr<$lifetime>(expr: $expr, each: &mut dyn FnMut($child<$lifetime>)) {
            match expr {
                Expr::Column(_) | Expr::Literal(_) | Expr::Part(_) | Expr::Typed { ty: _, text: _ } => {}
                Expr::Interval { value: expr, unit: _ }
                | Expr::Unary { operator: _, expr }
                | Expr::Is { expr, test: _ }
                | Expr::Cast { expr, ty: _, forgiving: _ }
                | Expr::Extract { field: _, expr }
                | Expr::Nested(expr) => each($child::Expr(expr)),
                Expr::Chain { first, rest } => {
                    each($child::Expr(first));
                    for (_, expr) in rest {
                        each($child::Expr(expr));
                    }
                }
                Expr::IsDistinct { left, right, negated: _ }
                | Expr::InUnnest { expr: left, array: right, negated: _ }
                | Expr::Quantified { left, operator: _, all: _, right }
                | Expr::AtTimeZone { expr: left, zone: right }
                | Expr::Position { needle: left, haystack: right }
                | Expr::Like { expr: left, pattern: right, operator: _, negated: _, escape: _ } => {
                    each($child::Expr(left));
                    each($child::Expr(right));
                }
                Expr::InList { expr, list, negated: _ } => {
                    each($child::Expr(expr));
                    for expr in list {
                        each($child::Expr(expr));
                    }
                }
                Expr::InQuery { expr, query, negated: _ } => {
                    each($child::Expr(expr));
                    each($child::Query(query));
                }
                Expr::Between { expr, low, high, negated: _ } => {
                    each($child::Expr(expr));
                    each($child::Expr(low));
                    each($child::Expr(high));
                }
                Expr::Substring { expr, from, length } => {
                    each($child::Expr(expr));
                    if let Some(from) = from {
                        each($child::Expr(from));
                    }
                    if let Some(length) = length {
                        each($child::Expr(length));
                    }
                }
                Expr::Trim { side: _, what, expr } => {
                    if let Some(what) = what {
                        each($child::Expr(what));
                    }
                    each($child::Expr(expr));
                }
                Expr::Overlay { expr, what, from, length } => {
                    each($child::Expr(expr));
                    each($child::Expr(what));
                    each($child::Expr(from));
                    if let Some(length) = length {
                        each($child::Expr(length));
                    }
                }
                Expr::Case { operand, whens, otherwise } => {
                    if let Some(operand) = operand {
                        each($child::Expr(operand));
                    }
                    for (condition, result) in whens {
                        each($child::Expr(condition));
                        each($child::Expr(result));
                    }
                    if let Some(otherwise) = otherwise {
                        each($child::Expr(otherwise));
                    }
                }
                Expr::Exists { query, negated: _ } | Expr::Subquery(query) | Expr::ArrayQuery(query) => {
                    each($child::Query(query));
                }
                Expr::Struct(items) => {
                    for (expr, _) in items {
                        each($child::Expr(expr));
                    }
                }
                Expr::Tuple(items) | Expr::Array { items, keyword: _ } => {
                    for expr in items {
                        each($child::Expr(expr));
                    }
                }
                Expr::Access { root, path } => {
                    each($child::Expr(root));
                    for access in path {
                        match access {
                            Access::Field(_) => {}
                            Access::Index(expr) => each($child::Expr(expr)),
                            Access::Slice(low, high) => {
                                if let Some(low) = low {
                                    each($child::Expr(low));
                                }
                                if let Some(high) = high {
                                    each($child::Expr(high));
                                }
                            }
                        }
                    }
                }
                Expr::Grouping { kind: _, sets } => {
                    for expr in sets.into_iter().flatten() {
                        each($child::Expr(expr));
                    }
                }
                Expr::Call(call) => $of_call(call, each),
            }
        }

        /// Calls `each` with every part of a call: arguments, order, filter and window.
        pub fn $of_call<$lifetime>(call: $call, each: &mut dyn FnMut($child<$lifetime>)) {
            let Call { name: _, args, distinct: _, order_by, within_group, filter, nulls: _, limit, having, over } =
                call;
            for arg in args.into_iter().flatten() {
                match arg {
                    Arg::Expr(expr) | Arg::Named(_, expr) => each($child::Expr(expr)),
                    Arg::Star => {}
                }
            }
            for item in order_by.into_iter().chain(within_group) {
                let OrderItem { expr, ascending: _, nulls_first: _ } = item;
                each($child::Expr(expr));
            }
            for expr in filter.into_iter().chain(limit) {
                each($child::Expr(expr));
            }
            if let Some((_, expr)) = having {
                each($child::Expr(expr));
            }
            match over {
                None | Some(Window::Named(_)) => {}
                Some(Window::Spec(spec)) => $of_spec(spec, each),
            }
        }

        /// Calls `each` with every part of a window's definition.
        pub fn $of_spec<$lifetime>(spec: $spec, each: &mut dyn FnMut($child<$lifetime>)) {
            let WindowSpec { base: _, partition_by, order_by, frame } = spec;
            for expr in partition_by {
                each($child::Expr(expr));
            }
            for item in order_by {
                let OrderItem { expr, ascending: _, nulls_first: _ } = item;
                each($child::Expr(expr));
            }
            if let Some(Frame { units: _, start, end }) = frame {
                for bound in std::iter::once(start).chain(end) {
                    match bound {
                        Bound::CurrentRow | Bound::Preceding(None) | Bound::Following(None) => {}
                        Bound::Preceding(Some(expr)) | Bound::Following(Some(expr)) => each($child::Expr(expr)),
                    }
                }
            }
        }
    };
}

children!(of_expr, of_call, of_window, Child, 'a, &'a Expr, &'a Call, &'a WindowSpec);
children!(of_expr_mut, of_call_mut, of_window_mut, ChildMut, 'a, &'a mut Expr, &'a mut Call, &'a mut WindowSpec);
