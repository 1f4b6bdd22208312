//! A guard that remembers what it said: people and dashboards ask the same again and again.

use std::sync::Arc;

use pilothouse_domain::catalog::Catalog;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::access::Access;
use super::{Limits, Policy, Report, check};

/// Bytes of statements and verdicts that one guard remembers.
const REMEMBERED_BYTES: u64 = 1 << 20;
/// Statements that fit into it, as they are expected to be.
const EXPECTED_STATEMENTS: usize = 1_000;
/// Bytes of a verdict besides the texts in it.
const VERDICT_BYTES: usize = size_of::<Report>();

/// What one caller's statements on one connection are checked against, and what was said of those checked last. Nothing
/// of it ever changes: another catalog, or other rights, are another guard.
pub struct Guard {
    catalog: Arc<Catalog>,
    access: Access,
    limits: Limits,
    said: Cache<Box<str>, Arc<Report>, Bytes>,
}

impl Guard {
    /// A guard over `catalog`.
    pub fn new(catalog: Arc<Catalog>, access: Access, limits: Limits) -> Self {
        let said = Cache::with_weighter(EXPECTED_STATEMENTS, REMEMBERED_BYTES, Bytes);
        Self { catalog, access, limits, said }
    }

    /// What [`check`] says of `sql`.
    pub fn check(&self, sql: &str) -> Arc<Report> {
        if let Some(said) = self.said.get(sql) {
            return said;
        }
        let policy = Policy { catalog: &self.catalog, access: &self.access, limits: &self.limits };
        let report = Arc::new(check(sql, &policy));
        // Longer ones are refused for their length, and soon.
        if sql.len() <= self.limits.max_bytes {
            self.said.insert(sql.into(), report.clone());
        }
        report
    }
}

/// Weighs a verdict by the memory that it takes, roughly.
#[derive(Clone)]
struct Bytes;

impl Weighter<Box<str>, Arc<Report>> for Bytes {
    fn weight(&self, sql: &Box<str>, report: &Arc<Report>) -> u64 {
        let reasons = report.reasons.iter().map(|reason| VERDICT_BYTES + reason.message.len()).sum::<usize>();
        let texts = report.canonical.as_ref().map_or(0, |canonical| 4 * canonical.sql().len());
        (VERDICT_BYTES + sql.len() + reasons + texts) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::Verdict;
    use pilothouse_domain::catalog::Dialect;

    #[test]
    fn what_was_said_is_said_again_and_memory_is_bounded() {
        let catalog = Arc::new(Catalog { dialect: Dialect::DataFusion, tables: Vec::new() });
        let guard = Guard::new(catalog, Access::open(), Limits::default());
        let first = guard.check("SELECT 1");
        assert_eq!(first.verdict, Verdict::AllowRewritten);
        assert!(Arc::ptr_eq(&first, &guard.check("SELECT 1")));
        assert!(!Arc::ptr_eq(&first, &guard.check("SELECT  1")));
        for n in 0..20_000 {
            guard.check(&format!("SELECT {n}"));
        }
        assert!(guard.said.weight() <= REMEMBERED_BYTES);
    }
}
