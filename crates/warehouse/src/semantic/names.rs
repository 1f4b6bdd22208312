//! Column names as people would say them: `dep_delay_minutes` is `departure delay`, in minutes.

/// Abbreviations in column names, and what they stand for.
const ABBREVIATIONS: &[(&str, &str)] = &[
    ("dep", "departure"),
    ("arr", "arrival"),
    ("sched", "scheduled"),
    ("dest", "destination"),
    ("orig", "origin"),
    ("qty", "quantity"),
    ("amt", "amount"),
    ("num", "number"),
    ("no", "number"),
    ("nbr", "number"),
    ("cnt", "count"),
    ("avg", "average"),
    ("min", "minimum"),
    ("max", "maximum"),
    ("pct", "percentage"),
    ("perc", "percentage"),
    ("desc", "description"),
    ("addr", "address"),
    ("cust", "customer"),
    ("prod", "product"),
    ("cat", "category"),
    ("dept", "department"),
    ("emp", "employee"),
    ("mgr", "manager"),
    ("lat", "latitude"),
    ("lon", "longitude"),
    ("lng", "longitude"),
    ("alt", "altitude"),
    ("temp", "temperature"),
    ("humid", "humidity"),
    ("precip", "precipitation"),
    ("visib", "visibility"),
    ("dir", "direction"),
    ("tz", "time zone"),
    ("tzone", "time zone name"),
    ("tailnum", "tail number"),
    ("dob", "date of birth"),
    ("ts", "time"),
    ("acct", "account"),
    ("bal", "balance"),
    ("inv", "invoice"),
    ("txn", "transaction"),
    ("trans", "transaction"),
    ("mfr", "manufacturer"),
    ("pop", "population"),
    ("yr", "year"),
    ("mo", "month"),
    ("hr", "hour"),
    ("fname", "first name"),
    ("lname", "last name"),
];

/// Words at the end of a column's name that are its unit.
const UNITS: &[(&str, &str)] = &[
    ("minutes", "minutes"),
    ("mins", "minutes"),
    ("minute", "minutes"),
    ("hours", "hours"),
    ("hrs", "hours"),
    ("seconds", "seconds"),
    ("secs", "seconds"),
    ("sec", "seconds"),
    ("ms", "milliseconds"),
    ("days", "days"),
    ("usd", "USD"),
    ("eur", "EUR"),
    ("gbp", "GBP"),
    ("dollars", "USD"),
    ("miles", "miles"),
    ("km", "km"),
    ("meters", "m"),
    ("metres", "m"),
    ("feet", "feet"),
    ("ft", "feet"),
    ("kg", "kg"),
    ("lbs", "lb"),
    ("mph", "mph"),
    ("kmh", "km/h"),
    ("pct", "%"),
    ("percent", "%"),
    ("percentage", "%"),
    ("celsius", "°C"),
    ("fahrenheit", "°F"),
    ("mm", "mm"),
    ("cm", "cm"),
];

/// The words of an identifier in lower case: `orderItems`, `order_items` and `order-items` are all `order`, `items`.
pub(super) fn split(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut current = String::new();
    let mut previous_lower = false;
    for letter in name.chars() {
        if !letter.is_alphanumeric() {
            words.push(std::mem::take(&mut current));
            previous_lower = false;
            continue;
        }
        if letter.is_uppercase() && previous_lower {
            words.push(std::mem::take(&mut current));
        }
        previous_lower = letter.is_lowercase() || letter.is_ascii_digit();
        current.extend(letter.to_lowercase());
    }
    words.push(current);
    words.retain(|word| !word.is_empty());
    words
}

/// What people call a column, and the unit its name says.
pub(super) fn label(column: &str) -> (String, Option<String>) {
    let mut words = split(column);
    let unit =
        words.last().and_then(|last| UNITS.iter().find(|(word, _)| word == last)).map(|(_, unit)| (*unit).to_owned());
    if unit.is_some() && words.len() > 1 {
        words.pop();
    }
    let spoken: Vec<&str> = words.iter().map(|word| spoken(word)).collect();
    (spoken.join(" "), unit)
}

fn spoken(word: &str) -> &str {
    ABBREVIATIONS.iter().find(|(short, _)| *short == word).map_or(word, |(_, long)| long)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_words_and_units() {
        for (column, words, unit) in [
            ("dep_delay", "departure delay", None),
            ("sched_arr_time", "scheduled arrival time", None),
            ("flightTimeMinutes", "flight time", Some("minutes")),
            ("price_usd", "price", Some("USD")),
            ("tailnum", "tail number", None),
            ("km", "km", Some("km")),
        ] {
            assert_eq!(label(column), (words.to_owned(), unit.map(str::to_owned)));
        }
        assert_eq!(split("OrderID"), ["order", "id"]);
    }
}
