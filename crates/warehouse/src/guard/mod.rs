//! Stand-in until the guard lands.
use pilothouse_domain::catalog::Catalog;
/// x
pub struct CheckedQuery {
    sql: String,
}
impl CheckedQuery {
    /// x
    pub fn sql(&self) -> &str {
        &self.sql
    }
}
/// x
pub fn check(_: &str, _: &Catalog) {}
