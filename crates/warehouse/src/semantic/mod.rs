//! The semantic layer's side of the warehouse: the model inferred from a catalog ([`infer`]), kept as YAML ([`yaml`]),
//! and queries over it compiled to SQL ([`compile`]). It knows no words of questions and runs nothing.

mod columns;
pub mod compile;
mod infer;
mod names;
mod protect;
pub mod yaml;

pub use columns::result_columns;
pub use compile::{CompileError, compile};
pub use infer::infer;
pub use pilothouse_domain::semantic::explain;
pub use protect::protect;
