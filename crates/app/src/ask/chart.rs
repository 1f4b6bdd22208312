//! Chooses a chart from the shape of a result.

use pilothouse_domain::answer::{Chart, ChartKind, ColumnRole, ResultColumn};

/// Most bars that can still be told apart.
const MAX_BARS: usize = 60;
/// Most lines in one chart.
const MAX_SERIES: usize = 3;

/// The chart for a result with these columns and this many rows.
pub fn choose(columns: &[ResultColumn], rows: usize, title: &str) -> Chart {
    let of_role = |role: ColumnRole| columns.iter().filter(move |column| column.role == role);
    let measures: Vec<String> = of_role(ColumnRole::Measure)
        .filter(|column| column.data_type.is_numeric())
        .map(|column| column.name.clone())
        .take(MAX_SERIES)
        .collect();
    let times: Vec<_> = of_role(ColumnRole::Time).collect();
    let dimensions: Vec<_> = of_role(ColumnRole::Dimension).collect();
    let (kind, x) = match (times.as_slice(), dimensions.as_slice()) {
        _ if measures.is_empty() || rows == 0 => (ChartKind::None, None),
        ([], []) if rows == 1 && measures.len() == 1 => (ChartKind::Number, None),
        ([time], []) if rows > 1 => (ChartKind::Line, Some(&time.name)),
        ([], [dimension]) if (2..=MAX_BARS).contains(&rows) => (ChartKind::Bar, Some(&dimension.name)),
        _ => (ChartKind::None, None),
    };
    let y = if kind == ChartKind::None { Vec::new() } else { measures };
    Chart { kind, x: x.cloned(), y, title: title.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_domain::catalog::DataType;

    fn column(name: &str, data_type: DataType, role: ColumnRole) -> ResultColumn {
        ResultColumn { name: name.into(), data_type, unit: None, role, grain: None }
    }

    #[test]
    fn the_shape_decides() {
        let number = column("flights", DataType::Integer, ColumnRole::Measure);
        let carrier = column("carrier", DataType::String, ColumnRole::Dimension);
        let month = column("month", DataType::Date, ColumnRole::Time);
        let kind = |columns: &[&ResultColumn], rows| {
            choose(&columns.iter().map(|c| (*c).clone()).collect::<Vec<_>>(), rows, "t").kind
        };
        assert_eq!(kind(&[&number], 1), ChartKind::Number);
        assert_eq!(kind(&[&carrier, &number], 16), ChartKind::Bar);
        assert_eq!(kind(&[&carrier, &number], 1), ChartKind::None);
        assert_eq!(kind(&[&carrier, &number], 1000), ChartKind::None);
        assert_eq!(kind(&[&month, &number], 12), ChartKind::Line);
        assert_eq!(kind(&[&month, &carrier, &number], 12), ChartKind::None);
        assert_eq!(kind(&[&carrier], 5), ChartKind::None);
        assert_eq!(kind(&[&number], 0), ChartKind::None);
    }
}
