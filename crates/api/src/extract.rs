//! Parts of the address as handlers take them. What cannot be read is refused with an error of ours, since the
//! framework's own extractors answer in plain text.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use pilothouse_domain::Code;
use serde::de::DeserializeOwned;

use crate::error::Failure;
use crate::state::State;

/// The parameters after the question mark.
pub struct Query<T>(pub T);

/// The variable parts of the path.
pub struct Path<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<Arc<State>> for Query<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<State>) -> Result<Self, Failure> {
        let read = axum::extract::Query::from_request_parts(parts, state).await;
        let axum::extract::Query(value) = read.map_err(|error| {
            let text = error.body_text();
            let reason = text.split_once(": ").map_or(text.as_str(), |(_, reason)| reason);
            Failure::new(Code::QueryInvalid, format!("The query parameters cannot be read: {reason}."))
        })?;
        Ok(Self(value))
    }
}

impl<T: DeserializeOwned + Send> FromRequestParts<Arc<State>> for Path<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<State>) -> Result<Self, Failure> {
        let read = axum::extract::Path::from_request_parts(parts, state).await;
        let axum::extract::Path(value) = read.map_err(|_| Failure::new(Code::NotFound, "Not Found"))?;
        Ok(Self(value))
    }
}
