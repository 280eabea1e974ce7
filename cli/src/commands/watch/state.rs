//! What is known of the series: the estimates, a bounded stretch of the past, and what has happened lately.

use crate::engine::tally::Tally;
use crate::engine::{Engine, Seen};
use crate::failure::Failure;
use crate::samples::{Refusal, Time};
use crate::settings::{Preset, RuleArgs};
use crate::text::quote::shortened;
use std::collections::VecDeque;

/// Samples of a series that are remembered: more than a line of the screen shows.
pub(super) const PAST: usize = 120;
/// Events that are remembered, of all series together.
pub(super) const EVENTS: usize = 500;
/// Most letters of a name, a time or a note.
const MOST_LETTERS: usize = 200;

/// Everything that is known.
#[derive(Debug)]
pub(super) struct State {
    engine: Engine,
    pub(super) known: Known,
}

/// What is shown of it. A copy of it stands still while the input goes on.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    pub(super) series: Vec<Series>,
    pub(super) events: VecDeque<Event>,
    pub(super) rows: u64,
    /// The time of the last row.
    pub(super) time: String,
    /// Whether there will be no more.
    pub(super) has_ended: bool,
    /// Grows with every change.
    pub(super) version: u64,
}

/// One series.
#[derive(Clone, Debug)]
pub(super) struct Series {
    pub(super) name: String,
    pub(super) tally: Tally,
    /// The last sample; NaN if it was missing.
    pub(super) value: f64,
    pub(super) location: f64,
    pub(super) scale: f64,
    /// The score of the last sample; NaN if it was missing.
    pub(super) score: f64,
    /// Whether the last sample was an outlier.
    pub(super) outlier: bool,
    pub(super) past: VecDeque<Moment>,
}

/// A sample in the past.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) value: f64,
    pub(super) location: f64,
    pub(super) outlier: bool,
}

/// Something that has happened.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Event {
    Outlier {
        time: String,
        series: usize,
        value: f64,
        score: f64,
    },
    Reopened {
        time: String,
        series: usize,
        location: f64,
    },
    /// What is to be said about the input.
    Note(String),
}

impl State {
    pub(super) fn new(rule: &RuleArgs, preset: Preset) -> Result<Self, Failure> {
        Ok(Self { engine: Engine::new(rule, preset)?, known: Known::default() })
    }

    pub(super) fn add_series(&mut self, name: &str) -> Result<(), Failure> {
        self.engine.add_series()?;
        self.known.version += 1;
        self.known.series.push(Series {
            name: shortened(name, MOST_LETTERS),
            tally: Tally::default(),
            value: f64::NAN,
            location: f64::NAN,
            scale: f64::NAN,
            score: f64::NAN,
            outlier: false,
            past: VecDeque::new(),
        });
        Ok(())
    }

    /// The time of the samples that follow.
    pub(super) fn start_row(&mut self, time: Time<'_>) -> Result<(), Refusal> {
        self.engine.set_time(time)?;
        self.known.rows += 1;
        self.known.version += 1;
        self.known.time = shortened(&String::from_utf8_lossy(time.text), MOST_LETTERS);
        Ok(())
    }

    /// A sample of a series; NaN is a missing one.
    pub(super) fn sample(&mut self, index: usize, value: f64) -> Result<(), Refusal> {
        let seen = self.engine.observe(index, value)?;
        let Known { series, events, time, .. } = &mut self.known;
        let Some(series) = series.get_mut(index) else { return Ok(()) };
        series.add(value, &seen);
        if seen.outlier {
            remember(events, EVENTS, Event::Outlier { time: time.clone(), series: index, value, score: seen.score });
        }
        if seen.reopened {
            remember(events, EVENTS, Event::Reopened { time: time.clone(), series: index, location: seen.location });
        }
        Ok(())
    }

    /// Something about the input.
    pub(super) fn note(&mut self, text: &str) {
        self.known.version += 1;
        remember(&mut self.known.events, EVENTS, Event::Note(shortened(text, MOST_LETTERS)));
    }

    /// The end of the input.
    pub(super) fn end(&mut self) {
        self.known.version += 1;
        self.known.has_ended = true;
    }
}

impl Series {
    fn add(&mut self, value: f64, seen: &Seen) {
        self.tally.add(value, seen);
        self.value = value;
        let Seen { location, scale, score, outlier, .. } = *seen;
        (self.location, self.scale, self.score, self.outlier) = (location, scale, score, outlier);
        remember(&mut self.past, PAST, Moment { value, location, outlier });
    }
}

/// Adds the latest, and forgets the oldest if that makes too many.
fn remember<T>(list: &mut VecDeque<T>, most: usize, latest: T) {
    if list.len() >= most {
        list.pop_front();
    }
    list.push_back(latest);
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct CommandLine {
        #[command(flatten)]
        rule: RuleArgs,
    }

    pub(in crate::commands::watch) fn state(names: &[&str]) -> State {
        let rule = CommandLine::parse_from(["evenkeel"]).rule;
        let mut state = State::new(&rule, Preset::default()).unwrap();
        for name in names {
            state.add_series(name).unwrap();
        }
        state
    }

    /// A row of that time.
    pub(in crate::commands::watch) fn at(text: &str) -> Time<'_> {
        Time { text: text.as_bytes(), is_number: false, is_row_number: false }
    }

    #[test]
    fn memory_is_bounded_and_the_last_is_known() {
        let mut state = state(&["a", "b"]);
        for row in 0..5000_u32 {
            state.start_row(at(&format!("T{row}"))).unwrap();
            let value = f64::from(row * 37 % 11) + if row % 5 == 4 && row > 100 { 1000.0 } else { 0.0 };
            state.sample(0, value).unwrap();
            state.sample(1, if row % 2 == 0 { 1.0 } else { f64::NAN }).unwrap();
            state.note("something");
        }
        let Known { series, events, rows, time, .. } = &state.known;
        assert_eq!((*rows, time.as_str(), events.len(), series[0].past.len()), (5000, "T4999", EVENTS, PAST));
        assert_eq!(series[0].tally.samples, 5000);
        assert_eq!((series[1].tally.missing, series[1].value.is_nan()), (2500, true));
        assert_eq!(series[0].value, f64::from(4999 * 37 % 11_u32) + 1000.0);
        assert!(series[0].past.iter().filter(|moment| moment.outlier).count() >= PAST / 5);
    }

    #[test]
    fn events_are_outliers_and_reopenings() {
        let mut state = state(&["a"]);
        for row in 0..200 {
            state.start_row(at(&format!("T{row}"))).unwrap();
            let level = if row < 150 { 0.0 } else { 500.0 };
            let spike = if row == 100 { -1e6 } else { 0.0 };
            state.sample(0, level + spike + f64::from(row * 37 % 11)).unwrap();
        }
        let events: Vec<&Event> = state.known.events.iter().collect();
        assert!(
            matches!(events[0], Event::Outlier { time, series: 0, value, score }
            if time == "T100" && *value < -9e5 && *score < -1e4),
            "{:?}",
            events[0]
        );
        assert!(events.iter().any(|event| matches!(event, Event::Reopened { time, .. } if time.as_str() > "T150")));
        let tally = state.known.series[0].tally;
        assert_eq!(tally.outliers + tally.reopenings, events.len() as u64);
    }

    #[test]
    fn control_characters_do_not_reach_the_screen() {
        let mut state = state(&["a\u{1b}[2J\nb"]);
        state.start_row(at("\u{1b}]0;title\u{7}")).unwrap();
        state.note("line 3: \u{1b}[31m");
        assert_eq!(state.known.series[0].name, "a\u{fffd}[2J\u{fffd}b");
        let everything = format!("{:?}", state.known);
        assert!(!everything.contains("u{1b}") && !everything.contains("u{7}"), "{everything}");
    }
}
