//! Promise: the same bits on every backend, on any number of threads, row by row or in blocks, dense or indexed, at any
//! channel position and any alignment, before and after a bank moves or grows.
//!
//! The yardstick is the oracle, channel by channel; the engine is never compared with itself.

use crate::{oracle, support};
#[cfg(feature = "rayon")]
use core::num::NonZeroUsize;
use evenkeel::{Bank, Columns, ColumnsOf, Decay, Outputs, Real, Resolution, RobustMean, Scored, Sweep, Threads};
use oracle::{Float, Parameters, Spec, State, grid};
use support::random::Random;
use support::streams::{Drawn, Slices};
use support::{both_rules, both_types, every_backend};

/// Samples in rows of `channels`, and where each channel begins and must end.
struct Story<T: Float, O: Drawn<T>> {
    rule: O::Rule,
    spec: O,
    channels: usize,
    block: Vec<T>,
    from: Vec<O::State>,
    until: Vec<O::State>,
}

/// The samples of one channel of these.
fn channel_of<T: Float>(block: &[T], channel: usize, channels: usize) -> impl Iterator<Item = T> {
    block.iter().copied().skip(channel).step_by(channels)
}

impl<T: Float, O: Drawn<T>> Story<T, O> {
    /// Channels that lived through some hostile rows before, and then some more.
    fn new(random: &mut Random, half_life: f64, rows: usize, channels: usize) -> Self {
        let (rule, spec) = O::drawn(random, half_life);
        let life = random.recorded::<T>(60, channels);
        let block = random.recorded::<T>(rows, channels);
        let run = |from: &[O::State], samples: &[T]| {
            let run = |(c, &from): (usize, &O::State)| spec.run(from, channel_of(samples, c, channels));
            from.iter().enumerate().map(run).collect::<Vec<_>>()
        };
        let from = run(&vec![O::unseen(); channels], &life);
        let until = run(&from, &block);
        Self { rule, spec, channels, block, from, until }
    }

    /// The state columns of the first channels at the beginning.
    fn columns(&self, channels: usize) -> Vec<Vec<T>> {
        let states: Vec<Vec<T>> = self.from[..channels].iter().map(|state| self.spec.columns(state)).collect();
        let column = |column: usize| states.iter().map(|state| state[column]).collect();
        (0..self.spec.columns(&O::unseen()).len()).map(column).collect()
    }

    /// Columns of the library's own, in the same state.
    fn owned(&self) -> Columns<O::Rule, T> {
        let mut columns = Columns::<O::Rule, T>::new(self.channels).unwrap();
        for (to, from) in columns.as_mut_slices().into_iter().zip(self.columns(self.channels)) {
            to.copy_from_slice(&from);
        }
        columns
    }

    fn assert_end(&self, state: &[&mut [T]], what: &str) {
        let channels = state[0].len();
        for (channel, until) in self.until[..channels].iter().enumerate() {
            let words: Vec<u64> = state.iter().map(|column| column[channel].to_word()).collect();
            assert_eq!(words, self.spec.words(until), "{what}, channel {channel} of {channels}, {:?}", self.rule);
        }
    }
}

/// A way to run rows over columns.
type Way<R, T> = fn(&Sweep<R, T>, &mut [&mut [T]], &[T]);

fn borrowed<'a, R: Slices<T>, T: Float>(state: &'a mut [&mut [T]]) -> ColumnsOf<R, &'a mut [T]> {
    R::slices(state.iter_mut().map(|column| &mut **column))
}

/// The samples of one channel.
fn column<T: Float>(state: &[&mut [T]], block: &[T], channel: usize) -> Vec<T> {
    channel_of(block, channel, state[0].len()).collect()
}

/// Every way there is. Each must do what the oracle does, so there is no first among them.
fn ways<R: Slices<T>, T: Float>() -> [(&'static str, Way<R, T>); 10] {
    [
        ("row by row", |sweep, state, block| {
            let channels = state[0].len();
            block.chunks(channels).for_each(|row| sweep.update(borrowed::<R, T>(state), row).unwrap());
        }),
        ("one block", |sweep, state, block| sweep.update_rows(borrowed::<R, T>(state), block).unwrap()),
        ("blocks of one row, two, three", |sweep, state, block| {
            let (channels, mut block) = (state[0].len(), block);
            for rows in 1.. {
                let (now, later) = block.split_at((rows * channels).min(block.len()));
                sweep.update_rows(borrowed::<R, T>(state), now).unwrap();
                block = later;
                if block.is_empty() {
                    break;
                }
            }
        }),
        ("indexed, all rows in one call", |sweep, state, block| {
            // Every channel is named once a row, so the second row on are repeats. Backwards within a row.
            let channels = state[0].len();
            let backwards = |index: usize| index / channels * channels + (channels - 1 - index % channels);
            let order: Vec<usize> = (0..block.len()).map(backwards).collect();
            let named: Vec<usize> = order.iter().map(|index| index % channels).collect();
            let samples: Vec<T> = order.iter().map(|&index| block[index]).collect();
            sweep.update_at(borrowed::<R, T>(state), &named, &samples).unwrap();
        }),
        ("indexed, channel after channel", |sweep, state, block| {
            let channels = state[0].len();
            for channel in 0..channels {
                let samples: Vec<T> = block.iter().copied().skip(channel).step_by(channels).collect();
                sweep.update_at(borrowed::<R, T>(state), &vec![channel; samples.len()], &samples).unwrap();
            }
        }),
        ("series", |sweep, state, block| {
            let series: Vec<Vec<T>> = (0..state[0].len()).map(|channel| column(state, block, channel)).collect();
            sweep.update_series(borrowed::<R, T>(state), &series).unwrap();
        }),
        ("channel after channel", |sweep, state, block| {
            for channel in 0..state[0].len() {
                let samples = column(state, block, channel);
                sweep.update_channel(borrowed::<R, T>(state), channel, &samples).unwrap();
            }
        }),
        ("channel after channel, every location", |sweep, state, block| {
            for channel in 0..state[0].len() {
                let samples = column(state, block, channel);
                let mut locations = vec![T::ONE; samples.len()];
                let outputs = Outputs { locations: Some(&mut locations), ..Outputs::default() };
                sweep.update_channel_into(borrowed::<R, T>(state), channel, &samples, outputs).unwrap();
                let last = state[0][channel].to_word();
                assert!(locations.last().is_none_or(|location| location.nan() || location.to_word() == last));
            }
        }),
        ("observed", |sweep, state, block| {
            let channels = state[0].len();
            for (index, &sample) in block.iter().enumerate() {
                sweep.observe(borrowed::<R, T>(state), index % channels, sample).unwrap();
            }
        }),
        ("scored", |sweep, state, block| {
            let channels = state[0].len();
            let mut scores = vec![T::ZERO; channels];
            block
                .chunks(channels)
                .for_each(|row| sweep.update_scored(borrowed::<R, T>(state), row, &mut scores).unwrap());
        }),
    ]
}

fn every_way_of_updating<T: Float, O: Drawn<T>>() {
    let mut random = Random::new(1);
    for channels in [1, 5, 16, 21, 40] {
        for _ in 0..4 {
            let half_life = random.half_life();
            let story = Story::<T, O>::new(&mut random, half_life, 120, channels);
            every_backend(|backend| {
                let sweep = Sweep::<O::Rule, T>::new(story.rule).unwrap().with_backend(backend).unwrap();
                for (name, way) in ways::<O::Rule, T>() {
                    let mut columns = story.owned();
                    let mut state = columns.as_mut_slices();
                    way(&sweep, state.as_mut(), &story.block);
                    story.assert_end(state.as_ref(), name);
                }
            });
        }
    }
}

/// Every kind of gain: where the age of the start is above that of a full memory, at it and below it, and at the ends
/// of what there is.
fn every_gain<T: Float, O: Drawn<T>>() {
    let mut random = Random::new(11);
    let channels = 17;
    let third = 1.0_f64 / 3.0;
    let large =
        [1.0, 1.0 - 2.0_f64.powi(-20), 0.99, 0.9, 2.0 / 3.0, 0.5, 0.45, 0.4, 0.35, 0.334, third.next_up(), third];
    for gain in large.into_iter().chain([third.next_down(), 0.3, 0.25, 0.1, 0.01, 2.0_f64.powi(-20)]) {
        let (rule, spec) = O::plain(gain);
        let block = random.hostile::<T>(200, channels);
        let expected: Vec<Vec<O::State>> = block
            .chunks(channels)
            .scan(vec![O::unseen(); channels], |states, row| {
                states.iter_mut().zip(row).for_each(|(state, &sample)| *state = spec.step(state, sample, None).0);
                Some(states.clone())
            })
            .collect();
        every_backend(|backend| {
            let sweep = Sweep::<O::Rule, T>::new(rule).unwrap().with_backend(backend).unwrap();
            let mut columns = Columns::<O::Rule, T>::new(channels).unwrap();
            for (index, (row, states)) in block.chunks(channels).zip(&expected).enumerate() {
                sweep.update(columns.as_mut_slices(), row).unwrap();
                for (channel, state) in states.iter().enumerate() {
                    let what = format!("gain {gain}, row {index}, channel {channel}, {state:?}");
                    assert_eq!(words(&columns, channel), spec.words(state), "{what}");
                    let reading = sweep.reading(&columns.state(channel).unwrap());
                    assert_eq!(reading.age, spec.reading(state)[2], "{what}");
                }
            }
        });
    }
}

fn words<R: Slices<T>, T: Float>(columns: &Columns<R, T>, channel: usize) -> Vec<u64> {
    columns.state(channel).unwrap().as_ref().iter().map(|element| element.to_word()).collect()
}

/// A bank reports of each channel the numbers of the specification.
#[track_caller]
fn assert_reading<T: Float, O: Drawn<T>>(bank: &Bank<O::Rule, T>, channel: usize, spec: &O, state: &O::State) {
    let reading = bank.reading(channel).unwrap();
    let found = [reading.location, reading.scale, reading.age].map(Real::to_word);
    assert_eq!(found, spec.reading(state).map(Real::to_word), "{reading:?}, {state:?}, {:?}", bank.rule());
}

/// Calm signals of channels of full age, with a few modest outliers or none: the weather in which a vector of channels
/// may take a short cut.
fn short_cuts<T: Float, O: Drawn<T>>() {
    let mut random = Random::new(2);
    for _ in 0..30 {
        // Where the taper begins below four scales, it binds before the strike: the short cut must know.
        let half_life = random.between(0.5, 20.0);
        let (rule, spec) = O::drawn(&mut random, half_life);
        let channels = 32;
        let rows = 150;
        let width = 10.0_f64.powi(i32::try_from(random.below(7)).unwrap() - 3);
        let outliers = [0.0, 0.005, 0.1][random.below(3)];
        let step = [0.0, 1.0][random.below(2)];
        let samples: Vec<T> = (0..rows * channels)
            .map(|_| {
                let far = if random.chance(outliers) { 10.0 } else { 1.7 };
                let sample = 50.0 + width * random.between(-far, far);
                T::from_f64(if step > 0.0 { sample.round() } else { sample })
            })
            .collect();
        every_backend(|backend| {
            let fresh = Bank::<O::Rule, T>::new(rule, channels).unwrap().with_backend(backend).unwrap();
            let (mut blocks, mut rows) = (fresh.clone(), fresh);
            blocks.update_rows(&samples).unwrap();
            samples.chunks(channels).for_each(|row| rows.update(row).unwrap());
            for channel in 0..channels {
                let state = spec.run(O::unseen(), channel_of(&samples, channel, channels));
                assert_reading(&blocks, channel, &spec, &state);
                assert_reading(&rows, channel, &spec, &state);
            }
        });
    }
}

/// State that another rule left: a patience of one finds two strikes, which it never counts itself.
fn less_patience<T: Float, O: Drawn<T>>() {
    let decay = Decay::alpha(0.25).unwrap();
    let (patient, of_patient) = O::with(decay, Some(12), Resolution::default());
    let (hasty, of_hasty) = O::with(decay, Some(1), Resolution::default());
    let channels = 32;
    let mut states = vec![O::unseen(); channels];
    let mut rows: Vec<Vec<T>> = Vec::new();
    for row in 0..40 {
        let far = |channel| if row > 37 && channel == 5 { 1e4 } else { 10.0 + f64::from(row % 5) / 10.0 };
        rows.push((0..channels).map(|channel| T::from_f64(far(channel))).collect());
        let samples = rows.last().unwrap();
        states.iter_mut().zip(samples).for_each(|(state, &sample)| *state = of_patient.step(state, sample, None).0);
    }
    let quiet = vec![T::from_f64(10.2); channels];
    let end: Vec<Vec<u64>> =
        states.iter().map(|state| of_hasty.words(&of_hasty.step(state, quiet[0], None).0)).collect();
    every_backend(|backend| {
        let sweep = |rule| Sweep::<O::Rule, T>::new(rule).unwrap().with_backend(backend).unwrap();
        let (patient, hasty) = (sweep(patient), sweep(hasty));
        let mut columns = Columns::<O::Rule, T>::new(channels).unwrap();
        for row in &rows {
            patient.update(columns.as_mut_slices(), row).unwrap();
        }
        for (name, way) in ways::<O::Rule, T>() {
            let mut columns = columns.clone();
            way(&hasty, columns.as_mut_slices().as_mut(), &quiet);
            let found: Vec<Vec<u64>> = (0..channels).map(|channel| words(&columns, channel)).collect();
            assert_eq!(found, end, "{name}");
        }
    });
}

/// Samples exactly at a threshold and one unit in the last place to either side, for channels whose scale is exactly 1.
fn thresholds<T: Float, O: Drawn<T>>() {
    let (rule, spec) = O::with(Decay::alpha(0.125).unwrap(), None, Resolution::Step(2.0));
    for threshold in [1.0, 2.0, 2.5, 3.5, 4.0, 6.5, 8.0] {
        let at = T::from_f64(threshold);
        for sample in [at, T::from_word(at.to_word() - 1), T::from_word(at.to_word() + 1)] {
            for calm in [0, 3, 4, 5, 40] {
                for sample in [sample, -sample] {
                    let samples = [vec![T::ZERO; 1 + calm], vec![sample], vec![T::ZERO; 2]].concat();
                    every_backend(|backend| {
                        let sweep = Sweep::<O::Rule, T>::new(rule).unwrap().with_backend(backend).unwrap();
                        let mut columns = Columns::<O::Rule, T>::new(16).unwrap();
                        let mut expected = O::unseen();
                        for &sample in &samples {
                            sweep.update(columns.as_mut_slices(), &[sample; 16]).unwrap();
                            expected = spec.step(&expected, sample, None).0;
                            let what = format!("{sample} after {calm} calm samples");
                            assert_eq!(words(&columns, 7), spec.words(&expected), "{what}");
                        }
                    });
                }
            }
        }
    }
    // An outlier is beyond so many scales, not at so many scales.
    let mut bank = Bank::<O::Rule, T>::new(rule, 1).unwrap();
    bank.update_rows(&[T::ZERO; 9]).unwrap();
    let at = T::from_f64(rule.outlier_at());
    assert!(!bank.clone().observe(0, at).unwrap().outlier);
    assert!(bank.observe(0, T::from_word(at.to_word() + 1)).unwrap().outlier);
}

/// Scores, row by row, against the oracle's.
fn scores<T: Float, O: Drawn<T>>() {
    let mut random = Random::new(3);
    for channels in [1, 8, 19, 37] {
        let half_life = random.half_life();
        let (rule, spec) = O::drawn(&mut random, half_life);
        let block = random.recorded::<T>(150, channels);
        every_backend(|backend| {
            let mut bank = Bank::<O::Rule, T>::new(rule, channels).unwrap().with_backend(backend).unwrap();
            let mut states = vec![O::unseen(); channels];
            for row in block.chunks(channels) {
                // What was in the slice before must not matter.
                let mut scores = vec![T::from_f64(-7.0); channels];
                bank.update_scored(row, &mut scores).unwrap();
                for ((state, &sample), score) in states.iter_mut().zip(row).zip(&scores) {
                    let (next, outcome) = spec.step(state, sample, None);
                    assert_eq!(score.to_word(), outcome.score.to_word(), "{rule:?}, {state:?}, {sample}");
                    *state = next;
                }
            }
        });
    }
}

/// The observation of each sample, of channels of all ages: accepted, outlier, re-opened and the score.
fn observations<T: Float, O: Drawn<T>>() {
    let mut random = Random::new(10);
    for half_life in [0.5, 2.0, 10.0, 300.0, 3.0, 5.0] {
        let (rule, spec) = O::drawn(&mut random, half_life);
        let mut bank = Bank::<O::Rule, T>::new(rule, 3).unwrap();
        let mut state = O::unseen();
        for sample in random.recorded::<T>(600, 1) {
            let seen = bank.observe(1, sample).unwrap();
            let (next, outcome) = spec.step(&state, sample, None);
            assert_eq!(seen.accepted, outcome.accepted, "{rule:?}, {state:?}, {sample}");
            assert_eq!(seen.outlier, outcome.strike, "{rule:?}, {state:?}, {sample}");
            assert_eq!(seen.reopened, outcome.opened && !outcome.first, "{rule:?}, {state:?}, {sample}");
            assert_eq!(seen.score.to_word(), outcome.score.to_word(), "{rule:?}, {state:?}, {sample}");
            state = next;
            let step = spec.learns().then(|| grid::step(*O::exponent(&mut state)));
            assert_eq!((bank.step(1), bank.step(3)), (step, None));
        }
    }
}

/// Parameters at the ends of what builders accept: the same bits there, too.
fn extreme_parameters<T: Float>() {
    let most = f64::from(1 << 20);
    let decay = Decay::alpha(0.25).unwrap();
    let p = Parameters::new(0.25);
    let rule = RobustMean::new(decay);
    let clipped = |clip: f64| (rule.clip(clip).unwrap(), Parameters { clip, ..p });
    let tapered =
        |from: f64, at: f64| (rule.reject(from, at).unwrap(), Parameters { taper_from: from, reject: at, ..p });
    let grown = |k: f64| (rule.scale_clip(k).unwrap(), Parameters { scale_clip: k, ..p });
    let extremes = [
        clipped(most),
        clipped(1e-6),
        tapered(most / 2.0, most),
        tapered(1e-6, 2e-6),
        tapered(3.5, 3.5 + 1e-12),
        tapered(4.0, 6.5),
        tapered(3.999, 6.5),
        tapered(1.0, 4.0),
        tapered(4.1, 4.4),
        tapered(1.0, 50.0),
        grown(most),
        grown(1.0 + f64::EPSILON),
    ];
    let mut random = Random::new(8);
    for (rule, parameters) in extremes {
        let spec = Spec::<T>::new(&parameters);
        let channels = 16;
        let mut samples: Vec<T> = (0..80 * channels).map(|_| T::from_f64(random.gauss())).collect();
        samples.extend(random.hostile::<T>(60, channels));
        every_backend(|backend| {
            let mut bank = Bank::<RobustMean, T>::new(rule, channels).unwrap().with_backend(backend).unwrap();
            bank.update_rows(&samples).unwrap();
            for channel in 0..channels {
                let state = spec.run(State::unseen(), channel_of(&samples, channel, channels));
                assert_reading(&bank, channel, &spec, &state);
            }
        });
    }
}

/// A slice somewhere within a buffer, among canaries.
struct Borrowed<T> {
    buffer: Vec<T>,
    offset: usize,
    len: usize,
}

impl<T: Float> Borrowed<T> {
    const CANARY: f64 = 12345.0;

    fn new(content: &[T], offset: usize) -> Self {
        let mut buffer = vec![T::from_f64(Self::CANARY); offset + content.len() + 17];
        buffer[offset..offset + content.len()].copy_from_slice(content);
        Self { buffer, offset, len: content.len() }
    }
    fn slice(&mut self) -> &mut [T] {
        &mut self.buffer[self.offset..self.offset + self.len]
    }
    fn assert_canaries(&self) {
        let outside = self.buffer[..self.offset].iter().chain(&self.buffer[self.offset + self.len..]);
        assert!(outside.copied().all(|element| element.to_f64() == Self::CANARY), "wrote outside the slice");
    }
}

/// All lengths up to several vectors, over borrowed buffers of which no two are aligned alike.
fn every_length_and_alignment<T: Float, O: Drawn<T>>() {
    const LONGEST: usize = 200;
    let mut random = Random::new(4);
    let story = Story::<T, O>::new(&mut random, 3.0, 6, LONGEST);
    every_backend(|backend| {
        let sweep = Sweep::<O::Rule, T>::new(story.rule).unwrap().with_backend(backend).unwrap();
        for channels in 0..=LONGEST {
            let rows: Vec<T> = story.block.chunks(LONGEST).flat_map(|row| row[..channels].iter().copied()).collect();
            // All offsets within a cache line for the short ones, where tails are; a few for the rest.
            let offsets = if channels <= 40 { 0..=16 } else { 0..=2 };
            for offset in offsets {
                let mut shift = offset;
                let borrow = |column: &Vec<T>| {
                    shift = (shift * 5 + offset) % 17;
                    Borrowed::new(column, shift)
                };
                let mut columns: Vec<Borrowed<T>> = story.columns(channels).iter().map(borrow).collect();
                let mut samples = Borrowed::new(&rows, offset);
                let mut scores = Borrowed::new(&vec![T::ZERO; channels], (offset + 3) % 17);
                let samples = &*samples.slice();
                let mut state: Vec<&mut [T]> = columns.iter_mut().map(Borrowed::slice).collect();
                if offset % 2 == 0 || channels == 0 {
                    sweep.update_rows(borrowed::<O::Rule, T>(&mut state), samples).unwrap();
                } else {
                    for row in samples.chunks(channels) {
                        sweep.update_scored(borrowed::<O::Rule, T>(&mut state), row, scores.slice()).unwrap();
                    }
                }
                story.assert_end(&state, "borrowed");
                columns.iter().for_each(Borrowed::assert_canaries);
                scores.assert_canaries();
            }
        }
    });
}

/// Cuts between any two channels, on the calling thread or on many.
#[cfg(feature = "rayon")]
fn any_number_of_threads<T: Float, O: Drawn<T>>() {
    let mut random = Random::new(5);
    let half_life = random.half_life();
    let story = Story::<T, O>::new(&mut random, half_life, 4, 133);
    for threads in [1, 2, 3, 8] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            every_backend(|backend| {
                for part in [1, 3, 16, 50, 132, 133, 1000] {
                    let parts = Threads::Parts(NonZeroUsize::new(part).unwrap());
                    let sweep = Sweep::<O::Rule, T>::new(story.rule).unwrap().with_backend(backend).unwrap();
                    let sweep = sweep.with_threads(parts);
                    for (name, way) in ways::<O::Rule, T>() {
                        let mut columns = story.owned();
                        let mut state = columns.as_mut_slices();
                        way(&sweep, state.as_mut(), &story.block);
                        story.assert_end(state.as_ref(), &format!("{name}, {threads} threads, parts of {part}"));
                    }
                }
            });
        });
    }
}

/// A bank so wide that threads are used without being asked for: several tiles, several parts, and no round number.
fn a_wide_bank<T: Float, O: Drawn<T>>() {
    let mut random = Random::new(6);
    let channels = 33_333;
    let rows = Threads::AUTO_BYTES / (channels * size_of::<T>()) - 3;
    let story = Story::<T, O>::new(&mut random, 4.0, rows, channels);
    assert!((rows + 4) * channels * size_of::<T>() >= Threads::AUTO_BYTES, "wide enough to be shared");
    every_backend(|backend| {
        let sweep = Sweep::<O::Rule, T>::new(story.rule).unwrap().with_backend(backend).unwrap();
        let mut columns = story.owned();
        sweep.update_rows(columns.as_mut_slices(), &story.block).unwrap();
        story.assert_end(columns.as_mut_slices().as_ref(), "wide");
    });
}

/// A bank in the middle of its life is moved, cloned, grown one by one and at once, and one channel starts anew.
fn a_bank_that_moves_and_grows<T: Float, O: Drawn<T>>() {
    let mut random = Random::new(7);
    let (rule, spec) = O::drawn(&mut random, 10.0);
    let widths = [3, 4, 5, 16, 17, 70];
    let blocks = widths.map(|channels| random.recorded::<T>(40, channels));
    every_backend(|backend| {
        let mut states: Vec<O::State> = Vec::new();
        let mut bank = Bank::<O::Rule, T>::new(rule, 0).unwrap().with_backend(backend).unwrap();
        for (channels, block) in widths.into_iter().zip(&blocks) {
            bank.extend(channels - states.len()).unwrap();
            bank.reset(1).unwrap();
            states.resize(channels, O::unseen());
            states[1] = O::unseen();
            assert_eq!((bank.len(), bank.is_empty(), bank.readings().len()), (channels, false, channels));

            let untouched = bank.clone();
            bank.update_rows(block).unwrap();
            for (channel, state) in states.iter().enumerate() {
                assert_reading(&untouched, channel, &spec, state);
            }

            // The clone lives through the same on another piece of memory, moved to the heap.
            let mut moved = Box::new(untouched);
            moved.update_rows(block).unwrap();
            for (channel, state) in states.iter_mut().enumerate() {
                *state = spec.run(*state, channel_of(block, channel, channels));
                assert_reading(&bank, channel, &spec, state);
                assert_reading(&moved, channel, &spec, state);
            }
            bank = *moved;
            assert_eq!(bank.backend(), backend);
        }
    });
}

both_rules!(
    every_way_of_updating,
    every_gain,
    short_cuts,
    less_patience,
    thresholds,
    scores,
    observations,
    every_length_and_alignment,
    a_wide_bank,
    a_bank_that_moves_and_grows,
);
both_types!(extreme_parameters);

#[cfg(feature = "rayon")]
mod threads {
    use super::any_number_of_threads;
    use super::support::both_rules;
    both_rules!(any_number_of_threads);
}

/// The whole history of a few series as one block, which threads may want to share but cannot cut.
#[test]
fn a_long_block_of_few_channels() {
    for channels in [1, 5] {
        let rows = 300_000 / channels;
        let block: Vec<f32> = (0..rows * channels).map(|n| (n % 97) as f32).collect();
        let rule = RobustMean::new(Decay::half_life(60.0).unwrap());
        let mut blocks = Bank::<RobustMean, f32>::new(rule, channels).unwrap();
        let mut one_by_one = blocks.clone();
        blocks.update_rows(&block).unwrap();
        block.chunks(channels).for_each(|row| one_by_one.update(row).unwrap());
        assert!(blocks.locations().iter().eq(one_by_one.locations()), "{channels} channels");
    }
}
