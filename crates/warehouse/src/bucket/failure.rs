//! What went wrong between here and the data, found in the chain of an error's causes, in words that hold no address,
//! no signature and no key.

use std::error::Error as Cause;
use std::io;

use object_store::Error as StoreError;
use pilothouse_domain::Code;

use super::guarded::Refusal;
use crate::Error;
use crate::source::unreachable;

/// The store name of the errors that come from this machine's own files.
const LOCAL: &str = "LocalFileSystem";

/// The failure that `error` or one of its causes tells of, if it is the store's and not the data's or the query's.
pub(crate) fn explain(error: &(dyn Cause + 'static)) -> Option<Error> {
    let mut found = None;
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(refused) = cause.downcast_ref::<pilothouse_outbound::Error>() {
            return Some(unreachable(refused));
        }
        if let Some(refusal) = cause.downcast_ref::<Refusal>() {
            return Some(told(*refusal));
        }
        if let Some(failed) = cause.downcast_ref::<StoreError>() {
            found = named(failed).or(found);
        }
        // The standard library's error hides what it wraps from the chain.
        let wrapped = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = wrapped.map(|inner| inner as &(dyn Cause + 'static)).or_else(|| cause.source());
    }
    found
}

fn told(refusal: Refusal) -> Error {
    match refusal {
        Refusal::Access => Error::new(Code::ConnectionRefused, format!("The object store refuses access: {refusal}.")),
        Refusal::NoBucket => Error::new(Code::ConnectionFailed, "There is no such bucket."),
        Refusal::Elsewhere => {
            Error::new(Code::ConnectionFailed, format!("The object store sends elsewhere: {refusal}."))
        }
        Refusal::Unfit => {
            Error::new(Code::ConnectionFailed, format!("The object store cannot take the request: {refusal}."))
        }
    }
}

fn named(error: &StoreError) -> Option<Error> {
    match error {
        StoreError::NotFound { .. } => {
            Some(Error::retryable(Code::ConnectionChanged, "A data file is gone since the connection was read."))
        }
        StoreError::Precondition { .. } => {
            Some(Error::retryable(Code::ConnectionChanged, "A data file has changed since the connection was read."))
        }
        StoreError::Generic { store, .. } if *store != LOCAL => {
            Some(Error::retryable(Code::ConnectionFailed, "The object store does not answer, or not as it should."))
        }
        _ => None,
    }
}
