//! Promise: the specification to the bit.
//!
//! `robust_mean.json`, `cleaned_ema.json` and `decimal_grid.json` are the output of the executable specification:
//! samples that visit every branch, for every preset, in `f32` and `f64`, in samples and in time. Every column of every
//! row must come out, on every backend, however the samples are given and wherever in the bank the channel lies,
//! together with what is said about each sample.

use crate::{oracle, support};
use core::time::Duration;
use evenkeel::{
    Bank, CleanedEma, Columns, Decay, Observation, Outputs, Reading, Resolution, RobustMean, Sweep, Tracker,
};
use oracle::{Float, Outcome, Parameters, Spec, Specification, cleaned, grid, memory};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::LazyLock;
use support::{both_types, every_backend};

/// JSON has no NaN and no infinities: they travel as strings.
fn number<T: Float>(value: &Value) -> T {
    match value {
        Value::String(text) => match text.as_str() {
            "NaN" => T::NAN,
            "Inf" => T::INFINITY,
            "-Inf" => -T::INFINITY,
            other => panic!("not a number: {other}"),
        },
        value => T::from_f64(value.as_f64().expect("a number")),
    }
}

fn parsed(text: &str) -> Value {
    let file: Value = serde_json::from_str(text).expect("valid JSON");
    assert_eq!(file["alpha"].as_f64(), Some(0.01));
    file
}

static ROBUST_MEAN: LazyLock<Value> = LazyLock::new(|| parsed(include_str!("../robust_mean.json")));
static CLEANED_EMA: LazyLock<Value> = LazyLock::new(|| parsed(include_str!("../cleaned_ema.json")));
static DECIMAL_GRID: LazyLock<Value> = LazyLock::new(|| parsed(include_str!("../decimal_grid.json")));

/// One line of a file: the sample, and the state after it.
struct Row<T> {
    sample: T,
    /// Since the line before.
    elapsed: Duration,
    /// The numbers of the file, by the names of its columns.
    said: BTreeMap<&'static str, T>,
    /// The numbers of the oracle.
    words: Vec<u64>,
    reading: [T; 3],
    step: f64,
    outcome: Outcome<T>,
}

/// One story of a file.
struct Case<O: Specification<T>, T: Float> {
    name: String,
    rule: O::Rule,
    spec: O,
    story: Vec<Row<T>>,
}

impl<O: Specification<T>, T: Float> Case<O, T> {
    fn new(file: &'static Value, input: &str, name: &str, rule: O::Rule, spec: O) -> Self {
        let columns: Vec<&str> = file["columns"].as_array().expect("names").iter().filter_map(Value::as_str).collect();
        let key = format!("{name}_float{}", 8 * size_of::<T>());
        let [inputs, rows] = [input, key.as_str()].map(|key| file[key].as_array().expect("an array"));
        assert_eq!(inputs.len(), rows.len());
        assert!(inputs.len() >= 200, "the story is there");
        let mut state = O::unseen();
        let row = |(index, (input, row)): (usize, (&Value, &'static Value))| {
            let elapsed = Duration::from_nanos(file["distances"][index].as_u64().unwrap_or(0));
            let sample = number(input);
            let (next, outcome) = spec.step_at(&state, sample, elapsed);
            state = next;
            let said = columns.iter().copied().zip(row.as_array().expect("a row").iter().map(number)).collect();
            let (words, reading, step) =
                (spec.words(&state), spec.reading(&state), grid::step(*O::exponent(&mut state)));
            Row { sample, elapsed, said, words, reading, step, outcome }
        };
        let story = inputs.iter().zip(rows).enumerate().map(row).collect();
        Self { name: key, rule, spec, story }
    }

    fn is_in_time(&self) -> bool {
        self.spec.half_life().is_some()
    }

    /// Those lines that have a sample: what is missing is no time that passes.
    fn there(&self) -> impl Iterator<Item = &Row<T>> {
        self.story.iter().filter(|row| !row.sample.nan())
    }
}

fn half_life() -> Duration {
    Duration::from_nanos(ROBUST_MEAN["half_life"].as_u64().expect("nanoseconds"))
}

fn robust_cases<T: Float>() -> Vec<Case<Spec<T>, T>> {
    let rule = RobustMean::new(Decay::alpha(0.01).unwrap());
    let timed = RobustMean::new(Decay::half_life_time(half_life()).unwrap());
    let p = Parameters::new(0.01);
    let patience = |patience| (rule.patience(patience).unwrap(), Parameters { patience, ..p });
    let huber = rule.clip(3.0).unwrap().scale_clip(3.0).unwrap().reject_nothing();
    let cases = [
        ("default", (rule, p)),
        ("mean", (rule.mean_faithful(), p.mean_faithful())),
        ("huber", (huber, Parameters { clip: 3.0, reject: f64::INFINITY, scale_clip: 3.0, ..p })),
        ("resolution_1", (rule.resolution(1.0).unwrap(), Parameters { resolution: 1.0, ..p })),
        ("patience_8", patience(8)),
        ("patience_2", patience(2)),
        ("patience_63", patience(63)),
        ("default_in_time", (timed, Parameters::in_time(half_life()))),
        ("mean_in_time", (timed.mean_faithful(), Parameters::in_time(half_life()).mean_faithful())),
    ];
    let learning = (rule.resolution(Resolution::Learn).unwrap(), p.learning());
    let keys = DECIMAL_GRID.as_object().expect("an object").keys();
    let grids: Vec<&str> = keys.filter_map(|key| key.strip_suffix("_float64")).collect();
    assert_eq!(grids.len(), 10);
    let case = |(name, (rule, p))| Case::new(&ROBUST_MEAN, "input", name, rule, Spec::new(&p));
    let learnt = |name| Case::new(&DECIMAL_GRID, name, name, learning.0, Spec::new(&learning.1));
    cases.into_iter().map(case).chain(grids.into_iter().map(learnt)).collect()
}

fn cleaned_cases<T: Float>() -> Vec<Case<cleaned::Spec<T>, T>> {
    let rule = CleanedEma::new(Decay::alpha(0.01).unwrap());
    let timed = CleanedEma::new(Decay::half_life_time(half_life()).unwrap());
    let p = cleaned::Parameters::new(0.01);
    let cases = [
        ("default", rule, p),
        ("resolution_1", rule.resolution(1.0).unwrap(), cleaned::Parameters { resolution: 1.0, ..p }),
        ("default_in_time", timed, cleaned::Parameters::in_time(half_life())),
    ];
    let case = |(name, rule, p)| Case::new(&CLEANED_EMA, "input", name, rule, cleaned::Spec::new(&p));
    cases.into_iter().map(case).collect()
}

/// Something to be checked of every story, whichever rule it is of.
trait Check<T: Float> {
    fn of<O: Specification<T>>(case: &Case<O, T>);
}

fn all_cases<T: Float, C: Check<T>>() {
    robust_cases::<T>().iter().for_each(C::of);
    cleaned_cases::<T>().iter().for_each(C::of);
}

/// Whether two numbers are the same, any NaN for a NaN included.
fn same<T: Float>(found: T, expected: T) -> bool {
    found.to_word() == expected.to_word() || found.nan() && expected.nan()
}

/// The oracle that the other tests rely on is itself the specification.
struct TheOracleGivesTheVectors;

impl<T: Float> Check<T> for TheOracleGivesTheVectors {
    fn of<O: Specification<T>>(case: &Case<O, T>) {
        let flag = |flag| if flag { T::ONE } else { T::ZERO };
        for (index, row) in case.story.iter().enumerate() {
            let words: Vec<T> = row.words.iter().copied().map(T::from_word).collect();
            for (&column, &said) in &row.said {
                let found = match column {
                    "location" => row.reading[0],
                    // Nothing is reported of what has seen nothing; the file has what would judge the first sample.
                    "scale" if row.reading[2] == T::ZERO => said,
                    "scale" => row.reading[1],
                    "age" => row.reading[2],
                    "last_strike" => words[2],
                    "strikes" => T::from_f64((row.words[3] >> (T::AGE_WIDTH + 3)) as f64),
                    "exponent" => T::from_f64(grid::exponent(row.step).into()),
                    "pending" => words[6],
                    "reopened" => flag(row.outcome.opened),
                    "replaced" => flag(row.outcome.strike),
                    "score" => row.outcome.score,
                    other => panic!("what is {other}?"),
                };
                assert!(same(found, said), "{}, row {index}: {column} is {found}, not {said}", case.name);
            }
        }
    }
}

fn the_oracle_gives_the_vectors<T: Float>() {
    all_cases::<T, TheOracleGivesTheVectors>();
    let name = if size_of::<T>() == 4 { "alpha_t_float32" } else { "alpha_t" };
    let gains = ROBUST_MEAN[name].as_array().expect("an array");
    for (index, gain) in gains.iter().enumerate() {
        let elapsed = Duration::from_nanos(ROBUST_MEAN["distances"][index].as_u64().expect("nanoseconds"));
        assert_eq!(memory::after::<T>(elapsed, half_life()).0, gain.as_f64().expect("a gain"), "{elapsed:?}");
    }
}

/// The reading of a channel after a line.
#[track_caller]
fn assert_reading<T: Float>(reading: Reading<T>, row: &Row<T>, what: impl Fn() -> String) {
    let is_unseen = row.reading[2] == T::ZERO;
    let scale = if is_unseen { T::NAN } else { row.said["scale"] };
    assert!(same(reading.location, row.said["location"]), "{reading:?}, not {:?}, {}", row.said, what());
    assert!(same(reading.scale, scale), "{reading:?}, not {:?}, {}", row.said, what());
    let age = row.said.get("age").copied().unwrap_or(row.reading[2]);
    assert_eq!(reading.age, age, "{:?}, {}", row.said, what());
}

/// The verdict on a sample. A first sample opens in the file; to an observer it is no re-opening.
#[track_caller]
fn assert_observation<T: Float>(seen: Observation<T>, row: &Row<T>, what: impl Fn() -> String) {
    let Outcome { accepted, first, strike, opened, score, .. } = row.outcome;
    let found = (seen.accepted, seen.outlier, seen.reopened);
    assert_eq!(found, (accepted, strike, opened && !first), "{:?}, {}", row.said, what());
    assert!(same(seen.score, score), "score {}, not {score}, {}", seen.score, what());
}

/// A way to give rows to columns.
type Way<R, T> = fn(&Sweep<R, T>, &mut Columns<R, T>, &[T]);

/// Every way, and how many rows it is given at once where it may be more than one.
fn ways<R: evenkeel::Scored, T: Float>() -> [(&'static str, usize, Way<R, T>); 9] {
    fn series<R: evenkeel::Scored, T: Float>(columns: &Columns<R, T>, rows: &[T]) -> Vec<Vec<T>> {
        let channels = columns.len();
        (0..channels).map(|channel| rows.iter().copied().skip(channel).step_by(channels).collect()).collect()
    }
    [
        ("row by row", 1, |sweep, columns, rows| sweep.update(columns.as_mut_slices(), rows).unwrap()),
        ("in short blocks", 9, |sweep, columns, rows| sweep.update_rows(columns.as_mut_slices(), rows).unwrap()),
        ("in long blocks", 100, |sweep, columns, rows| sweep.update_rows(columns.as_mut_slices(), rows).unwrap()),
        ("in one block", usize::MAX, |sweep, columns, rows| sweep.update_rows(columns.as_mut_slices(), rows).unwrap()),
        ("indexed", 9, |sweep, columns, rows| {
            let channels = columns.len();
            let named: Vec<usize> = (0..rows.len()).map(|index| index % channels).collect();
            sweep.update_at(columns.as_mut_slices(), &named, rows).unwrap();
        }),
        ("as series", 50, |sweep, columns, rows| {
            let series = series(columns, rows);
            sweep.update_series(columns.as_mut_slices(), &series).unwrap();
        }),
        ("channel after channel", 50, |sweep, columns, rows| {
            for (channel, samples) in series(columns, rows).iter().enumerate() {
                sweep.update_channel(columns.as_mut_slices(), channel, samples).unwrap();
            }
        }),
        ("scored", 1, |sweep, columns, rows| {
            let mut scores = vec![T::ONE; rows.len()];
            sweep.update_scored(columns.as_mut_slices(), rows, &mut scores).unwrap();
        }),
        ("observed", 1, |sweep, columns, rows| {
            for (channel, &sample) in rows.iter().enumerate() {
                sweep.observe(columns.as_mut_slices(), channel, sample).unwrap();
            }
        }),
    ]
}

/// Every column, in every way, at every position. In samples, the channels around the one under test see the same story
/// some rows later, so that a vector holds channels in different states; in time all see it at once, for the distances
/// are the row's.
struct SweepsGiveTheVectors;

impl<T: Float> Check<T> for SweepsGiveTheVectors {
    fn of<O: Specification<T>>(case: &Case<O, T>) {
        let length = case.story.len();
        every_backend(|backend| {
            let sweep = Sweep::<O::Rule, T>::new(case.rule).unwrap().with_backend(backend).unwrap();
            for (way, rows_at_once, run) in ways::<O::Rule, T>() {
                for channels in [1, 2, 7, 16, 33] {
                    let (lag, rows_at_once, last) =
                        if case.is_in_time() { (0, 1, length) } else { (1, rows_at_once, length + channels) };
                    let at = |time: usize, channel: usize| {
                        time.checked_sub(lag * channel).and_then(|row| case.story.get(row))
                    };
                    let mut columns = Columns::<O::Rule, T>::new(channels).unwrap();
                    for start in (0..last).step_by(rows_at_once) {
                        let end = last.min(start.saturating_add(rows_at_once));
                        let places = (start..end).flat_map(|time| (0..channels).map(move |channel| (time, channel)));
                        let samples = places.map(|(time, channel)| at(time, channel).map_or(T::NAN, |row| row.sample));
                        let samples: Vec<T> = samples.collect();
                        if case.is_in_time() {
                            let sweep = sweep.after(case.story[start].elapsed).unwrap();
                            run(&sweep, &mut columns, &samples);
                        } else {
                            run(&sweep, &mut columns, &samples);
                        }
                        for channel in 0..channels {
                            let Some(row) = at(end - 1, channel) else { continue };
                            let what = || format!("{} {way}, channel {channel} of {channels}, row {end}", case.name);
                            let state = columns.state(channel).unwrap();
                            let words: Vec<u64> = state.as_ref().iter().map(|element| element.to_word()).collect();
                            assert_eq!(words, row.words, "{:?}, {}", row.said, what());
                            assert_reading(sweep.reading(&state), row, what);
                        }
                    }
                }
            }
        });
    }
}

fn sweeps_give_the_vectors<T: Float>() {
    all_cases::<T, SweepsGiveTheVectors>();
}

/// The public face: readings, scores, ages and steps of a bank, all channels at once.
struct BanksGiveTheVectors;

impl<T: Float> Check<T> for BanksGiveTheVectors {
    fn of<O: Specification<T>>(case: &Case<O, T>) {
        every_backend(|backend| {
            for channels in [1, 9] {
                let fresh = Bank::<O::Rule, T>::new(case.rule, channels).unwrap().with_backend(backend).unwrap();
                let (mut quiet, mut loud) = (fresh.clone(), fresh);
                let mut scores = vec![T::ONE; channels];
                for (index, row) in case.there().enumerate() {
                    let samples = vec![row.sample; channels];
                    if case.is_in_time() {
                        quiet.update_after(row.elapsed, &samples).unwrap();
                        loud.update_scored_after(row.elapsed, &samples, &mut scores).unwrap();
                    } else {
                        quiet.update(&samples).unwrap();
                        loud.update_scored(&samples, &mut scores).unwrap();
                    }
                    let what = || format!("{}, sample {index}", case.name);
                    for bank in [&quiet, &loud] {
                        bank.readings().for_each(|reading| assert_reading(reading, row, what));
                        assert!(bank.ages().all(|age| age == row.reading[2]));
                        let step = case.spec.learns().then_some(row.step);
                        assert!((0..channels).all(|channel| bank.step(channel) == step), "{}", what());
                    }
                    assert!(scores.iter().all(|&score| same(score, row.outcome.score)), "{scores:?}, {}", what());
                }
            }
        });
    }
}

fn banks_give_the_vectors<T: Float>() {
    all_cases::<T, BanksGiveTheVectors>();
}

/// `observe` reports which samples counted, struck and re-opened, and their scores.
struct ObservationsGiveTheVectors;

impl<T: Float> Check<T> for ObservationsGiveTheVectors {
    fn of<O: Specification<T>>(case: &Case<O, T>) {
        let mut bank = Bank::<O::Rule, T>::new(case.rule, 3).unwrap();
        for (index, row) in case.there().enumerate() {
            let seen = if case.is_in_time() {
                bank.observe_after(1, row.elapsed, row.sample).unwrap()
            } else {
                bank.observe(1, row.sample).unwrap()
            };
            let what = || format!("{}, sample {index}", case.name);
            assert_observation(seen, row, what);
            assert_reading(bank.reading(1).unwrap(), row, what);
        }
        assert!([0, 2].iter().all(|&other| bank.reading(other).unwrap().age == T::ZERO), "they have seen nothing");
    }
}

fn observations_give_the_vectors<T: Float>() {
    all_cases::<T, ObservationsGiveTheVectors>();
}

/// Channels that live through the story at times of their own, some of them together: a row is when any has a sample,
/// and most miss it. So in time lanes of one vector have different gains, and in samples some are left alone.
struct ChannelsWithTimesOfTheirOwn;

impl<T: Float> Check<T> for ChannelsWithTimesOfTheirOwn {
    fn of<O: Specification<T>>(case: &Case<O, T>) {
        const OFFSETS: [u64; 19] = [0, 0, 0, 3, 3, 10, 0, 10, 40, 3, 0, 0, 0, 7, 0, 0, 123, 0, 0];
        let rows: Vec<&Row<T>> = case.there().collect();
        let second = 1_000_000_000;
        let mut time = 0;
        let times: Vec<u64> = rows
            .iter()
            .map(|row| {
                time += if case.is_in_time() { u64::try_from(row.elapsed.as_nanos()).unwrap() } else { second };
                time
            })
            .collect();
        every_backend(|backend| {
            let mut bank = Bank::<O::Rule, T>::new(case.rule, OFFSETS.len()).unwrap().with_backend(backend).unwrap();
            let mut tracker = Tracker::<u64, O::Rule, T>::new(case.rule).unwrap();
            let mut seen = [0; OFFSETS.len()];
            let mut before = 0;
            loop {
                let next = |channel: usize| times.get(seen[channel]).map(|time| time + OFFSETS[channel] * second);
                let Some(now) = (0..OFFSETS.len()).filter_map(next).min() else { break };
                let due: Vec<usize> = (0..OFFSETS.len()).filter(|&channel| next(channel) == Some(now)).collect();
                let mut samples = [T::NAN; OFFSETS.len()];
                for &channel in &due {
                    samples[channel] = rows[seen[channel]].sample;
                }
                if case.is_in_time() {
                    bank.update_after(Duration::from_nanos(now - before), &samples).unwrap();
                } else {
                    bank.update(&samples).unwrap();
                }
                before = now;
                for channel in due {
                    let row = rows[seen[channel]];
                    let what = || format!("{}, channel {channel}, sample {}", case.name, seen[channel]);
                    assert_reading(bank.reading(channel).unwrap(), row, what);
                    let key = channel as u64;
                    let update = tracker.update_at(&key, i64::try_from(now).unwrap(), row.sample).unwrap();
                    let Outcome { accepted, first, strike, opened, score, .. } = row.outcome;
                    let said = (update.accepted, update.outlier, update.reopened);
                    assert_eq!(said, (accepted, strike, opened && !first), "{}", what());
                    assert!(same(update.location, row.reading[0]), "{update:?}, {}", what());
                    assert!(same(update.scale, row.reading[1]) && same(update.score, score), "{update:?}, {}", what());
                    assert_eq!(tracker.step(&key), case.spec.learns().then_some(row.step), "{}", what());
                    seen[channel] += 1;
                }
            }
        });
    }
}

fn channels_with_times_of_their_own<T: Float>() {
    all_cases::<T, ChannelsWithTimesOfTheirOwn>();
}

/// One long series, and the location after each sample.
struct SeriesGiveTheVectors;

impl<T: Float> Check<T> for SeriesGiveTheVectors {
    fn of<O: Specification<T>>(case: &Case<O, T>) {
        if case.is_in_time() {
            return;
        }
        let samples: Vec<T> = case.story.iter().map(|row| row.sample).collect();
        for channels in [1, 4] {
            let mut bank = Bank::<O::Rule, T>::new(case.rule, channels).unwrap();
            let mut locations = vec![T::ONE; samples.len()];
            let outputs = Outputs { locations: Some(&mut locations), ..Outputs::default() };
            bank.update_channel_into(channels / 2, &samples, outputs).unwrap();
            for (index, (&location, row)) in locations.iter().zip(&case.story).enumerate() {
                assert!(same(location, row.said["location"]), "{}, row {index}: {location}", case.name);
            }
        }
    }
}

fn series_give_the_vectors<T: Float>() {
    all_cases::<T, SeriesGiveTheVectors>();
}

both_types!(
    the_oracle_gives_the_vectors,
    sweeps_give_the_vectors,
    banks_give_the_vectors,
    observations_give_the_vectors,
    channels_with_times_of_their_own,
    series_give_the_vectors,
);
