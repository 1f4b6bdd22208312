//! The small tables that tests ask about: flights of two months, and customers with their orders.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// Flights of the table in January and in February 2013.
pub const JANUARY: usize = 31;
pub const FEBRUARY: usize = 56;

/// Writes the sample tables into `folder`.
pub fn sample(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let mut flights = String::from("flight_date,carrier,origin,dep_delay,arr_delay,distance\n");
    for (month, days, per_day) in [(1, 31, JANUARY / 31), (2, 28, FEBRUARY / 28)] {
        for day in 1..=days {
            for flight in 0..per_day {
                let carrier = ["AA", "UA", "DL"][(day + flight) % 3];
                let delay = (day * 7 + flight) % 40;
                writeln!(flights, "2013-{month:02}-{day:02},{carrier},JFK,{delay},{},{}", delay + 3, 200 + day)
                    .unwrap();
            }
        }
    }
    fs::write(folder.join("flights.csv"), flights).unwrap();
    let mut customers = String::from("customer_id,name,country\n");
    for id in 1..=12 {
        writeln!(customers, "{id},Customer {id},{}", ["France", "Spain"][id % 2]).unwrap();
    }
    fs::write(folder.join("customers.csv"), customers).unwrap();
}

/// Writes one table `secrets` whose only text is `word`.
pub fn secrets(folder: &Path, word: &str) {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("secrets.csv"), format!("secret_id,word\n1,{word}\n2,{word}\n")).unwrap();
}
