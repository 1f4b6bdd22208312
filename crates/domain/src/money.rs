//! Money: whole nano-dollars, so that sums are exact.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Nano-dollars in a dollar.
pub const NANO_USD_PER_USD: i64 = 1_000_000_000;

/// An amount in nano-USD.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NanoUsd(pub i64);

impl NanoUsd {
    /// The same in dollars, for those who read a number: as near as such a number comes.
    pub fn usd(self) -> f64 {
        self.0 as f64 / NANO_USD_PER_USD as f64
    }
}

impl fmt::Display for NanoUsd {
    /// Plain decimal dollars without trailing zeros, for instance `0.0000125`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, rest) = (self.0.unsigned_abs() / 1_000_000_000, self.0.unsigned_abs() % 1_000_000_000);
        if rest == 0 {
            return write!(f, "{sign}{whole}");
        }
        let digits = format!("{rest:09}");
        write!(f, "{sign}{whole}.{}", digits.trim_end_matches('0'))
    }
}

#[cfg(test)]
mod tests {
    use super::NanoUsd;

    #[test]
    fn dollars_print_exactly() {
        for (nano, text) in [(0, "0"), (1, "0.000000001"), (-2_500_000_000, "-2.5"), (3_000_000_000, "3")] {
            assert_eq!(NanoUsd(nano).to_string(), text);
        }
    }
}
