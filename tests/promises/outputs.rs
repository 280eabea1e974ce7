//! Promise: what a pass reports of every sample are the bits of one `observe` and `reading` after the other, however the
//! samples are given; and `Ema` in time is pandas' `ewm(halflife, times).mean()`.

use crate::{oracle, support};
use core::num::NonZeroUsize;
use core::time::Duration;
use evenkeel::{
    Bank, CleanedEma, ClippedEma, Decay, Ema, Estimator, Observation, Outputs, Reading, Resolution, RobustMean,
    Threads, Timed, TimedBank, UpdateError,
};
use oracle::Float;
use serde_json::Value;
use support::random::Random;
use support::{both_types, every_backend};

const HALF_LIFE: Duration = Duration::from_secs(60);

fn in_time() -> Decay {
    Decay::half_life_time(HALF_LIFE).unwrap()
}

/// What is reported of one sample.
#[derive(Clone, Copy, Debug)]
struct Said<T> {
    numbers: [T; 3],
    outlier: bool,
}

impl<T: Float> Said<T> {
    fn of(observation: Observation<T>, reading: Reading<T>) -> Self {
        Self { numbers: [reading.location, reading.scale, observation.score], outlier: observation.outlier }
    }
}

/// Places for everything, of which some is asked for: a bit each for locations, scales, scores and outliers.
#[derive(Clone, Debug)]
struct Everything<T> {
    numbers: [Vec<T>; 3],
    outliers: Vec<bool>,
}

/// What no sample leads to.
const MARK: f64 = -12345.0;

impl<T: Float> Everything<T> {
    fn new(samples: usize) -> Self {
        Self { numbers: [(); 3].map(|()| vec![T::from_f64(MARK); samples]), outliers: vec![true; samples] }
    }

    fn some(&mut self, wanted: usize) -> Outputs<'_, T> {
        let [locations, scales, scores] = &mut self.numbers;
        Outputs {
            locations: (wanted & 1 != 0).then_some(locations),
            scales: (wanted & 2 != 0).then_some(scales),
            scores: (wanted & 4 != 0).then_some(scores),
            outliers: (wanted & 8 != 0).then_some(&mut self.outliers),
        }
    }

    /// Whether what was asked for is what is expected, and nothing else was written.
    fn assert(&self, wanted: usize, expected: &[Said<T>], what: &str) {
        for (bit, numbers) in self.numbers.iter().enumerate() {
            assert_eq!(numbers.len(), expected.len());
            for (index, (found, said)) in numbers.iter().zip(expected).enumerate() {
                let should = if wanted >> bit & 1 == 1 { said.numbers[bit] } else { T::from_f64(MARK) };
                let is_same = found.to_word() == should.to_word() || found.nan() && should.nan();
                assert!(is_same, "{what}: output {bit} of sample {index} is {found}, not {should} ({wanted:b})");
            }
        }
        for (index, (found, said)) in self.outliers.iter().zip(expected).enumerate() {
            assert_eq!(*found, if wanted & 8 == 0 { true } else { said.outlier }, "{what}: outlier {index}");
        }
    }
}

/// Places for locations alone.
fn locations<T>(places: &mut [T]) -> Outputs<'_, T> {
    Outputs { locations: Some(places), scales: None, scores: None, outliers: None }
}

/// The samples of one channel of a block.
fn column<X: Copy>(block: &[X], channel: usize, channels: usize) -> Vec<X> {
    block.iter().copied().skip(channel).step_by(channels).collect()
}

fn words<R: Estimator, T: Float>(bank: &Bank<R, T>) -> Vec<u8> {
    let mut bytes = Vec::new();
    bank.write_snapshot(&mut bytes).unwrap();
    bytes
}

/// The ways to share an update: none, and parts of a few channels.
fn shared() -> [Threads; 2] {
    [Threads::One, Threads::Parts(NonZeroUsize::new(9).unwrap())]
}

/// Every entry point, by blocks of this many rows, and what is wanted.
fn in_samples<R: Estimator + Copy, T: Float>(rule: R, seed: u64) {
    let mut random = Random::new(seed);
    for (channels, rows) in
        [(1, 50), (2, 3), (7, 17), (8, 16), (16, 33), (31, 50), (70, 50), (3, 0), (64, 1), (65, 2), (19, 150)]
    {
        let block = random.hostile::<T>(rows + 40, channels);
        // A start that is over, or not.
        let (before, block) = block.split_at(channels * if random.chance(0.5) { 40 } else { 0 });
        let block = &block[..rows * channels];
        let mut fresh = Bank::<R, T>::new(rule, channels).unwrap();
        fresh.update_rows(before).unwrap();
        let mut single = fresh.clone();
        let expected: Vec<Said<T>> = (0..)
            .zip(block)
            .map(|(index, &sample)| {
                let channel = index % channels;
                let verdict = single.observe(channel, sample).unwrap();
                Said::of(verdict, single.reading(channel).unwrap())
            })
            .collect();
        let columns: Vec<Vec<T>> = (0..channels).map(|channel| column(block, channel, channels)).collect();
        let of_columns: Vec<_> = (0..channels).map(|channel| column(&expected, channel, channels)).collect();
        let end = words(&single);
        every_backend(|backend| {
            let made = |threads| fresh.clone().with_backend(backend).unwrap().with_threads(threads);
            for (threads, wanted) in
                shared().into_iter().flat_map(|threads| (0..16).map(move |wanted| (threads, wanted)))
            {
                let mut found = Everything::new(block.len());
                let mut bank = made(threads);
                bank.update_rows_into(block, found.some(wanted)).unwrap();
                found.assert(wanted, &expected, "rows");
                assert!(words(&bank) == end, "rows");

                let mut found = Everything::new(block.len());
                let mut bank = made(threads);
                let named: Vec<usize> = (0..block.len()).map(|index| index % channels).collect();
                bank.update_at_into(&named, block, found.some(wanted)).unwrap();
                found.assert(wanted, &expected, "named");
                assert!(words(&bank) == end, "named");

                // Not every series wants the same.
                for turn in [0, 5] {
                    let each = |channel: usize| (wanted + turn * channel) % 16;
                    let mut found = vec![Everything::new(rows); channels];
                    let mut bank = made(threads);
                    let mut outputs: Vec<_> =
                        found.iter_mut().enumerate().map(|(channel, found)| found.some(each(channel))).collect();
                    bank.update_series_into(&columns, &mut outputs).unwrap();
                    for (channel, (found, expected)) in found.iter().zip(&of_columns).enumerate() {
                        found.assert(each(channel), expected, "series");
                    }
                    assert!(words(&bank) == end, "series");
                }

                let mut bank = made(threads);
                for (channel, (samples, expected)) in columns.iter().zip(&of_columns).enumerate() {
                    let mut found = Everything::new(rows);
                    bank.update_channel_into(channel, samples, found.some(wanted)).unwrap();
                    found.assert(wanted, expected, "one channel");
                }
                assert!(words(&bank) == end, "one channel");
            }
        });
    }
}

fn learning<R>(rule: Result<R, evenkeel::ParameterError>) -> R {
    rule.unwrap()
}

fn robust_means<T: Float>() {
    let decay = Decay::half_life(8.0).unwrap();
    in_samples::<_, T>(RobustMean::new(decay), 91);
    in_samples::<_, T>(learning(RobustMean::new(decay).resolution(Resolution::Learn)), 92);
    in_samples::<_, T>(learning(RobustMean::new(decay).resolution(0.5)), 93);
}

fn cleaned_emas<T: Float>() {
    let decay = Decay::half_life(20.0).unwrap();
    in_samples::<_, T>(CleanedEma::new(decay), 94);
    in_samples::<_, T>(learning(CleanedEma::new(decay).resolution(Resolution::Learn)), 95);
}

/// Short memories forget their start within a test, long ones do not.
fn plain_averages<T: Float>() {
    for (gain, seed) in [(0.01, 96), (0.9, 97), (1.0, 98)] {
        in_samples::<_, T>(Ema::new(Decay::alpha(gain).unwrap()), seed);
    }
    in_samples::<_, T>(ClippedEma::new(Decay::alpha(0.7).unwrap()).scale_decay(Decay::alpha(0.3).unwrap()), 99);
}

/// Distances of every kind.
fn distance(random: &mut Random) -> Duration {
    match random.below(12) {
        0 => Duration::ZERO,
        1 => Duration::from_secs(60),
        2 => Duration::from_secs(random.below(1000) as u64),
        3 => Duration::from_secs(86_400 * 365 * 100),
        4..=6 => Duration::from_millis(900 + random.below(200) as u64),
        _ => Duration::from_secs(1),
    }
}

/// Outputs in time, beside one row after the other and one sample after the other.
fn after<R: Timed + Copy, T: Float>(rule: R, seed: u64) {
    let mut random = Random::new(seed);
    for (channels, rows) in
        [(1, 50), (2, 20), (3, 17), (8, 16), (37, 50), (70, 33), (130, 5), (1100, 6), (4, 0), (19, 150)]
    {
        let block = random.hostile::<T>(rows + 30, channels);
        let elapsed: Vec<Duration> = (0..rows + 30).map(|_| distance(&mut random)).collect();
        let (before, block) = block.split_at(30 * channels);
        let (earlier, elapsed) = elapsed.split_at(30);
        let mut fresh = Bank::<R, T>::new(rule, channels).unwrap();
        let all = random.chance(0.7);
        for (row, &elapsed) in before.chunks(channels).zip(earlier).filter(|_| all) {
            fresh.update_after(elapsed, row).unwrap();
        }
        let mut single = fresh.clone();
        let expected: Vec<Said<T>> = (0..)
            .zip(block)
            .map(|(index, &sample)| {
                let channel = index % channels;
                let verdict = single.observe_after(channel, elapsed[index / channels], sample).unwrap();
                Said::of(verdict, single.reading(channel).unwrap())
            })
            .collect();
        let columns: Vec<Vec<T>> = (0..channels).map(|channel| column(block, channel, channels)).collect();
        let of_columns: Vec<_> = (0..channels).map(|channel| column(&expected, channel, channels)).collect();
        let end = words(&single);
        every_backend(|backend| {
            for (threads, wanted) in
                shared().into_iter().flat_map(|threads| [0, 1, 6, 8, 15].map(|wanted| (threads, wanted)))
            {
                let made = || fresh.clone().with_backend(backend).unwrap().with_threads(threads);
                let mut found = Everything::new(block.len());
                let mut bank = made();
                bank.update_rows_into_after(elapsed, block, found.some(wanted)).unwrap();
                found.assert(wanted, &expected, "rows");
                assert!(words(&bank) == end, "rows");

                let each = |channel: usize| (wanted + 3 * channel) % 16;
                let mut found = vec![Everything::new(rows); channels];
                let mut bank = made();
                let mut outputs: Vec<_> =
                    found.iter_mut().enumerate().map(|(channel, found)| found.some(each(channel))).collect();
                bank.update_series_into_after(elapsed, &columns, &mut outputs).unwrap();
                for (channel, (found, expected)) in found.iter().zip(&of_columns).enumerate() {
                    found.assert(each(channel), expected, "series");
                }
                assert!(words(&bank) == end, "series");
                // What comes next finds how long each channel has been silent.
                let mut next = single.clone();
                let row = &block[..channels.min(block.len())];
                if !row.is_empty() {
                    bank.update_after(Duration::from_secs(1), row).unwrap();
                    next.update_after(Duration::from_secs(1), row).unwrap();
                    assert!(words(&bank) == words(&next), "the row after");
                }
            }
        });
    }
}

fn any_distances<T: Float>() {
    after::<_, T>(RobustMean::new(in_time()), 101);
    after::<_, T>(CleanedEma::new(in_time()), 102);
    after::<_, T>(Ema::new(in_time()), 103);
}

/// Samples by channel and time, some of them late: those are counted, and read as what stands.
fn late_samples<R: Timed + Copy, T: Float>(rule: R, seed: u64) {
    const CHANNELS: usize = 5;
    let mut random = Random::new(seed);
    let samples = random.hostile::<T>(400, 1);
    let channels: Vec<usize> = samples.iter().map(|_| random.below(CHANNELS)).collect();
    let second = 1_000_000_000;
    let ago = |random: &mut Random| if random.chance(0.2) { 40 * second } else { 0 };
    let times: Vec<i64> = (0..).zip(&samples).map(|(index, _): (i64, _)| index * second - ago(&mut random)).collect();
    let mut single = TimedBank::<R, T>::new(rule, CHANNELS).unwrap();
    let mut late = 0;
    let mut expected = Vec::new();
    for ((&channel, &time), &sample) in channels.iter().zip(&times).zip(&samples) {
        let update = single.observe_at(channel, time, sample);
        let reading = single.reading(channel).unwrap();
        let mut said = Said { numbers: [reading.location, reading.scale, T::NAN], outlier: false };
        match update {
            Ok(update) => (said.numbers[2], said.outlier) = (update.score, update.outlier),
            Err(UpdateError::Late { .. }) => late += 1,
            Err(other) => panic!("{other}"),
        }
        expected.push(said);
    }
    assert!(late > 20 && late < 200, "{late}");
    for wanted in 0..16 {
        let mut bank = TimedBank::<R, T>::new(rule, CHANNELS).unwrap();
        let mut found = Everything::new(samples.len());
        assert_eq!(bank.observe_all_at(&channels, &times, &samples, found.some(wanted)), Ok(late));
        found.assert(wanted, &expected, "by time");
        let state = |bank: &TimedBank<R, T>| format!("{:?}", bank.readings().collect::<Vec<_>>());
        assert_eq!(state(&bank), state(&single));
        assert!((0..CHANNELS).all(|channel| bank.last(channel) == single.last(channel)));
    }
}

fn samples_by_time<T: Float>() {
    late_samples::<_, T>(RobustMean::new(in_time()), 104);
    late_samples::<_, T>(CleanedEma::new(in_time()), 105);
    late_samples::<_, T>(Ema::new(in_time()), 106);
    late_samples::<_, T>(Ema::new(Decay::alpha(0.1).unwrap()), 107);
}

/// A length that does not fit is an error that names it, and neither the state nor any output has changed.
fn wrong_lengths<T: Float>() {
    const CHANNELS: usize = 9;
    let rule = RobustMean::new(in_time());
    let mut timed = Bank::<RobustMean, T>::new(rule, CHANNELS).unwrap();
    let mut counted = Bank::<RobustMean, T>::new(RobustMean::new(Decay::alpha(0.1).unwrap()), CHANNELS).unwrap();
    let block = Random::new(108).hostile::<T>(6, CHANNELS);
    let elapsed = [Duration::from_secs(1); 6];
    counted.update_rows(&block).unwrap();
    timed.update_rows_into_after(&elapsed, &block, Outputs::default()).unwrap();
    let (before, timed_before) = (words(&counted), words(&timed));
    let columns: Vec<Vec<T>> = (0..CHANNELS).map(|channel| column(&block, channel, CHANNELS)).collect();
    let length = |what, got, expected| Err(UpdateError::Length { what, got, expected });
    let bad =
        |bit: usize, found: &mut Everything<T>, wrong: &mut Everything<T>, update: &mut dyn FnMut(Outputs<'_, T>)| {
            let mut outputs = found.some(15);
            match bit {
                0 => outputs.locations = Some(&mut wrong.numbers[0]),
                1 => outputs.scales = Some(&mut wrong.numbers[1]),
                2 => outputs.scores = Some(&mut wrong.numbers[2]),
                _ => outputs.outliers = Some(&mut wrong.outliers),
            }
            update(outputs);
        };
    let untouched = |found: &Everything<T>| {
        found.assert(0, &vec![Said { numbers: [T::ZERO; 3], outlier: false }; found.outliers.len()], "");
    };
    for (bit, what) in ["locations", "scales", "scores", "outliers"].into_iter().enumerate() {
        for off in [block.len() - 1, block.len() + 1, 0] {
            let mut found = Everything::new(block.len());
            let mut wrong = Everything::new(off);
            let error = length(what, off, block.len());
            let mut by_time = TimedBank::<RobustMean, T>::new(rule, 1).unwrap();
            let (named, moments) = (vec![0; block.len()], vec![0; block.len()]);
            let mut refused: Vec<Result<(), UpdateError>> = Vec::new();
            let mut refuse = |way: &mut dyn FnMut(Outputs<'_, T>) -> Result<(), UpdateError>| {
                bad(bit, &mut found, &mut wrong, &mut |outputs| refused.push(way(outputs)));
            };
            refuse(&mut |outputs| counted.update_rows_into(&block, outputs));
            refuse(&mut |outputs| counted.update_at_into(&named, &block, outputs));
            refuse(&mut |outputs| counted.update_channel_into(3, &block, outputs));
            refuse(&mut |outputs| timed.update_rows_into_after(&elapsed, &block, outputs));
            refuse(&mut |outputs| by_time.observe_all_at(&named, &moments, &block, outputs).map(drop));
            assert!(refused.len() == 5 && refused.iter().all(|found| *found == error), "{refused:?}");
            assert!(by_time.reading(0).unwrap().location.nan());
            untouched(&found);
            untouched(&wrong);
        }
        // One of many series, wherever it is.
        for channel in [0, 4, CHANNELS - 1] {
            let mut found = vec![Everything::new(6); CHANNELS];
            found[channel] = Everything::new(5);
            let wanted = |index: usize| if index == channel { 1 << bit } else { 15 };
            let mut outputs: Vec<_> =
                found.iter_mut().enumerate().map(|(index, found)| found.some(wanted(index))).collect();
            assert_eq!(counted.update_series_into(&columns, &mut outputs), length(what, 5, 6));
            assert_eq!(timed.update_series_into_after(&elapsed, &columns, &mut outputs), length(what, 5, 6));
            found.iter().for_each(untouched);
        }
    }
    let mut outputs: Vec<Outputs<'_, T>> = (0..8).map(|_| Outputs::default()).collect();
    assert_eq!(counted.update_series_into(&columns, &mut outputs), length("outputs", 8, 9));
    assert_eq!(timed.update_series_into_after(&elapsed, &columns, &mut outputs), length("outputs", 8, 9));
    outputs.push(Outputs::default());
    assert_eq!(counted.update_series_into(&columns[..8], &mut outputs), length("series", 8, 9));
    assert_eq!(timed.update_series_into_after(&elapsed[..5], &columns, &mut outputs), length("elapsed", 5, 6));
    let none = Outputs::default;
    assert_eq!(counted.update_rows_into(&block[1..], none()), Err(UpdateError::Rows { got: 53, channels: 9 }));
    assert_eq!(timed.update_rows_into_after(&elapsed[1..], &block, none()), length("elapsed", 5, 6));
    assert_eq!(
        timed.update_rows_into_after(&elapsed, &block[1..], none()),
        Err(UpdateError::Rows { got: 53, channels: 9 })
    );
    assert_eq!(counted.update_at_into(&[0, 1], &block[..3], none()), length("samples", 3, 2));
    let missing = Err(UpdateError::Channel { channel: 9, channels: 9 });
    assert_eq!(counted.update_at_into(&[0, 9, 1], &block[..3], none()), missing);
    assert_eq!(counted.update_channel_into(9, &block[..3], none()), missing);
    assert_eq!(counted.update_rows_into_after(&elapsed, &block, none()), Err(UpdateError::NotInTime));
    assert_eq!(counted.update_series_into_after(&elapsed, &columns, &mut outputs), Err(UpdateError::NotInTime));
    let mut found = Everything::new(block.len());
    assert_eq!(timed.update_rows_into(&block, found.some(15)), Err(UpdateError::NoElapsed));
    assert_eq!(timed.update_at_into(&vec![0; block.len()], &block, found.some(15)), Err(UpdateError::NoElapsed));
    assert_eq!(timed.update_channel_into(0, &block, found.some(15)), Err(UpdateError::NoElapsed));
    untouched(&found);
    let mut series = vec![Everything::new(6); CHANNELS];
    let mut outputs: Vec<_> = series.iter_mut().map(|series| series.some(15)).collect();
    assert_eq!(timed.update_series_into(&columns, &mut outputs), Err(UpdateError::NoElapsed));
    series.iter().for_each(untouched);
    let mut by_time = TimedBank::<RobustMean, T>::new(rule, 2).unwrap();
    let refused = by_time.observe_all_at(&[0, 2], &[1, 2], &block[..2], none());
    assert_eq!(refused, Err(UpdateError::Channel { channel: 2, channels: 2 }));
    assert_eq!(
        by_time.observe_all_at(&[0, 1], &[1], &block[..2], none()),
        Err(UpdateError::Length { what: "times", got: 1, expected: 2 })
    );
    assert!(by_time.reading(0).unwrap().location.nan() && by_time.last(0).is_none());
    assert!(words(&counted) == before && words(&timed) == timed_before, "nothing has changed");
}

/// Wider than a tile, on every number of threads: as one row after the other.
fn wide<T: Float>() {
    const CHANNELS: usize = 4096 * 2 + 37;
    let mut random = Random::new(109);
    let block = random.hostile::<T>(19, CHANNELS);
    let mut rows = Bank::<RobustMean, T>::new(RobustMean::new(Decay::alpha(0.2).unwrap()), CHANNELS).unwrap();
    let fresh = rows.clone();
    let mut scores = vec![T::ZERO; CHANNELS];
    let mut expected = Vec::new();
    for row in block.chunks(CHANNELS) {
        rows.update_scored(row, &mut scores).unwrap();
        let said = rows.readings().zip(&scores).map(|(reading, &score)| {
            let outlier = score.size() > T::from_f64(4.0);
            Said { numbers: [reading.location, reading.scale, score], outlier }
        });
        expected.extend(said);
    }
    let parts = [700, 4096, 5000].map(|part| Threads::Parts(NonZeroUsize::new(part).unwrap()));
    for threads in [Threads::Auto, Threads::One].into_iter().chain(parts) {
        let mut bank = fresh.clone().with_threads(threads);
        let mut found = Everything::new(block.len());
        bank.update_rows_into(&block, found.some(7)).unwrap();
        found.assert(7, &expected, "wide");
        let mut found = vec![Everything::new(19); CHANNELS];
        let mut outputs: Vec<_> = found.iter_mut().map(|found| found.some(7)).collect();
        let columns: Vec<Vec<T>> = (0..CHANNELS).map(|channel| column(&block, channel, CHANNELS)).collect();
        fresh.clone().with_threads(threads).update_series_into(&columns, &mut outputs).unwrap();
        for (channel, found) in found.iter().enumerate() {
            found.assert(7, &column(&expected, channel, CHANNELS), "wide series");
        }
    }
}

both_types!(robust_means, cleaned_emas, plain_averages, any_distances, samples_by_time, wrong_lengths, wide,);

/// The largest relative error of the average after each sample of the vectors that pandas made.
fn against_pandas<T: Float>(bound: f64) {
    let file: Value = serde_json::from_str(include_str!("../ema_time.json")).unwrap();
    let cases = file["cases"].as_array().unwrap();
    assert!(cases.len() >= 5);
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let half_life = Duration::from_nanos(case["half_life_ns"].as_u64().unwrap());
        let rule = Ema::new(Decay::half_life_time(half_life).unwrap());
        let numbers = |name: &str| -> Vec<f64> {
            let values = case[name].as_array().unwrap().iter();
            values.map(|value| value.as_f64().unwrap_or(f64::NAN)).collect()
        };
        let times: Vec<i64> = case["times"].as_array().unwrap().iter().map(|time| time.as_i64().unwrap()).collect();
        let (samples, expected) = (numbers("samples"), numbers("mean"));
        let samples: Vec<T> = samples.into_iter().map(T::from_f64).collect();
        let elapsed = times.iter().scan(times[0], |last, &time| {
            let before = core::mem::replace(last, time);
            Some(Duration::from_nanos(time.abs_diff(before)))
        });
        let elapsed: Vec<Duration> = elapsed.collect();
        let largest =
            expected.iter().fold(1.0_f64, |most, mean| if mean.is_nan() { most } else { most.max(mean.abs()) });
        let check = |way: &str, locations: &[T]| {
            assert_eq!(locations.len(), expected.len());
            for (index, (found, mean)) in locations.iter().zip(&expected).enumerate() {
                let found = found.to_f64();
                let is_near = if mean.is_nan() { found.is_nan() } else { (found - mean).abs() <= bound * largest };
                assert!(is_near, "{name}, {way}, sample {index}: {found}, not {mean}");
            }
        };
        every_backend(|backend| {
            // Beside others, of which one has its samples a row later.
            for channels in [1, 9, 33] {
                let mut bank = Bank::<Ema, T>::new(rule, channels).unwrap().with_backend(backend).unwrap();
                let block: Vec<T> = samples.iter().flat_map(|&sample| vec![sample; channels]).collect();
                let mut found = vec![T::ZERO; block.len()];
                bank.update_rows_into_after(&elapsed, &block, locations(&mut found)).unwrap();
                for channel in 0..channels {
                    check("rows", &column(&found, channel, channels));
                }
            }
            let mut bank = Bank::<Ema, T>::new(rule, 1).unwrap().with_backend(backend).unwrap();
            for ((&elapsed, &sample), mean) in elapsed.iter().zip(&samples).zip(&expected) {
                bank.update_after(elapsed, &[sample]).unwrap();
                let found = bank.reading(0).unwrap().location.to_f64();
                assert!(found.is_nan() && mean.is_nan() || (found - mean).abs() <= bound * largest, "{name}");
            }
        });
        let mut bank = TimedBank::<Ema, T>::new(rule, 3).unwrap();
        let mut found = vec![T::ZERO; samples.len()];
        let late = bank.observe_all_at(&vec![1; samples.len()], &times, &samples, locations(&mut found)).unwrap();
        assert_eq!(late, 0);
        check("by time", &found);
        let mut snapshot = Vec::new();
        let mut whole = Bank::<Ema, T>::new(rule, 1).unwrap();
        let mut first = vec![T::ZERO; samples.len()];
        let half = samples.len() / 2;
        whole.update_rows_into_after(&elapsed[..half], &samples[..half], locations(&mut first[..half])).unwrap();
        whole.write_snapshot(&mut snapshot).unwrap();
        let mut restored = Bank::<Ema, T>::new(rule, 0).unwrap();
        restored.read_snapshot(&snapshot).unwrap();
        restored.update_rows_into_after(&elapsed[half..], &samples[half..], locations(&mut first[half..])).unwrap();
        check("restored", &first);
    }
}

#[test]
fn ema_in_time_is_pandas_average() {
    against_pandas::<f64>(1e-12);
    against_pandas::<f32>(2e-5);
}
