//! Expressions.

use datafusion::sql::sqlparser::ast::{
    AccessExpr, Array, BinaryOperator, CaseWhen, CastKind, CeilFloorKind, DataType, DateTimeField, Expr as AstExpr,
    Interval, Subscript, TrimWhereField, TypedString, UnaryOperator, Value, ValueWithSpan,
};

use pilothouse_domain::catalog::Dialect;

use super::{Lowering, operator};
use crate::guard::ir::{Access, Arg, Call, Column, Expr, Literal};
use crate::guard::names::Name;
use crate::guard::report::ReasonCode;

impl Lowering<'_> {
    pub(super) fn exprs(&mut self, exprs: &[AstExpr]) -> Vec<Expr> {
        exprs.iter().map(|expr| self.expr(expr)).collect()
    }

    pub(super) fn optional(&mut self, expr: Option<&AstExpr>) -> Option<Expr> {
        expr.map(|expr| self.expr(expr))
    }

    fn boxed(&mut self, expr: &AstExpr) -> Box<Expr> {
        Box::new(self.expr(expr))
    }

    fn boxed_optional(&mut self, expr: Option<&AstExpr>) -> Option<Box<Expr>> {
        expr.map(|expr| self.boxed(expr))
    }

    pub(super) fn expr(&mut self, expr: &AstExpr) -> Expr {
        if !self.enter() {
            return Expr::refused();
        }
        let out = match expr {
            AstExpr::BinaryOp { left: _, op: _, right: _ } => self.chain(expr),
            _ => self.simple(expr),
        };
        self.leave();
        out
    }

    /// The parser nests chains of operators to the left, so the spine is walked instead of recursed into.
    fn chain(&mut self, expr: &AstExpr) -> Expr {
        let mut rest: Vec<(&BinaryOperator, &AstExpr)> = Vec::new();
        let mut first = expr;
        while let AstExpr::BinaryOp { left, op, right } = first {
            rest.push((op, right));
            first = left;
        }
        let first = self.boxed(first);
        let rest = rest.into_iter().rev().map(|(op, right)| (self.operator(op), self.expr(right))).collect();
        Expr::Chain { first, rest }
    }

    fn operator(&mut self, operator: &BinaryOperator) -> &'static str {
        operator::binary(operator, self.dialect).unwrap_or_else(|| {
            self.unsupported(&format!("the operator {operator}"));
            "="
        })
    }

    /// Names, literals and what is built of few parts; the rest is in `compound`.
    fn simple(&mut self, expr: &AstExpr) -> Expr {
        match expr {
            AstExpr::Identifier(ident) => {
                Expr::Column(Column { parts: vec![self.name(ident)], relation: None, marks: Default::default() })
            }
            AstExpr::CompoundIdentifier(idents) => {
                let parts: Vec<Name> = idents.iter().map(|ident| self.name(ident)).collect();
                if let Some(literal) = self.caller_word(&parts) {
                    return literal;
                }
                Expr::Column(Column { parts, relation: None, marks: Default::default() })
            }
            AstExpr::Value(value) => self.literal(value),
            AstExpr::TypedString(TypedString { data_type, value, uses_odbc_syntax }) => {
                self.only_without(*uses_odbc_syntax, "the {d '…'} syntax");
                self.typed(data_type, value)
            }
            AstExpr::Function(function) => self.function(function),
            AstExpr::Nested(expr) => Expr::Nested(self.boxed(expr)),
            AstExpr::Tuple(exprs) => Expr::Tuple(self.exprs(exprs)),
            AstExpr::Array(Array { elem, named }) => Expr::Array { items: self.exprs(elem), keyword: *named },
            AstExpr::Interval(interval) => self.interval(interval),
            AstExpr::IsFalse(expr) => self.is(expr, "FALSE"),
            AstExpr::IsNotFalse(expr) => self.is(expr, "NOT FALSE"),
            AstExpr::IsTrue(expr) => self.is(expr, "TRUE"),
            AstExpr::IsNotTrue(expr) => self.is(expr, "NOT TRUE"),
            AstExpr::IsNull(expr) => self.is(expr, "NULL"),
            AstExpr::IsNotNull(expr) => self.is(expr, "NOT NULL"),
            AstExpr::IsUnknown(expr) => self.is(expr, "UNKNOWN"),
            AstExpr::IsNotUnknown(expr) => self.is(expr, "NOT UNKNOWN"),
            AstExpr::IsDistinctFrom(left, right) => self.is_distinct(left, right, false),
            AstExpr::IsNotDistinctFrom(left, right) => self.is_distinct(left, right, true),
            AstExpr::Exists { subquery, negated } => {
                Expr::Exists { query: Box::new(self.query(subquery)), negated: *negated }
            }
            AstExpr::Subquery(query) => Expr::Subquery(Box::new(self.query(query))),
            AstExpr::GroupingSets(sets) => self.grouping("GROUPING SETS", sets),
            AstExpr::Cube(sets) => self.grouping("CUBE", sets),
            AstExpr::Rollup(sets) => self.grouping("ROLLUP", sets),
            AstExpr::UnaryOp { op, expr } => self.unary(op, expr),
            AstExpr::BinaryOp { left: _, op: _, right: _ } => self.chain(expr),
            other => self.compound(other),
        }
    }

    fn compound(&mut self, expr: &AstExpr) -> Expr {
        match expr {
            AstExpr::InList { expr, list, negated } => {
                Expr::InList { expr: self.boxed(expr), list: self.exprs(list), negated: *negated }
            }
            AstExpr::InSubquery { expr, subquery, negated } => {
                Expr::InQuery { expr: self.boxed(expr), query: Box::new(self.query(subquery)), negated: *negated }
            }
            AstExpr::Between { expr, negated, low, high } => Expr::Between {
                expr: self.boxed(expr),
                low: self.boxed(low),
                high: self.boxed(high),
                negated: *negated,
            },
            AstExpr::Like { negated, any, expr, pattern, escape_char } => {
                self.only_without(*any, "LIKE ANY");
                self.like("LIKE", expr, pattern, *negated, escape_char.as_ref())
            }
            AstExpr::ILike { negated, any, expr, pattern, escape_char } => {
                self.only_without(*any, "ILIKE ANY");
                self.like("ILIKE", expr, pattern, *negated, escape_char.as_ref())
            }
            AstExpr::SimilarTo { negated, expr, pattern, escape_char } => {
                self.like("SIMILAR TO", expr, pattern, *negated, escape_char.as_ref())
            }
            AstExpr::AnyOp { left, compare_op, right, is_some: _ } => self.quantified(left, compare_op, right, false),
            AstExpr::AllOp { left, compare_op, right } => self.quantified(left, compare_op, right, true),
            AstExpr::Cast { kind, expr, data_type, array, format } => {
                self.only_without(*array, "CAST … ARRAY");
                self.only_without(format.is_some(), "CAST … FORMAT");
                let forgiving = match kind {
                    CastKind::Cast | CastKind::DoubleColon => false,
                    CastKind::TryCast => true,
                    CastKind::SafeCast => {
                        self.only_without(self.dialect != Dialect::BigQuery, "SAFE_CAST (use TRY_CAST)");
                        true
                    }
                };
                Expr::Cast { expr: self.boxed(expr), ty: self.data_type(data_type), forgiving }
            }
            AstExpr::AtTimeZone { timestamp, time_zone } => {
                Expr::AtTimeZone { expr: self.boxed(timestamp), zone: self.boxed(time_zone) }
            }
            AstExpr::Extract { field, syntax: _, expr } => {
                Expr::Extract { field: self.field(field), expr: self.boxed(expr) }
            }
            AstExpr::Ceil { expr, field } => self.rounding("ceil", expr, field),
            AstExpr::Floor { expr, field } => self.rounding("floor", expr, field),
            AstExpr::Case { case_token: _, end_token: _, operand, conditions, else_result } => Expr::Case {
                operand: self.boxed_optional(operand.as_deref()),
                whens: conditions
                    .iter()
                    .map(|CaseWhen { condition, result }| (self.expr(condition), self.expr(result)))
                    .collect(),
                otherwise: self.boxed_optional(else_result.as_deref()),
            },
            AstExpr::CompoundFieldAccess { root, access_chain } => self.access(root, access_chain),
            other => self.text_or_refused(other),
        }
    }

    /// The standard's own syntax for text functions; every other variant is refused by name.
    fn text_or_refused(&mut self, expr: &AstExpr) -> Expr {
        match expr {
            AstExpr::Position { expr, r#in } => Expr::Position { needle: self.boxed(expr), haystack: self.boxed(r#in) },
            AstExpr::Substring { expr, substring_from, substring_for, special: _, shorthand: _ } => Expr::Substring {
                expr: self.boxed(expr),
                from: self.boxed_optional(substring_from.as_deref()),
                length: self.boxed_optional(substring_for.as_deref()),
            },
            AstExpr::Trim { trim_where, trim_what, expr, trim_characters } => {
                self.trim(*trim_where, trim_what.as_deref(), expr, trim_characters.as_deref())
            }
            AstExpr::Overlay { expr, overlay_what, overlay_from, overlay_for } => Expr::Overlay {
                expr: self.boxed(expr),
                what: self.boxed(overlay_what),
                from: self.boxed(overlay_from),
                length: self.boxed_optional(overlay_for.as_deref()),
            },
            AstExpr::JsonAccess { .. } => self.refused("a path into JSON with a colon"),
            AstExpr::IsNormalized { .. } => self.refused("IS NORMALIZED"),
            AstExpr::InUnnest { expr, array_expr, negated } if self.dialect == Dialect::BigQuery => {
                Expr::InUnnest { expr: self.boxed(expr), array: self.boxed(array_expr), negated: *negated }
            }
            AstExpr::InUnnest { .. } => self.refused("IN UNNEST"),
            AstExpr::RLike { .. } => self.refused("RLIKE (use regexp_like)"),
            AstExpr::Convert { .. } => self.refused("CONVERT (use CAST)"),
            AstExpr::Collate { .. } => self.refused("COLLATE"),
            AstExpr::Prefixed { .. } => self.refused("a literal with a prefix"),
            AstExpr::Struct { values, fields } if fields.is_empty() && self.dialect == Dialect::BigQuery => {
                Expr::Struct(values.iter().map(|value| self.field_of_struct(value)).collect())
            }
            AstExpr::Struct { .. } | AstExpr::Named { .. } => self.refused("STRUCT"),
            AstExpr::Dictionary(_) | AstExpr::Map(_) => self.refused("a dictionary in braces"),
            AstExpr::MatchAgainst { .. } => self.refused("MATCH … AGAINST"),
            AstExpr::Wildcard(_) | AstExpr::QualifiedWildcard(_, _) => self.refused("a star here"),
            AstExpr::OuterJoin(_) => self.refused("the (+) syntax"),
            AstExpr::Prior(_) => self.refused("PRIOR"),
            AstExpr::Lambda(_) => self.refused("a lambda"),
            AstExpr::MemberOf(_) => self.refused("MEMBER OF"),
            _ => self.refused("this expression"),
        }
    }

    fn field_of_struct(&mut self, value: &AstExpr) -> (Expr, Option<Name>) {
        match value {
            AstExpr::Named { expr, name } => {
                let expr = self.expr(expr);
                (expr, Some(self.name(name)))
            }
            other => (self.expr(other), None),
        }
    }

    fn refused(&mut self, what: &str) -> Expr {
        self.unsupported(what);
        Expr::refused()
    }

    fn is(&mut self, expr: &AstExpr, test: &'static str) -> Expr {
        Expr::Is { expr: self.boxed(expr), test }
    }

    fn is_distinct(&mut self, left: &AstExpr, right: &AstExpr, negated: bool) -> Expr {
        Expr::IsDistinct { left: self.boxed(left), right: self.boxed(right), negated }
    }

    fn grouping(&mut self, kind: &'static str, sets: &[Vec<AstExpr>]) -> Expr {
        Expr::Grouping { kind, sets: sets.iter().map(|set| self.exprs(set)).collect() }
    }

    fn unary(&mut self, op: &UnaryOperator, expr: &AstExpr) -> Expr {
        let Some(operator) = operator::unary(op) else {
            return self.refused(&format!("the operator {op}"));
        };
        Expr::Unary { operator, expr: self.boxed(expr) }
    }

    fn like(
        &mut self,
        operator: &'static str,
        expr: &AstExpr,
        pattern: &AstExpr,
        negated: bool,
        escape: Option<&ValueWithSpan>,
    ) -> Expr {
        let escape = escape.and_then(|value| match self.literal(value) {
            Expr::Literal(Literal::Text(text)) => Some(text),
            _ => {
                self.unsupported("this ESCAPE");
                None
            }
        });
        Expr::Like { expr: self.boxed(expr), pattern: self.boxed(pattern), operator, negated, escape }
    }

    fn quantified(&mut self, left: &AstExpr, op: &BinaryOperator, right: &AstExpr, all: bool) -> Expr {
        let operator = self.operator(op);
        // The parser takes the brackets as part of the syntax when a query stands in them, and not otherwise.
        let right = match right {
            AstExpr::Nested(inner) => self.boxed(inner),
            other => self.boxed(other),
        };
        Expr::Quantified { left: self.boxed(left), operator, all, right }
    }

    fn access(&mut self, root: &AstExpr, chain: &[AccessExpr]) -> Expr {
        let root = self.boxed(root);
        let path = chain
            .iter()
            .filter_map(|access| match access {
                AccessExpr::Dot(AstExpr::Identifier(ident)) => Some(Access::Field(self.name(ident))),
                AccessExpr::Subscript(Subscript::Index { index }) => Some(Access::Index(self.expr(index))),
                AccessExpr::Subscript(Subscript::Slice { lower_bound, upper_bound, stride: None }) => {
                    Some(Access::Slice(self.optional(lower_bound.as_ref()), self.optional(upper_bound.as_ref())))
                }
                AccessExpr::Dot(_) | AccessExpr::Subscript(Subscript::Slice { .. }) => {
                    self.unsupported("this access to a part of a value");
                    None
                }
            })
            .collect();
        Expr::Access { root, path }
    }

    fn trim(
        &mut self,
        side: Option<TrimWhereField>,
        what: Option<&AstExpr>,
        expr: &AstExpr,
        characters: Option<&[AstExpr]>,
    ) -> Expr {
        let side = side.map(|side| match side {
            TrimWhereField::Both => "BOTH",
            TrimWhereField::Leading => "LEADING",
            TrimWhereField::Trailing => "TRAILING",
        });
        if let Some(characters) = characters {
            // `trim(x, 'ab')` is a plain call.
            let mut args = vec![Arg::Expr(self.expr(expr))];
            args.extend(self.exprs(characters).into_iter().map(Arg::Expr));
            return Expr::Call(Box::new(Call::plain(vec![Name { text: "btrim".into(), pos: self.here }], args)));
        }
        Expr::Trim { side, what: self.boxed_optional(what), expr: self.boxed(expr) }
    }

    fn rounding(&mut self, name: &str, expr: &AstExpr, kind: &CeilFloorKind) -> Expr {
        match kind {
            CeilFloorKind::DateTimeField(DateTimeField::NoDateTime) => {}
            CeilFloorKind::DateTimeField(_) | CeilFloorKind::Scale(_) => self.unsupported("rounding to a scale here"),
        }
        let name = Name { text: name.into(), pos: self.here };
        Expr::Call(Box::new(Call::plain(vec![name], vec![Arg::Expr(self.expr(expr))])))
    }

    fn field(&mut self, field: &DateTimeField) -> &'static str {
        let part = || operator::part(&field.to_string().to_uppercase()).filter(|_| self.dialect == Dialect::BigQuery);
        operator::field(field).or_else(part).unwrap_or_else(|| {
            self.unsupported(&format!("the unit {field}"));
            "DAY"
        })
    }

    fn interval(&mut self, interval: &Interval) -> Expr {
        let Interval { value, leading_field, leading_precision, last_field, fractional_seconds_precision } = interval;
        let precise = leading_precision.is_some() || last_field.is_some() || fractional_seconds_precision.is_some();
        self.only_without(precise, "an interval with a precision or two units");
        let unit = leading_field.as_ref().map(|field| self.field(field));
        Expr::Interval { value: self.boxed(value), unit }
    }

    fn typed(&mut self, data_type: &DataType, value: &ValueWithSpan) -> Expr {
        let ty = self.data_type(data_type);
        match self.literal(value) {
            Expr::Literal(Literal::Text(text)) => Expr::Typed { ty, text },
            _ => self.refused("a typed literal that is not a string"),
        }
    }

    fn literal(&mut self, value: &ValueWithSpan) -> Expr {
        let ValueWithSpan { value, span: _ } = value;
        match value {
            Value::Number(digits, false) => Expr::Literal(Literal::Number(digits.as_str().into())),
            Value::SingleQuotedString(text) | Value::EscapedStringLiteral(text) => self.text(text),
            Value::DoubleQuotedString(text)
            | Value::TripleSingleQuotedString(text)
            | Value::TripleDoubleQuotedString(text)
            | Value::SingleQuotedRawStringLiteral(text)
            | Value::DoubleQuotedRawStringLiteral(text)
            | Value::TripleSingleQuotedRawStringLiteral(text)
            | Value::TripleDoubleQuotedRawStringLiteral(text)
                if self.dialect == Dialect::BigQuery =>
            {
                self.text(text)
            }
            Value::Boolean(value) => Expr::Literal(Literal::Bool(*value)),
            Value::Null => Expr::Literal(Literal::Null),
            Value::Placeholder(_) => {
                self.refuse(ReasonCode::LexerParameter, "parameters are not allowed");
                Expr::refused()
            }
            Value::Number(_, true)
            | Value::DollarQuotedString(_)
            | Value::TripleSingleQuotedString(_)
            | Value::TripleDoubleQuotedString(_)
            | Value::UnicodeStringLiteral(_)
            | Value::SingleQuotedByteStringLiteral(_)
            | Value::DoubleQuotedByteStringLiteral(_)
            | Value::TripleSingleQuotedByteStringLiteral(_)
            | Value::TripleDoubleQuotedByteStringLiteral(_)
            | Value::SingleQuotedRawStringLiteral(_)
            | Value::DoubleQuotedRawStringLiteral(_)
            | Value::TripleSingleQuotedRawStringLiteral(_)
            | Value::TripleDoubleQuotedRawStringLiteral(_)
            | Value::NationalStringLiteral(_)
            | Value::QuoteDelimitedStringLiteral(_)
            | Value::NationalQuoteDelimitedStringLiteral(_)
            | Value::HexStringLiteral(_)
            | Value::DoubleQuotedString(_) => self.refused("this form of literal"),
        }
    }

    fn text(&mut self, text: &str) -> Expr {
        if text.contains('\0') {
            self.refuse(ReasonCode::LexerCharacter, "a string must not hold the NUL character");
            return Expr::refused();
        }
        Expr::Literal(Literal::Text(text.to_owned()))
    }
}
