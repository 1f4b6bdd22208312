//! What the makers of models charge, by their public lists: facts of the days that stand beside them. A tenant's own prices
//! win over these.
//!
//! Sources: the price pages of OpenAI (platform.openai.com), Anthropic (docs.anthropic.com) and Google (ai.google.dev), in
//! US dollars for a million tokens. Models whose price depends on the length of what is sent are left out: they are priced
//! by whoever uses them.

use pilothouse_domain::Micros;
use pilothouse_domain::clock::SECOND;
use pilothouse_domain::price::{Dated, Price, at};

/// Nano-USD in a thousandth of a dollar.
const MILLI: i64 = 1_000_000;
const DAY: Micros = 24 * 3600 * SECOND;

/// A row of a list: the model, the day since 1970 from which it holds, and thousandths of a dollar for what is sent, what is
/// sent and kept, and what is received.
type Row = (&'static str, i64, i64, i64, i64);

const LIST: &[Row] = &[
    // 2024-07-18
    ("gpt-4o-mini", 19_922, 150, 75, 600),
    // 2024-10-02
    ("gpt-4o", 19_998, 2_500, 1_250, 10_000),
    // 2025-04-14
    ("gpt-4.1", 20_192, 2_000, 500, 8_000),
    ("gpt-4.1-mini", 20_192, 400, 100, 1_600),
    ("gpt-4.1-nano", 20_192, 100, 25, 400),
    // 2025-04-16
    ("o4-mini", 20_194, 1_100, 275, 4_400),
    // 2025-08-07
    ("gpt-5", 20_307, 1_250, 125, 10_000),
    ("gpt-5-mini", 20_307, 250, 25, 2_000),
    ("gpt-5-nano", 20_307, 50, 5, 400),
    // 2025-08-05
    ("claude-opus-4-1", 20_305, 15_000, 1_500, 75_000),
    // 2025-09-29
    ("claude-sonnet-4-5", 20_360, 3_000, 300, 15_000),
    // 2025-10-15
    ("claude-haiku-4-5", 20_376, 1_000, 100, 5_000),
    // 2025-06-17
    ("gemini-2.5-flash", 20_256, 300, 75, 2_500),
    // 2025-07-22
    ("gemini-2.5-flash-lite", 20_291, 100, 25, 400),
];

/// What a model costs at a moment by its maker's list; none where it stands in none.
pub fn listed(model: &str, now: Micros) -> Option<Price> {
    let rows = LIST.iter().filter(|(name, ..)| *name == undated(model));
    at(rows.map(dated), now)
}

/// Every row of the lists, with its model.
pub fn all() -> impl Iterator<Item = (&'static str, Dated)> {
    LIST.iter().map(|row| (row.0, dated(row)))
}

fn dated((_, day, input, cached, output): &Row) -> Dated {
    let price = Price { input: input * MILLI, cached: Some(cached * MILLI), output: output * MILLI };
    Dated { since: day * DAY, price }
}

/// A model's name without the day of its making: `-2024-07-18`, or `-20250929`.
fn undated(model: &str) -> &str {
    let is_day = |tail: &str| {
        let digits = tail.chars().filter(char::is_ascii_digit).count();
        digits == 8 && tail.chars().all(|char| char.is_ascii_digit() || char == '-') && tail.starts_with("20")
    };
    let cuts = [11, 9].into_iter().filter_map(|length| model.len().checked_sub(length));
    let found =
        cuts.filter_map(|cut| model.split_at_checked(cut)).find(|(_, tail)| tail.strip_prefix('-').is_some_and(is_day));
    found.map_or(model, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_costs_what_its_list_says_since_its_day() {
        let now = 20_400 * DAY;
        assert_eq!(listed("gpt-4o-mini", now).unwrap().output, 600_000_000);
        assert_eq!(listed("gpt-4o-mini-2024-07-18", now), listed("gpt-4o-mini", now));
        assert_eq!(listed("claude-sonnet-4-5-20250929", now).unwrap().input, 3_000_000_000);
        assert_eq!(listed("gpt-5", 20_306 * DAY), None, "before its day");
        for unknown in ["gpt-4o-mini-tts", "gpt-9", "", "-20250929", "gpt-5-mini-x"] {
            assert_eq!(listed(unknown, now), None, "{unknown}");
        }
    }
}
