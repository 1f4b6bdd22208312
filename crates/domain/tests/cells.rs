//! How cells are written: the cases of `cells.json`, which the page's own tests read too.

use pilothouse_domain::answer::ResultColumn;
use pilothouse_domain::format;
use serde_json::Value;

#[test]
fn cells_are_written_as_the_table_says() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("cells.json")).unwrap();
    for case in cases {
        let mut column = case.clone();
        column["name"] = "c".into();
        let column: ResultColumn = serde_json::from_value(column).unwrap();
        assert_eq!(format::cell(&case["value"], &column), case["text"].as_str().map(str::to_owned), "{case}");
    }
}

#[test]
fn a_sentence_says_the_unit() {
    let column = |json: &str| serde_json::from_str::<ResultColumn>(json).unwrap();
    let money = column(r#"{"name": "c", "type": "number", "role": "measure", "unit": "USD"}"#);
    assert_eq!(format::spoken(&1234.5.into(), &money), "1,234.50 USD");
    assert_eq!(format::spoken(&Value::Null, &money), "no value");
    let share = column(r#"{"name": "c", "type": "number", "role": "measure", "unit": "%"}"#);
    assert_eq!(format::spoken(&2.5.into(), &share), "2.5%");
}
