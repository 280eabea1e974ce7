//! The study: rates chosen on the validation loss, then fresh seeds with the chosen rates.

use anyhow::{Context, Result};

use crate::data::Data;
use crate::optimisers::Optimiser;
use crate::pool::train_all;
use crate::scenario::Scenario;
use crate::training::{Outcome, Run};

/// Learning rates that every optimiser is tried with: two to a decade.
pub(crate) const RATES: [f64; 14] = [3e-7, 1e-6, 3e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0];
/// Seeds that choose the rate, by the mean of their validation losses. They are no part of the result.
pub(crate) const TUNING_SEEDS: [u64; 2] = [101, 102];
/// Seeds of the result.
pub(crate) const SEEDS: [u64; 5] = [1, 2, 3, 4, 5];

/// One optimiser in one scenario.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) scenario: Scenario,
    pub(crate) optimiser: Optimiser,
    /// The mean validation loss of each rate, infinite where a run diverged.
    pub(crate) tuning: Vec<f64>,
    /// Which rate was chosen.
    pub(crate) chosen: usize,
    /// The runs with this rate, one for each seed.
    pub(crate) outcomes: Vec<Outcome>,
}

impl Entry {
    pub(crate) fn rate(&self) -> f64 {
        RATES[self.chosen]
    }

    /// Whether a rate that was not tried may have been better.
    pub(crate) fn at_edge(&self) -> bool {
        self.chosen == 0 || self.chosen + 1 == RATES.len()
    }

    pub(crate) fn diverged(&self) -> usize {
        self.outcomes.iter().filter(|outcome| outcome.diverged).count()
    }

    /// Test losses after training, of the runs that did not diverge.
    pub(crate) fn losses(&self) -> Vec<f64> {
        self.outcomes.iter().filter_map(Outcome::test).collect()
    }
}

/// Trains it all. Entries are in the order of the scenarios, and in each of the optimisers.
pub(crate) fn study(data: &Data, epochs: usize) -> Result<Vec<Entry>> {
    let pairs: Vec<_> = Scenario::ALL.into_iter().flat_map(|one| Optimiser::ALL.map(|other| (one, other))).collect();
    let mut runs = Vec::new();
    for &(scenario, optimiser) in &pairs {
        for rate in RATES {
            runs.extend(TUNING_SEEDS.map(|seed| Run { scenario, optimiser, rate, seed }));
        }
    }
    let outcomes = train_all("choosing learning rates", &runs, data, epochs)?;
    let mut entries = Vec::new();
    for ((scenario, optimiser), outcomes) in pairs.into_iter().zip(outcomes.chunks(RATES.len() * TUNING_SEEDS.len())) {
        let mean = |seeds: &[Outcome]| seeds.iter().map(Outcome::validation).sum::<f64>() / seeds.len() as f64;
        let tuning: Vec<f64> = outcomes.chunks(TUNING_SEEDS.len()).map(mean).collect();
        let best = tuning.iter().enumerate().min_by(|(_, one), (_, other)| one.total_cmp(other));
        let (chosen, _) = best.context("there are no rates to choose from")?;
        entries.push(Entry { scenario, optimiser, tuning, chosen, outcomes: Vec::new() });
    }

    let run =
        |entry: &Entry, seed| Run { scenario: entry.scenario, optimiser: entry.optimiser, rate: entry.rate(), seed };
    let runs: Vec<Run> = entries.iter().flat_map(|entry| SEEDS.map(|seed| run(entry, seed))).collect();
    let mut outcomes = train_all("training with the chosen rates", &runs, data, epochs)?.into_iter();
    for entry in &mut entries {
        entry.outcomes = outcomes.by_ref().take(SEEDS.len()).collect();
    }
    Ok(entries)
}
