//! The study: settings chosen on the validation score, then fresh seeds with the chosen settings.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result};

use super::method::{Method, Setting};
use super::report::{chosen, score_of};
use super::task::{Score, Sheet, Task};
use super::training::train;

/// The seeds that choose settings come after this one, those of the result are 1 and so on.
const TUNING: u64 = 100;

/// One method in one scenario.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The place of the scenario in the sheet.
    pub(crate) scenario: usize,
    pub(crate) method: Method,
    pub(crate) settings: Vec<Setting>,
    /// The mean validation score of each setting, infinite where a run diverged.
    pub(crate) tuning: Vec<f64>,
    /// Which setting was chosen.
    pub(crate) chosen: usize,
    /// The runs with this setting, one for each seed: none if it diverged.
    pub(crate) outcomes: Vec<Option<Score>>,
}

impl Entry {
    pub(crate) fn setting(&self) -> Setting {
        self.settings[self.chosen]
    }

    /// Whether a rate that was not tried may have been better.
    pub(crate) fn at_edge(&self) -> bool {
        let rate = self.setting().rate;
        let rates = || self.settings.iter().map(|setting| setting.rate);
        rates().all(|other| other >= rate) || rates().all(|other| other <= rate)
    }

    pub(crate) fn diverged(&self) -> usize {
        self.outcomes.iter().filter(|outcome| outcome.is_none()).count()
    }

    /// Test scores after training, of the runs that did not diverge.
    pub(crate) fn scores(&self) -> Vec<f64> {
        self.outcomes.iter().flatten().map(|score| score.test).collect()
    }
}

/// How much is done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    /// Steps of each run.
    pub(crate) steps: usize,
    /// Examples that are enough for a score.
    pub(crate) examples: usize,
    /// Whether one setting and one seed are enough, for a look whether it all works.
    pub(crate) is_trial: bool,
}

/// Trains in these scenarios on all cores, from the last to the first, because the clean one surprises least. Each entry goes to
/// standard error as soon as it is done, so that whoever stops it has what there is.
pub(crate) fn study(task: &dyn Task, sheet: &Sheet, scenarios: &[usize], effort: Effort) -> Result<Vec<Entry>> {
    let start = Instant::now();
    let of = |&scenario: &usize| Method::ALL.map(|method| (scenario, method));
    let cells: Vec<_> = scenarios.iter().rev().flat_map(of).collect();
    let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get).min(cells.len());
    let next = AtomicUsize::new(0);
    let (send, receive) = mpsc::channel();
    let mut entries: Vec<Option<Entry>> = vec![None; cells.len()];
    thread::scope(|scope| {
        for _ in 0..threads {
            let (send, next, cells) = (send.clone(), &next, &cells);
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(&(scenario, method)) = cells.get(index) else { break };
                    // Nobody listens any more once a run has failed.
                    if send.send((index, entry(task, sheet, scenario, method, effort))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(send);
        for (index, entry) in receive {
            let (scenario, method) = cells[index];
            let name = format!("{}, {}", sheet.scenarios[scenario], method.name());
            let entry = entry.with_context(|| format!("the training failed: {name}"))?;
            let (score, setting) = (score_of(&entry, sheet.decimals), chosen(&entry));
            let done = entries.iter().flatten().count() + 1;
            eprintln!("{done} of {}, {:.0} s: {name}: {score} ({setting})", cells.len(), start.elapsed().as_secs_f64());
            entries[index] = Some(entry);
        }
        anyhow::Ok(())
    })?;
    entries.into_iter().map(|entry| entry.context("an entry is missing")).collect()
}

/// Chooses the setting of a method, and trains with it.
fn entry(task: &dyn Task, sheet: &Sheet, scenario: usize, method: Method, effort: Effort) -> Result<Entry> {
    let mut entry = Entry {
        scenario,
        method,
        settings: method.settings(sheet),
        tuning: Vec::new(),
        chosen: 0,
        outcomes: Vec::new(),
    };
    let run = |setting, seed| train(task.begin(scenario, seed)?.as_mut(), method, setting, sheet.batch, effort);
    if effort.is_trial {
        entry.settings.truncate(1);
        entry.outcomes.push(run(entry.settings[0], 1)?);
        return Ok(entry);
    }
    for &setting in &entry.settings {
        let mut sum = 0.0;
        for seed in TUNING + 1..=TUNING + sheet.tuning_seeds {
            sum += run(setting, seed)?.map_or(f64::INFINITY, |score| score.validation);
            // A setting that diverged with one seed is not chosen whatever the others do.
            if sum.is_infinite() {
                break;
            }
        }
        entry.tuning.push(sum / sheet.tuning_seeds as f64);
    }
    let best = entry.tuning.iter().enumerate().min_by(|(_, one), (_, other)| one.total_cmp(other));
    (entry.chosen, _) = best.context("there are no settings to choose from")?;
    let outcomes = (1..=sheet.seeds).map(|seed| run(entry.setting(), seed));
    entry.outcomes = outcomes.collect::<Result<_>>()?;
    Ok(entry)
}
