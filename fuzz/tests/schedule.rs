//! Timings: no text makes the reader panic, and what it reads ticks on and on, in order, and is the same after its own text.

use pilothouse_domain::Micros;
use pilothouse_domain::schedule::{Cron, Invalid, Policy, Standing, Timing, decide};
use pilothouse_fuzz::{CRON, sentence};

const TIMEZONES: [&str; 5] = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca"];

fn ticks(expression: &str, timezone: &str, at: Micros) {
    let cron = match Cron::parse(expression, timezone) {
        Ok(cron) => cron,
        Err(error) => {
            assert!(
                !error.to_string().is_empty() && !matches!(error, Invalid::Timezone { .. }),
                "{expression}: {error}"
            );
            return;
        }
    };
    assert_eq!(Cron::parse(cron.expression(), cron.timezone()).as_ref(), Ok(&cron), "{expression}");
    let timing = Timing::Cron(cron);
    let ticks = timing.upcoming(at, 20);
    assert!(
        ticks.is_sorted_by(|one, other| one < other) && ticks.first().is_none_or(|tick| *tick > at),
        "{expression}"
    );
    for tick in &ticks {
        assert_eq!(timing.last_until(*tick), Some(*tick), "{expression}");
        assert_eq!(timing.next_after(*tick - 1), Some(*tick), "{expression}");
    }
    let firing =
        decide(&timing, Policy::default(), "fuzz", Standing { next: at, unfinished: 0 }, at.saturating_add(1 << 50));
    assert!(firing.ticks.len() <= 1 && firing.next.is_none_or(|next| next >= at), "{expression}");
    assert!(!timing.describe().is_empty(), "{expression}");
}

#[test]
fn timing_bytes() {
    bolero::check!().for_each(|bytes: &[u8]| ticks(&String::from_utf8_lossy(bytes), "Europe/Berlin", 0));
}

#[test]
fn timing_fields() {
    bolero::check!().with_type::<(u8, Micros, [u8; 6])>().for_each(|(zone, at, picks)| {
        let timezone = TIMEZONES[usize::from(*zone) % TIMEZONES.len()];
        let from = usize::from(*zone) % 2;
        ticks(&sentence(CRON, &picks[from..]), timezone, *at);
    });
}
