//! Calls of functions, and windows.

use datafusion::sql::sqlparser::ast::{
    DuplicateTreatment, Expr as AstExpr, Function, FunctionArg, FunctionArgExpr, FunctionArgOperator,
    FunctionArgumentClause, FunctionArgumentList, FunctionArguments, HavingBound, HavingBoundKind, NullTreatment,
    WindowFrame, WindowFrameBound, WindowFrameUnits, WindowSpec as AstWindowSpec, WindowType,
};

use pilothouse_domain::catalog::Dialect;

use super::{Lowering, operator};
use crate::guard::functions;
use crate::guard::ir::{Arg, Bound, Call, Expr, Frame, Window, WindowSpec};

impl Lowering<'_> {
    pub(super) fn function(&mut self, function: &Function) -> Expr {
        let Function { name, uses_odbc_syntax, parameters, args, filter, null_treatment, over, within_group } =
            function;
        self.only_without(*uses_odbc_syntax, "the {fn …} syntax");
        self.only_without(!matches!(parameters, FunctionArguments::None), "a function with two lists of arguments");
        let mut call = Call::plain(self.object_name(name), Vec::new());
        match args {
            FunctionArguments::None => call.args = None,
            FunctionArguments::Subquery(query) if self.dialect == Dialect::BigQuery && is_array(&call) => {
                return Expr::ArrayQuery(Box::new(self.query(query)));
            }
            FunctionArguments::Subquery(_) => {
                self.unsupported("a query as the argument of a function without brackets of its own")
            }
            FunctionArguments::List(list) => self.arguments(list, &mut call),
        }
        if let Some(treatment) = null_treatment {
            call.nulls = Some(nulls(*treatment));
        }
        call.within_group = self.order_items(within_group);
        call.filter = filter.as_ref().map(|filter| Box::new(self.expr(filter)));
        call.over = over.as_ref().map(|over| self.window(over));
        Expr::Call(Box::new(call))
    }

    fn arguments(&mut self, list: &FunctionArgumentList, call: &mut Call) {
        let FunctionArgumentList { duplicate_treatment, args, clauses } = list;
        call.distinct = match duplicate_treatment {
            None | Some(DuplicateTreatment::All) => false,
            Some(DuplicateTreatment::Distinct) => true,
        };
        let part = self.part_argument(call);
        let args = args.iter().enumerate().map(|(index, arg)| match part {
            Some(place) if place == index => self.part(arg),
            _ => self.arg(arg),
        });
        call.args = Some(args.collect());
        for clause in clauses {
            match clause {
                FunctionArgumentClause::OrderBy(items) => call.order_by = self.order_items(items),
                FunctionArgumentClause::IgnoreOrRespectNulls(treatment) => call.nulls = Some(nulls(*treatment)),
                FunctionArgumentClause::Limit(limit) => call.limit = Some(Box::new(self.expr(limit))),
                FunctionArgumentClause::Having(HavingBound(kind, expr)) => {
                    let bound = match kind {
                        HavingBoundKind::Min => " HAVING MIN ",
                        HavingBoundKind::Max => " HAVING MAX ",
                    };
                    call.having = Some((bound, Box::new(self.expr(expr))));
                }
                FunctionArgumentClause::OnOverflow(_)
                | FunctionArgumentClause::Separator(_)
                | FunctionArgumentClause::JsonNullClause(_)
                | FunctionArgumentClause::JsonReturningClause(_) => {
                    self.unsupported("this clause of a function's arguments")
                }
            }
        }
    }

    /// Which argument of a function names a part of a date, counted from 0.
    fn part_argument(&self, call: &Call) -> Option<usize> {
        let name = functions::name_of(call).filter(|_| self.dialect == Dialect::BigQuery)?;
        if name == "last_day" || name.ends_with("_trunc") {
            return Some(1);
        }
        name.ends_with("_diff").then_some(2)
    }

    fn part(&mut self, arg: &FunctionArg) -> Arg {
        let word = match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => expr.to_string().to_uppercase(),
            _ => String::new(),
        };
        match operator::part(&word) {
            Some(part) => Arg::Expr(Expr::Part(part)),
            None => self.arg(arg),
        }
    }

    pub(super) fn arg(&mut self, arg: &FunctionArg) -> Arg {
        match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Arg::Expr(self.expr(expr)),
            FunctionArg::Unnamed(FunctionArgExpr::Wildcard) => Arg::Star,
            FunctionArg::Unnamed(FunctionArgExpr::QualifiedWildcard(_) | FunctionArgExpr::WildcardWithOptions(_)) => {
                self.unsupported("a star with a table or options as an argument");
                Arg::Expr(Expr::refused())
            }
            FunctionArg::Named {
                name,
                arg: FunctionArgExpr::Expr(expr),
                operator: FunctionArgOperator::RightArrow,
            } => {
                let name = self.name(name);
                Arg::Named(name, self.expr(expr))
            }
            FunctionArg::ExprNamed {
                name: AstExpr::Identifier(name),
                arg: FunctionArgExpr::Expr(expr),
                operator: FunctionArgOperator::RightArrow,
            } => {
                let name = self.name(name);
                Arg::Named(name, self.expr(expr))
            }
            FunctionArg::Named { name: _, arg: _, operator: _ }
            | FunctionArg::ExprNamed { name: _, arg: _, operator: _ } => {
                self.unsupported("this form of a named argument");
                Arg::Expr(Expr::refused())
            }
        }
    }

    fn window(&mut self, window: &WindowType) -> Window {
        match window {
            WindowType::NamedWindow(name) => Window::Named(self.name(name)),
            WindowType::WindowSpec(spec) => Window::Spec(Box::new(self.window_spec(spec))),
        }
    }

    pub(super) fn window_spec(&mut self, spec: &AstWindowSpec) -> WindowSpec {
        let AstWindowSpec { window_name, partition_by, order_by, window_frame } = spec;
        WindowSpec {
            base: window_name.as_ref().map(|name| self.name(name)),
            partition_by: self.exprs(partition_by),
            order_by: self.order_items(order_by),
            frame: window_frame.as_ref().map(|frame| self.frame(frame)),
        }
    }

    fn frame(&mut self, frame: &WindowFrame) -> Frame {
        let WindowFrame { units, start_bound, end_bound } = frame;
        let units = match units {
            WindowFrameUnits::Rows => "ROWS",
            WindowFrameUnits::Range => "RANGE",
            WindowFrameUnits::Groups => "GROUPS",
        };
        Frame { units, start: self.bound(start_bound), end: end_bound.as_ref().map(|bound| self.bound(bound)) }
    }

    fn bound(&mut self, bound: &WindowFrameBound) -> Bound {
        let mut lowered = |expr: &Option<Box<AstExpr>>| expr.as_ref().map(|expr| self.expr(expr));
        match bound {
            WindowFrameBound::CurrentRow => Bound::CurrentRow,
            WindowFrameBound::Preceding(expr) => Bound::Preceding(lowered(expr)),
            WindowFrameBound::Following(expr) => Bound::Following(lowered(expr)),
        }
    }
}

fn is_array(call: &Call) -> bool {
    functions::name_of(call) == Some("array")
}

fn nulls(treatment: NullTreatment) -> &'static str {
    match treatment {
        NullTreatment::IgnoreNulls => "IGNORE NULLS",
        NullTreatment::RespectNulls => "RESPECT NULLS",
    }
}
