//! What a model of language is told of a connection so that it can propose how to read a question, and what it may answer.
//!
//! It is told what things are called and how they hang together, never rows; which values a field has only where that may be
//! told. Read first: [`Brief`] and [`Proposal`].

mod brief;

pub use brief::{Brief, MAX_BRIEF_BYTES};

use std::sync::LazyLock;

use pilothouse_domain::semantic::Query;
use serde::Deserialize;
use serde_json::Value;

use crate::chat::Format;

static SCHEMA: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("schema.json")).unwrap_or_default());

/// The form in which proposals are asked for.
pub fn format() -> Format {
    Format::Schema { name: "proposal".to_owned(), schema: SCHEMA.clone() }
}

/// What a model proposes.
#[derive(Debug, Clone, PartialEq)]
pub enum Proposal {
    /// A reading in terms of the semantic model.
    Query(Box<Query>),
    /// A statement, where no such reading says it.
    Sql(String),
    /// That it cannot be answered.
    No,
}

#[derive(Deserialize)]
struct Answer {
    can: String,
    query: Option<Query>,
    sql: Option<String>,
    why: String,
}

/// A proposal and what the model says to it.
///
/// # Errors
/// What is wrong with it, in words that a model can mend it by.
pub fn read(value: Value) -> Result<(Proposal, String), String> {
    let Answer { can, query, sql, why } = serde_json::from_value(value).map_err(|wrong| wrong.to_string())?;
    let proposal = match (can.as_str(), query, sql) {
        ("query", Some(query), _) => Proposal::Query(Box::new(query)),
        ("sql", _, Some(sql)) if !sql.trim().is_empty() => Proposal::Sql(sql),
        ("no", ..) => Proposal::No,
        _ => return Err("what \"can\" names is missing".to_owned()),
    };
    Ok((proposal, why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Form;
    use serde_json::json;

    /// Every part that a query can have, once.
    fn whole() -> Value {
        let field = json!({"dataset": "flights", "field": "delay"});
        let named = json!({"dataset": "airports", "field": "name", "via": "origin"});
        let compare = json!({"kind": "compare", "field": named, "op": "eq",
            "values": [{"type": "text", "value": "x"}, {"type": "integer", "value": 1}, {"type": "date", "value": "2013-01-01"}]});
        let filters = json!([compare, {"kind": "part", "field": field, "part": "month", "op": "eq", "values": [2]},
            {"kind": "fields", "left": field, "op": "lt", "right": field}, {"kind": "any", "of": [compare]},
            {"kind": "related", "dataset": "orders", "filters": [compare], "op": "ge", "count": 1}]);
        let group = json!({"field": field, "grain": "week", "step": 2.5, "counted": true});
        let rows =
            json!({"dataset": "flights", "calculation": {"kind": "count_rows"}, "filters": filters, "time": "day"});
        let calculations = json!([{"kind": "aggregate", "aggregate": "median", "field": field},
            {"kind": "share_of_rows", "of": filters, "fraction": true}, {"kind": "share_of_measure", "measure": rows, "of": filters},
            {"kind": "share_of_total", "measure": rows}, {"kind": "ratio", "numerator": rows, "denominator": rows, "percent": true},
            {"kind": "average_per", "measure": rows, "per": group}, {"kind": "latest", "measure": rows, "time": "day"},
            {"kind": "change", "measure": rows, "from": filters, "to": filters, "relative": true},
            {"kind": "growth", "measure": rows, "year": true, "relative": false}]);
        let measures: Vec<Value> = calculations
            .as_array()
            .unwrap()
            .iter()
            .map(|calculation| json!({"dataset": "flights", "calculation": calculation}))
            .collect();
        json!({"dataset": "flights", "measures": measures, "groups": [group], "filters": filters,
            "having": [{"measure": 0, "op": "gt", "value": {"type": "number", "value": 1.5}}], "select": [named], "distinct": true,
            "order": [{"by": "measure", "index": 0, "direction": "descending"}, {"by": "field", "field": field, "direction": "ascending"}],
            "limit": 10, "count_groups": true, "drivers": [field]})
    }

    fn answer(query: Value) -> Value {
        json!({"can": "query", "query": query, "sql": null, "why": ""})
    }

    #[test]
    fn the_form_has_a_place_for_everything_that_a_query_can_say() {
        let form = Form::new(&format()).unwrap();
        let (Proposal::Query(query), _) = read(form.read(&answer(whole()).to_string()).unwrap().unwrap()).unwrap()
        else {
            panic!("it is a query")
        };
        assert_eq!(query.measures.len(), 9);
        // And what queries are written as has the form.
        let written = answer(serde_json::to_value(&query).unwrap());
        assert_eq!(form.read(&written.to_string()).unwrap().unwrap(), written);
    }

    #[test]
    fn what_is_no_proposal_is_told_so_that_it_can_be_mended() {
        let form = Form::new(&format()).unwrap();
        for wrong in [
            json!({"can": "query", "query": {"dataset": "flights", "measures": [], "groups": [], "filters": [], "order": [], "union": 1}, "sql": null, "why": ""}),
            json!({"can": "drop", "query": null, "sql": "DROP TABLE flights", "why": ""}),
            json!({"can": "no"}),
        ] {
            assert!(form.read(&wrong.to_string()).is_err(), "{wrong}");
        }
        for wrong in [answer(Value::Null), json!({"can": "sql", "query": null, "sql": " ", "why": ""})] {
            assert!(read(form.read(&wrong.to_string()).unwrap().unwrap()).unwrap_err().contains("missing"));
        }
        let no = json!({"can": "no", "query": null, "sql": null, "why": "There is no weather."});
        assert_eq!(read(no).unwrap(), (Proposal::No, "There is no weather.".to_owned()));
    }
}
