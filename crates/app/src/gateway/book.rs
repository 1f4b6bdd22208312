//! What is known of a tenant's models: who answers for which, in which order, and at what price.

use std::collections::BTreeMap;
use std::sync::Arc;

use pilothouse_ai::prices;
use pilothouse_ai::provider::Provider;
use pilothouse_domain::Micros;
use pilothouse_domain::price::{Dated, Price, at};
use pilothouse_store::ai::DatedPrice;

/// Stands for every model that has no name of its own in a provider's list; it is called there as it is asked for.
pub const ANY: &str = "*";
/// The name that is meant where none is given.
pub const DEFAULT: &str = "default";

/// A provider that can be asked.
pub(super) struct Open {
    pub name: String,
    pub provider: Provider,
    /// What it is asked for, and what that is called there.
    pub models: BTreeMap<String, String>,
    pub rank: i64,
    pub weight: i64,
    /// Whether the operator of the machine named it, and not a tenant.
    pub is_installations: bool,
}

impl Open {
    /// What the model `asked` is called there; none where it does not answer for it.
    fn model(&self, asked: &str) -> Option<String> {
        let named = self.models.get(asked).cloned();
        named.or_else(|| (asked != DEFAULT && self.models.contains_key(ANY)).then(|| asked.to_owned()))
    }
}

/// A provider and what the model is called there.
#[derive(Clone)]
pub(super) struct Target {
    pub open: Arc<Open>,
    pub model: String,
}

/// What is known of a tenant's models.
#[derive(Default)]
pub(super) struct Book {
    pub providers: Vec<Arc<Open>>,
    pub prices: Vec<DatedPrice>,
}

impl Book {
    /// Those that answer for a model, the first to be asked first: by rank, and within one by weights and `draw`, numbers from
    /// 0 to 1.
    pub fn targets(&self, asked: &str, draw: impl FnMut() -> f64) -> Vec<Target> {
        let fit = self
            .providers
            .iter()
            .filter_map(|open| open.model(asked).map(|model| Target { open: open.clone(), model }));
        let mut fit: Vec<Target> = fit.collect();
        fit.sort_by_key(|target| target.open.rank);
        let mut ordered = Vec::with_capacity(fit.len());
        let mut draw = draw;
        for rank in fit.chunk_by(|one, other| one.open.rank == other.open.rank) {
            let weights: Vec<f64> = rank.iter().map(|target| target.open.weight.max(0) as f64).collect();
            ordered.extend(shuffled(&weights, &mut draw).into_iter().map(|place| rank[place].clone()));
        }
        ordered
    }

    /// What a model costs there: by the tenant's own price of that provider, its own of whichever, or the maker's list.
    pub fn price(&self, target: &Target, now: Micros) -> Option<Price> {
        let own = |provider: &str| {
            let rows = self.prices.iter().filter(|row| row.provider == provider && row.model == target.model);
            at(rows.map(|row| Dated { since: row.since, price: row.price }), now)
        };
        own(&target.open.name).or_else(|| own("")).or_else(|| prices::listed(&target.model, now))
    }
}

/// The places of weights in an order in which each comes first as often as it weighs. Those that weigh nothing come last.
fn shuffled(weights: &[f64], draw: &mut impl FnMut() -> f64) -> Vec<usize> {
    let mut left: Vec<usize> = (0..weights.len()).collect();
    let mut ordered = Vec::with_capacity(left.len());
    while left.len() > 1 {
        let sum: f64 = left.iter().map(|place| weights[*place]).sum();
        let mut mark = draw() * sum;
        let chosen = left.iter().position(|place| {
            mark -= weights[*place];
            mark < 0.0
        });
        ordered.push(left.remove(chosen.unwrap_or(0)));
    }
    ordered.extend(left);
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_ai::wire::Wire;
    use proptest::prelude::*;

    fn open(name: &str, models: &[(&str, &str)], (rank, weight): (i64, i64)) -> Arc<Open> {
        let provider = Provider { wire: Wire::OpenAi, base_url: String::new(), key: String::new() };
        let models = models.iter().map(|(asked, there)| ((*asked).to_owned(), (*there).to_owned())).collect();
        Arc::new(Open { name: name.to_owned(), provider, models, rank, weight, is_installations: false })
    }

    fn names(targets: &[Target]) -> Vec<(&str, &str)> {
        targets.iter().map(|target| (target.open.name.as_str(), target.model.as_str())).collect()
    }

    #[test]
    fn a_model_goes_to_those_who_have_it_by_their_ranks() {
        let own = open("own", &[("gpt-4o-mini", "gpt-4o-mini"), (DEFAULT, "small")], (0, 1));
        let other = open("other", &[("gpt-4o-mini", "claude-haiku-4-5")], (5, 1));
        let any = open("any", &[(ANY, ANY)], (9, 1));
        let book = Book { providers: vec![any, other, own], prices: Vec::new() };
        let targets = |asked: &str| {
            names(&book.targets(asked, || 0.5)).iter().map(|(a, b)| format!("{a} {b}")).collect::<Vec<_>>()
        };
        assert_eq!(targets("gpt-4o-mini"), ["own gpt-4o-mini", "other claude-haiku-4-5", "any gpt-4o-mini"]);
        assert_eq!(targets("gpt-9"), ["any gpt-9"]);
        assert_eq!(targets(DEFAULT), ["own small"]);
    }

    #[test]
    fn the_nearest_price_wins() {
        let target = Target { open: open("own", &[], (0, 1)), model: "gpt-4o-mini".to_owned() };
        let row = |provider: &str, since, input| DatedPrice {
            provider: provider.to_owned(),
            model: "gpt-4o-mini".to_owned(),
            since,
            price: Price { input, cached: None, output: 0 },
            created_at: 0,
            created_by: String::new(),
        };
        let now = i64::MAX / 2;
        let input = |prices: Vec<DatedPrice>| Book { providers: Vec::new(), prices }.price(&target, now).unwrap().input;
        assert_eq!(input(Vec::new()), 150_000_000);
        assert_eq!(input(vec![row("", 0, 7), row("other", 0, 8)]), 7);
        assert_eq!(input(vec![row("", 0, 7), row("own", 0, 9), row("own", 5, 10), row("own", now + 1, 11)]), 10);
    }

    proptest! {
        #[test]
        fn everybody_is_in_the_order_once(weights in prop::collection::vec(0_u8..5, 0..6), draws in prop::collection::vec(0.0_f64..1.0, 6)) {
            let weights: Vec<f64> = weights.into_iter().map(f64::from).collect();
            let mut draws = draws.into_iter();
            let mut order = shuffled(&weights, &mut || draws.next().unwrap_or(0.0));
            order.sort_unstable();
            prop_assert_eq!(order, (0..weights.len()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn who_weighs_more_comes_first_more_often() {
        let mut step = 0;
        let mut draw = || {
            step += 1;
            f64::from(step % 1000) / 1000.0
        };
        let first = (0..4000).filter(|_| shuffled(&[3.0, 1.0], &mut draw)[0] == 0).count();
        assert_eq!(first, 3000);
        assert!((0..100).all(|_| shuffled(&[0.0, 1.0], &mut draw)[0] == 1), "whoever weighs nothing stands by");
    }
}
