//! Promise: the same bits on every backend, on any number of threads, row by row or in blocks, dense or indexed, at any
//! channel position and any alignment, before and after a bank moves or grows.
//!
//! The yardstick is the oracle, channel by channel; the engine is never compared with itself.

use crate::{oracle, support};
#[cfg(feature = "rayon")]
use core::num::NonZeroUsize;
#[cfg(feature = "rayon")]
use evenkeel::Backend;
use evenkeel::{Bank, Columns, Decay, RobustMean, Sweep, Threads};
use oracle::{Float, Parameters, Spec, State};
use support::random::Random;
use support::{both_types, every_backend};

/// Samples in rows of `channels`, and where each channel begins and must end.
struct Story<T> {
    rule: RobustMean,
    channels: usize,
    block: Vec<T>,
    from: Vec<State<T>>,
    until: Vec<State<T>>,
}

impl<T: Float> Story<T> {
    /// Channels that lived through some hostile rows before, and then some more.
    fn new(random: &mut Random, (rule, parameters): (RobustMean, Parameters), rows: usize, channels: usize) -> Self {
        let spec = Spec::<T>::new(&parameters);
        let life = random.hostile::<T>(60, channels);
        let block = random.hostile::<T>(rows, channels);
        let run = |from: &[State<T>], samples: &[T]| {
            let column = |c: usize| samples.iter().copied().skip(c).step_by(channels);
            from.iter().enumerate().map(|(c, &from)| spec.run(from, column(c))).collect::<Vec<_>>()
        };
        let from = run(&vec![State::unseen(); channels], &life);
        let until = run(&from, &block);
        Self { rule, channels, block, from, until }
    }

    /// The state columns of the first channels at the beginning.
    fn columns(&self, channels: usize) -> [Vec<T>; 4] {
        [0, 1, 2, 3].map(|column| self.from[..channels].iter().map(|state| state.columns()[column]).collect())
    }

    /// Columns of the library's own, in the same state.
    fn owned(&self) -> Columns<RobustMean, T> {
        let mut columns = Columns::<RobustMean, T>::new(self.channels).unwrap();
        for (to, from) in columns.as_mut_slices().into_iter().zip(self.columns(self.channels)) {
            to.copy_from_slice(&from);
        }
        columns
    }

    fn assert_end(&self, state: &[&[T]; 4], what: &str) {
        for (channel, until) in self.until[..state[0].len()].iter().enumerate() {
            let words = state.map(|column| column[channel].to_word());
            assert_eq!(words, until.words(), "{what}, channel {channel} of {}, {:?}", state[0].len(), self.rule);
        }
    }
}

fn shared<'a, T>(state: &'a [&mut [T]; 4]) -> [&'a [T]; 4] {
    state.each_ref().map(|column| &**column)
}

/// A way to run rows over columns.
type Way<T> = fn(&Sweep<RobustMean, T>, &mut [&mut [T]; 4], &[T]);

fn borrow<'a, T>(state: &'a mut [&mut [T]; 4]) -> [&'a mut [T]; 4] {
    state.each_mut().map(|column| &mut **column)
}

/// The samples of one channel.
fn column<T: Float>(state: &[&mut [T]; 4], block: &[T], channel: usize) -> Vec<T> {
    block.iter().copied().skip(channel).step_by(state[0].len()).collect()
}

/// Every way there is. Each must do what the oracle does, so there is no first among them.
fn ways<T: Float>() -> [(&'static str, Way<T>); 10] {
    [
        ("row by row", |sweep, state, block| {
            let channels = state[0].len();
            block.chunks(channels).for_each(|row| sweep.update(borrow(state), row).unwrap());
        }),
        ("one block", |sweep, state, block| sweep.update_rows(borrow(state), block).unwrap()),
        ("blocks of one row, two, three", |sweep, state, block| {
            let (channels, mut block) = (state[0].len(), block);
            for rows in 1.. {
                let (now, later) = block.split_at((rows * channels).min(block.len()));
                sweep.update_rows(borrow(state), now).unwrap();
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
            sweep.update_at(borrow(state), &named, &samples).unwrap();
        }),
        ("indexed, channel after channel", |sweep, state, block| {
            let channels = state[0].len();
            for channel in 0..channels {
                let samples: Vec<T> = block.iter().copied().skip(channel).step_by(channels).collect();
                sweep.update_at(borrow(state), &vec![channel; samples.len()], &samples).unwrap();
            }
        }),
        ("series", |sweep, state, block| {
            let series: Vec<Vec<T>> = (0..state[0].len()).map(|channel| column(state, block, channel)).collect();
            sweep.update_series(borrow(state), &series).unwrap();
        }),
        ("channel after channel", |sweep, state, block| {
            for channel in 0..state[0].len() {
                let samples = column(state, block, channel);
                sweep.update_channel(borrow(state), channel, &samples).unwrap();
            }
        }),
        ("channel after channel, every location", |sweep, state, block| {
            for channel in 0..state[0].len() {
                let samples = column(state, block, channel);
                let mut locations = vec![T::ONE; samples.len()];
                sweep.update_channel_into(borrow(state), channel, &samples, &mut locations).unwrap();
                let last = state[0][channel].to_word();
                assert!(locations.last().is_none_or(|location| location.nan() || location.to_word() == last));
            }
        }),
        ("observed", |sweep, state, block| {
            let channels = state[0].len();
            for (index, &sample) in block.iter().enumerate() {
                sweep.observe(borrow(state), index % channels, sample).unwrap();
            }
        }),
        ("scored", |sweep, state, block| {
            let channels = state[0].len();
            let mut scores = vec![T::ZERO; channels];
            block.chunks(channels).for_each(|row| sweep.update_scored(borrow(state), row, &mut scores).unwrap());
        }),
    ]
}

fn every_way_of_updating<T: Float>() {
    let mut random = Random::new(1);
    for channels in [1, 5, 16, 21, 40] {
        for _ in 0..3 {
            let rule = random.rule();
            let story = Story::<T>::new(&mut random, rule, 120, channels);
            every_backend(|backend| {
                let sweep = Sweep::<RobustMean, T>::new(story.rule).unwrap().with_backend(backend).unwrap();
                for (name, way) in ways::<T>() {
                    let mut columns = story.owned();
                    let mut state = columns.as_mut_slices();
                    way(&sweep, &mut state, &story.block);
                    story.assert_end(&shared(&state), name);
                }
            });
        }
    }
}

/// Calm signals of channels of full age, with a few modest outliers or none: the weather in which a vector of channels may
/// take a short cut.
fn short_cuts<T: Float>() {
    let mut random = Random::new(2);
    for _ in 0..30 {
        // Where the taper begins below four scales, it binds before the strike: the short cut must know.
        let half_life = random.between(0.5, 20.0);
        let (rule, parameters) = random.rule_of(half_life);
        let spec = Spec::<T>::new(&parameters);
        let channels = 32;
        let rows = 150;
        let width = 10.0_f64.powi(i32::try_from(random.below(7)).unwrap() - 3);
        let outliers = [0.0, 0.005, 0.1][random.below(3)];
        let samples: Vec<T> = (0..rows * channels)
            .map(|_| {
                let far = if random.chance(outliers) { 10.0 } else { 1.7 };
                T::from_f64(50.0 + width * random.between(-far, far))
            })
            .collect();
        every_backend(|backend| {
            let fresh = Bank::<RobustMean, T>::new(rule, channels).unwrap().with_backend(backend).unwrap();
            let (mut blocks, mut rows) = (fresh.clone(), fresh);
            blocks.update_rows(&samples).unwrap();
            samples.chunks(channels).for_each(|row| rows.update(row).unwrap());
            for channel in 0..channels {
                let state = spec.run(State::unseen(), samples.iter().copied().skip(channel).step_by(channels));
                for bank in [&blocks, &rows] {
                    assert_eq!(bank.locations()[channel].to_word(), state.location.to_word(), "{rule:?}");
                    assert_eq!(bank.scales()[channel].to_word(), state.scale.to_word(), "{rule:?}");
                    assert_eq!(bank.reading(channel).unwrap().age, state.age, "{rule:?}");
                }
            }
        });
    }
}

/// State that another rule left: a patience of one finds two strikes, which it never counts itself.
fn less_patience<T: Float>() {
    let decay = Decay::alpha(0.25).unwrap();
    let sweep = |patience, backend| {
        let rule = RobustMean::new(decay).patience(patience).unwrap();
        Sweep::<RobustMean, T>::new(rule).unwrap().with_backend(backend).unwrap()
    };
    every_backend(|backend| {
        let (patient, hasty) = (sweep(12, backend), sweep(1, backend));
        let channels = 32;
        let mut columns = Columns::<RobustMean, T>::new(channels).unwrap();
        for row in 0..40 {
            let far = |channel| if row > 37 && channel == 5 { 1e4 } else { 10.0 + f64::from(row % 5) / 10.0 };
            let row: Vec<T> = (0..channels).map(|channel| T::from_f64(far(channel))).collect();
            patient.update(columns.as_mut_slices(), &row).unwrap();
        }
        let quiet = vec![T::from_f64(10.2); channels];
        let mut ends = ways::<T>().map(|(name, way)| {
            let mut columns = columns.clone();
            way(&hasty, &mut columns.as_mut_slices(), &quiet);
            (name, columns.as_mut_slices().map(|column| column[5].to_word()))
        });
        let first = ends[0].1;
        assert!(ends.iter_mut().all(|(_, end)| *end == first), "{ends:x?}");
    });
}

/// Samples exactly at a threshold and one unit in the last place to either side, for channels whose scale is exactly 1.
fn thresholds<T: Float>() {
    let (rule, parameters) = (RobustMean::new(Decay::alpha(0.125).unwrap()).resolution(2.0).unwrap(), {
        Parameters { resolution_floor: 1.0, ..Parameters::new(0.125) }
    });
    let spec = Spec::<T>::new(&parameters);
    for threshold in [1.0, 2.0, 4.0, 5.0, 8.0] {
        let at = T::from_f64(threshold);
        for sample in [at, T::from_word(at.to_word() - 1), T::from_word(at.to_word() + 1)] {
            for calm in [0, 3, 40] {
                for sample in [sample, -sample] {
                    let samples = [vec![T::ZERO; 1 + calm], vec![sample], vec![T::ZERO; 2]].concat();
                    every_backend(|backend| {
                        let sweep = Sweep::<RobustMean, T>::new(rule).unwrap().with_backend(backend).unwrap();
                        let mut columns = Columns::<RobustMean, T>::new(16).unwrap();
                        let mut expected = State::unseen();
                        for &sample in &samples {
                            sweep.update(columns.as_mut_slices(), &[sample; 16]).unwrap();
                            expected = spec.step(&expected, sample).0;
                            let words = columns.as_mut_slices().map(|column| column[7].to_word());
                            assert_eq!(words, expected.words(), "{sample} after {calm} calm samples");
                        }
                    });
                }
            }
        }
    }
    // A strike is beyond four scales, not at four scales.
    let mut bank = Bank::<RobustMean, T>::new(rule, 1).unwrap();
    bank.update_rows(&[T::ZERO; 5]).unwrap();
    assert!(!bank.clone().observe(0, T::from_f64(4.0)).unwrap().outlier);
    assert!(bank.observe(0, T::from_word(T::from_f64(4.0).to_word() + 1)).unwrap().outlier);
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
        tapered(5.0, 5.0 + 1e-12),
        tapered(4.0, 8.0),
        tapered(3.999, 8.0),
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
                let state = spec.run(State::unseen(), samples.iter().copied().skip(channel).step_by(channels));
                assert_eq!(bank.locations()[channel].to_word(), state.location.to_word(), "{rule:?}");
                assert_eq!(bank.scales()[channel].to_word(), state.scale.to_word(), "{rule:?}");
            }
        });
    }
}

/// Scores, row by row, against the oracle's.
fn scores<T: Float>() {
    let mut random = Random::new(3);
    for channels in [1, 8, 19, 37] {
        let (rule, parameters) = random.rule();
        let spec = Spec::<T>::new(&parameters);
        let block = random.hostile::<T>(150, channels);
        every_backend(|backend| {
            let mut bank = Bank::<RobustMean, T>::new(rule, channels).unwrap().with_backend(backend).unwrap();
            let mut states = vec![State::<T>::unseen(); channels];
            for row in block.chunks(channels) {
                // What was in the slice before must not matter.
                let mut scores = vec![T::from_f64(-7.0); channels];
                bank.update_scored(row, &mut scores).unwrap();
                for ((state, &sample), score) in states.iter_mut().zip(row).zip(&scores) {
                    let (next, outcome) = spec.step(state, sample);
                    assert_eq!(score.to_word(), outcome.score.to_word(), "{rule:?}, {state:?}, {sample}");
                    *state = next;
                }
            }
        });
    }
}

/// What `observe` says of each sample, of channels of all ages: accepted, outlier, re-opened and the score.
fn observations<T: Float>() {
    let mut random = Random::new(10);
    for half_life in [0.5, 2.0, 10.0, 300.0, 3.0, 5.0] {
        let (rule, parameters) = random.rule_of(half_life);
        let spec = Spec::<T>::new(&parameters);
        let mut bank = Bank::<RobustMean, T>::new(rule, 3).unwrap();
        let mut state = State::unseen();
        for sample in random.hostile::<T>(600, 1) {
            let seen = bank.observe(1, sample).unwrap();
            let (next, outcome) = spec.step(&state, sample);
            assert_eq!(seen.accepted, outcome.accepted, "{rule:?}, {state:?}, {sample}");
            assert_eq!(seen.outlier, outcome.strike, "{rule:?}, {state:?}, {sample}");
            assert_eq!(seen.reopened, outcome.opened && !outcome.first, "{rule:?}, {state:?}, {sample}");
            assert_eq!(seen.score.to_word(), outcome.score.to_word(), "{rule:?}, {state:?}, {sample}");
            state = next;
        }
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
fn every_length_and_alignment<T: Float>() {
    const LONGEST: usize = 200;
    let mut random = Random::new(4);
    let rule = random.rule_of(3.0);
    let story = Story::<T>::new(&mut random, rule, 6, LONGEST);
    every_backend(|backend| {
        let sweep = Sweep::<RobustMean, T>::new(story.rule).unwrap().with_backend(backend).unwrap();
        for channels in 0..=LONGEST {
            let rows: Vec<T> = story.block.chunks(LONGEST).flat_map(|row| row[..channels].iter().copied()).collect();
            // All offsets within a cache line for the short ones, where tails are; a few for the rest.
            let offsets = if channels <= 40 { 0..=16 } else { 0..=2 };
            for offset in offsets {
                let mut shift = offset;
                let mut columns = story.columns(channels).map(|column| {
                    shift = (shift * 5 + offset) % 17;
                    Borrowed::new(&column, shift)
                });
                let mut samples = Borrowed::new(&rows, offset);
                let mut scores = Borrowed::new(&vec![T::ZERO; channels], (offset + 3) % 17);
                let samples = &*samples.slice();
                let mut state = columns.each_mut().map(Borrowed::slice);
                if offset % 2 == 0 || channels == 0 {
                    sweep.update_rows(borrow(&mut state), samples).unwrap();
                } else {
                    for row in samples.chunks(channels) {
                        sweep.update_scored(borrow(&mut state), row, scores.slice()).unwrap();
                    }
                }
                story.assert_end(&shared(&state), "borrowed");
                columns.iter().for_each(Borrowed::assert_canaries);
                scores.assert_canaries();
            }
        }
    });
}

/// Cuts between any two channels, on the calling thread or on many.
#[cfg(feature = "rayon")]
fn any_number_of_threads<T: Float>() {
    let mut random = Random::new(5);
    let rule = random.rule();
    let story = Story::<T>::new(&mut random, rule, 4, 133);
    for threads in [1, 2, 3, 8] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            every_backend(|backend| {
                for part in [1, 3, 16, 50, 132, 133, 1000] {
                    let sweep = sweep_in_parts::<T>(&story, backend, part);
                    for (name, way) in ways::<T>() {
                        let mut columns = story.owned();
                        let mut state = columns.as_mut_slices();
                        way(&sweep, &mut state, &story.block);
                        story.assert_end(&shared(&state), &format!("{name}, {threads} threads, parts of {part}"));
                    }
                }
            });
        });
    }
}

#[cfg(feature = "rayon")]
fn sweep_in_parts<T: Float>(story: &Story<T>, backend: Backend, part: usize) -> Sweep<RobustMean, T> {
    let parts = Threads::Parts(NonZeroUsize::new(part).unwrap());
    Sweep::<RobustMean, T>::new(story.rule).unwrap().with_backend(backend).unwrap().with_threads(parts)
}

/// A bank so wide that threads are used without being asked for: several tiles, several parts, and no round number.
fn a_wide_bank<T: Float>() {
    let mut random = Random::new(6);
    let channels = 33_333;
    let rows = Threads::AUTO_BYTES / (channels * size_of::<T>()) - 3;
    let rule = random.rule_of(4.0);
    let story = Story::<T>::new(&mut random, rule, rows, channels);
    assert!((rows + 4) * channels * size_of::<T>() >= Threads::AUTO_BYTES, "wide enough to be shared");
    every_backend(|backend| {
        let sweep = Sweep::<RobustMean, T>::new(story.rule).unwrap().with_backend(backend).unwrap();
        let mut columns = story.owned();
        sweep.update_rows(columns.as_mut_slices(), &story.block).unwrap();
        story.assert_end(&shared(&columns.as_mut_slices()), "wide");
    });
}

/// A bank in the middle of its life is moved, cloned, grown one by one and at once, and one channel starts anew.
fn a_bank_that_moves_and_grows<T: Float>() {
    let mut random = Random::new(7);
    let (rule, parameters) = random.rule_of(10.0);
    let spec = Spec::<T>::new(&parameters);
    let widths = [3, 4, 5, 16, 17, 70];
    let blocks = widths.map(|channels| random.hostile::<T>(40, channels));
    every_backend(|backend| {
        let mut states: Vec<State<T>> = Vec::new();
        let mut bank = Bank::<RobustMean, T>::new(rule, 0).unwrap().with_backend(backend).unwrap();
        for (channels, block) in widths.into_iter().zip(&blocks) {
            bank.extend(channels - states.len()).unwrap();
            bank.reset(1).unwrap();
            states.resize(channels, State::unseen());
            states[1] = State::unseen();
            assert_eq!((bank.len(), bank.is_empty(), bank.readings().len()), (channels, false, channels));

            let untouched = bank.clone();
            let words = untouched.locations().iter().map(|location| location.to_word()).collect::<Vec<_>>();
            bank.update_rows(block).unwrap();
            let after = untouched.locations().iter().map(|location| location.to_word()).collect::<Vec<_>>();
            assert_eq!(words, after, "a clone has its own state");

            // The clone lives through the same on another piece of memory, moved to the heap.
            let mut moved = Box::new(untouched);
            moved.update_rows(block).unwrap();
            for (channel, state) in states.iter_mut().enumerate() {
                *state = spec.run(*state, block.iter().copied().skip(channel).step_by(channels));
                for bank in [&bank, &*moved] {
                    assert_eq!(bank.locations()[channel].to_word(), state.location.to_word());
                    assert_eq!(bank.scales()[channel].to_word(), state.scale.to_word());
                    assert_eq!(bank.reading(channel).unwrap().age, state.age);
                }
            }
            bank = *moved;
            assert_eq!(bank.backend(), backend);
        }
    });
}

both_types!(
    every_way_of_updating,
    short_cuts,
    less_patience,
    thresholds,
    extreme_parameters,
    scores,
    observations,
    every_length_and_alignment,
    a_wide_bank,
    a_bank_that_moves_and_grows,
);

#[cfg(feature = "rayon")]
mod threads {
    use super::any_number_of_threads;
    use super::support::both_types;
    both_types!(any_number_of_threads);
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
