//! Numbers over the rows of a root: counts, aggregates and metrics as the model defines them.

use pilothouse_domain::semantic::{Aggregate, Calculation, Field, FieldKind, FieldRef, Measure, Model};

use super::draft::{Spec, Target};
use super::graph::Graph;
use super::lexicon::Place;
use super::scan::is_count;

/// The measures of one root.
#[derive(Clone, Copy)]
pub(crate) struct Measures<'a> {
    pub model: &'a Model,
    pub graph: &'a Graph,
    pub root: usize,
}

impl<'a> Measures<'a> {
    fn field(self, place: Place) -> &'a Field {
        &self.model.datasets[place.dataset].fields[place.field]
    }

    fn made(self, calculation: Calculation) -> Measure {
        Measure::new(&self.model.datasets[self.root].name, calculation)
    }

    /// The same model, seen from other rows.
    fn on(self, root: usize) -> Self {
        Self { root, ..self }
    }

    /// The aggregate; of levels that are added up, at the last time.
    fn leveled(self, aggregate: Aggregate, field: FieldRef) -> Measure {
        let plain = self.aggregate(aggregate, field);
        match &self.model.datasets[self.root].snapshot {
            Some(time) if aggregate == Aggregate::Sum => {
                self.made(Calculation::Latest { measure: Box::new(plain), time: time.clone() })
            }
            _ => plain,
        }
    }

    pub fn rows(self) -> Measure {
        self.made(Calculation::CountRows)
    }

    fn aggregate(self, aggregate: Aggregate, field: FieldRef) -> Measure {
        self.made(Calculation::Aggregate { aggregate, field })
    }

    /// What `spec` can be on this root; none where it is nothing there.
    pub fn of(self, spec: &Spec) -> Option<Vec<Measure>> {
        Some(vec![match spec {
            Spec::Rows => self.rows(),
            Spec::Count(Target::Dataset { at, .. }) if *at == self.root => self.rows(),
            Spec::Count(Target::Dataset { at, via }) => match self.key(*at, *via) {
                Some(key) => self.aggregate(Aggregate::CountDistinct, key),
                // Rows that the root knows nothing of are counted beside its own.
                None if self.graph.distance(self.root, *at, None).is_none() => self.on(*at).rows(),
                None => return None,
            },
            Spec::Count(Target::Field(place)) => {
                let field = self.graph.reference(self.model, self.root, *place)?;
                self.aggregate(Aggregate::CountDistinct, field)
            }
            Spec::Count(Target::Grain(_) | Target::Counted { .. }) => return None,
            Spec::Aggregate(aggregate, place) => {
                let field = self.field(*place);
                let fits = match aggregate {
                    Aggregate::Min | Aggregate::Max => field.data_type.is_numeric() || field.data_type.is_temporal(),
                    Aggregate::Count | Aggregate::CountDistinct => true,
                    Aggregate::Sum => {
                        field.data_type.is_numeric() && field.default_aggregate != Some(Aggregate::Avg)
                            || self.sums(field)
                    }
                    Aggregate::Avg | Aggregate::Median => field.data_type.is_numeric() && field.kind != FieldKind::Key,
                };
                if place.via.is_some() || !fits {
                    return None;
                }
                let on = self.on(place.dataset);
                on.leveled(*aggregate, self.graph.reference(self.model, place.dataset, *place)?)
            }
            Spec::Plain(place) => {
                if self.field(*place).kind != FieldKind::Measure {
                    return None;
                }
                let aggregate = self.field(*place).default_aggregate.unwrap_or(Aggregate::Sum);
                return self.of(&Spec::Aggregate(aggregate, *place));
            }
            Spec::Metric(at) => self.model.metrics.get(*at)?.measure.clone(),
        }])
    }

    /// Adding up makes sense for amounts, also for minutes and miles, not for temperatures and rates.
    fn sums(self, field: &Field) -> bool {
        field.kind == FieldKind::Measure
            && field.unit.as_deref().is_none_or(|unit| !["°F", "°C", "%", "mph", "mbar", "degrees"].contains(&unit))
    }

    /// What groups can be ranked by; for a field that is averaged by default, also its largest value.
    pub fn ranking(self, spec: &Spec) -> Option<Vec<Measure>> {
        let mut choices = self.of(spec)?;
        if let Spec::Plain(place) = spec
            && self.field(*place).default_aggregate == Some(Aggregate::Avg)
        {
            choices.extend(self.of(&Spec::Aggregate(Aggregate::Max, *place))?);
        }
        Some(choices)
    }

    /// Whether the metric is an average already.
    pub fn is_average(self, metric: usize) -> bool {
        self.model.metrics.get(metric).is_some_and(|metric| {
            matches!(
                metric.measure.calculation,
                Calculation::Ratio { .. }
                    | Calculation::Aggregate { aggregate: Aggregate::Avg | Aggregate::Median, .. }
            )
        })
    }

    /// Whether a measure's parts add up to the whole, so that it can be averaged over groups.
    pub fn adds_up(self, measure: &Measure) -> bool {
        match &measure.calculation {
            Calculation::Aggregate { aggregate: Aggregate::Sum, .. } | Calculation::Latest { .. } => true,
            calculation => is_count(calculation),
        }
    }

    /// The key that identifies a row of another dataset, from here.
    fn key(self, dataset: usize, via: Option<usize>) -> Option<FieldRef> {
        if let Some(field) = self.referring(dataset, via) {
            return Some(field);
        }
        let target = &self.model.datasets[dataset];
        let [key] = target.primary_key.as_slice() else { return None };
        let field = target.fields.iter().position(|field| field.name == *key)?;
        self.graph.reference(self.model, self.root, Place { dataset, field, via })
    }

    /// The root's own column that refers to `dataset`.
    fn referring(self, dataset: usize, via: Option<usize>) -> Option<FieldRef> {
        let joins = self.graph.between(self.root, dataset);
        let join = match (joins.as_slice(), via) {
            ([one], None) => *one,
            (many, Some(join)) if many.contains(&join) => join,
            _ => return None,
        };
        let [column] = self.model.joins[join].columns.as_slice() else { return None };
        let root = &self.model.datasets[self.root];
        let field = root.fields.iter().find(|field| field.column == *column)?;
        Some(FieldRef { dataset: root.name.clone(), field: field.name.clone(), via: None })
    }

    /// What names a row of `dataset` in a group: its display; the key where it has none, or where a role chose the way.
    pub fn names(self, dataset: usize, via: Option<usize>) -> Option<FieldRef> {
        let target = &self.model.datasets[dataset];
        let many_ways = self.graph.ways(self.root, dataset).len() > 1;
        match &target.display {
            Some(name) if !many_ways => {
                let field = target.fields.iter().position(|field| field.name == *name)?;
                self.graph.reference(self.model, self.root, Place { dataset, field, via })
            }
            _ => self.key(dataset, via),
        }
    }

    /// The root's measures with one of `words` in their names: those that begin the list win.
    pub fn hinted(self, words: &[&str]) -> Vec<Place> {
        let fields = &self.model.datasets[self.root].fields;
        let named = |field: &Field, word: &str| {
            field.kind == FieldKind::Measure
                && std::iter::once(&field.label).chain(&field.synonyms).any(|label| {
                    let label = label.to_lowercase();
                    label == word
                        || label.split(' ').any(|part| part == word)
                        || word.contains(' ') && label.contains(word)
                })
        };
        let found: Vec<Place> = (fields.iter().enumerate())
            .filter(|(_, field)| words.iter().any(|word| named(field, word)))
            .map(|(field, _)| Place { dataset: self.root, field, via: None })
            .collect();
        if found.len() <= 1 || !words.contains(&"total") {
            return found;
        }
        let totals: Vec<Place> = found.iter().copied().filter(|place| named(self.field(*place), "total")).collect();
        if totals.len() == 1 { totals } else { found }
    }

    /// The one measure of the root in `unit`; of several amounts of money, the total.
    pub fn with_unit(self, unit: &str) -> Option<Place> {
        let fields = &self.model.datasets[self.root].fields;
        let same = |field: &Field| {
            field.kind == FieldKind::Measure && field.unit.as_ref().is_some_and(|own| own.eq_ignore_ascii_case(unit))
        };
        let found: Vec<Place> = (fields.iter().enumerate())
            .filter(|(_, field)| same(field))
            .map(|(field, _)| Place { dataset: self.root, field, via: None })
            .collect();
        if let [one] = found.as_slice() {
            return Some(*one);
        }
        // Of several amounts the one that is called the total is meant, else the one that is called the amount or price.
        let called = |words: &[&str]| {
            let named = |field: &Field| {
                let texts = std::iter::once(&field.label).chain(&field.synonyms);
                texts.flat_map(|text| text.split(' ')).any(|word| words.contains(&word))
            };
            let mut places = found.iter().copied().filter(|place| named(self.field(*place)));
            places.next().filter(|_| places.next().is_none())
        };
        called(&["total"]).or_else(|| called(&["amount", "price", "value"]))
    }
}
