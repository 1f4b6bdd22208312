//! From tokens to items: words of the grammar, phrases of the model, periods, conditions on numbers. The longest phrase
//! wins; every reading of it is kept.

use jiff::civil::Date;
use pilothouse_domain::semantic::{Compare, Direction};

use super::dates::{self, Period};
use super::lexicon::{Entry, Lexicon, MAX_PHRASE};
use super::token::{Kind, Token};
use super::words::{self, About, Prep, Superlative, Word};

/// The unit of `more than once`.
pub(crate) const TIMES: &str = "times";

/// A condition on a number: `more than 60 minutes`, `between 10 and 20`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Cond {
    pub op: Compare,
    pub low: f64,
    /// With it, from `low` to `high`, both included.
    pub high: Option<f64>,
    pub unit: Option<String>,
}

/// A piece of a question with its meaning.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Item {
    Word(Word),
    Noun(Vec<Entry>),
    Period(Vec<Period>),
    /// Two periods held against each other, the earlier first.
    Compared([Period; 2]),
    Cond(Cond),
    Number(f64),
    Quoted,
    Unknown,
}

/// An item and the words it stands for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tagged {
    pub item: Item,
    pub text: String,
    /// Whether it is a plural, for nouns.
    pub plural: bool,
}

enum Atom {
    Token(usize),
    Period(Vec<Period>, String),
    Compared([Period; 2], String),
    Cond(Cond, String),
}

/// The items of `tokens`.
pub(crate) fn tag(tokens: &[Token], lexicon: &Lexicon, today: Date) -> Vec<Tagged> {
    let atoms = atoms(tokens, lexicon, today);
    let mut out = Vec::new();
    let mut at = 0;
    while at < atoms.len() {
        match &atoms[at] {
            Atom::Period(period, text) => {
                out.push(Tagged { item: Item::Period(period.clone()), text: text.clone(), plural: false });
                at += 1;
            }
            Atom::Compared(periods, text) => {
                out.push(Tagged { item: Item::Compared(periods.clone()), text: text.clone(), plural: false });
                at += 1;
            }
            Atom::Cond(cond, text) => {
                out.push(Tagged { item: Item::Cond(cond.clone()), text: text.clone(), plural: false });
                at += 1;
            }
            Atom::Token(_) => at += phrase(tokens, &atoms, at, lexicon, &mut out),
        }
    }
    owned(&mut out, lexicon);
    first_few(&mut out);
    told(&mut out);
    if out.iter().any(|item| matches!(item.item, Item::Word(Word::Change | Word::Why))) {
        one_and_the_other(&mut out);
    } else {
        from_one_to_the_other(&mut out);
    }
    out
}

/// `the difference between A and B` is one of `A and B`.
fn one_and_the_other(items: &mut [Tagged]) {
    for item in items.iter_mut().filter(|item| matches!(item.item, Item::Word(Word::Between))) {
        item.item = Item::Word(Word::Skip);
    }
}

/// `… and give me the first four` at the end asks for the top ones.
fn first_few(items: &mut [Tagged]) {
    let last = items.iter().rposition(|item| !matches!(item.item, Item::Word(Word::Skip)));
    let Some(at) = last.filter(|at| matches!(items[*at].item, Item::Number(_))).and_then(|at| at.checked_sub(1)) else {
        return;
    };
    if matches!(items[at].item, Item::Word(Word::Sup(Superlative { about: About::Time, .. }))) {
        items[at].item = Item::Word(Word::Top(Direction::Descending));
    }
}

/// `the region of the owner` is the owner region, where that is called so.
fn owned(items: &mut Vec<Tagged>, lexicon: &Lexicon) {
    let mut at = 0;
    while at + 2 < items.len() {
        let small = |item: &Tagged| matches!(item.item, Item::Word(Word::Skip));
        let of = |item: &Tagged| ["of", "of the"].contains(&item.text.to_lowercase().as_str());
        let end = at + 2 + items[at + 2..].iter().take_while(|item| small(item)).count();
        let two = matches!(items[at].item, Item::Noun(_)) && of(&items[at + 1]);
        if let Some(owner) = items.get(end).filter(|item| two && matches!(item.item, Item::Noun(_))) {
            let text = format!("{} {}", owner.text, items[at].text);
            let lower = text.to_lowercase();
            if let Some(entries) = lexicon.find_exactly(&lower) {
                let plural = items[at].plural;
                items.splice(at..=end, [Tagged { item: Item::Noun(entries), text, plural }]);
            }
        }
        at += 1;
    }
}

/// `why did revenue drop` asks and orders nothing.
fn told(items: &mut [Tagged]) {
    let mut asked = false;
    for item in items {
        asked |= matches!(item.item, Item::Word(Word::Why | Word::Trend | Word::HowMuch | Word::Share { .. }));
        if asked && matches!(item.item, Item::Word(Word::Destructive)) && item.text.eq_ignore_ascii_case("drop") {
            item.item = Item::Word(Word::Change);
        }
    }
}

/// Whether the question asks how one thing differs from another.
fn asks_for_change(tokens: &[Token]) -> bool {
    let said = |token: &Token| {
        matches!(words::word(&token.lower), Some(Word::Change | Word::Compare | Word::Why | Word::Growth { .. }))
    };
    tokens.iter().any(said)
}

/// `between JFK and LAX` is `from JFK to LAX`.
fn from_one_to_the_other(items: &mut [Tagged]) {
    for at in 0..items.len().saturating_sub(3) {
        let pattern = matches!(
            (&items[at].item, &items[at + 1].item, &items[at + 2].item, &items[at + 3].item),
            (Item::Word(Word::Between), Item::Noun(_), Item::Word(Word::And), Item::Noun(_))
        );
        if pattern {
            items[at].item = Item::Word(Word::Prep(Prep::From));
            items[at + 2].item = Item::Word(Word::Prep(Prep::To));
        }
    }
}

/// Takes the longest phrase at `at`; returns how many atoms it took.
fn phrase(tokens: &[Token], atoms: &[Atom], at: usize, lexicon: &Lexicon, out: &mut Vec<Tagged>) -> usize {
    let longest = MAX_PHRASE.max(words::MAX_PHRASE) + 1;
    for length in (1..=longest.min(atoms.len() - at)).rev() {
        let span = &atoms[at..at + length];
        if !matches!(span.last(), Some(Atom::Token(_))) {
            continue;
        }
        // A condition may stand inside a phrase: `arrived more than 60 minutes late`.
        let inner: Vec<&Cond> =
            span.iter().filter_map(|a| if let Atom::Cond(c, _) = a { Some(c) } else { None }).collect();
        if inner.len() > 1 || span.iter().any(|a| matches!(a, Atom::Period(..) | Atom::Compared(..))) {
            continue;
        }
        let parts: Vec<&Token> =
            span.iter().filter_map(|a| if let Atom::Token(t) = a { Some(&tokens[*t]) } else { None }).collect();
        let join = |f: fn(&Token) -> &str| parts.iter().map(|t| f(t)).collect::<Vec<_>>().join(" ");
        let (lower, stemmed, written) =
            (join(|t| t.lower.as_str()), join(|t| t.stem.as_str()), join(|t| t.text.as_str()));
        if parts.iter().any(|t| !matches!(t.kind, Kind::Word | Kind::Comma | Kind::Quoted) && !is_code(t)) {
            if length == 1 {
                break;
            }
            continue;
        }
        let grammar = if inner.is_empty() { words::word(&lower) } else { None };
        // `account` is a noun where there are accounts, and `paid` where that is a status.
        let noun = parts.first().is_some_and(|first| lexicon.is_name(&first.lower));
        let grammar = grammar.filter(|word| *word != Word::Verb || !noun);
        let beside = out.last().is_some_and(|item| matches!(item.item, Item::Noun(_)));
        let weak = grammar.is_some() && !beside && lexicon.is_weak(&lower, &stemmed);
        let reserved = weak || grammar.is_some_and(is_reserved);
        if !reserved && let Some(entries) = lexicon.find(&lower, &stemmed, &written) {
            let plural = lower.ends_with('s') && !lower.ends_with("ss");
            out.push(Tagged { item: Item::Noun(entries), text: written.clone(), plural });
            if let Some(cond) = inner.first() {
                out.push(Tagged { item: Item::Cond((*cond).clone()), text: written, plural: false });
            }
            return length;
        }
        if let Some(word) = grammar {
            out.push(Tagged { item: Item::Word(word), text: written, plural: lower.ends_with('s') });
            return length;
        }
    }
    let Atom::Token(index) = atoms[at] else { return 1 };
    let token = &tokens[index];
    let item = match token.kind {
        Kind::Number { value, .. } => Item::Number(value),
        Kind::Quoted => Item::Quoted,
        _ => amount(tokens, index).map_or(Item::Unknown, |(number, _)| Item::Number(number)),
    };
    out.push(Tagged { item, text: token.text.clone(), plural: false });
    1
}

/// Numbers can be values of text columns, for instance model names.
fn is_code(token: &Token) -> bool {
    matches!(token.kind, Kind::Number { money: false, percent: false, .. })
}

/// Words that always belong to the grammar, even where a column is called so.
fn is_reserved(word: Word) -> bool {
    matches!(
        word,
        Word::Grain(_)
            | Word::By
            | Word::Each
            | Word::And
            | Word::Or
            | Word::Not
            | Word::Prep(_)
            | Word::Verb
            | Word::Skip
            | Word::Which
            | Word::What
            | Word::HowMany
    )
}

fn atoms(tokens: &[Token], lexicon: &Lexicon, today: Date) -> Vec<Atom> {
    let mut out: Vec<Atom> = Vec::new();
    let mut at = 0;
    let change = asks_for_change(tokens);
    while at < tokens.len() {
        if let Some((pair, used)) = dates::pair(tokens, at, today, change) {
            out.push(Atom::Compared(pair, text_of(&tokens[at..at + used])));
            at += used;
            continue;
        }
        if starts_name(tokens, at, lexicon) {
            out.push(Atom::Token(at));
            at += 1;
            continue;
        }
        if let Some((period, used)) = dates::period(tokens, at, today) {
            let text = text_of(&tokens[at..at + used]);
            at += used;
            let joined = matches!(out.as_slice(), [.., Atom::Period(..), Atom::Token(t)] if ["and", "or", ","].contains(&tokens[*t].lower.as_str()))
                && !matches!(period, Period::Clock { .. });
            if joined {
                out.pop();
                if let Some(Atom::Period(periods, shown)) = out.last_mut() {
                    periods.push(period);
                    *shown = format!("{shown} or {text}");
                }
            } else {
                out.push(Atom::Period(vec![period], text));
            }
            continue;
        }
        if let Some((cond, used)) = condition(tokens, at) {
            out.push(Atom::Cond(cond, text_of(&tokens[at..at + used])));
            at += used;
            continue;
        }
        out.push(Atom::Token(at));
        at += 1;
    }
    out
}

/// Whether a phrase of the model begins here that only looks like a date or a number, for instance `March Jeans`.
fn starts_name(tokens: &[Token], at: usize, lexicon: &Lexicon) -> bool {
    let two = tokens.get(at..at + 2).unwrap_or_default();
    if two.is_empty() || dates_word(&two[0]) {
        return false;
    }
    let join = |f: fn(&Token) -> &str| two.iter().map(f).collect::<Vec<_>>().join(" ");
    lexicon.knows(&join(|t| t.lower.as_str()), &join(|t| t.stem.as_str()))
}

fn dates_word(token: &Token) -> bool {
    matches!(words::word(&token.lower), Some(Word::Prep(_) | Word::Between | Word::Cmp(_)))
}

fn text_of(tokens: &[Token]) -> String {
    tokens.iter().map(|t| t.text.as_str()).collect::<Vec<_>>().join(" ")
}

/// A condition on a number at `at`, and how many tokens say it.
fn condition(tokens: &[Token], at: usize) -> Option<(Cond, usize)> {
    if tokens[at].is("between") {
        let (low, first) = amount(tokens, at + 1)?;
        let and = at + 1 + first;
        let joined = tokens.get(and).is_some_and(|t| t.is("and") || t.is("to"));
        let (high, second) = amount(tokens, and + 1).filter(|_| joined)?;
        let end = and + 1 + second;
        let (unit, scale, used) = unit(tokens, end);
        let cond = Cond { op: Compare::Ge, low: low * scale, high: Some(high * scale), unit };
        return Some((cond, end + used - at));
    }
    for length in (1..=4usize.min(tokens.len() - at)).rev() {
        let phrase = tokens[at..at + length].iter().map(|t| t.lower.as_str()).collect::<Vec<_>>().join(" ");
        let Some(Word::Cmp(op)) = words::word(&phrase) else { continue };
        let once = tokens.get(at + length).and_then(|t| match t.lower.as_str() {
            "once" => Some(1.0),
            "twice" => Some(2.0),
            _ => None,
        });
        if let Some(low) = once {
            return Some((Cond { op, low, high: None, unit: Some(TIMES.to_owned()) }, length + 1));
        }
        let (low, used) = amount(tokens, at + length).or_else(|| one(tokens, at + length))?;
        let end = at + length + used;
        let (unit, scale, more) = unit(tokens, end);
        return Some((Cond { op, low: low * scale, high: None, unit }, end + more - at));
    }
    let (low, used) = amount(tokens, at)?;
    let end = at + used;
    let (unit, scale, more) = unit(tokens, end);
    let end = end + more;
    for length in (1..=3usize.min(tokens.len().saturating_sub(end))).rev() {
        let phrase = tokens[end..end + length].iter().map(|t| t.lower.as_str()).collect::<Vec<_>>().join(" ");
        if let Some(Word::CmpAfter(op)) = words::word(&phrase) {
            return Some((Cond { op, low: low * scale, high: None, unit }, end + length - at));
        }
    }
    unit.is_some().then(|| (Cond { op: Compare::Eq, low: low * scale, high: None, unit }, end - at))
}

/// A number in digits or as a word.
fn amount(tokens: &[Token], at: usize) -> Option<(f64, usize)> {
    const WORDS: [&str; 13] =
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
    let token = tokens.get(at)?;
    if let Kind::Number { value, ordinal: false, .. } = token.kind {
        let scale = match tokens.get(at + 1).map(|t| t.lower.as_str()) {
            Some("thousand") => 1e3,
            Some("million") => 1e6,
            _ => return Some((value, 1)),
        };
        return Some((value * scale, 2));
    }
    let round = match token.lower.as_str() {
        "fifteen" => Some(15),
        "twenty" => Some(20),
        "thirty" => Some(30),
        "forty" => Some(40),
        "fifty" => Some(50),
        "sixty" => Some(60),
        "ninety" => Some(90),
        "hundred" => Some(100),
        "thousand" => Some(1000),
        word => WORDS.iter().position(|w| *w == word),
    }?;
    // `one` is too often a pronoun to be a number on its own.
    let counted = round != 1 || tokens.get(at + 1).is_some_and(|t| unit_word(&t.lower).is_some() || t.is("or"));
    let hundred = tokens.get(at + 1).is_some_and(|t| t.is("hundred"));
    let thousand = tokens.get(at + 1).is_some_and(|t| t.is("thousand"));
    let scale = if hundred {
        100.0
    } else if thousand {
        1000.0
    } else {
        1.0
    };
    counted.then(|| (f64::from(u16::try_from(round).unwrap_or(u16::MAX)) * scale, 1 + usize::from(hundred || thousand)))
}

/// `an hour`, `once`, `half an hour` after a comparison.
fn one(tokens: &[Token], at: usize) -> Option<(f64, usize)> {
    let token = tokens.get(at)?;
    let next = |n: usize| tokens.get(at + n).is_some_and(|t| unit_word(&t.lower).is_some());
    match token.lower.as_str() {
        "a" | "an" if next(1) => Some((1.0, 1)),
        "half" if tokens.get(at + 1).is_some_and(|t| t.is("an") || t.is("a")) && next(2) => Some((0.5, 2)),
        "one" => Some((1.0, 1)),
        "a" if tokens.get(at + 1).is_some_and(|t| t.is("hundred")) => Some((100.0, 2)),
        "a" if tokens.get(at + 1).is_some_and(|t| t.is("thousand")) => Some((1000.0, 2)),
        _ => None,
    }
}

/// The unit at `at`: its name, what a number in it is worth in that unit's base, and how many tokens it is.
fn unit(tokens: &[Token], at: usize) -> (Option<String>, f64, usize) {
    let before = at.checked_sub(1).and_then(|b| tokens.get(b));
    match tokens.get(at).and_then(|t| unit_word(&t.lower)) {
        Some((name, scale)) => (Some(name.to_owned()), scale, 1),
        None => match before.map(|t| &t.kind) {
            Some(Kind::Number { money: true, .. }) => (Some("USD".to_owned()), 1.0, 0),
            Some(Kind::Number { percent: true, .. }) => (Some("%".to_owned()), 1.0, 0),
            _ => (None, 1.0, 0),
        },
    }
}

/// Units as people write them; hours count as 60 minutes.
fn unit_word(word: &str) -> Option<(&'static str, f64)> {
    Some(match word {
        "minute" | "minutes" | "mins" => ("minutes", 1.0),
        "hour" | "hours" | "hrs" => ("minutes", 60.0),
        "second" | "seconds" => ("seconds", 1.0),
        "times" => (TIMES, 1.0),
        "mile" | "miles" | "mi" => ("miles", 1.0),
        "foot" | "feet" | "ft" => ("feet", 1.0),
        "inch" | "inches" => ("inches", 1.0),
        "mph" => ("mph", 1.0),
        "km" | "kilometers" | "kilometres" => ("km", 1.0),
        "kg" | "kilograms" => ("kg", 1.0),
        "mbar" | "millibar" | "millibars" => ("mbar", 1.0),
        "degree" | "degrees" | "fahrenheit" | "f" => ("°F", 1.0),
        "dollar" | "dollars" | "usd" | "bucks" => ("USD", 1.0),
        "euro" | "euros" | "eur" => ("EUR", 1.0),
        "percent" => ("%", 1.0),
        _ => return None,
    })
}
