//! The thread that feeds the state: from a file, a pipe, or this machine.

use super::state::State;
use crate::console::{Console, Destination};
use crate::failure::Failure;
use crate::formats::{Client, Consumer, Need, Record, Series, Value, Woken};
use crate::input::{InputArgs, Source, reason, time_of};
use crate::machine::{COLUMNS, Host, next_due};
use crate::samples::{Refusal, Time};
use jiff::Timestamp;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// The state, between the thread that feeds it and the one that draws it. Its lock is a fair one: a fast input must not
/// keep the other from ever having it.
pub(super) type Shared = Arc<Mutex<State>>;

/// The origin of the samples.
#[derive(Clone, Debug)]
pub(super) enum Origin {
    Input(Box<InputArgs>),
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

/// Reads all of a file or a pipe.
fn read(args: &InputArgs, state: &Shared) -> Result<(), Failure> {
    let source = Source::open(args)?;
    let listener = Arc::clone(state);
    let destination = Destination::Listener(Box::new(move |message| listener.lock().note(&message)));
    let console = source.console_to(&args.read, destination);
    let console = if source.is_live { console.endless() } else { console };
    let Source { format, input, is_live, .. } = source;
    state.lock().set_time_form(&input.options.time);
    format.read_all(input, &mut Feed { state, console, is_live, name: String::new() })
}

/// Records on their way to the state.
struct Feed<'a> {
    state: &'a Shared,
    console: Console,
    is_live: bool,
    /// Room for the name of a series.
    name: String,
}

impl Client for Feed<'_> {
    fn before_read(&mut self, need: Need) -> Result<Woken, Failure> {
        self.console.progress(need.read);
        Ok(Woken::Input)
    }

    fn console(&mut self) -> &mut Console {
        &mut self.console
    }

    fn has_series(&self, name: &str) -> bool {
        self.state.lock().has(name)
    }
}

impl Consumer for Feed<'_> {
    fn record(&mut self, record: &impl Record) -> Result<(), Failure> {
        let line = record.span().line;
        let (series, count) = (record.series(), record.values().len());
        match (&series, record.values().next()) {
            (Series::Unnamed(why), _) => return self.console.bad_row(line, why),
            // A bad value in the only column of values spoils the row.
            (Series::Named(_), Some(cell)) if count == 1 => match record.value(cell) {
                Value::Number(_) => {}
                other => return self.console.bad_row(line, reason(&other, record.name(cell))),
            },
            _ => {}
        }
        let mut digits = itoa::Buffer::new();
        let time = time_of(record, self.console.counts.rows, self.is_live, &mut digits);
        let taken = self.state.lock().start_row(time);
        if !self.console.took_row(line, taken)? {
            return Ok(());
        }
        for cell in record.values() {
            self.name.clear();
            match &series {
                Series::Within(beginning) => self.name.push_str(beginning),
                Series::Named(name) => {
                    self.name.push_str(&String::from_utf8_lossy(name));
                    self.name.push_str(if count > 1 { "." } else { "" });
                }
                Series::Each | Series::Unnamed(_) => {}
            }
            if !matches!(series, Series::Named(_)) || count > 1 {
                self.name.push_str(record.name(cell));
            }
            self.cell(record, cell, line)?;
        }
        Ok(())
    }
}

impl Feed<'_> {
    /// A cell of the series that has been named. One that has been a number is expected to be one.
    fn cell(&mut self, record: &impl Record, cell: usize, line: u64) -> Result<(), Failure> {
        let mut state = self.state.lock();
        if !record.is_number(cell) && (record.is_row() || !state.has(&self.name)) {
            return Ok(());
        }
        let taken = match record.value(cell) {
            Value::Number(value) => state.sample(&self.name, value),
            Value::Absent => state.sample(&self.name, f64::NAN),
            Value::NotANumber(text) => {
                drop(state);
                return self.console.bad_number(line, record.name(cell), text.as_bytes());
            }
            Value::Other => return Ok(()),
        };
        // The listener of the console takes the lock.
        drop(state);
        taken.or_else(|refusal| self.console.refused_sample(line, record.name(cell), refusal))
    }
}

/// Most decimals of the step in which this machine's metrics are read: none of them is too coarse with it to be seen to move.
const MOST_DECIMALS: usize = 2;

/// A reading in the decimals that `record` would write, but no more than these, so that its step can be learnt: to the last
/// bit, a load average stands still while the system does not reckon it anew, and then every change would be an outlier.
fn settled(value: f64, decimals: usize) -> f64 {
    let steps = 10_f64.powi(i32::try_from(decimals.min(MOST_DECIMALS)).unwrap_or(0));
    (value * steps).round() / steps
}

/// Reads this machine's metrics, for ever.
fn measure(every: Duration, state: &Shared) -> Result<(), Failure> {
    let mut host = Host::new()?;
    let mut next = Instant::now();
    // Rates are there from the second reading on.
    host.read(next);
    while let Some(due) = next_due(next, every) {
        next = due;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let values = host.read(Instant::now());
        let now = format!("{:.3}", Timestamp::now());
        let mut state = state.lock();
        let time = Time::text(now.as_bytes());
        let mut row = state.start_row(time);
        for (value, (name, decimals)) in values.into_iter().zip(COLUMNS) {
            row = row.and_then(|()| state.sample(name, value.map_or(f64::NAN, |value| settled(value, decimals))));
        }
        match row {
            // The machine's clock was set back: until it has caught up, there is no telling how old a sample is.
            Err(Refusal::Bad(reason) | Refusal::Late(reason)) => state.note(&reason),
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
