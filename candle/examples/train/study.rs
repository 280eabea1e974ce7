//! The study: rates chosen on the validation loss, then fresh seeds with the chosen rates.

use anyhow::{Context, Result};

use crate::data::Data;
use crate::method::{Method, Setting};
use crate::pool::train_all;
use crate::scenario::Scenario;
use crate::training::{Outcome, Run};

/// Seeds that choose the setting, by the mean of their validation losses. They are no part of the result.
pub(crate) const TUNING_SEEDS: [u64; 2] = [101, 102];
/// Seeds of the result.
pub(crate) const SEEDS: [u64; 5] = [1, 2, 3, 4, 5];

/// One method in one scenario.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) scenario: Scenario,
    pub(crate) method: Method,
    pub(crate) settings: Vec<Setting>,
    /// The mean validation loss of each setting, infinite where a run diverged.
    pub(crate) tuning: Vec<f64>,
    /// Which setting was chosen.
    pub(crate) chosen: usize,
    /// The runs with this setting, one for each seed.
    pub(crate) outcomes: Vec<Outcome>,
}

impl Entry {
    pub(crate) fn setting(&self) -> Setting {
        self.settings[self.chosen]
    }

    /// Whether a setting that was not tried may have been better.
    pub(crate) fn at_edge(&self) -> bool {
        let Setting { rate, bound } = self.setting();
        let is_edge = |value: f64, values: &mut dyn Iterator<Item = f64>| {
            let (least, most) = values.fold((value, value), |(least, most), other| (other.min(least), other.max(most)));
            value == least || value == most
        };
        is_edge(rate, &mut self.settings.iter().map(|setting| setting.rate))
            || bound.is_some_and(|bound| is_edge(bound, &mut self.settings.iter().filter_map(|setting| setting.bound)))
    }

    pub(crate) fn diverged(&self) -> usize {
        self.outcomes.iter().filter(|outcome| outcome.diverged).count()
    }

    /// Test losses after training, of the runs that did not diverge.
    pub(crate) fn losses(&self) -> Vec<f64> {
        self.outcomes.iter().filter_map(Outcome::test).collect()
    }
}

/// How much is done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    /// Passes through the training data in each run.
    pub(crate) epochs: usize,
    /// Whether one setting and one seed are enough, for a look whether it all works.
    pub(crate) is_trial: bool,
}

/// Trains in these scenarios. Entries are in the order of the scenarios, and in each of the methods.
pub(crate) fn study(data: &Data, scenarios: &[Scenario], methods: &[Method], effort: Effort) -> Result<Vec<Entry>> {
    let (tuning_seeds, seeds) =
        if effort.is_trial { (&TUNING_SEEDS[..1], &SEEDS[..1]) } else { (&TUNING_SEEDS[..], &SEEDS[..]) };
    let mut entries = Vec::new();
    let mut runs = Vec::new();
    for &scenario in scenarios {
        for &method in methods {
            let mut settings = method.settings();
            settings.truncate(if effort.is_trial { 1 } else { settings.len() });
            for &setting in &settings {
                runs.extend(tuning_seeds.iter().map(|&seed| Run { scenario, method, setting, seed }));
            }
            entries.push(Entry { scenario, method, settings, tuning: Vec::new(), chosen: 0, outcomes: Vec::new() });
        }
    }
    let mut outcomes = train_all("choosing settings", &runs, data, effort.epochs)?.into_iter();
    for entry in &mut entries {
        for _ in &entry.settings {
            let losses = outcomes.by_ref().take(tuning_seeds.len()).map(|outcome| outcome.validation());
            entry.tuning.push(losses.sum::<f64>() / tuning_seeds.len() as f64);
        }
        let best = entry.tuning.iter().enumerate().min_by(|(_, one), (_, other)| one.total_cmp(other));
        (entry.chosen, _) = best.context("there are no settings to choose from")?;
    }

    let run =
        |entry: &Entry, seed| Run { scenario: entry.scenario, method: entry.method, setting: entry.setting(), seed };
    let runs: Vec<Run> = entries.iter().flat_map(|entry| seeds.iter().map(|&seed| run(entry, seed))).collect();
    let mut outcomes = train_all("training with the chosen settings", &runs, data, effort.epochs)?.into_iter();
    for entry in &mut entries {
        entry.outcomes = outcomes.by_ref().take(seeds.len()).collect();
    }
    Ok(entries)
}
