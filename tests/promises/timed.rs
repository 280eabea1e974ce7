//! Promise: a `TimedBank` makes the gain of each sample of the time since the last sample of its own channel, to the
//! bit of the specification, however channels come and go; what is late is refused and changes nothing, but for one
//! after twelve in a row; and a time costs nine bytes.

use crate::{oracle, support};
use allocation_counter::measure;
use core::time::Duration;
use evenkeel::{
    Bank, ChannelsError, ClippedEma, Decay, Ema, Estimator, ParameterError, Resolution, RobustMean, TimedBank, Tracker,
    Update, UpdateError,
};
use oracle::{Float, Spec};
use support::random::Random;
use support::streams::Drawn;
use support::{both_rules, both_types};

const SECOND: i64 = 1_000_000_000;

fn in_time() -> Decay {
    Decay::half_life_time(Duration::from_secs(60)).unwrap()
}

/// Which NaN it is, is nobody's business.
fn same<T: Float>(a: T, b: T) -> bool {
    a.to_word() == b.to_word() || a.nan() && b.nan()
}

/// One channel as the specification has it.
#[derive(Clone, Copy)]
struct Known<S> {
    state: S,
    last: Option<i64>,
    late: u8,
}

/// Estimates, last times and steps of every channel.
fn compare<T: Float, O: Drawn<T>>(bank: &TimedBank<O::Rule, T>, spec: &O, known: &[Known<O::State>]) {
    assert_eq!((bank.len(), bank.is_empty()), (known.len(), known.is_empty()));
    for (channel, (reading, known)) in bank.readings().zip(known).enumerate() {
        let expected = spec.reading(&known.state);
        let found = [reading.location, reading.scale, reading.age];
        assert!(
            found.iter().zip(expected).all(|(&found, expected)| same(found, expected)) || expected[2] == T::ZERO,
            "channel {channel}: {reading:?}, not {expected:?}"
        );
        assert_eq!(expected[2] == T::ZERO, reading.location.nan(), "channel {channel}: {reading:?}");
        assert_eq!(bank.last(channel), known.last, "channel {channel}");
        let mut state = known.state;
        let step = spec.learns().then(|| oracle::grid::step(*O::exponent(&mut state)));
        assert_eq!(bank.step(channel), step, "channel {channel}");
    }
}

/// A whole number below a bound.
fn below(random: &mut Random, bound: usize) -> i64 {
    i64::try_from(random.below(bound)).unwrap()
}

/// The time of a sample that follows one at `last`, or comes too early for that.
fn time_after(random: &mut Random, last: i64, turn: i64) -> i64 {
    if turn % 1000 > 900 {
        // A clock that has been set back.
        return last.saturating_sub(SECOND);
    }
    match random.below(24) {
        0 => last,
        1 => last.saturating_add(1),
        2 => last.saturating_sub(1),
        3 => last.saturating_sub(SECOND * below(random, 1_000_000)),
        4 => last.saturating_add(86_400 * SECOND),
        5 => last.saturating_add(60 * SECOND),
        6..=12 => last.saturating_add(SECOND * 9 / 10 + below(random, 200_000_000)),
        _ => last.saturating_add(SECOND),
    }
}

/// Samples of any channel, at times that jitter, repeat, jump and go back, as channels are added, removed and reset.
fn any_time_of_any_channel_is_the_specification<T: Float, O: Drawn<T>>() {
    let rules = [
        (in_time(), None, Resolution::default()),
        (in_time(), Some(3), Resolution::Learn),
        (Decay::half_life(20.0).unwrap(), None, Resolution::default()),
    ];
    for (seed, (decay, patience, resolution)) in (200..).zip(rules) {
        let (rule, spec) = O::with(decay, patience, resolution);
        let mut random = Random::new(seed);
        let unseen = Known { state: O::unseen(), last: None, late: 0 };
        let mut bank = TimedBank::<O::Rule, T>::new(rule, 3).unwrap();
        let mut known = vec![unseen; 3];
        let (mut late, mut outliers, mut healed) = (0, 0, 0);
        for turn in 0..20_000 {
            let channel = random.below(known.len());
            match random.below(400) {
                0 if known.len() > 1 => {
                    bank.swap_remove(channel).unwrap();
                    known.swap_remove(channel);
                    continue;
                }
                1 if known.len() < 30 => {
                    let more = random.below(3);
                    bank.extend(more).unwrap();
                    known.extend((0..more).map(|_| unseen));
                    continue;
                }
                2 => {
                    bank.reset(channel).unwrap();
                    known[channel] = unseen;
                    continue;
                }
                _ => {}
            }
            let hostile = random.below(10) == 0;
            let level = 10.0 + 3.0 * random.gauss();
            let sample = if hostile { random.hostile::<T>(1, 1)[0] } else { T::from_f64(level.round()) };
            let one = &mut known[channel];
            let time = time_after(&mut random, one.last.unwrap_or(turn), turn);
            let is_late = one.last.is_some_and(|last| time < last);
            if let Some(last) = one.last.filter(|_| is_late && (one.late < 12 || sample.nan())) {
                assert_eq!(bank.observe_at(channel, time, sample), Err(UpdateError::Late { time, last }));
                one.late += u8::from(!sample.nan());
                late += 1;
            } else {
                let elapsed = Duration::from_nanos(if is_late { 0 } else { time.abs_diff(one.last.unwrap_or(time)) });
                healed += u32::from(is_late);
                let update: Update<T> = bank.observe_at(channel, time, sample).unwrap();
                let (state, outcome) = spec.step_at(&one.state, sample, elapsed);
                if outcome.accepted {
                    *one = Known { state, last: Some(time), late: 0 };
                }
                let [location, scale, age] = spec.reading(&one.state);
                assert!(same(update.location, location) && (same(update.scale, scale) || age == T::ZERO), "{update:?}");
                assert!(same(update.score, outcome.score), "{update:?}, not {outcome:?}");
                let verdict = (outcome.accepted, outcome.strike, outcome.opened && !outcome.first);
                assert_eq!((update.accepted, update.outlier, update.reopened), verdict, "{sample} after {elapsed:?}");
                outliers += u64::from(update.outlier);
            }
            if turn % 97 == 0 {
                compare(&bank, &spec, &known);
            }
        }
        compare(&bank, &spec, &known);
        assert!(late > 500 && outliers > 100 && healed > 5, "{late} late, {outliers} outliers, {healed} healed");
    }
}

/// A row is a sample of each channel at one moment.
fn rows_are_samples_of_one_moment<T: Float, O: Drawn<T>>() {
    const CHANNELS: usize = 37;
    let (rule, _) = O::with(in_time(), None, Resolution::default());
    let mut random = Random::new(210);
    let block = random.hostile::<T>(300, CHANNELS);
    let mut timed = TimedBank::<O::Rule, T>::new(rule, CHANNELS).unwrap();
    let mut bank = Bank::<O::Rule, T>::new(rule, CHANNELS).unwrap();
    let (mut time, mut scores) = (-5 * SECOND, [T::ZERO; CHANNELS]);
    for row in block.chunks(CHANNELS) {
        let elapsed = below(&mut random, 2_000_000_000);
        time += elapsed;
        bank.update_scored_after(Duration::from_nanos(elapsed.unsigned_abs()), row, &mut scores).unwrap();
        for (channel, (&sample, &score)) in row.iter().zip(&scores).enumerate() {
            assert!(same(timed.observe_at(channel, time, sample).unwrap().score, score));
        }
        for (one, other) in timed.readings().zip(bank.readings()) {
            assert!(same(one.location, other.location) && same(one.scale, other.scale), "{one:?}, not {other:?}");
            assert_eq!(one.age, other.age);
        }
    }
    let columns = timed.columns().as_slices();
    assert!(timed.readings().zip(columns.as_ref()[0]).all(|(reading, &first)| same(reading.location, first)));
}

/// Everything that can be seen of a bank.
fn all(bank: &TimedBank<RobustMean>) -> String {
    let last: Vec<_> = (0..bank.len()).map(|channel| bank.last(channel)).collect();
    format!("{:?} {:?} {last:?}", bank.columns().as_slices(), bank.readings().collect::<Vec<_>>())
}

#[test]
fn what_cannot_be_is_refused_and_nothing_changes() {
    let mut bank = TimedBank::<RobustMean>::new(RobustMean::new(in_time()), 2).unwrap();
    assert_eq!((bank.last(0), bank.last(2)), (None, None));
    bank.observe_at(0, 100, 5.0).unwrap();
    // A missing sample is no last one, and neither is an infinity where none begins.
    assert!(!bank.observe_at(0, 200, f64::NAN).unwrap().accepted);
    assert!(!bank.observe_at(1, 200, f64::INFINITY).unwrap().accepted);
    let before = all(&bank);
    let no_such = UpdateError::Channel { channel: 2, channels: 2 };
    for sample in [7.0, f64::NAN, f64::INFINITY] {
        let late = bank.observe_at(0, 99, sample).unwrap_err();
        assert_eq!(late, UpdateError::Late { time: 99, last: 100 });
        assert_eq!(
            late.to_string(),
            "the sample is of 99 ns, and the last of its channel of 100 ns: samples of a channel come in order of time"
        );
        assert_eq!(bank.observe_at(2, 300, sample), Err(no_such.clone()));
        let without = bank.observe(0, sample).unwrap_err();
        assert_eq!(without, UpdateError::NoElapsed);
        assert!(without.to_string().contains("observe_at"), "{without}");
    }
    assert_eq!(bank.begin(2, 1.0), Err(no_such.clone()));
    assert_eq!(bank.reset(2), Err(no_such.clone()));
    assert_eq!(bank.swap_remove(2), Err(no_such));
    assert_eq!((bank.reading(2), bank.step(2)), (None, None));
    assert!(matches!(bank.extend(usize::MAX), Err(ChannelsError::OutOfMemory { .. })));
    assert!(matches!(bank.extend(usize::MAX / 64), Err(ChannelsError::OutOfMemory { .. })));
    assert_eq!(all(&bank), before);
    assert_eq!((bank.last(0), bank.last(1), bank.locations()[0]), (Some(100), None, 5.0));

    let refused = TimedBank::<ClippedEma>::new(ClippedEma::new(in_time()), 1).map(drop);
    assert_eq!(refused, Err(ParameterError::InTime { rule: "ClippedEma" }.into()));
}

/// After a silence that leaves less than one sample the second sample of a new level is followed, also through a tracker;
/// after a shorter one, which leaves two, and after none, it takes the patience.
fn a_silence_makes_two_strikes_enough<T: Float, O: Drawn<T>>() {
    let level = |base: f64, n: i64| T::from_f64(base + (n * 7 % 11) as f64 / 10.0);
    for (silence, expected) in [(0, 8..16), (5 * 60, 8..16), (9 * 60, 2..3), (86_400, 2..3), (1000 * 86_400, 2..3)] {
        let (rule, _) = O::with(in_time(), None, Resolution::Learn);
        let mut bank = TimedBank::<O::Rule, T>::new(rule, 1).unwrap();
        let mut tracker = Tracker::<String, O::Rule, T>::new(rule).unwrap();
        for n in 0..200 {
            bank.observe_at(0, n * SECOND, level(10.0, n)).unwrap();
            tracker.update_at("a", n * SECOND, level(10.0, n)).unwrap();
        }
        let mut opened = None;
        for n in 1..30 {
            let time = (199 + silence + n) * SECOND;
            let (one, other) =
                (bank.observe_at(0, time, level(50.0, n)).unwrap(), tracker.update_at("a", time, level(50.0, n)));
            let other = other.unwrap();
            assert!(same(one.location, other.location) && one.reopened == other.reopened);
            if opened.is_none() && one.location.to_f64() > 45.0 {
                opened = Some(n);
            }
        }
        // Where the first samples cannot bring an average all of the way, its memory does.
        let follows = !O::IS_AVERAGE || expected.contains(&2);
        assert!(!follows || opened.is_some_and(|opened| expected.contains(&opened)), "{opened:?} after {silence} s");
    }
}

both_rules!(
    any_time_of_any_channel_is_the_specification,
    rows_are_samples_of_one_moment,
    a_silence_makes_two_strikes_enough,
);

/// The ends of time are times, and so is a distance from one to the other.
#[test]
fn the_ends_of_time() {
    let mut bank = TimedBank::<RobustMean>::new(RobustMean::new(in_time()), 1).unwrap();
    assert!(bank.observe_at(0, i64::MIN, 5.0).unwrap().accepted);
    assert_eq!(bank.last(0), Some(i64::MIN + 1), "the smallest number stands for no time");
    assert!(bank.observe_at(0, i64::MIN, 5.0).unwrap().accepted, "two samples of one moment");
    let mut other = Bank::<RobustMean>::new(RobustMean::new(in_time()), 1).unwrap();
    for (elapsed, sample) in [(0, 5.0), (0, 5.0), (u64::MAX - 1, 6.0), (0, 6.0)] {
        other.observe_after(0, Duration::from_nanos(elapsed), sample).unwrap();
    }
    assert!(bank.observe_at(0, i64::MAX, 6.0).unwrap().accepted);
    assert!(bank.observe_at(0, i64::MAX, 6.0).unwrap().accepted);
    assert_eq!(bank.reading(0), other.reading(0));
    assert_eq!(bank.observe_at(0, 0, 6.0), Err(UpdateError::Late { time: 0, last: i64::MAX }));
}

/// A rule that counts samples goes as in a `Bank`, with times or without; without, the last time stays.
#[test]
fn a_decay_in_samples_needs_no_times() {
    fn check<R: Estimator + Copy>(rule: R) {
        let mut bank = Bank::<R>::new(rule, 2).unwrap();
        let mut timed = TimedBank::<R>::new(rule, 2).unwrap();
        for (n, &sample) in Random::new(220).hostile::<f64>(200, 2).iter().enumerate() {
            let seen = bank.observe(n % 2, sample).unwrap();
            let reading = bank.reading(n % 2).unwrap();
            let update = timed.observe(n % 2, sample).unwrap();
            let expected = [seen.score, reading.location, reading.scale].map(f64::to_bits);
            assert_eq!([update.score, update.location, update.scale].map(f64::to_bits), expected);
            let verdict = (seen.accepted, seen.outlier, seen.reopened);
            assert_eq!((update.accepted, update.outlier, update.reopened), verdict);
            assert_eq!(timed.last(n % 2), None);
        }
    }
    let decay = Decay::half_life(7.0).unwrap();
    check(RobustMean::new(decay));
    check(Ema::new(decay));

    let mut bank = TimedBank::<RobustMean>::new(RobustMean::new(decay), 1).unwrap();
    bank.observe_at(0, 100, 1.0).unwrap();
    bank.observe(0, 2.0).unwrap();
    assert_eq!(bank.last(0), Some(100));
}

/// Nine bytes a channel beside the state, in the bank and under a tracker, whatever the decay.
fn a_time_costs_nine_bytes<T: Float>() {
    const SERIES: u32 = 1 << 14;
    const CHANNELS: usize = SERIES as usize;
    fn tracked<T: Float>(rule: RobustMean) -> (u64, usize) {
        let mut bytes = 0;
        let mut feed = || {
            let mut tracker = Tracker::<u32, RobustMean, T>::new(rule).unwrap();
            for key in 0..SERIES {
                tracker.begin(&key, None).unwrap();
            }
            bytes = tracker.bank().bytes();
            tracker
        };
        let info = measure(|| drop(feed()));
        (info.bytes_max, bytes)
    }
    let in_time = RobustMean::new(in_time());
    let width = 4 * size_of::<T>() + size_of::<i64>() + 1;
    let bank = TimedBank::<RobustMean, T>::new(in_time, CHANNELS).unwrap();
    assert_eq!(bank.bytes(), CHANNELS * width, "{width} bytes a channel");
    let (most, bytes) = tracked::<T>(in_time);
    assert_eq!(bytes, CHANNELS * width, "{width} bytes a series in the bank");
    assert_eq!((most, bytes), tracked::<T>(RobustMean::new(Decay::half_life(60.0).unwrap())));
}

/// No update allocates, and no refusal.
fn nothing_is_allocated<T: Float>() {
    let (rule, _) = <Spec<T> as Drawn<T>>::with(in_time(), None, Resolution::Learn);
    let mut bank = TimedBank::<RobustMean, T>::new(rule, 20).unwrap();
    let block = Random::new(230).hostile::<T>(100, 20);
    let info = measure(|| {
        for ((time, channel), &sample) in (0..).zip(0_usize..).zip(&block) {
            let _ = bank.observe_at(channel % 21, time * SECOND / 7, sample);
            let _ = bank.observe_at(channel % 20, time * SECOND / 9, sample);
        }
        bank.reset(3).unwrap();
        bank.swap_remove(4).unwrap();
        bank.begin(3, 0.1).unwrap();
        bank.extend(1).unwrap();
    });
    assert_eq!((info.count_total, info.bytes_total), (0, 0), "{info:?}");
    assert_eq!(bank.step(3), Some(0.1));
}

both_types!(a_time_costs_nine_bytes, nothing_is_allocated);
