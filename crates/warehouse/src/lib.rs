//! The governed way to data: catalogs, the semantic layer, and the engines behind connections.

pub mod semantic;
