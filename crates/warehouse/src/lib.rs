//! The governed query path: sources, catalogs, the SQL guard, the semantic layer, and the engines that run queries.
//!
//! An engine takes a [`guard::CheckedQuery`] and nothing else, and only the guard can make one. This crate knows no
//! tenants, no database rows and no HTTP; it is the only one that depends on DataFusion. Read first: [`Engine`],
//! [`Source`] and [`guard::check`].

pub mod bucket;
pub mod embedded;
mod engine;
mod error;
pub mod guard;
pub mod pii;
pub mod postgres;
pub mod semantic;
mod settings;
pub mod source;
mod yaml;

pub use bucket::{Bucket, Credentials};
pub use embedded::{Format, Isolation, WorkerLoad, work};
pub use engine::{Call, Cancel, Engine, Limits, Warehouse};
pub use error::Error;
pub use settings::Settings;
pub use source::Source;
