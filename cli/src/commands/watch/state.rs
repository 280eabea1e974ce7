//! What is known of the series: the estimates, a bounded stretch of the past, and what has happened lately.

use crate::engine::named::{Named, named};
use crate::engine::tally::Tally;
use crate::engine::{moment, too_old};
use crate::failure::Failure;
use crate::samples::{Refusal, Time};
use crate::settings::{KeepArgs, Preset, RuleArgs};
use crate::text::moments::{Moments, TimeForm};
use crate::text::quote::shortened;
use evenkeel::{Counters, TrackError, Update};
use std::collections::{HashMap, VecDeque};

/// Samples of a series that are remembered: more than a line of the screen shows.
pub(super) const PAST: usize = 120;
/// Events that are remembered, of all series together.
pub(super) const EVENTS: usize = 500;
/// Most letters of a name, a time or a note.
const MOST_LETTERS: usize = 200;

/// The series with their estimators.
#[derive(Debug)]
pub(super) struct State {
    series: Box<dyn Named>,
    /// Whether every sample must have a time.
    is_in_time: bool,
    moments: Moments,
    /// The time of the present row in nanoseconds since 1970, where samples need one.
    now: i64,
    /// The place of each series in `known`.
    places: HashMap<String, usize>,
    /// Series that had been forgotten when `known` was last cleared of them.
    forgotten: u64,
    has_refused: bool,
    pub(super) known: Known,
}

/// The part of the state that is shown. A copy of it stands still while the input goes on.
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
        series: String,
        value: f64,
        score: f64,
    },
    Reopened {
        time: String,
        series: String,
        location: f64,
    },
    /// A note on the input.
    Note(String),
}

impl State {
    pub(super) fn new(rule: &RuleArgs, preset: Preset, keep: &KeepArgs) -> Result<Self, Failure> {
        Ok(Self {
            series: named(rule, preset, keep)?,
            is_in_time: rule.is_in_time() || keep.is_in_time(),
            moments: Moments::default(),
            now: 0,
            places: HashMap::new(),
            forgotten: 0,
            has_refused: false,
            known: Known::default(),
        })
    }

    /// Sets the form of all times.
    pub(super) fn set_time_form(&mut self, form: &TimeForm) {
        self.moments = Moments::new(form);
    }

    /// Whether there is a series of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.series.has(name)
    }

    /// The time of the samples that follow.
    pub(super) fn start_row(&mut self, time: Time<'_>) -> Result<(), Refusal> {
        if self.is_in_time {
            self.now = moment(&mut self.moments, time)?;
        }
        self.known.rows += 1;
        self.known.version += 1;
        self.known.time = shortened(&String::from_utf8_lossy(time.text), MOST_LETTERS);
        Ok(())
    }

    /// A sample of a series; NaN is a missing one.
    pub(super) fn sample(&mut self, name: &str, value: f64) -> Result<(), Refusal> {
        let created = self.series.counters().created;
        let update = if self.is_in_time {
            self.series.update_at(name, self.now, value)
        } else {
            self.series.update(name, value)
        };
        let update = match update {
            Ok(update) => update,
            Err(TrackError::Late { time, last }) => return Err(Refusal::Late(too_old(time, last))),
            Err(TrackError::Full { max_series }) => {
                if !std::mem::replace(&mut self.has_refused, true) {
                    self.note(&format!("no series beyond the first {max_series} is followed (--max-series)"));
                }
                return Ok(());
            }
            Err(error) => return Err(Failure::Failed(error.into()).into()),
        };
        // One that had been forgotten begins anew.
        if self.series.counters().created > created {
            self.begin(name);
        }
        // A missing sample makes no series where there is no room.
        let Some(&place) = self.places.get(name) else { return Ok(()) };
        let Known { series, events, time, .. } = &mut self.known;
        let Some(series) = series.get_mut(place) else { return Ok(()) };
        series.add(value, &update);
        let (time, name) = (|| time.clone(), || series.name.clone());
        if update.outlier {
            let score = update.score;
            remember(events, EVENTS, Event::Outlier { time: time(), series: name(), value, score });
        }
        if update.reopened {
            let location = update.location;
            remember(events, EVENTS, Event::Reopened { time: time(), series: name(), location });
        }
        // Those that have been forgotten go when they are looked at, or before they are many.
        if self.known.series.len() > 2 * self.series.names().len() + PAST {
            self.clear();
        }
        Ok(())
    }

    /// Begins a series.
    fn begin(&mut self, name: &str) {
        if let Some(series) = self.places.get(name).and_then(|place| self.known.series.get_mut(*place)) {
            *series = Series::new(name);
            return;
        }
        self.places.insert(name.to_owned(), self.known.series.len());
        self.known.series.push(Series::new(name));
    }

    /// Removes the series that have been forgotten.
    pub(super) fn clear(&mut self) {
        let Counters { expired, evicted, .. } = self.series.counters();
        if std::mem::replace(&mut self.forgotten, expired + evicted) == expired + evicted {
            return;
        }
        let Self { series: estimators, places, known, .. } = self;
        places.retain(|name, _| estimators.has(name));
        let mut moved: Vec<(usize, &mut usize)> = places.values_mut().map(|place| (*place, place)).collect();
        moved.sort_unstable_by_key(|(place, _)| *place);
        let mut stays = moved.iter().map(|(place, _)| *place).peekable();
        let mut index = 0..;
        known.series.retain(|_| index.next().is_some_and(|index| stays.next_if_eq(&index).is_some()));
        for (now, (_, place)) in moved.into_iter().enumerate() {
            *place = now;
        }
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
    fn new(name: &str) -> Self {
        Self {
            name: shortened(name, MOST_LETTERS),
            tally: Tally::default(),
            value: f64::NAN,
            location: f64::NAN,
            scale: f64::NAN,
            score: f64::NAN,
            outlier: false,
            past: VecDeque::new(),
        }
    }

    fn add(&mut self, value: f64, update: &Update<f64>) {
        self.tally.add(update);
        self.value = value;
        let Update { location, scale, score, outlier, .. } = *update;
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
        #[command(flatten)]
        keep: KeepArgs,
    }

    pub(in crate::commands::watch) fn state(names: &[&str]) -> State {
        limited(names, &[])
    }

    /// A state of these series, with these options.
    fn limited(names: &[&str], options: &[&str]) -> State {
        let CommandLine { rule, keep } = CommandLine::parse_from([&["evenkeel"], options].concat());
        let mut state = State::new(&rule, Preset::default(), &keep).unwrap();
        for name in names {
            state.begin(name);
        }
        state
    }

    /// A row of that time.
    pub(in crate::commands::watch) fn at(text: &str) -> Time<'_> {
        Time::text(text.as_bytes())
    }

    #[test]
    fn memory_is_bounded_and_the_last_is_known() {
        let mut state = state(&["a", "b"]);
        for row in 0..5000_u32 {
            state.start_row(at(&format!("T{row}"))).unwrap();
            let value = f64::from(row * 37 % 11) + if row % 5 == 4 && row > 100 { 1000.0 } else { 0.0 };
            state.sample("a", value).unwrap();
            state.sample("b", if row % 2 == 0 { 1.0 } else { f64::NAN }).unwrap();
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
            state.sample("a", level + spike + f64::from(row * 37 % 11)).unwrap();
        }
        let events: Vec<&Event> = state.known.events.iter().collect();
        assert!(
            matches!(events[0], Event::Outlier { time, series, value, score }
            if series == "a" && time == "T100" && *value < -9e5 && *score < -1e4),
            "{:?}",
            events[0]
        );
        assert!(events.iter().any(|event| matches!(event, Event::Reopened { time, .. } if time.as_str() > "T150")));
        let tally = state.known.series[0].tally;
        assert_eq!(tally.outliers + tally.reopenings, events.len() as u64);
    }

    #[test]
    fn series_that_come_and_go_do_not_pile_up() {
        for options in [&["--max-series=10", "--overflow=evict"][..], &["--max-idle=30"]] {
            let mut state = limited(&[], options);
            for row in 0..5000_u32 {
                state.start_row(at(&format!("T{row}"))).unwrap();
                state.sample("lasting", f64::from(row % 7)).unwrap();
                state.sample(&format!("job-{}", row / 5), f64::from(row % 5)).unwrap();
                assert!(state.known.series.len() < 3 * PAST, "{options:?}");
                if row % 100 == 99 {
                    state.clear();
                    let (shown, all) = (&state.known.series, state.series.names().len());
                    assert!(shown.len() == all && all <= 32, "{options:?}");
                    assert!(state.places.iter().all(|(name, place)| shown[*place].name == *name), "{options:?}");
                }
            }
            let lasting = &state.known.series[state.places["lasting"]];
            assert_eq!((lasting.tally.samples, lasting.value), (5000, f64::from(4999 % 7_u32)));
        }
        // Missing samples make no series where there is no room, and one that comes back begins anew.
        for overflow in ["refuse", "evict"] {
            let mut state = limited(&[], &["--max-series=2", "--overflow", overflow]);
            state.start_row(at("T")).unwrap();
            for row in 0..500 {
                state.sample("a", 1.0).unwrap();
                state.sample("b", 1.0).unwrap();
                state.sample(&format!("missing-{row}"), f64::NAN).unwrap();
                state.sample(&format!("infinite-{row}"), f64::INFINITY).unwrap();
            }
            assert_eq!(state.known.series.len(), 2, "{overflow}");
            state.sample("c", 1.0).unwrap();
            state.sample("a", 5.0).unwrap();
            let again = state.places.get("a").map(|place| state.known.series[*place].tally.samples);
            assert_eq!(again, Some(if overflow == "evict" { 1 } else { 501 }), "{overflow}");
        }
        let mut state = limited(&[], &["--max-series=2"]);
        state.start_row(at("T")).unwrap();
        for name in ["a", "b", "c", "d"] {
            state.sample(name, 1.0).unwrap();
        }
        assert!(state.known.series.len() == 2 && !state.has("c"));
        let is_note = |event: &&Event| matches!(event, Event::Note(text) if text.contains("--max-series"));
        assert_eq!(state.known.events.iter().filter(is_note).count(), 1);
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
