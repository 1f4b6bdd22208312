//! Types in casts and typed literals: composed from a list, never copied from the text.

use datafusion::sql::sqlparser::ast::{
    ArrayElemTypeDef, CharacterLength, DataType, ExactNumberInfo, ObjectNamePart, StructBracketKind, StructField,
    TimezoneInfo,
};
use pilothouse_domain::catalog::Dialect;

use super::Lowering;
use crate::guard::ir::Type;
use crate::guard::report::ReasonCode;

/// Types that exist only as lookups in the system catalog.
const CATALOG_TYPES: [&str; 12] = [
    "regclass",
    "regproc",
    "regprocedure",
    "regoper",
    "regoperator",
    "regtype",
    "regrole",
    "regnamespace",
    "regconfig",
    "regdictionary",
    "regcollation",
    "oid",
];

impl Lowering<'_> {
    pub(super) fn data_type(&mut self, data_type: &DataType) -> Type {
        if let Some(text) = self.type_text(data_type, 0) {
            return Type(text);
        }
        let name = data_type.to_string();
        let lower = name.to_ascii_lowercase();
        let last = lower.rsplit('.').next().unwrap_or(&lower).trim_matches('"').trim_end_matches("[]");
        if CATALOG_TYPES.contains(&last) {
            self.refuse(ReasonCode::CatalogCast, format!("a cast to {last} reads the system catalog"));
        } else {
            self.refuse(ReasonCode::TypeUnknown, format!("the type {name} is not supported"));
        }
        Type("INT".to_owned())
    }

    fn type_text(&self, data_type: &DataType, depth: usize) -> Option<String> {
        if self.dialect == Dialect::BigQuery {
            return bigquery(data_type, depth);
        }
        let postgres = self.dialect == Dialect::PostgreSql;
        let text = match data_type {
            DataType::Varchar(length) | DataType::CharacterVarying(length) | DataType::CharVarying(length) => {
                with_length("VARCHAR", length.as_ref())?
            }
            DataType::Char(length) | DataType::Character(length) => with_length("CHAR", length.as_ref())?,
            DataType::Text => "TEXT".to_owned(),
            DataType::String(None) if !postgres => "STRING".to_owned(),
            DataType::Numeric(info) => with_scale("NUMERIC", info),
            DataType::Decimal(info) | DataType::Dec(info) => with_scale("DECIMAL", info),
            DataType::Float(ExactNumberInfo::None) => "FLOAT".to_owned(),
            DataType::Double(ExactNumberInfo::None) if !postgres => "DOUBLE".to_owned(),
            DataType::DoublePrecision => "DOUBLE PRECISION".to_owned(),
            DataType::Float4 | DataType::Real => "REAL".to_owned(),
            DataType::Float8 => "DOUBLE PRECISION".to_owned(),
            DataType::TinyInt(None) if !postgres => "TINYINT".to_owned(),
            DataType::SmallInt(None) | DataType::Int2(None) => "SMALLINT".to_owned(),
            DataType::Int(None) | DataType::Integer(None) | DataType::Int4(None) => "INT".to_owned(),
            DataType::BigInt(None) | DataType::Int8(None) => "BIGINT".to_owned(),
            DataType::IntUnsigned(None) | DataType::IntegerUnsigned(None) if !postgres => "INT UNSIGNED".to_owned(),
            DataType::BigIntUnsigned(None) if !postgres => "BIGINT UNSIGNED".to_owned(),
            DataType::Boolean | DataType::Bool => "BOOLEAN".to_owned(),
            DataType::Date => "DATE".to_owned(),
            DataType::Time(precision, zone) => with_zone("TIME", *precision, zone),
            DataType::Timestamp(precision, zone) => with_zone("TIMESTAMP", *precision, zone),
            DataType::Interval { fields: None, precision: None } => "INTERVAL".to_owned(),
            DataType::Uuid if postgres => "UUID".to_owned(),
            DataType::JSON if postgres => "JSON".to_owned(),
            DataType::JSONB if postgres => "JSONB".to_owned(),
            DataType::Bytea => "BYTEA".to_owned(),
            DataType::Array(ArrayElemTypeDef::SquareBracket(element, None)) if depth == 0 => {
                format!("{}[]", self.type_text(element, depth + 1)?)
            }
            DataType::Custom(name, arguments) if arguments.is_empty() => {
                custom(name.0.as_slice(), self.dialect)?.to_owned()
            }
            // Every other type is refused; `data_type` says why.
            _ => return None,
        };
        Some(text)
    }
}

/// Deepest nesting of lists and structures in a type.
const MAX_TYPE_DEPTH: usize = 4;

fn bigquery(data_type: &DataType, depth: usize) -> Option<String> {
    let text = match data_type {
        DataType::Int64 | DataType::BigInt(None) | DataType::Int(None) | DataType::Integer(None) => "INT64",
        DataType::Float64 => "FLOAT64",
        DataType::Numeric(ExactNumberInfo::None) | DataType::Decimal(ExactNumberInfo::None) => "NUMERIC",
        DataType::BigNumeric(ExactNumberInfo::None) | DataType::BigDecimal(ExactNumberInfo::None) => "BIGNUMERIC",
        DataType::Numeric(info) => return Some(with_scale("NUMERIC", info)),
        DataType::String(None) => "STRING",
        DataType::Bool | DataType::Boolean => "BOOL",
        DataType::Bytes(None) => "BYTES",
        DataType::Date => "DATE",
        DataType::Datetime(None) => "DATETIME",
        DataType::Time(None, TimezoneInfo::None) => "TIME",
        DataType::Timestamp(None, TimezoneInfo::None) => "TIMESTAMP",
        DataType::JSON => "JSON",
        DataType::Interval { fields: None, precision: None } => "INTERVAL",
        DataType::Array(ArrayElemTypeDef::AngleBracket(element)) if depth < MAX_TYPE_DEPTH => {
            return Some(format!("ARRAY<{}>", bigquery(element, depth + 1)?));
        }
        DataType::Struct(fields, StructBracketKind::AngleBrackets) if depth < MAX_TYPE_DEPTH => {
            let fields: Option<Vec<String>> = fields.iter().map(|field| bigquery_field(field, depth + 1)).collect();
            return Some(format!("STRUCT<{}>", fields?.join(", ")));
        }
        // Every other type is refused; `data_type` says why.
        _ => return None,
    };
    Some(text.to_owned())
}

fn bigquery_field(field: &StructField, depth: usize) -> Option<String> {
    let StructField { field_name, field_type, options: None } = field else { return None };
    let of = bigquery(field_type, depth)?;
    let Some(name) = field_name else { return Some(of) };
    let plain = name.value.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    plain.then(|| format!("`{}` {of}", name.value))
}

fn custom(parts: &[ObjectNamePart], dialect: Dialect) -> Option<&'static str> {
    let [ObjectNamePart::Identifier(name)] = parts else { return None };
    match (dialect, name.value.to_ascii_lowercase().as_str()) {
        (Dialect::PostgreSql, "citext") => Some("citext"),
        (Dialect::PostgreSql, "money") => Some("money"),
        (Dialect::PostgreSql, "inet") => Some("inet"),
        _ => None,
    }
}

fn with_length(name: &str, length: Option<&CharacterLength>) -> Option<String> {
    match length {
        None => Some(name.to_owned()),
        Some(CharacterLength::IntegerLength { length, unit: None }) => Some(format!("{name}({length})")),
        Some(CharacterLength::IntegerLength { length: _, unit: Some(_) } | CharacterLength::Max) => None,
    }
}

fn with_scale(name: &str, info: &ExactNumberInfo) -> String {
    match info {
        ExactNumberInfo::None => name.to_owned(),
        ExactNumberInfo::Precision(precision) => format!("{name}({precision})"),
        ExactNumberInfo::PrecisionAndScale(precision, scale) => format!("{name}({precision}, {scale})"),
    }
}

fn with_zone(name: &str, precision: Option<u64>, zone: &TimezoneInfo) -> String {
    let precision = precision.map(|digits| format!("({digits})")).unwrap_or_default();
    let zone = match zone {
        TimezoneInfo::None | TimezoneInfo::WithoutTimeZone => "",
        TimezoneInfo::WithTimeZone | TimezoneInfo::Tz => " WITH TIME ZONE",
    };
    format!("{name}{precision}{zone}")
}
