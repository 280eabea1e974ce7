//! Promise: no allocation in update. Every update of every rule in `f32` and `f64`, on every backend, on one thread,
//! and from inside rayon's pool but for what rayon's own queue may need to grow.

use crate::{oracle, support};
use allocation_counter::measure;
use core::time::Duration;
use evenkeel::{
    Backend, Bank, CleanedEma, ClippedEma, Decay, Ema, Estimator, Idle, Layer, LayerRule, LearningRate, Numerator,
    Outputs, Overflow, RelaxedNumerator, Resolution, RobustMean, Scored, Threads, Timed, Tracker, descend_layers,
    update_layers,
};
use oracle::Float;
use support::random::Random;
use support::{both_types, every_backend};

const CHANNELS: usize = 75;

fn decay() -> Decay {
    Decay::half_life(5.0).unwrap()
}

/// The counter counts: a test of it, because a counter that sleeps would make every test here pass.
#[test]
fn the_counter_is_awake() {
    let info = measure(|| drop(std::hint::black_box(vec![0_u8; 100])));
    assert_eq!(info.count_total, 1);
}

/// The updates that every rule has, hostile samples and all.
fn updates<R: Estimator, T: Float>(bank: &mut Bank<R, T>, block: &[T], named: &[usize]) {
    for row in block.chunks(CHANNELS) {
        bank.update(row).unwrap();
    }
    bank.update_rows(block).unwrap();
    bank.update_at(named, block).unwrap();
    for (channel, &sample) in block[..CHANNELS].iter().enumerate() {
        bank.observe(channel, sample).unwrap();
        assert!(bank.reading(channel).is_some());
    }
    // Every channel's samples in a slice of their own.
    let series: [&[T]; CHANNELS] = core::array::from_fn(|channel| &block[channel..channel + 40]);
    bank.update_series(&series).unwrap();
    let mut locations = [T::ZERO; 40];
    bank.update_channel(CHANNELS - 1, series[0]).unwrap();
    let mut outliers = [false; 40];
    let mut outputs = Outputs { locations: Some(&mut locations), ..Outputs::default() };
    outputs.outliers = Some(&mut outliers);
    bank.update_channel_into(0, series[1], outputs).unwrap();
    let outputs = Outputs { scores: Some(&mut locations), ..Outputs::default() };
    bank.update_at_into(&named[..40], &block[..40], outputs).unwrap();
    let mut places = [T::ZERO; CHANNELS * 40];
    let outputs = Outputs { scales: Some(&mut places), ..Outputs::default() };
    bank.update_rows_into(&block[..CHANNELS * 40], outputs).unwrap();
    let mut places = places.chunks_mut(40);
    let mut outputs: [_; CHANNELS] =
        core::array::from_fn(|_| Outputs { locations: places.next(), ..Outputs::default() });
    bank.update_series_into(&series, &mut outputs).unwrap();
    bank.reset(3).unwrap();
    let oldest = bank.ages().fold(T::ZERO, |oldest, age| if age > oldest { age } else { oldest });
    assert!(oldest > T::ZERO);
}

/// Errors are no excuse.
fn refusals<R: Estimator, T: Float>(bank: &mut Bank<R, T>, block: &[T]) {
    assert!(bank.update(&block[..CHANNELS - 1]).is_err());
    assert!(bank.update_rows(&block[..=CHANNELS]).is_err());
    assert!(bank.update_at(&[0, CHANNELS], &block[..2]).is_err());
    assert!(bank.update_at(&[0], &block[..2]).is_err());
    assert!(bank.observe(CHANNELS, block[0]).is_err());
    assert!(bank.update_series(&[&block[..3], &block[..2]]).is_err());
    assert!(bank.update_channel(CHANNELS, block).is_err());
    assert!(bank.reset(CHANNELS).is_err());
}

fn scored<R: Scored, T: Float>(bank: &mut Bank<R, T>, block: &[T], scores: &mut [T]) {
    for row in block.chunks(CHANNELS) {
        bank.update_scored(row, scores).unwrap();
    }
    assert!(bank.update_scored(&block[..CHANNELS], &mut scores[1..]).is_err());
}

/// The updates of a layer.
fn layer<R: LayerRule, T: Float>(layer: &mut Layer<R, T>, block: &[T], a: &mut [T]) {
    for rows in block.chunks(2 * CHANNELS) {
        let (w, g) = rows.split_at(CHANNELS);
        layer.update(w, g).unwrap();
        layer.update_into(w, g, a).unwrap();
        update_layers(&mut [layer.with(w, g).unwrap()], Threads::Auto);
    }
    assert!(layer.update(&block[1..CHANNELS], &block[..CHANNELS]).is_err());
    assert!(layer.state().as_ref().iter().all(|column| column.len() == CHANNELS));
    layer.reset();
}

fn layers<T: Float>() {
    let (block, _) = input::<T>();
    let mut a = vec![T::ZERO; CHANNELS];
    let mut w = block[..CHANNELS].to_vec();
    every_backend(|backend| {
        fn made<R: LayerRule, T: Float>(rule: R, backend: Backend) -> Layer<R, T> {
            Layer::<R, T>::new(rule, CHANNELS).unwrap().with_backend(backend).unwrap()
        }
        let rate = LearningRate::new(0.1).unwrap().smoothing(Some(decay()));
        let mut numerators = made::<_, T>(Numerator::new(0.1).unwrap(), backend);
        let mut relaxed = made::<_, T>(RelaxedNumerator::new(0.1).unwrap(), backend);
        let mut rates = made::<_, T>(rate, backend);
        let mut published = made::<_, T>(rate.as_published().scale_scope(evenkeel::Scope::Layer), backend);
        let info = measure(|| {
            layer(&mut numerators, &block, &mut a);
            layer(&mut relaxed, &block, &mut a);
            layer(&mut rates, &block, &mut a);
            layer(&mut published, &block, &mut a);
            for g in block.chunks(CHANNELS) {
                rates.descend(&mut w, g, |mean| mean).unwrap();
                let mut descents = [rates.descent(&mut w, g, |mean| mean).unwrap()];
                descend_layers(&mut descents, Threads::Auto);
                published.descend(&mut w, g, |mean| mean).unwrap();
            }
            assert!(rates.descent(&mut w, &block[1..CHANNELS], |mean| mean).is_err());
        });
        assert_eq!((info.count_total, info.bytes_total), (0, 0), "{info:?}");
    });
}

/// Samples, and a channel for each in no particular order.
fn input<T: Float>() -> (Vec<T>, Vec<usize>) {
    let mut random = Random::new(31);
    let block = random.hostile::<T>(80, CHANNELS);
    let named = block.iter().map(|_| random.below(CHANNELS)).collect();
    (block, named)
}

fn bank<R: Estimator, T: Float>(rule: R, backend: Backend, threads: Threads) -> Bank<R, T> {
    Bank::<R, T>::new(rule, CHANNELS).unwrap().with_backend(backend).unwrap().with_threads(threads)
}

fn nothing_on_one_thread<T: Float>() {
    let (block, named) = input::<T>();
    let mut scores = vec![T::ZERO; CHANNELS];
    every_backend(|backend| {
        let mut robust = bank::<_, T>(RobustMean::new(decay()), backend, Threads::One);
        let mut ema = bank::<_, T>(Ema::new(decay()), backend, Threads::Auto);
        let mut clipped = bank::<_, T>(ClippedEma::new(decay()), backend, Threads::One);
        let mut cleaned = bank::<_, T>(CleanedEma::new(decay()), backend, Threads::One);
        let learning = RobustMean::new(decay()).resolution(Resolution::Learn).unwrap();
        let mut learning = bank::<_, T>(learning, backend, Threads::One);
        let info = measure(|| {
            updates(&mut robust, &block, &named);
            scored(&mut robust, &block, &mut scores);
            refusals(&mut robust, &block);
            updates(&mut ema, &block, &named);
            refusals(&mut ema, &block);
            updates(&mut clipped, &block, &named);
            scored(&mut clipped, &block, &mut scores);
            updates(&mut cleaned, &block, &named);
            scored(&mut cleaned, &block, &mut scores);
            refusals(&mut cleaned, &block);
            updates(&mut learning, &block, &named);
            scored(&mut learning, &block, &mut scores);
            learning.reset(3).unwrap();
            learning.begin(3, 0.1).unwrap();
            assert_eq!(learning.step(3), Some(0.1));
        });
        assert_eq!((info.count_total, info.bytes_total), (0, 0), "{info:?}");
    });
}

/// Rows and channels whose decay is in time, silent ones among them; series of a tracker that are there already, with
/// limits; and series that come in the place of others, whose keys alone need memory.
fn nothing_in_time<T: Float>() {
    let decay = Decay::half_life_time(Duration::from_secs(60)).unwrap();
    rows_and_series_in_time::<_, T>(RobustMean::new(decay));
    rows_and_series_in_time::<_, T>(CleanedEma::new(decay));
    rows_and_series_in_time::<_, T>(CleanedEma::new(decay).resolution(Resolution::Learn).unwrap());
}

fn rows_and_series_in_time<R: Scored + Timed + Copy, T: Float>(rule: R) {
    let (block, _) = input::<T>();
    let mut scores = vec![T::ZERO; CHANNELS];
    every_backend(|backend| {
        let mut timed = bank::<_, T>(rule, backend, Threads::One);
        let info = measure(|| {
            for (row, samples) in (0_u64..).zip(block.chunks(CHANNELS)) {
                timed.update_after(Duration::from_secs(row % 5), samples).unwrap();
                timed.update_scored_after(Duration::from_millis(row), samples, &mut scores).unwrap();
                timed.observe_after(3, Duration::MAX, samples[3]).unwrap();
            }
            let (elapsed, mut places) = ([Duration::from_secs(1); 40], [T::ZERO; CHANNELS * 40]);
            let outputs = Outputs { locations: Some(&mut places), ..Outputs::default() };
            timed.update_rows_into_after(&elapsed, &block[..CHANNELS * 40], outputs).unwrap();
            let series: [&[T]; CHANNELS] = core::array::from_fn(|channel| &block[channel..channel + 40]);
            let mut places = places.chunks_mut(40);
            let mut outputs: [_; CHANNELS] =
                core::array::from_fn(|_| Outputs { scores: places.next(), ..Outputs::default() });
            timed.update_series_into_after(&elapsed, &series, &mut outputs).unwrap();
            timed.swap_remove(5).unwrap();
            assert!(timed.update_after(Duration::ZERO, &block[..CHANNELS]).is_err());
        });
        assert_eq!((info.count_total, info.bytes_total), (0, 0), "{info:?}");
    });
    let tracker = Tracker::<u64, R, T>::new(rule).unwrap().max_series(30, Overflow::Evict);
    let mut tracker = tracker.max_idle(Idle::Time(Duration::from_secs(20)));
    // A hash map that is more than half full makes room where keys have gone, sooner or later; a larger one tidies up
    // in place.
    for key in 0..30 {
        tracker.update_at(&key, 0, T::ONE).unwrap();
    }
    let mut feed = |keys: core::ops::Range<u64>| {
        for (key, sample) in keys.zip(block.iter().cycle()) {
            let _ = tracker.begin(&(key % 40), Some(1.0));
            let _ = tracker.update_at(&(key % 40), key.cast_signed() * 1_000_000_000, *sample);
        }
    };
    feed(0..200);
    let info = measure(|| feed(200..5000));
    assert_eq!((info.count_total, info.bytes_total), (0, 0), "{info:?}");
}

/// Says that the updates are over, also when they panic: a test that fails must not hang.
#[cfg(feature = "rayon")]
struct Finish<'a>(&'a core::sync::atomic::AtomicBool);

#[cfg(feature = "rayon")]
impl Drop for Finish<'_> {
    fn drop(&mut self) {
        self.0.store(true, core::sync::atomic::Ordering::Release);
    }
}

/// A caller inside the pool, in parts of a few channels so that everything is shared. Each worker counts its own
/// allocations, those of the parts it steals included.
#[cfg(feature = "rayon")]
fn next_to_nothing_in_a_pool<T: Float>() {
    use core::num::NonZeroUsize;
    use core::sync::atomic::{AtomicBool, Ordering};

    let (block, named) = input::<T>();
    let parts = Threads::Parts(NonZeroUsize::new(8).unwrap());
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        every_backend(|backend| {
            let finished = AtomicBool::new(false);
            let counts = pool.broadcast(|worker| {
                if worker.index() > 0 {
                    let steal = || {
                        while !finished.load(Ordering::Acquire) {
                            rayon::yield_now();
                        }
                    };
                    return measure(steal).count_total;
                }
                let finish = Finish(&finished);
                let mut robust = bank::<_, T>(RobustMean::new(decay()), backend, parts);
                let mut ema = bank::<_, T>(Ema::new(decay()), backend, parts);
                let mut cleaned = bank::<_, T>(CleanedEma::new(decay()), backend, parts);
                let mut scores = vec![T::ZERO; CHANNELS];
                let info = measure(|| {
                    updates(&mut robust, &block, &named);
                    scored(&mut robust, &block, &mut scores);
                    updates(&mut ema, &block, &named);
                    updates(&mut cleaned, &block, &named);
                    scored(&mut cleaned, &block, &mut scores);
                });
                drop(finish);
                info.count_total
            });
            // Some thousand joins happened. A worker's queue holds 64 jobs and grows by doubling, for which an epoch is
            // pinned now and then; the joins here are four deep, and nothing of the engine is per join.
            let all: u64 = counts.iter().sum();
            assert!(all <= 4, "{all} allocations: {counts:?}");
        });
    }
}

both_types!(nothing_on_one_thread, nothing_in_time, layers);

#[cfg(feature = "rayon")]
mod pool {
    use super::next_to_nothing_in_a_pool;
    use super::support::both_types;
    both_types!(next_to_nothing_in_a_pool);
}
