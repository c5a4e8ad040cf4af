//! Taking turns, and what many measurements say together.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// Many measurements of one thing.
#[derive(Debug, Clone, Default)]
pub(super) struct Sample {
    times: Vec<Duration>,
}

impl Sample {
    /// Adds one.
    pub(super) fn push(&mut self, time: Duration) {
        self.times.push(time);
    }

    /// The middle one.
    pub(super) fn median(&self) -> Duration {
        self.quantile(0.5)
    }

    /// The one that 95 of 100 do not exceed.
    pub(super) fn p95(&self) -> Duration {
        self.quantile(0.95)
    }

    /// The smallest measurement that `share` of all do not exceed (nearest rank).
    fn quantile(&self, share: f64) -> Duration {
        let mut sorted = self.times.clone();
        sorted.sort_unstable();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a few hundred measurements at most"
        )]
        let rank = (share * sorted.len() as f64).ceil() as usize;
        sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
    }
}

/// One way to do what is compared. Answers how long the part took that counts.
pub(super) type Contender<'a> = (&'static str, Box<dyn FnMut() -> Result<Duration> + 'a>);

/// Lets the contenders take turns; the first round warms caches and does not count.
pub(super) fn take_turns(
    rounds: usize,
    mut contenders: Vec<Contender<'_>>,
) -> Result<Vec<(&'static str, Sample)>> {
    let mut samples: Vec<_> = contenders.iter().map(|(name, _)| (*name, Sample::default())).collect();
    for round in 0..=rounds {
        for ((name, attempt), (_, sample)) in contenders.iter_mut().zip(&mut samples) {
            let time = attempt().with_context(|| format!("`{name}` in round {round}"))?;
            if round > 0 {
                sample.push(time);
            }
        }
    }
    tell(&samples);
    Ok(samples)
}

/// Repeats an attempt that takes several times at once; the first attempt does not count.
pub(super) fn together<const N: usize>(
    rounds: usize,
    names: [&'static str; N],
    mut attempt: impl FnMut() -> Result<[Duration; N]>,
) -> Result<Vec<(&'static str, Sample)>> {
    let mut samples = names.map(|name| (name, Sample::default())).to_vec();
    for round in 0..=rounds {
        let times = attempt().with_context(|| format!("round {round}"))?;
        if round > 0 {
            samples.iter_mut().zip(times).for_each(|((_, sample), time)| sample.push(time));
        }
    }
    tell(&samples);
    Ok(samples)
}

fn tell(samples: &[(&'static str, Sample)]) {
    for (name, sample) in samples {
        println!("  {name}: median {:.1?}, p95 {:.1?}", sample.median(), sample.p95());
    }
}

/// How long `work` takes.
pub(super) fn timed<T>(work: impl FnOnce() -> Result<T>) -> Result<(T, Duration)> {
    let begun = Instant::now();
    let answer = work()?;
    Ok((answer, begun.elapsed()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_by_nearest_rank() {
        let mut sample = Sample::default();
        for millis in (1..=100).rev() {
            sample.push(Duration::from_millis(millis));
        }

        assert_eq!(sample.median(), Duration::from_millis(50));
        assert_eq!(sample.p95(), Duration::from_millis(95));
    }

    #[test]
    fn one_measurement_is_its_own_median_and_none_is_nothing() {
        let mut sample = Sample::default();
        assert_eq!(sample.median(), Duration::ZERO);

        sample.push(Duration::from_millis(7));
        assert_eq!(sample.p95(), Duration::from_millis(7));
    }

    #[test]
    fn contenders_take_turns_and_the_first_round_does_not_count() {
        let order = std::cell::RefCell::new(vec![]);
        let contender = |name: &'static str| -> Contender<'_> {
            (
                name,
                Box::new(|| {
                    order.borrow_mut().push(());
                    Ok(Duration::from_millis(1))
                }),
            )
        };

        let samples = take_turns(2, vec![contender("a"), contender("b")]).unwrap();

        assert_eq!(order.borrow().len(), 6);
        assert_eq!(samples[0].1.times.len(), 2);
    }

    #[test]
    fn times_that_are_taken_together_stay_with_their_names() {
        let mut round = 0;

        let samples = together(2, ["a", "b"], || {
            round += 1;
            Ok([Duration::from_millis(round), Duration::from_secs(round)])
        })
        .unwrap();

        let (a, b) = (&samples[0], &samples[1]);
        assert_eq!((a.0, &a.1.times), ("a", &vec![Duration::from_millis(2), Duration::from_millis(3)]));
        assert_eq!((b.0, b.1.p95()), ("b", Duration::from_secs(3)));
    }
}
