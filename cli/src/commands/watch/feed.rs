//! The thread that feeds the state: from a file, a pipe, or this machine.

use super::state::State;
use crate::console::Console;
use crate::failure::Failure;
use crate::formats::InputArgs;
use crate::formats::{self, Source};
use crate::machine::{COLUMNS, Host, next_due};
use crate::samples::{Refusal, Sink, Time};
use jiff::Timestamp;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// The state, between the thread that feeds it and the one that draws it. Its lock is a fair one: a fast input must not
/// keep the other from ever having it.
pub(super) type Shared = Arc<Mutex<State>>;

/// Where samples come from.
#[derive(Clone, Debug)]
pub(super) enum Origin {
    Input(InputArgs),
    Machine { every: Duration },
}

/// Starts the thread. It says how it ended; that it is gone without a word means that it has panicked.
pub(super) fn start(origin: Origin, state: Shared) -> Result<Receiver<Result<(), Failure>>, Failure> {
    let (sender, ended) = channel();
    let work = move || {
        let result = match origin {
            Origin::Input(args) => read(&args, &state),
            Origin::Machine { every } => measure(every, &state),
        };
        state.lock().end();
        // Nobody may be there to hear it.
        let _ = sender.send(result);
    };
    thread::Builder::new()
        .name("input".to_owned())
        .spawn(work)
        .map_err(|error| Failure::failed(format!("cannot start a thread: {error}")))?;
    Ok(ended)
}

/// All of a file or a pipe.
fn read(args: &InputArgs, state: &Shared) -> Result<(), Failure> {
    let source = Source::open(args)?;
    let listener = Arc::clone(state);
    let mut report = Console::sent(args, &source, move |message| listener.lock().note(&message));
    formats::read(args, source, &mut Feed { state }, &mut report)
}

struct Feed<'a> {
    state: &'a Shared,
}

impl Sink for Feed<'_> {
    fn time_name(&mut self, _: &str) {}

    fn series(&mut self, name: &str) -> Result<(), Failure> {
        self.state.lock().add_series(name)
    }

    fn row(&mut self, time: Time<'_>) -> Result<(), Refusal> {
        self.state.lock().start_row(time)
    }

    fn sample(&mut self, series: usize, value: f64) -> Result<(), Refusal> {
        self.state.lock().sample(series, value)
    }

    fn before_wait(&mut self) -> Result<(), Failure> {
        Ok(())
    }
}

/// A step in which none of this machine's metrics is too coarse to be seen to move has so many decimals at most.
const MOST_DECIMALS: usize = 2;

/// A reading in the decimals that `record` would write, but no more than these, so that its step can be learnt: to the last
/// bit, a load average stands still while the system does not reckon it anew, and then every change would be an outlier.
fn settled(value: f64, decimals: usize) -> f64 {
    let steps = 10_f64.powi(i32::try_from(decimals.min(MOST_DECIMALS)).unwrap_or(0));
    (value * steps).round() / steps
}

/// This machine's metrics, for ever.
fn measure(every: Duration, state: &Shared) -> Result<(), Failure> {
    let mut host = Host::new()?;
    for (name, _) in COLUMNS {
        state.lock().add_series(name)?;
    }
    let mut next = Instant::now();
    // Rates are there from the second reading on.
    host.read(next);
    while let Some(due) = next_due(next, every) {
        next = due;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let values = host.read(Instant::now());
        let now = format!("{:.3}", Timestamp::now());
        let mut state = state.lock();
        let time = Time { text: now.as_bytes(), is_number: false, is_row_number: false };
        let mut row = state.start_row(time);
        for (index, (value, (_, decimals))) in values.into_iter().zip(COLUMNS).enumerate() {
            row = row.and_then(|()| state.sample(index, value.map_or(f64::NAN, |value| settled(value, decimals))));
        }
        match row {
            // The machine's clock was set back: until it has caught up, there is no telling how old a sample is.
            Err(Refusal::Skip(reason)) => state.note(&reason),
            Err(Refusal::Stop(failure)) => return Err(failure),
            Ok(()) => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readings_have_the_decimals_that_record_writes() {
        let value = 1_234.567_89;
        assert_eq!([0, 1, 2, 3].map(|decimals| settled(value, decimals)), [1235.0, 1234.6, 1234.57, 1234.57]);
        assert!(settled(-0.001, 2) == 0.0 && settled(f64::NAN, 2).is_nan() && settled(1e300, 2) == 1e300);
    }
}
