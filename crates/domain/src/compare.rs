//! Whether two results say the same: the rule by which an answer is right in an evaluation.
//!
//! Rows are compared as a multiset, or in order where the question asks for one; numbers within a tolerance; column
//! names are ignored. A date equals the midnight that begins it.

use std::cmp::Ordering;

use serde_json::Value;

use crate::answer::ResultSet;

/// How far two numbers may differ, absolutely or relative to the larger.
pub const TOLERANCE: f64 = 1e-6;

/// Whether `ours` has the rows of `gold`; with `ordered`, in the same order.
pub fn same_rows(gold: &ResultSet, ours: &ResultSet, ordered: bool) -> bool {
    if gold.rows.len() != ours.rows.len() || gold.columns.len() != ours.columns.len() {
        return false;
    }
    if ordered {
        return gold.rows.iter().zip(&ours.rows).all(|(a, b)| same_row(a, b));
    }
    let mut left: Vec<&Vec<Value>> = gold.rows.iter().collect();
    let mut right: Vec<&Vec<Value>> = ours.rows.iter().collect();
    left.sort_by(|a, b| order_rows(a, b));
    right.sort_by(|a, b| order_rows(a, b));
    left.iter().zip(&right).all(|(a, b)| same_row(a, b)) || matched_pairwise(&left, &right)
}

/// Most rows for which each row is looked for among all others when sorting alone found no match.
const MAX_PAIRWISE_ROWS: usize = 2_000;

/// Sorting puts numbers that differ within the tolerance in either order, so a mismatch is looked at row by row.
fn matched_pairwise(left: &[&Vec<Value>], right: &[&Vec<Value>]) -> bool {
    if left.len() > MAX_PAIRWISE_ROWS {
        return false;
    }
    let mut free: Vec<&Vec<Value>> = right.to_vec();
    left.iter().all(|row| match free.iter().position(|other| same_row(row, other)) {
        Some(at) => {
            free.swap_remove(at);
            true
        }
        None => false,
    })
}

fn same_row(a: &[Value], b: &[Value]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_value(a, b))
}

fn same_value(a: &Value, b: &Value) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(x), Some(y)) => (x - y).abs() <= TOLERANCE * x.abs().max(y.abs()).max(1.0),
        (None, None) => match (a, b) {
            (Value::String(x), Value::String(y)) => moment(x) == moment(y),
            _ => a == b,
        },
        _ => false,
    }
}

/// The text without a time of midnight, so that a date and the midnight that begins it are alike.
fn moment(text: &str) -> &str {
    let bytes = text.as_bytes();
    let dated = bytes.len() > 10 && bytes[4] == b'-' && bytes[7] == b'-' && matches!(bytes[10], b'T' | b' ');
    if dated && bytes[11..].iter().all(|b| matches!(b, b'0' | b':' | b'.' | b'Z')) { &text[..10] } else { text }
}

fn order_rows(a: &[Value], b: &[Value]) -> Ordering {
    a.iter().zip(b).map(|(a, b)| order_values(a, b)).find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
}

fn order_values(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::String(x), Value::String(y)) => moment(x).cmp(moment(y)),
        _ => match (a.as_f64(), b.as_f64()) {
            (Some(x), Some(y)) => x.total_cmp(&y),
            _ => rank(a).cmp(&rank(b)).then_with(|| a.to_string().cmp(&b.to_string())),
        },
    }
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(_) => 2,
        Value::String(_) => 3,
        Value::Array(_) | Value::Object(_) => 4,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::catalog::DataType;

    fn result(rows: Vec<Vec<Value>>) -> ResultSet {
        let width = rows.first().map_or(0, Vec::len);
        let columns = (0..width).map(|at| (format!("c{at}"), DataType::Other)).collect();
        ResultSet { columns, rows, ..ResultSet::default() }
    }

    #[test]
    fn rows_are_a_multiset_unless_order_was_asked_for() {
        let a = result(vec![vec![json!("x"), json!(1)], vec![json!("y"), json!(2)]]);
        let b = result(vec![vec![json!("y"), json!(2.0000001)], vec![json!("x"), json!(1)]]);
        assert!(same_rows(&a, &b, false));
        assert!(!same_rows(&a, &b, true));
        let twice = result(vec![vec![json!("x"), json!(1)], vec![json!("x"), json!(1)]]);
        assert!(!same_rows(&a, &twice, false));
    }

    #[test]
    fn a_date_is_the_midnight_that_begins_it_and_null_is_not_zero() {
        let a = result(vec![vec![json!("2024-01-01")]]);
        assert!(same_rows(&a, &result(vec![vec![json!("2024-01-01T00:00:00")]]), false));
        assert!(!same_rows(&a, &result(vec![vec![json!("2024-01-01T01:00:00")]]), false));
        assert!(!same_rows(&result(vec![vec![json!(null)]]), &result(vec![vec![json!(0)]]), false));
        assert!(!same_rows(&a, &result(vec![vec![json!("2024-01-01"), json!(1)]]), false));
    }

    #[test]
    fn close_numbers_match_whatever_order_sorting_gave_them() {
        let a = result(vec![vec![json!(1.0), json!("b")], vec![json!(1.000_000_1), json!("a")]]);
        let b = result(vec![vec![json!(1.0), json!("a")], vec![json!(1.000_000_1), json!("b")]]);
        assert!(same_rows(&a, &b, false));
    }
}
