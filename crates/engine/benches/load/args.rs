//! What is asked of the program.

/// The words of the command line.
pub struct Args {
    pub task: String,
    pub database: String,
    pub quick: bool,
    n: Option<u64>,
    in_flight: Option<u64>,
    pub ledger: Option<String>,
}

impl Args {
    pub fn read(mut words: impl Iterator<Item = String>) -> Self {
        let task = words.next().expect("a task");
        let mut args = Self { task, database: String::new(), quick: false, n: None, in_flight: None, ledger: None };
        while let Some(word) = words.next() {
            let mut value = || words.next().expect("a value");
            match word.as_str() {
                "--database" => args.database = value(),
                "--n" => args.n = Some(value().parse().unwrap()),
                "--in-flight" => args.in_flight = Some(value().parse().unwrap()),
                "--ledger" => args.ledger = Some(value()),
                "--quick" => args.quick = true,
                other => panic!("nothing is called {other}"),
            }
        }
        args
    }

    /// How many operations.
    pub fn n(&self, usual: u64) -> u64 {
        self.n.unwrap_or(if self.quick { usual / 5 } else { usual })
    }

    /// How many side by side.
    pub fn in_flight(&self, usual: u64) -> u64 {
        self.in_flight.unwrap_or(usual)
    }

    pub fn is_sqlite(&self) -> bool {
        self.database.starts_with("sqlite:")
    }
}
