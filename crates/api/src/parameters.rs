//! Reads the parameters after the question mark one by one and collects everything that is wrong with them, in the words
//! and shapes that clients of the originals parse. An empty parameter is an absent one; unknown ones are ignored.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use pilothouse_app::{Caller, Error, Field};
use pilothouse_domain::Code;
use serde_json::{Value, json};

use crate::error::Failure;
use crate::fields::{out_of_bounds, refusal};
use crate::state::State;

/// The parameters of one request.
pub struct Parameters {
    values: BTreeMap<String, String>,
    wrong: Vec<Field>,
}

impl FromRequestParts<Arc<State>> for Parameters {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<State>) -> Result<Self, Failure> {
        let read = axum::extract::Query::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        let axum::extract::Query(pairs) =
            read.map_err(|_| Failure::new(Code::QueryInvalid, "The query parameters cannot be read."))?;
        Ok(Self::of(pairs))
    }
}

impl Parameters {
    fn of(pairs: Vec<(String, String)>) -> Self {
        Self { values: pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect(), wrong: Vec::new() }
    }

    /// Ends the reading: what is wrong with the parameters, then whether the tenant that one of them names is the caller's.
    pub fn finish_in(self, caller: &Caller, org: &str) -> Result<(), Failure> {
        self.finish()?;
        in_tenant(caller, org)
    }

    /// A text that must be there; empty when it is not, which is noted.
    pub fn text(&mut self, name: &'static str) -> String {
        self.optional_text(name).unwrap_or_else(|| {
            self.refuse(name, "missing", "Field required", Value::Null, None);
            String::new()
        })
    }

    /// A text that may be absent.
    pub fn optional_text(&mut self, name: &'static str) -> Option<String> {
        self.values.remove(name)
    }

    /// A whole number between two bounds; the default where it is absent.
    pub fn within(&mut self, name: &'static str, (least, most): (i64, i64), default: i64) -> i64 {
        let Some(text) = self.values.remove(name) else { return default };
        let input = Value::from(text.as_str());
        match text.trim().parse::<i64>() {
            Err(_) => {
                let message = "Input should be a valid integer, unable to parse string as an integer";
                self.refuse(name, "int_parsing", message, input, None);
            }
            Ok(number) => match out_of_bounds(number, least, most) {
                None => return number,
                Some((kind, message, context)) => self.refuse(name, kind, &message, input, Some(context)),
            },
        }
        default
    }

    /// A count between two bounds that fits what the use cases take; the default where it is absent.
    pub fn count(&mut self, name: &'static str, (least, most): (u32, u32), default: u32) -> u32 {
        u32::try_from(self.within(name, (least.into(), most.into()), default.into())).unwrap_or(default)
    }

    /// What `read` makes of a text that may be absent; one that it makes nothing of is noted with the words it takes.
    pub fn word<T>(&mut self, name: &'static str, words: &[&str], read: impl Fn(&str) -> Option<T>) -> Option<T> {
        let text = self.values.remove(name)?;
        let value = read(&text);
        if value.is_none() {
            let expected = listed(words);
            let message = format!("Input should be {expected}");
            self.refuse(name, "enum", &message, text.into(), Some(json!({"expected": expected})));
        }
        value
    }

    /// What `read` makes of a text that may be absent; one that it makes nothing of is noted.
    pub fn parsed<T>(&mut self, name: &'static str, what: &str, read: impl Fn(&str) -> Option<T>) -> Option<T> {
        let text = self.values.remove(name)?;
        let value = read(&text);
        if value.is_none() {
            let message = format!("Input should be {what}");
            self.refuse(name, "value_error", &message, text.into(), None);
        }
        value
    }

    fn refuse(&mut self, name: &str, kind: &'static str, message: &str, input: Value, context: Option<Value>) {
        let location = vec!["query".into(), name.into()];
        self.wrong.push(Field { location, kind, message: message.to_owned(), input, context });
    }

    /// Everything that was wrong, as one error; nothing when all was right.
    pub fn finish(self) -> Result<(), Error> {
        refusal(Code::QueryInvalid, "query", self.wrong)
    }
}

/// The words as the originals list them: 'a', 'b' or 'c'.
fn listed(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

/// That the tenant which a client names is the caller's.
pub fn in_tenant(caller: &Caller, org: &str) -> Result<(), Failure> {
    if org != caller.principal.tenant.as_str() {
        let message = "Tenant boundary violation: header tenant does not match requested org";
        return Err(Failure::new(Code::TenantMismatch, message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> Parameters {
        Parameters::of(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn every_fault_is_said_as_the_originals_say_it() {
        let mut sent = of(&[("limit", "x"), ("age", "-1"), ("most", "9"), ("status", "happy"), ("empty", "")]);
        sent.within("limit", (1, 200), 50);
        sent.within("age", (1, 10), 5);
        sent.within("most", (1, 8), 5);
        sent.word("status", &["a", "b", "c"], |_| None::<()>);
        assert_eq!(sent.text("empty"), "");
        let error = sent.finish().unwrap_err();
        let said: Vec<_> = error.fields.iter().map(|field| (field.kind, field.message.as_str())).collect();
        assert_eq!(
            said,
            [
                ("int_parsing", "Input should be a valid integer, unable to parse string as an integer"),
                ("greater_than_equal", "Input should be greater than or equal to 1"),
                ("less_than_equal", "Input should be less than or equal to 8"),
                ("enum", "Input should be 'a', 'b' or 'c'"),
                ("missing", "Field required"),
            ]
        );
        assert_eq!(error.fields[0].location, ["query", "limit"]);
        assert_eq!((&error.fields[1].context, &error.fields[4].input), (&Some(json!({"ge": 1})), &Value::Null));
        assert!(error.message.starts_with("limit: Input should be"), "{}", error.message);
    }

    #[test]
    fn what_is_absent_has_its_default() {
        let mut sent = of(&[("offset", "7")]);
        assert_eq!((sent.count("limit", (1, 200), 50), sent.count("offset", (0, 10), 0)), (50, 7));
        assert_eq!(sent.optional_text("status"), None);
        assert!(sent.finish().is_ok());
    }
}
