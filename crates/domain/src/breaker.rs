//! A circuit breaker: what fails again and again is left alone for a while, and then tried with a few calls.
//!
//! Pure: the time comes in. Read first: [`Breaker::admit`], which gives a [`Pass`] for one call, and what becomes of it.

use crate::Micros;
use crate::clock::SECOND;

/// When a breaker opens and closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Failures in a row that open it.
    pub failures: u32,
    /// How long it stays open, in microseconds.
    pub open_for: Micros,
    /// Calls that may be under way at once when it is tried again.
    pub trials: u32,
    /// Successes in a row of those that close it.
    pub successes: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { failures: 5, open_for: 60 * SECOND, trials: 3, successes: 2 }
    }
}

/// How a breaker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Calls go through.
    Closed,
    /// Nothing goes through.
    Open,
    /// A few go through, to see.
    HalfOpen,
}

impl State {
    /// The state as it is written everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }

    /// The number that stands for it in metrics.
    pub fn number(self) -> u8 {
        match self {
            Self::Closed => 0,
            Self::Open => 1,
            Self::HalfOpen => 2,
        }
    }
}

/// The leave to make one call. It is given back by one of [`Breaker::succeeded`], [`Breaker::failed`], [`Breaker::let_go`].
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a trial that is not given back keeps others out"]
pub struct Pass {
    /// Which turn of the breaker it is of: what began before it opened says nothing about now.
    turn: u64,
}

/// A circuit breaker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breaker {
    settings: Settings,
    turn: u64,
    stands: Stands,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stands {
    Closed { failures: u32 },
    Open { until: Micros },
    HalfOpen { under_way: u32, successes: u32 },
}

impl Breaker {
    /// A closed one.
    pub fn new(settings: Settings) -> Self {
        Self { settings, turn: 0, stands: Stands::Closed { failures: 0 } }
    }

    /// How it stands.
    pub fn state(&self) -> State {
        match self.stands {
            Stands::Closed { .. } => State::Closed,
            Stands::Open { .. } => State::Open,
            Stands::HalfOpen { .. } => State::HalfOpen,
        }
    }

    /// Leave for one call.
    ///
    /// # Errors
    /// When it is worth asking again: where it is open, or enough calls try already.
    pub fn admit(&mut self, now: Micros) -> Result<Pass, Micros> {
        if let Stands::Open { until } = self.stands {
            if now < until {
                return Err(until);
            }
            self.stand(Stands::HalfOpen { under_way: 0, successes: 0 });
        }
        if let Stands::HalfOpen { under_way, .. } = &mut self.stands {
            if *under_way >= self.settings.trials {
                return Err(now + SECOND);
            }
            *under_way += 1;
        }
        Ok(Pass { turn: self.turn })
    }

    /// The call went well.
    pub fn succeeded(&mut self, pass: &Pass) {
        if pass.turn != self.turn {
            return;
        }
        match &mut self.stands {
            Stands::Closed { failures } => *failures = 0,
            Stands::HalfOpen { under_way, successes } => {
                (*under_way, *successes) = (under_way.saturating_sub(1), *successes + 1);
                if *successes >= self.settings.successes {
                    self.stand(Stands::Closed { failures: 0 });
                }
            }
            Stands::Open { .. } => {}
        }
    }

    /// The call failed in a way that the other side is to blame for.
    pub fn failed(&mut self, pass: &Pass, now: Micros) {
        if pass.turn != self.turn {
            return;
        }
        match &mut self.stands {
            Stands::Closed { failures } => {
                *failures += 1;
                if *failures >= self.settings.failures {
                    self.stand(Stands::Open { until: now + self.settings.open_for });
                }
            }
            Stands::HalfOpen { .. } => self.stand(Stands::Open { until: now + self.settings.open_for }),
            Stands::Open { .. } => {}
        }
    }

    /// Nothing is known of the call: it was given up, or the caller was to blame.
    pub fn let_go(&mut self, pass: &Pass) {
        if let (true, Stands::HalfOpen { under_way, .. }) = (pass.turn == self.turn, &mut self.stands) {
            *under_way = under_way.saturating_sub(1);
        }
    }

    fn stand(&mut self, stands: Stands) {
        self.turn += 1;
        self.stands = stands;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn failing(breaker: &mut Breaker, times: u32) {
        for _ in 0..times {
            let pass = breaker.admit(0).unwrap();
            breaker.failed(&pass, 0);
        }
    }

    #[test]
    fn it_opens_after_five_and_is_tried_again_by_a_few() {
        let mut breaker = Breaker::new(Settings::default());
        failing(&mut breaker, 4);
        let pass = breaker.admit(0).unwrap();
        breaker.succeeded(&pass);
        failing(&mut breaker, 5);
        assert_eq!((breaker.state(), breaker.admit(59 * SECOND)), (State::Open, Err(60 * SECOND)));
        let trials: Vec<Pass> = (0..3).map(|_| breaker.admit(60 * SECOND).unwrap()).collect();
        assert_eq!(breaker.admit(60 * SECOND), Err(61 * SECOND), "no fourth at once");
        breaker.let_go(&trials[0]);
        let fourth = breaker.admit(60 * SECOND).unwrap();
        breaker.succeeded(&trials[1]);
        assert_eq!(breaker.state(), State::HalfOpen);
        breaker.succeeded(&fourth);
        assert_eq!(breaker.state(), State::Closed);
        breaker.failed(&trials[2], 60 * SECOND);
        assert_eq!(
            breaker,
            Breaker { turn: breaker.turn, ..Breaker::new(Settings::default()) },
            "a late one says nothing"
        );
    }

    #[test]
    fn one_failed_trial_opens_it_again() {
        let mut breaker = Breaker::new(Settings::default());
        failing(&mut breaker, 5);
        let trial = breaker.admit(60 * SECOND).unwrap();
        breaker.failed(&trial, 61 * SECOND);
        assert_eq!(breaker.admit(100 * SECOND), Err(121 * SECOND));
    }

    proptest! {
        #[test]
        fn never_more_trials_than_allowed_and_never_shut_for_good(moves in prop::collection::vec(0_u8..5, 0..300)) {
            let settings = Settings { failures: 2, open_for: 10, trials: 2, successes: 2 };
            let (mut breaker, mut held, mut now) = (Breaker::new(settings), Vec::new(), 0);
            for one in moves {
                match one {
                    0 => held.extend(breaker.admit(now)),
                    1 => now += 4,
                    _ => if let Some(pass) = held.pop() {
                        match one {
                            2 => breaker.succeeded(&pass),
                            3 => breaker.failed(&pass, now),
                            _ => breaker.let_go(&pass),
                        }
                    }
                }
                if let Stands::HalfOpen { under_way, .. } = breaker.stands {
                    let current = held.iter().filter(|pass| pass.turn == breaker.turn).count();
                    prop_assert_eq!(under_way as usize, current);
                    prop_assert!(under_way <= settings.trials);
                }
            }
            held.iter().for_each(|pass| breaker.let_go(pass));
            prop_assert!(breaker.admit(now + 10).is_ok());
        }
    }
}
