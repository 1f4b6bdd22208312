//! What the columns of a compiled query are for: their names, roles and units.

use pilothouse_domain::answer::{ColumnRole, ResultColumn};
use pilothouse_domain::catalog::DataType;
use pilothouse_domain::semantic::{
    Aggregate, Calculation, Calendar, FieldKind, FieldRef, Grain, Measure, Model, Query,
};

use super::compile;

/// The columns of the result of `query`, in order.
pub fn result_columns(query: &Query, model: &Model) -> Vec<ResultColumn> {
    if query.count_groups {
        let role = ColumnRole::Measure;
        let name = "number".to_owned();
        return vec![ResultColumn { name, data_type: DataType::Integer, unit: None, role, grain: None }];
    }
    if !query.drivers.is_empty() {
        return drivers(query, model);
    }
    let mut kinds: Vec<(DataType, Option<String>, ColumnRole)> = Vec::new();
    if query.measures.is_empty() {
        kinds.extend(query.select.iter().map(|field| of_field(field, model, true)));
    }
    kinds.extend(query.groups.iter().map(|group| match group.grain {
        Some(Grain::Weekday) => (DataType::String, None, ColumnRole::Dimension),
        Some(Grain::Hour) => (DataType::Timestamp, None, ColumnRole::Time),
        Some(Grain::Year | Grain::DayOfMonth | Grain::MonthOfYear | Grain::HourOfDay) => {
            (DataType::Integer, None, ColumnRole::Time)
        }
        Some(_) => (DataType::Date, None, ColumnRole::Time),
        None if group.counted => (DataType::Integer, None, ColumnRole::Dimension),
        None => of_field(&group.field, model, false),
    }));
    kinds.extend(query.measures.iter().map(|measure| of_measure(measure, model)));
    let grains = grains(query, model).into_iter().chain(std::iter::repeat(None));
    let columns = compile::column_names(query, model).into_iter().zip(kinds).zip(grains);
    columns
        .map(|((name, (data_type, unit, role)), grain)| ResultColumn { name, data_type, unit, role, grain })
        .collect()
}

/// Which field, which of its values, and what the number was, is, and changed by.
fn drivers(query: &Query, model: &Model) -> Vec<ResultColumn> {
    let (data_type, unit, _) =
        query.measures.first().map_or((DataType::Number, None, ColumnRole::Measure), |measure| {
            measure.parts().first().map_or_else(|| of_measure(measure, model), |part| of_measure(part, model))
        });
    let columns = compile::column_names(query, model).into_iter().enumerate().map(|(at, name)| match at {
        0 | 1 => {
            ResultColumn { name, data_type: DataType::String, unit: None, role: ColumnRole::Dimension, grain: None }
        }
        _ => ResultColumn { name, data_type, unit: unit.clone(), role: ColumnRole::Measure, grain: None },
    });
    columns.collect()
}

/// The periods that the first columns (groups, or listed fields) hold.
fn grains(query: &Query, model: &Model) -> Vec<Option<Grain>> {
    let own = |field: &FieldRef| match model.field(field)?.calendar? {
        Calendar::Year => Some(Grain::Year),
        Calendar::Month => Some(Grain::MonthOfYear),
        Calendar::Day => Some(Grain::DayOfMonth),
        Calendar::Hour => Some(Grain::HourOfDay),
        Calendar::Hhmm => None,
    };
    if query.measures.is_empty() {
        return query.select.iter().map(own).collect();
    }
    query.groups.iter().map(|group| group.grain.or_else(|| own(&group.field))).collect()
}

fn of_field(at: &FieldRef, model: &Model, listed: bool) -> (DataType, Option<String>, ColumnRole) {
    let Some(field) = model.field(at) else { return (DataType::Other, None, ColumnRole::Dimension) };
    let role = match field.kind {
        FieldKind::Time => ColumnRole::Time,
        FieldKind::Measure if listed => ColumnRole::Measure,
        _ if field.calendar.is_some() => ColumnRole::Time,
        _ => ColumnRole::Dimension,
    };
    (field.data_type, field.unit.clone(), role)
}

fn of_measure(measure: &Measure, model: &Model) -> (DataType, Option<String>, ColumnRole) {
    let named = model.metrics.iter().find(|metric| metric.measure == *measure).and_then(|metric| metric.unit.clone());
    let (data_type, unit) = match &measure.calculation {
        Calculation::CountRows => (DataType::Integer, model.dataset(&measure.dataset).map(|d| d.label.clone())),
        Calculation::Aggregate { aggregate: Aggregate::Count | Aggregate::CountDistinct, .. } => {
            (DataType::Integer, None)
        }
        Calculation::Aggregate { aggregate, field } => {
            let field = model.field(field);
            let own = field.map_or(DataType::Number, |f| f.data_type);
            let whole = matches!(aggregate, Aggregate::Min | Aggregate::Max | Aggregate::Sum);
            (if whole { own } else { DataType::Number }, field.and_then(|f| f.unit.clone()))
        }
        Calculation::ShareOfRows { fraction, .. }
        | Calculation::ShareOfMeasure { fraction, .. }
        | Calculation::ShareOfTotal { fraction, .. } => (DataType::Number, (!fraction).then(|| "%".to_owned())),
        Calculation::Ratio { percent: true, .. } => (DataType::Number, Some("%".to_owned())),
        Calculation::Ratio { numerator, .. } => {
            let counted = matches!(numerator.calculation, Calculation::CountRows);
            (DataType::Number, if counted { None } else { of_measure(numerator, model).1 })
        }
        Calculation::AveragePer { measure, .. } => (DataType::Number, of_measure(measure, model).1),
        Calculation::Latest { measure, .. } => (of_measure(measure, model).0, of_measure(measure, model).1),
        Calculation::Change { relative: true, .. } | Calculation::Growth { relative: true, .. } => {
            (DataType::Number, Some("%".to_owned()))
        }
        Calculation::Change { measure, .. } | Calculation::Growth { measure, .. } => {
            (of_measure(measure, model).0, of_measure(measure, model).1)
        }
    };
    (data_type, named.or(unit), ColumnRole::Measure)
}
