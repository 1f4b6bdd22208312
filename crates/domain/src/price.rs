//! What tokens of models cost.

use serde::{Deserialize, Serialize};

use crate::Micros;
use crate::money::NanoUsd;

/// Tokens that a price is for.
const MILLION: i128 = 1_000_000;

/// Tokens of one call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tokens {
    /// Sent, those that the provider had kept among them.
    pub input: u64,
    /// Of those, how many it had kept.
    pub cached: u64,
    /// Received, those that the model thought with among them.
    pub output: u64,
}

impl Tokens {
    /// All of them.
    pub fn total(self) -> u64 {
        self.input.saturating_add(self.output)
    }
}

/// What a million tokens cost, in nano-USD.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// Sent.
    pub input: i64,
    /// Sent, and kept by the provider; none where that is not cheaper, or not known.
    pub cached: Option<i64>,
    /// Received.
    pub output: i64,
}

impl Price {
    /// What these tokens cost; a part of a nano-USD counts as a whole one.
    pub fn of(&self, tokens: Tokens) -> NanoUsd {
        let cached = tokens.cached.min(tokens.input);
        let parts = [
            (tokens.input - cached, self.input),
            (cached, self.cached.unwrap_or(self.input)),
            (tokens.output, self.output),
        ];
        let sum: i128 = parts.iter().map(|(count, price)| i128::from(*count) * i128::from(*price)).sum();
        NanoUsd(i64::try_from((sum + MILLION - 1).div_euclid(MILLION)).unwrap_or(i64::MAX))
    }
}

/// A price from a day on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dated {
    /// Since when.
    pub since: Micros,
    /// How much.
    pub price: Price,
}

/// The price that holds at a moment: the one that began last.
pub fn at(prices: impl IntoIterator<Item = Dated>, now: Micros) -> Option<Price> {
    let begun = prices.into_iter().filter(|dated| dated.since <= now);
    begun.max_by_key(|dated| dated.since).map(|dated| dated.price)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRICE: Price = Price { input: 150_000_000, cached: Some(75_000_000), output: 600_000_000 };

    #[test]
    fn tokens_cost_what_the_list_says() {
        let million = Tokens { input: 1_000_000, cached: 400_000, output: 1_000_000 };
        assert_eq!(PRICE.of(million), NanoUsd(90_000_000 + 30_000_000 + 600_000_000));
        assert_eq!(PRICE.of(Tokens::default()), NanoUsd(0));
        assert_eq!(Price { cached: None, ..PRICE }.of(million), NanoUsd(750_000_000));
        let small = Price { input: 1, cached: None, output: 0 };
        assert_eq!(small.of(Tokens { input: 1, ..Tokens::default() }), NanoUsd(1), "never less than it costs");
        let lie = Tokens { input: u64::MAX, cached: 0, output: u64::MAX };
        assert_eq!(PRICE.of(lie), NanoUsd(i64::MAX));
        assert_eq!(PRICE.of(Tokens { cached: 9, ..Tokens::default() }), NanoUsd(0), "no more kept than sent");
    }

    #[test]
    fn the_price_is_that_of_the_day() {
        let dated = |since, input| Dated { since, price: Price { input, ..PRICE } };
        let list = [dated(10, 3), dated(0, 1), dated(5, 2)];
        let input = |now| at(list, now).map(|price| price.input);
        assert_eq!([input(-1), input(0), input(7), input(10), input(99)], [None, Some(1), Some(2), Some(3), Some(3)]);
    }
}
