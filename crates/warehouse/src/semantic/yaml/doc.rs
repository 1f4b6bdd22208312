//! The shape of the YAML file. Everything is optional: what a file does not say stays as it was inferred.

use std::fmt;
use std::marker::PhantomData;

use pilothouse_domain::semantic::{Aggregate, Calendar, FieldKind};
use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_saphyr::Spanned;

/// A map whose keys keep their order and the line they stand on.
#[derive(Debug, Clone)]
pub(super) struct Entries<V>(pub Vec<(String, u64, V)>);

impl<V> Default for Entries<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<V> Entries<V> {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<V: Serialize> Serialize for Entries<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, _, value) in &self.0 {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Entries<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Map<V>(PhantomData<V>);
        impl<'de, V: Deserialize<'de>> Visitor<'de> for Map<V> {
            type Value = Entries<V>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a map of names")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some((key, value)) = access.next_entry::<Spanned<String>, V>()? {
                    entries.push((key.value, key.referenced.line(), value));
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Map(PhantomData))
    }
}

/// Text and the line it stands on.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub text: String,
    pub line: u64,
}

impl Line {
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), line: 0 }
    }
}

impl Serialize for Line {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Line {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<String>::deserialize(deserializer)?;
        Ok(Self { text: spanned.value, line: spanned.referenced.line() })
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    #[serde(default, skip_serializing_if = "Entries::is_empty")]
    pub datasets: Entries<DatasetDoc>,
    #[serde(default, skip_serializing_if = "Entries::is_empty")]
    pub metrics: Entries<MetricDoc>,
    #[serde(default, skip_serializing_if = "Entries::is_empty")]
    pub segments: Entries<SegmentDoc>,
    /// Joins beside the inferred ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub joins: Vec<JoinDoc>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DatasetDoc {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<Line>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub synonyms: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary_key: Option<Vec<Line>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_time: Option<Line>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display: Option<Line>,
    /// Not asked about.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hidden: bool,
    #[serde(default, skip_serializing_if = "Entries::is_empty")]
    pub fields: Entries<FieldDoc>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FieldDoc {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<Line>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub synonyms: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<FieldKind>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aggregate: Option<Aggregate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<Calendar>,
    /// Words people use, each with the values it stands for.
    #[serde(default, skip_serializing_if = "Entries::is_empty")]
    pub words: Entries<Vec<String>>,
    /// Not asked about.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hidden: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MetricDoc {
    pub measure: Line,
    #[serde(default, rename = "where", skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Line>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub synonyms: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SegmentDoc {
    pub dataset: Line,
    #[serde(rename = "where")]
    pub conditions: Vec<Line>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub synonyms: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JoinDoc {
    pub from: Line,
    pub columns: Vec<Line>,
    pub to: Line,
    pub references: Vec<Line>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}
