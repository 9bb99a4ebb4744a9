//! Schedule of the calls that a refresh makes again after a failure.
//!
//! Installed clients show the reason of a 503 and stop, so the quick retries that they would
//! otherwise make are made here (docs/endpoints.md).

use std::time::Duration;

use ring::rand::{SecureRandom, SystemRandom};

/// Pauses before the second and the third call. Each one is lengthened or shortened by up
/// to a quarter at random, so that clients that failed together do not come back together.
#[derive(Clone, Copy, Debug)]
pub struct RetryPauses(pub [Duration; 2]);

impl Default for RetryPauses {
    /// As Duplicati waits after a 502, as far as that fits into a refresh.
    fn default() -> Self {
        Self([Duration::from_secs(1), Duration::from_secs(2)])
    }
}

impl RetryPauses {
    /// Returns the pauses of one refresh.
    pub fn of_one_refresh(self) -> [Duration; 2] {
        self.0.map(|pause| pause.mul_f64(jitter()))
    }
}

/// Returns a random factor between 0.75 and 1.25.
fn jitter() -> f64 {
    let mut byte = [0];
    match SystemRandom::new().fill(&mut byte) {
        Ok(()) => 0.75 + f64::from(byte[0]) / 510.0,
        // Without random numbers nothing else works either; this need not be what fails.
        Err(_) => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_differs_by_a_quarter_at_most() {
        let pauses = RetryPauses::default();
        let all: Vec<_> = (0..200).map(|_| pauses.of_one_refresh()).collect();
        for [first, second] in &all {
            assert!((0.75..=1.25).contains(&first.as_secs_f64()), "{first:?}");
            assert!((1.5..=2.5).contains(&second.as_secs_f64()), "{second:?}");
        }
        assert!(all.iter().any(|pauses| pauses != &all[0]));
    }
}
