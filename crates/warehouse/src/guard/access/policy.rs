//! The access policy of a connection, as people write it: which rows, tables and columns who may see. It is read against
//! the catalog once, and made into an [`Access`] for each caller, in whose conditions `caller.role`, `caller.subject`,
//! `caller.tenant` and the policy's own attributes are literals of the tree.

use std::collections::{BTreeMap, BTreeSet};

use pilothouse_domain::Role;
use pilothouse_domain::catalog::{Catalog, Table};
use serde::Deserialize;

use super::file::{ColumnWords, Fault, fault, sensitivity_of};
use super::{Access, Sensitivity, TableAccess, conditional};
use crate::guard::{Limits, Policy, judge};
use crate::yaml::{Entries, Line};

/// Largest policy, in bytes of YAML.
pub const MAX_POLICY_BYTES: usize = 512 << 10;
/// What is known of every caller.
const KNOWN: [&str; 3] = ["role", "subject", "tenant"];

/// Words about a caller and their values; a word without a value is NULL, of which no comparison is true.
pub type CallerWords = BTreeMap<String, Option<String>>;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    min_group: Option<u64>,
    #[serde(default)]
    attributes: Entries<Entries<Line>>,
    #[serde(default)]
    tables: Entries<TableDoc>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct TableDoc {
    #[serde(default)]
    rows: Option<Line>,
    #[serde(default)]
    access: Option<Line>,
    #[serde(default)]
    approval: bool,
    #[serde(default)]
    unless: Vec<Line>,
    #[serde(default)]
    columns: Entries<ColumnDoc>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ColumnDoc {
    sensitivity: String,
    #[serde(default)]
    mask: Option<String>,
    #[serde(default)]
    unless: Vec<Line>,
}

/// A policy that was read and fits a catalog.
#[derive(Debug, Clone, Default)]
pub struct AccessPolicy {
    min_group: Option<u64>,
    /// The attributes, each with its values by subject.
    attributes: BTreeMap<String, BTreeMap<String, String>>,
    tables: Vec<TableRules>,
    /// The words about the caller that anything depends on.
    words: BTreeSet<String>,
}

#[derive(Debug, Clone)]
struct TableRules {
    name: String,
    rows: Option<String>,
    hidden: bool,
    approval: bool,
    /// The roles that the rules of the table are not for; rules of columns have their own.
    unless: Vec<Role>,
    columns: Vec<(String, Sensitivity, Vec<Role>)>,
}

impl AccessPolicy {
    /// Reads a policy for the tables of `catalog`.
    ///
    /// # Errors
    /// When it is not YAML of this shape, or names what does not exist.
    pub fn read(text: &str, catalog: &Catalog) -> Result<Self, Fault> {
        if text.len() > MAX_POLICY_BYTES {
            return Err(fault(0, format!("a policy has at most {MAX_POLICY_BYTES} bytes")));
        }
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let document: Document = serde_saphyr::from_str(text).map_err(|wrong| {
            let line = wrong.location().map_or(0, |location| location.line());
            fault(line, wrong.without_snippet().to_string())
        })?;
        let mut policy = Self { min_group: document.min_group, ..Self::default() };
        for (name, line, values) in document.attributes.0 {
            if KNOWN.contains(&name.as_str()) {
                return Err(fault(line, format!("`{name}` is known of every caller and cannot be an attribute")));
            }
            let values = values.0.into_iter().map(|(subject, _, value)| (subject, value.text));
            policy.attributes.insert(name, values.collect());
        }
        for (name, line, doc) in document.tables.0 {
            let table = catalog.table(&name).ok_or_else(|| fault(line, format!("there is no table `{name}`")))?;
            let rules = policy.table(table, doc, catalog)?;
            policy.tables.push(rules);
        }
        Ok(policy)
    }

    fn table(&mut self, table: &Table, doc: TableDoc, catalog: &Catalog) -> Result<TableRules, Fault> {
        let hidden = match doc.access.as_ref().map(|word| (word.text.as_str(), word.line)) {
            None | Some(("read", _)) => false,
            Some(("none", _)) => true,
            Some((other, line)) => return Err(fault(line, format!("access is read or none, not {other}"))),
        };
        let unless = self.roles(&doc.unless)?;
        if let Some(rows) = &doc.rows {
            self.check_rows(table, rows, catalog)?;
        }
        let mut columns = Vec::new();
        for (column, line, words) in doc.columns.0 {
            if table.column(&column).is_none() {
                return Err(fault(line, format!("table `{}` has no column `{column}`", table.name)));
            }
            let said = ColumnWords { sensitivity: Some(words.sensitivity), mask: words.mask, ..ColumnWords::default() };
            columns.push((column, sensitivity_of(&said, line)?, self.roles(&words.unless)?));
        }
        let rows = doc.rows.map(|rows| rows.text);
        Ok(TableRules { name: table.name.clone(), rows, hidden, approval: doc.approval, unless, columns })
    }

    fn roles(&mut self, lines: &[Line]) -> Result<Vec<Role>, Fault> {
        if !lines.is_empty() {
            self.words.insert("role".to_owned());
        }
        lines.iter().map(|line| line.text.parse().map_err(|wrong| fault(line.line, format!("{wrong}")))).collect()
    }

    /// Whether the condition is one over the table's columns; remembers what it depends on.
    fn check_rows(&mut self, table: &Table, rows: &Line, catalog: &Catalog) -> Result<(), Fault> {
        let known = KNOWN.iter().map(|word| (*word).to_owned()).chain(self.attributes.keys().cloned());
        let words: CallerWords = known.map(|word| (word, Some(String::new()))).collect();
        let (condition, used) =
            conditional(&rows.text, catalog.dialect, &words).map_err(|why| fault(rows.line, why))?;
        let mut access = Access::open();
        access.tables.entry(table.name.clone()).or_default().rows = condition;
        let limits = Limits::default();
        let name = table.name.replace('"', "\"\"");
        let sql = format!("SELECT count(*) FROM \"{name}\"");
        let (_, reasons) = judge(&sql, &Policy { catalog, access: &access, limits: &limits });
        if let Some(reason) = reasons.iter().find(|reason| reason.code.blocks()) {
            return Err(fault(rows.line, reason.message.clone()));
        }
        self.words.extend(used);
        Ok(())
    }

    /// What decides over a caller: the values of the words that anything depends on.
    pub fn rights(&self, tenant: &str, subject: &str, role: Role) -> CallerWords {
        let value = |word: &str| match word {
            "role" => Some(role.as_str().to_owned()),
            "subject" => Some(subject.to_owned()),
            "tenant" => Some(tenant.to_owned()),
            attribute => self.attributes.get(attribute)?.get(subject).cloned(),
        };
        self.words.iter().map(|word| (word.clone(), value(word))).collect()
    }

    /// `base` with what the policy protects from a caller of these rights.
    ///
    /// # Errors
    /// In words, where a condition cannot be read, which it could when the policy was.
    pub fn narrow(&self, base: &Access, catalog: &Catalog, rights: &CallerWords) -> Result<Access, String> {
        let role = rights.get("role").and_then(Option::as_deref).and_then(|role| role.parse::<Role>().ok());
        let meant = |unless: &[Role]| role.is_none_or(|role| !unless.contains(&role));
        let mut access = base.clone();
        access.min_group = self.min_group.unwrap_or(access.min_group);
        for rules in &self.tables {
            let protected: &mut TableAccess = access.tables.entry(rules.name.clone()).or_default();
            for (column, sensitivity, _) in rules.columns.iter().filter(|(.., unless)| meant(unless)) {
                let own = protected.columns.entry(column.clone()).or_default();
                *own = (*own).stricter(*sensitivity);
            }
            if !meant(&rules.unless) {
                continue;
            }
            protected.hidden |= rules.hidden;
            protected.approval |= rules.approval;
            if let Some(rows) = &rules.rows {
                protected.rows = conditional(rows, catalog.dialect, rights)?.0;
            }
        }
        Ok(access)
    }
}
