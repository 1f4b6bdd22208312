//! A model of two tables, written by hand.

use pilothouse_domain::catalog::DataType;
use pilothouse_domain::semantic::{
    Aggregate, Calculation, Compare, Dataset, Field, FieldKind, FieldRef, Filter, Join, Measure, Metric, Model, Scalar,
    Segment,
};

fn field(name: &str, kind: FieldKind, data_type: DataType) -> Field {
    Field {
        name: name.to_owned(),
        column: name.to_owned(),
        kind,
        data_type,
        label: name.replace('_', " "),
        synonyms: Vec::new(),
        unit: None,
        default_aggregate: (kind == FieldKind::Measure).then_some(Aggregate::Sum),
        values: Vec::new(),
        value_synonyms: Vec::new(),
        range: None,
        calendar: None,
        nullable: false,
        days: None,
        same_as: None,
        sensitivity: None,
    }
}

fn valued(name: &str, values: &[&str]) -> Field {
    let values = values.iter().map(|value| (*value).to_owned()).collect();
    Field { values, ..field(name, FieldKind::Dimension, DataType::String) }
}

fn dataset(name: &str, display: Option<&str>, time: Option<&str>, fields: Vec<Field>) -> Dataset {
    Dataset {
        name: name.to_owned(),
        table: name.to_owned(),
        label: name.to_owned(),
        synonyms: Vec::new(),
        primary_key: vec!["id".to_owned()],
        default_time: time.map(str::to_owned),
        snapshot: None,
        display: display.map(str::to_owned),
        fields,
    }
}

fn segment(name: &str, field: &str, above: i64) -> Segment {
    let field = FieldRef { dataset: "orders".to_owned(), field: field.to_owned(), via: None };
    Segment {
        name: name.to_owned(),
        label: name.to_owned(),
        synonyms: vec!["big".to_owned()],
        dataset: "orders".to_owned(),
        filters: vec![Filter::Compare { field, op: Compare::Gt, values: vec![Scalar::Integer(above)] }],
    }
}

/// Orders of customers, in 2024 and the first months of 2025.
pub fn shop() -> Model {
    let money =
        |name: &str| Field { unit: Some("USD".to_owned()), ..field(name, FieldKind::Measure, DataType::Number) };
    let range = Some(("2024-01-01T00:00:00".to_owned(), "2025-03-14T23:00:00".to_owned()));
    let orders = vec![
        field("id", FieldKind::Key, DataType::Integer),
        field("customer_id", FieldKind::Key, DataType::Integer),
        Field { range, ..field("ordered_at", FieldKind::Time, DataType::Timestamp) },
        valued("status", &["completed", "pending", "returned"]),
        Field { synonyms: vec!["total".to_owned()], ..money("amount") },
        Field { label: "discount in euros".to_owned(), unit: Some("EUR".to_owned()), ..money("discount_eur") },
        Field { label: "discount".to_owned(), unit: Some("USD".to_owned()), ..money("discount") },
    ];
    let orders = orders.into_iter().filter(|field| field.name != "discount_eur").collect();
    let customers = vec![
        field("id", FieldKind::Key, DataType::Integer),
        field("name", FieldKind::Dimension, DataType::String),
        valued("country", &["France", "Germany", "United States"]),
        Field { nullable: true, ..field("phone", FieldKind::Dimension, DataType::String) },
    ];
    let amount = FieldRef { dataset: "orders".to_owned(), field: "amount".to_owned(), via: None };
    let calculation = Calculation::Aggregate { aggregate: Aggregate::Sum, field: amount };
    Model {
        datasets: vec![
            dataset("orders", None, Some("ordered_at"), orders),
            dataset("customers", Some("name"), None, customers),
        ],
        metrics: vec![Metric {
            name: "revenue".to_owned(),
            label: "revenue".to_owned(),
            synonyms: vec!["sales".to_owned()],
            measure: Measure::new("orders", calculation),
            unit: Some("USD".to_owned()),
            group_by: Vec::new(),
        }],
        segments: vec![segment("big by amount", "amount", 500), segment("big by discount", "discount", 50)],
        verified: Vec::new(),
        joins: vec![Join {
            from: "orders".to_owned(),
            columns: vec!["customer_id".to_owned()],
            to: "customers".to_owned(),
            references: vec!["id".to_owned()],
            role: None,
        }],
    }
}

/// People and who they report to, one of the people.
pub fn staff() -> Model {
    let people = vec![
        field("id", FieldKind::Key, DataType::Integer),
        field("name", FieldKind::Dimension, DataType::String),
        valued("department", &["sales", "support"]),
        Field { default_aggregate: Some(Aggregate::Avg), ..field("salary", FieldKind::Measure, DataType::Number) },
        Field { label: "manager".to_owned(), nullable: true, ..field("manager_id", FieldKind::Key, DataType::Integer) },
    ];
    let desks = vec![
        field("id", FieldKind::Key, DataType::Integer),
        field("person_id", FieldKind::Key, DataType::Integer),
        valued("kind", &["standing", "sitting"]),
    ];
    let join = |from: &str, column: &str, role: Option<&str>| Join {
        from: from.to_owned(),
        columns: vec![column.to_owned()],
        to: "people".to_owned(),
        references: vec!["id".to_owned()],
        role: role.map(str::to_owned),
    };
    Model {
        datasets: vec![
            Dataset { synonyms: vec!["person".to_owned()], ..dataset("people", Some("name"), None, people) },
            dataset("desks", None, None, desks),
        ],
        joins: vec![join("people", "manager_id", Some("manager")), join("desks", "person_id", None)],
        ..Model::default()
    }
}
