//! Runs on all cores. They are independent and small, so each keeps to one thread.

use std::io::{IsTerminal, Write};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::data::Data;
use crate::training::{Outcome, Run};

/// The outcome of every run, in their order, which does not depend on how many threads there are. Progress goes to
/// standard error.
pub(crate) fn train_all(what: &str, runs: &[Run], data: &Data, epochs: usize) -> Result<Vec<Outcome>> {
    let start = Instant::now();
    let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get).min(runs.len());
    let next = AtomicUsize::new(0);
    let (send, receive) = mpsc::channel();
    let mut outcomes: Vec<Option<Outcome>> = vec![None; runs.len()];
    thread::scope(|scope| {
        for _ in 0..threads {
            let (send, next) = (send.clone(), &next);
            scope.spawn(move || {
                while let Some((index, run)) = take(runs, next) {
                    // Nobody listens any more once a run has failed.
                    if send.send((index, run.train(data, epochs))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(send);
        for (done, (index, outcome)) in receive.into_iter().enumerate() {
            let run = runs[index];
            outcomes[index] = Some(outcome.with_context(|| format!("the run {run:?} failed"))?);
            progress(what, done + 1, runs.len(), start);
        }
        anyhow::Ok(())
    })?;
    outcomes.into_iter().map(|outcome| outcome.context("a run is missing")).collect()
}

fn take<'r>(runs: &'r [Run], next: &AtomicUsize) -> Option<(usize, &'r Run)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    runs.get(index).map(|run| (index, run))
}

/// A line that is written over, or on paper one line for every tenth.
fn progress(what: &str, done: usize, all: usize, start: Instant) {
    let mut error = std::io::stderr().lock();
    let line = format!("{what}: {done} of {all} runs, {:.0} s", start.elapsed().as_secs_f64());
    // Progress that cannot be shown is no reason to stop.
    if error.is_terminal() {
        let end = if done == all { "\n" } else { "" };
        _ = write!(error, "\r{line}{end}");
    } else if done == all || done * 10 / all != (done - 1) * 10 / all {
        _ = writeln!(error, "{line}");
    }
}
