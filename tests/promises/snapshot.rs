//! Promise: state survives. What is restored goes on to the bit, on any backend; what is damaged, cut, of another rule or of
//! another kind is an error that says so and changes nothing; and what was once written is read for ever (`golden.rs`).

use crate::{oracle, support};
use allocation_counter::measure;
use core::ops::Range;
use core::time::Duration;
use evenkeel::{
    Bank, Bound, CleanedEma, ClippedEma, Decay, Ema, Estimator, Floor, Idle, Layer, LayerRule, LearningRate, Numerator,
    Overflow, RelaxedNumerator, Resolution, RobustMean, Scope, Scored, SnapshotError, SnapshotInfo, SnapshotKind,
    Timed, Tracker,
};
use oracle::Float;
use support::checksums::mend;
use support::random::Random;
use support::{both_types, every_backend};

fn decay() -> Decay {
    Decay::half_life(7.0).unwrap()
}

fn a_minute() -> Decay {
    Decay::half_life_time(Duration::from_secs(60)).unwrap()
}

fn in_time() -> RobustMean {
    RobustMean::new(a_minute())
}

/// A rule that learns its steps.
fn learning() -> RobustMean {
    in_time().resolution(Resolution::Learn).unwrap()
}

pub(crate) fn bank_bytes<R: Estimator, T: Float>(bank: &Bank<R, T>) -> Vec<u8> {
    let mut bytes = Vec::new();
    bank.write_snapshot(&mut bytes).unwrap();
    bytes
}

pub(crate) fn layer_bytes<R: LayerRule, T: Float>(layer: &Layer<R, T>) -> Vec<u8> {
    let mut bytes = Vec::new();
    layer.write_snapshot(&mut bytes).unwrap();
    bytes
}

/// These rows of weights and gradients.
pub(crate) fn feed_layer<R: LayerRule, T: Float>(layer: &mut Layer<R, T>, w: &[T], g: &[T], rows: Range<usize>) {
    for row in rows {
        let part = row * layer.len()..(row + 1) * layer.len();
        layer.update(&w[part.clone()], &g[part]).unwrap();
    }
}

fn tracker_bytes<R: Scored, T: Float>(tracker: &Tracker<String, R, T>) -> Vec<u8> {
    let mut bytes = Vec::new();
    tracker.write_snapshot(&mut bytes, b"a note").unwrap();
    bytes
}

const CHANNELS: usize = 75;

/// Written at any time, on any backend, and gone on with on any other.
fn one_bank<R: Estimator + Copy, T: Float>(rule: R) {
    let block = Random::new(50).recorded::<T>(60, CHANNELS);
    let mut whole = Bank::<R, T>::new(rule, CHANNELS).unwrap();
    for at in [0, 1, 2, 4, 5, 6, 13, 40] {
        whole = Bank::new(rule, CHANNELS).unwrap();
        whole.update_rows(&block[..at * CHANNELS]).unwrap();
        let bytes = bank_bytes(&whole);
        whole.update_rows(&block[at * CHANNELS..]).unwrap();
        let end = bank_bytes(&whole);
        every_backend(|backend| {
            let mut restored = Bank::<R, T>::new(rule, 3).unwrap().with_backend(backend).unwrap();
            restored.read_snapshot(&bytes).unwrap();
            assert_eq!((restored.len(), restored.backend()), (CHANNELS, backend));
            assert!(bank_bytes(&restored) == bytes, "what is read is what is written");
            for row in block[at * CHANNELS..].chunks(CHANNELS) {
                restored.update(row).unwrap();
            }
            assert!(bank_bytes(&restored) == end, "gone on to the bit");
        });
    }
    assert_eq!(whole.len(), CHANNELS);
}

fn banks_go_on<T: Float>() {
    one_bank::<_, T>(RobustMean::new(decay()));
    one_bank::<_, T>(RobustMean::new(decay()).mean_faithful().resolution(1.0).unwrap().patience(1).unwrap());
    one_bank::<_, T>(RobustMean::new(decay()).resolution(Resolution::Learn).unwrap().patience(63).unwrap());
    one_bank::<_, T>(RobustMean::new(Decay::alpha(0.45).unwrap()));
    one_bank::<_, T>(RobustMean::new(Decay::alpha(1.0).unwrap()));
    one_bank::<_, T>(CleanedEma::new(decay()));
    one_bank::<_, T>(CleanedEma::new(decay()).resolution(Resolution::Learn).unwrap().patience(1).unwrap());
    one_bank::<_, T>(CleanedEma::new(Decay::alpha(0.45).unwrap()).reject(5.0).unwrap());
    one_bank::<_, T>(CleanedEma::new(Decay::alpha(1.0).unwrap()));
    one_bank::<_, T>(Ema::new(decay()));
    one_bank::<_, T>(ClippedEma::new(decay()));
}

fn a_bank_in_time_goes_on<T: Float>() {
    one_bank_in_time::<_, T>(in_time());
    one_bank_in_time::<_, T>(learning());
    one_bank_in_time::<_, T>(CleanedEma::new(a_minute()));
    one_bank_in_time::<_, T>(Ema::new(a_minute()));
    one_bank_in_time::<_, T>(CleanedEma::new(a_minute()).resolution(Resolution::Learn).unwrap());
}

fn one_bank_in_time<R: Timed + Copy, T: Float>(rule: R) {
    let block = Random::new(51).recorded::<T>(60, CHANNELS);
    let feed = |bank: &mut Bank<R, T>, rows: Range<usize>| {
        for row in rows {
            let elapsed = Duration::from_millis(100 * row as u64);
            bank.update_after(elapsed, &block[row * CHANNELS..][..CHANNELS]).unwrap();
        }
    };
    for at in [1, 3, 20, 50] {
        let mut bank = Bank::<R, T>::new(rule, CHANNELS).unwrap();
        feed(&mut bank, 0..at);
        let mut restored = Bank::<R, T>::new(rule, 0).unwrap();
        restored.read_snapshot(&bank_bytes(&bank)).unwrap();
        assert!(bank_bytes(&restored) == bank_bytes(&bank), "what is read is what is written");
        feed(&mut bank, at..60);
        feed(&mut restored, at..60);
        assert!(bank_bytes(&bank) == bank_bytes(&restored), "the silence of each channel is remembered");
    }
}

fn one_layer<R: LayerRule + Copy, T: Float>(rule: R) {
    let mut random = Random::new(52);
    let (w, g) = (random.hostile::<T>(30, CHANNELS), random.hostile::<T>(30, CHANNELS));
    let feed = |layer: &mut Layer<R, T>, rows| feed_layer(layer, &w, &g, rows);
    let mut layer = Layer::<R, T>::new(rule, CHANNELS).unwrap();
    let mut restored = layer.clone();
    restored.read_snapshot(&layer_bytes(&layer)).unwrap();
    feed(&mut layer, 0..11);
    restored.read_snapshot(&layer_bytes(&layer)).unwrap();
    assert!(layer_bytes(&restored) == layer_bytes(&layer));
    feed(&mut layer, 11..30);
    feed(&mut restored, 11..30);
    assert!(layer_bytes(&restored) == layer_bytes(&layer), "the steps are remembered");
    let fewer = Layer::<R, T>::new(rule, CHANNELS - 1).unwrap().read_snapshot(&layer_bytes(&layer)).unwrap_err();
    assert_eq!(
        fewer.to_string(),
        "the snapshot is of a layer of 75 weights, not of one of 74: read it into what it is of"
    );
}

fn layers_go_on<T: Float>() {
    one_layer::<_, T>(Numerator::new(1e-2).unwrap());
    one_layer::<_, T>(RelaxedNumerator::new(1e-2).unwrap());
    one_layer::<_, T>(LearningRate::new(1e-2).unwrap().smoothing(Some(decay())));
    one_layer::<_, T>(LearningRate::new(1e-2).unwrap().as_published());
    let one_scale = Numerator::new(1e-2).unwrap().scale_scope(Scope::Layer).bound(Bound::MuTimesScale);
    one_layer::<_, T>(one_scale.clip(f64::INFINITY).unwrap());
}

/// Each option of a numerator is a parameter of its own, and those who do not choose it do not find it.
#[test]
fn options_of_numerators() {
    let plain = LearningRate::new(1e-2).unwrap();
    let names = |rule: LearningRate| {
        let bytes = layer_bytes(&Layer::<LearningRate>::new(rule, 1).unwrap());
        let info = SnapshotInfo::of(&bytes).unwrap();
        info.rules[0].parameters.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(plain).len(), 10);
    for (rule, differs) in [
        (plain.bound(Bound::MuTimesScale), "bound"),
        (plain.clip(f64::INFINITY).unwrap(), "clip"),
        (plain.scale_scope(Scope::Layer), "layer_scale"),
        (plain.correlated(evenkeel::Correlated::Step), "correlated"),
        (plain.floor(Floor::Norm), "floor"),
        (plain.mean_decay(Some(decay())), "mean_gain"),
    ] {
        assert!(names(rule).contains(&differs.to_owned()), "{differs}");
        let mut layer = Layer::<LearningRate>::new(rule, 1).unwrap();
        let bytes = layer_bytes(&Layer::<LearningRate>::new(plain, 1).unwrap());
        let error = layer.read_snapshot(&bytes).unwrap_err().to_string();
        assert!(error.ends_with(&format!("it differs in {differs}")), "{error}");
    }
}

/// An average of the layer mean that none can be is refused.
#[test]
fn a_mean_that_is_none() {
    let rule = LearningRate::new(1e-2).unwrap().as_published();
    let mut layer = Layer::<LearningRate>::new(rule, 2).unwrap();
    layer.update(&[1.0, 2.0], &[0.5, -0.5]).unwrap();
    let bytes = layer_bytes(&layer);
    let at = bytes.len() - 4 - 8;
    assert_eq!(bytes[at..at + 8], layer.mean().to_le_bytes());
    for wrong in [-1.0, f64::NAN, f64::INFINITY] {
        let mut bytes = bytes.clone();
        bytes[at..at + 8].copy_from_slice(&f64::to_le_bytes(wrong));
        mend(&mut bytes);
        let error = layer.read_snapshot(&bytes).unwrap_err().to_string();
        assert!(error.contains("its mean is no mean"), "{error}");
    }
    let mut restored = Layer::<LearningRate>::new(rule, 2).unwrap();
    restored.read_snapshot(&bytes).unwrap();
    assert_eq!(restored.mean(), layer.mean());
}

/// A tracker with everything that it can have, and a stream for it.
fn tracker<R: Scored, T: Float>(rule: R) -> Tracker<String, R, T> {
    let tracker = Tracker::<String, R, T>::new(rule).unwrap();
    tracker.max_series(20, Overflow::Evict).max_idle(Idle::Time(Duration::from_secs(100)))
}

fn feed<R: Scored + Timed, T: Float>(tracker: &mut Tracker<String, R, T>, rounds: Range<i64>) -> Vec<String> {
    let mut answers = Vec::new();
    for round in rounds {
        let mut random = Random::new(7000 + round.cast_unsigned());
        let key = format!("series {}", round / 100 + i64::try_from(random.below(25)).unwrap());
        let time = round * 1_000_000_000 - if random.below(20) == 0 { 30_000_000_000 } else { 0 };
        let sample =
            if random.below(3) == 0 { random.hostile::<T>(1, 1)[0] } else { T::from_f64(random.gauss().round()) };
        if random.below(10) == 0 {
            let step = [None, Some(0.1), Some(0.0)][random.below(3)];
            answers.push(format!("{:?}", tracker.begin(key.as_str(), step)));
        }
        answers.push(format!("{:?}", tracker.update_at(key.as_str(), time, sample)));
        answers.push(format!("{:?}", tracker.step(key.as_str())));
    }
    answers
}

fn trackers_go_on<T: Float>() {
    one_tracker::<_, T>(learning());
    one_tracker::<_, T>(in_time());
    one_tracker::<_, T>(CleanedEma::new(a_minute()).resolution(Resolution::Learn).unwrap());
}

fn one_tracker<R: Scored + Timed + Copy, T: Float>(rule: R) {
    for at in [0, 1, 30, 500, 1234] {
        let mut tracker = tracker::<R, T>(rule);
        feed(&mut tracker, 0..at);
        // A series that has begun, and has had no sample yet.
        tracker.begin("begun", Some(0.01)).unwrap();
        let bytes = tracker_bytes(&tracker);
        let info = SnapshotInfo::of(&bytes).unwrap();
        assert_eq!((info.format, info.kind, info.channels), (2, SnapshotKind::Tracker, tracker.len() as u64));
        assert_eq!((info.note.as_slice(), info.rules.len(), info.lane), (&b"a note"[..], 1, T::NAME));
        let mut restored = self::tracker::<R, T>(rule);
        restored.update_at("left behind", 5, T::ONE).unwrap();
        restored.read_snapshot(&bytes).unwrap();
        assert!(tracker_bytes(&restored) == bytes, "what is read is what is written");
        assert_eq!(restored.counters(), tracker.counters());
        assert!(restored.iter().map(|(key, _)| key).eq(tracker.iter().map(|(key, _)| key)), "order");
        assert_eq!(restored.step("begun"), tracker.step("begun"));
        assert_eq!(feed(&mut tracker, at..2000), feed(&mut restored, at..2000), "from {at}");
        assert!(tracker_bytes(&restored) == tracker_bytes(&tracker), "gone on to the bit");
    }
}

/// Some series go to another process, and both together are the one that had them all.
fn series_are_moved<T: Float>() {
    series_of_a_rule_are_moved::<_, T>(RobustMean::new(decay()));
    series_of_a_rule_are_moved::<_, T>(CleanedEma::new(decay()).resolution(Resolution::Learn).unwrap());
}

fn series_of_a_rule_are_moved<R: Scored + Copy, T: Float>(rule: R) {
    let new = || Tracker::<String, R, T>::new(rule).unwrap();
    let (mut all, mut rest, mut moved) = (new(), new(), new());
    let names: Vec<String> = (0..30).map(|n| format!("series {n}")).collect();
    let samples = Random::new(53).recorded::<T>(40, names.len());
    let feed = |tracker: &mut Tracker<String, R, T>, rows: Range<usize>, only_known: bool| {
        for row in rows {
            for (name, sample) in names.iter().zip(&samples[row * names.len()..]) {
                if !only_known || tracker.get(name.as_str()).is_some() {
                    tracker.update(name.as_str(), *sample).unwrap();
                }
            }
        }
    };
    feed(&mut all, 0..20, false);
    feed(&mut rest, 0..20, false);
    let wanted: Vec<&str> = names.iter().step_by(3).map(String::as_str).chain(["no such series", "series 3"]).collect();
    let mut bytes = Vec::new();
    rest.write_series(&mut bytes, wanted.iter().copied(), b"").unwrap();
    moved.update("of its own", T::ONE).unwrap();
    assert_eq!(moved.add_snapshot(&bytes).unwrap(), 10);
    assert_eq!((moved.len(), moved.counters().created), (11, 11));
    for name in &wanted {
        rest.remove(*name);
    }
    feed(&mut all, 20..40, true);
    feed(&mut rest, 20..40, true);
    feed(&mut moved, 20..40, true);
    for (name, series) in all.iter() {
        let holder = if wanted.contains(&name.as_str()) { &moved } else { &rest };
        assert_eq!(format!("{:?}", holder.get(name.as_str()).unwrap()), format!("{series:?}"), "{name}");
    }
    let before = tracker_bytes(&moved);
    assert_eq!(moved.add_snapshot(&bytes), Err(SnapshotError::Exists { key: "\"series 0\"".to_owned() }));
    assert!(tracker_bytes(&moved) == before, "nothing has changed");
    let mut small = new().max_series(9, Overflow::Evict);
    assert_eq!(small.add_snapshot(&bytes), Err(SnapshotError::Full { series: 10, max_series: 9 }));
    // A whole snapshot that is too large makes room by its own order: the longest idle go.
    small.read_snapshot(&bytes).unwrap();
    assert_eq!((small.len(), small.counters().evicted), (9, 1));
}

both_types!(banks_go_on, a_bank_in_time_goes_on, layers_go_on, trackers_go_on, series_are_moved);

/// Limits are the process's own, and of another kind if it says so.
#[test]
fn limits_may_be_others() {
    let mut counted = Tracker::<u64>::new(RobustMean::new(decay())).unwrap().max_idle(Idle::Samples(2));
    for (key, time) in [(1, 1000), (2, 2000), (3, 3000)] {
        counted.update_at(&key, time, 1.0).unwrap();
    }
    let mut bytes = Vec::new();
    counted.write_snapshot(&mut bytes, b"").unwrap();
    let mut timed =
        Tracker::<u64>::new(RobustMean::new(decay())).unwrap().max_idle(Idle::Time(Duration::from_nanos(500)));
    timed.read_snapshot(&bytes).unwrap();
    timed.update_at(&3, 3400, 1.0).unwrap();
    assert_eq!(timed.len(), 3, "nobody is idle yet");
    timed.update_at(&3, 3900, 1.0).unwrap();
    assert_eq!(timed.len(), 3, "nobody is idle yet");
    timed.update_at(&3, 3901, 1.0).unwrap();
    assert_eq!(timed.len(), 1, "and now they are");
}

fn cleaned() -> CleanedEma {
    CleanedEma::new(decay()).resolution(Resolution::Learn).unwrap()
}

/// A small snapshot of each kind.
fn samples_of_all() -> Vec<(&'static str, Vec<u8>)> {
    let mut bank = Bank::<RobustMean, f32>::new(RobustMean::new(decay()), 3).unwrap();
    bank.update(&[1.0, f32::NAN, 3.0]).unwrap();
    let mut timed = Bank::<RobustMean>::new(in_time(), 2).unwrap();
    timed.update_after(Duration::ZERO, &[1.0, f64::NAN]).unwrap();
    let mut layer = Layer::<LearningRate>::new(LearningRate::new(1.0).unwrap(), 2).unwrap();
    layer.update(&[1.0, 2.0], &[0.5, -0.5]).unwrap();
    let mut tracker = tracker::<_, f64>(learning());
    feed(&mut tracker, 0..5);
    let mut average = Bank::<CleanedEma, f32>::new(cleaned(), 2).unwrap();
    for sample in [1.0, 2.0, 1.5, 1.1, 2.1, 1.9, 30.0] {
        average.update(&[sample, f32::NAN]).unwrap();
    }
    vec![
        ("bank", bank_bytes(&bank)),
        ("timed", bank_bytes(&timed)),
        ("layer", layer_bytes(&layer)),
        ("tracker", tracker_bytes(&tracker)),
        ("average", bank_bytes(&average)),
    ]
}

/// Reads as what it is, into something that has state already, and looks that an error leaves that alone. What is read, written again.
fn read_again(name: &str, bytes: &[u8]) -> Result<Vec<u8>, SnapshotError> {
    let (result, before, after) = match name {
        "bank" => {
            let mut bank = Bank::<RobustMean, f32>::new(RobustMean::new(decay()), 1).unwrap();
            bank.update(&[7.0]).unwrap();
            let before = bank_bytes(&bank);
            (bank.read_snapshot(bytes), before, bank_bytes(&bank))
        }
        "timed" => {
            let mut bank = Bank::<RobustMean>::new(in_time(), 1).unwrap();
            let before = bank_bytes(&bank);
            (bank.read_snapshot(bytes), before, bank_bytes(&bank))
        }
        "layer" => {
            let mut layer = Layer::<LearningRate>::new(LearningRate::new(1.0).unwrap(), 2).unwrap();
            let before = layer_bytes(&layer);
            (layer.read_snapshot(bytes), before, layer_bytes(&layer))
        }
        "average" => {
            let mut bank = Bank::<CleanedEma, f32>::new(cleaned(), 1).unwrap();
            bank.update(&[7.0]).unwrap();
            let before = bank_bytes(&bank);
            (bank.read_snapshot(bytes), before, bank_bytes(&bank))
        }
        _ => {
            let note = SnapshotInfo::of(bytes).map(|info| info.note).unwrap_or_default();
            let written = |tracker: &Tracker<String>| {
                let mut bytes = Vec::new();
                tracker.write_snapshot(&mut bytes, &note).unwrap();
                bytes
            };
            let mut tracker = tracker::<_, f64>(learning());
            tracker.update_at("left alone", 5, 1.0).unwrap();
            let before = written(&tracker);
            (tracker.read_snapshot(bytes), before, written(&tracker))
        }
    };
    assert!(result.is_ok() || before == after, "{name}: {result:?} and yet something changed");
    result.map(|()| after)
}

fn read(name: &str, bytes: &[u8]) -> Result<(), SnapshotError> {
    read_again(name, bytes).map(drop)
}

#[test]
fn every_flipped_bit_is_noticed() {
    for (name, bytes) in samples_of_all() {
        read(name, &bytes).unwrap();
        for bit in 0..8 * bytes.len() {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(read(name, &damaged).is_err(), "{name}, bit {bit} of {}", 8 * bytes.len());
        }
    }
}

#[test]
fn every_cut_and_every_addition_is_noticed() {
    for (name, bytes) in samples_of_all() {
        for length in 0..bytes.len() {
            let error = read(name, &bytes[..length]).unwrap_err();
            let expected = match length {
                0 => matches!(error, SnapshotError::NotASnapshot),
                _ => matches!(error, SnapshotError::Length { .. }),
            };
            assert!(expected, "{name} cut at {length} of {}: {error}", bytes.len());
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert!(matches!(read(name, &longer), Err(SnapshotError::Length { .. })));
    }
    assert_eq!(read("bank", b"time,cpu\n1,2\n"), Err(SnapshotError::NotASnapshot));
}

/// The checksums made right again: every byte of the snapshot is set to other values, and what is accepted is exactly what would
/// be written again. Nothing is taken on trust.
#[test]
fn nothing_is_read_that_would_not_be_written() {
    let mut random = Random::new(54);
    let (mut accepted, mut refused) = (0, 0);
    for (name, bytes) in samples_of_all() {
        for at in 0..bytes.len() {
            // What series were idle by may be something else than here, and format 1 is written as this one.
            if (name, at) == ("tracker", 20) || at == 8 {
                continue;
            }
            for value in [0, 1, 0x7f, 0x80, 0xff, random.below(256)] {
                let mut other = bytes.clone();
                other[at] = u8::try_from(value).unwrap();
                mend(&mut other);
                match read_again(name, &other) {
                    Ok(again) => {
                        accepted += 1;
                        assert!(again == other, "{name}: byte {at} as {value:#x} is read and not written so");
                    }
                    Err(_) => refused += 1,
                }
            }
        }
    }
    assert!(accepted > 500 && refused > 500, "{accepted} accepted, {refused} refused");
}

/// A word of a state, in a snapshot of a bank of `f32`.
fn with_word(bytes: &[u8], [columns, channels]: [usize; 2], [column, channel]: [usize; 2], word: u32) -> Vec<u8> {
    let mut other = bytes.to_vec();
    let at = bytes.len() - 4 - 4 * columns * channels + 4 * (channels * column + channel);
    other[at..at + 4].copy_from_slice(&word.to_le_bytes());
    mend(&mut other);
    other
}

/// The tally of an `f32`: strikes in quarters, the exponent of a step, the age.
fn tally(strikes: u32, exponent: u32, age: u32) -> u32 {
    strikes << 23 | exponent << 20 | age
}

/// States that no samples lead to are refused, each by its channel.
#[test]
fn impossible_states_are_refused() {
    let (_, bytes) = samples_of_all().swap_remove(0);
    let set = |column, channel, word| read("bank", &with_word(&bytes, [4, 3], [column, channel], word));
    let number = f32::to_bits;
    let refused = |channel| Err(SnapshotError::State { channel, rule: "RobustMean" });
    assert_eq!(set(0, 0, number(0.5)), Ok(()), "another location is as good");
    assert_eq!(set(3, 0, tally(1, 0, 0)), refused(0), "strikes without a sample");
    assert_eq!(set(0, 0, number(f32::NAN)), refused(0));
    assert_eq!(set(0, 2, number(f32::INFINITY)), refused(2));
    assert_eq!(set(0, 2, number(f32::MAX)), refused(2));
    assert_eq!(set(0, 1, number(0.0)), refused(1), "a location without a sample");
    assert_eq!(set(1, 0, number(0.0)), refused(0), "a scale below its floor");
    assert_eq!(set(1, 0, number(-1.0)), refused(0));
    assert_eq!(set(1, 0, number(f32::NAN)), refused(0));
    assert_eq!(set(1, 0, number(f32::INFINITY)), refused(0));
    assert_eq!(set(2, 0, number(f32::NEG_INFINITY)), refused(0));
    assert_eq!(set(3, 0, 0), refused(0), "a state without an age");
    assert_eq!(set(3, 0, tally(49, 0, 1)), Ok(()), "within the start");
    assert_eq!(set(3, 0, tally(53, 0, 1)), refused(0), "before the start");
    assert_eq!(set(3, 0, tally(52, 1, 1)), refused(0), "a step, of a rule that learns none");
    // After the start: a scale that is its part of the location.
    let started = with_word(&bytes, [4, 3], [1, 0], number(1.0));
    let set = |column, word| read("bank", &with_word(&started, [4, 3], [column, 0], word));
    assert_eq!(set(3, tally(48, 0, 11)), Ok(()));
    assert_eq!(set(3, tally(0, 0, 3)), Ok(()));
    assert_eq!(set(3, tally(48, 0, 12)), refused(0), "older than the memory is long");
    let started = with_word(&started, [4, 3], [3, 0], tally(0, 0, 11));
    let set = |column, word| read("bank", &with_word(&started, [4, 3], [column, 0], word));
    assert_eq!(set(1, number(1e-7)), refused(0), "a scale below its part of the location");
    assert_eq!(set(1, number(1e-5)), Ok(()));
}

/// Impossible states of an average and of its judge.
#[test]
fn impossible_averages_are_refused() {
    let (_, bytes) = samples_of_all().swap_remove(4);
    read("average", &bytes).unwrap();
    let set = |column, channel, word| read("average", &with_word(&bytes, [7, 2], [column, channel], word));
    let number = f32::to_bits;
    let refused = |channel| Err(SnapshotError::State { channel, rule: "CleanedEma" });
    assert_eq!(set(0, 0, number(0.5)), Ok(()), "another average is as good");
    for column in [0, 1, 2, 3, 5, 6] {
        for word in [f32::NAN, f32::INFINITY, -f32::INFINITY].map(number) {
            assert_eq!(set(column, 0, word), refused(0), "column {column}, {word:#x}");
        }
        let unseen = if column == 0 || column == 2 { 0.0 } else { 1.0 };
        assert_eq!(set(column, 1, number(unseen)), refused(1), "column {column} of a channel that has seen nothing");
    }
    for column in [1, 5] {
        assert_eq!(set(column, 0, number(0.0)), refused(0));
        assert_eq!(set(column, 0, number(-1.0)), refused(0));
    }
    assert_eq!(set(0, 0, number(f32::MAX)), refused(0));
    assert_eq!(set(5, 0, number(12.0)), refused(0), "older than the memory is long");
    assert_eq!(set(6, 0, number(-0.1)), refused(0), "a share below nothing");
    assert_eq!(set(6, 0, number(1.1)), refused(0), "and above all");
    assert_eq!(set(4, 0, 0), refused(0), "a judge without an age");
    assert_eq!(set(4, 0, tally(41, 0, 7)), refused(0), "a judge in its start, and an average that is not");
    assert_eq!(set(4, 0, tally(40, 7, 10)), Ok(()));
    assert_eq!(set(4, 0, tally(40, 7, 11)), refused(0), "older than the judge's memory is long");
    assert_eq!(set(4, 1, tally(0, 3, 0)), Ok(()), "a step that was known before the first sample");
    assert_eq!(set(4, 1, tally(4, 3, 0)), refused(1));
}

/// Where a full memory has less than three samples, the age counts how long it has been falling towards that.
#[test]
fn ages_of_short_memories() {
    let rule = RobustMean::new(Decay::alpha(0.45).unwrap());
    let mut bank = Bank::<RobustMean, f32>::new(rule, 1).unwrap();
    for sample in [1.0, 2.0, 1.5, 1.1, 2.1, 1.9, 1.0] {
        bank.update(&[sample]).unwrap();
    }
    let bytes = bank_bytes(&bank);
    let mut set = |age| bank.read_snapshot(&with_word(&bytes, [4, 1], [3, 0], tally(0, 0, age)));
    let refused = Err(SnapshotError::State { channel: 0, rule: "RobustMean" });
    for age in [1, 2, 3, 4, 5, 64] {
        assert_eq!(set(age), Ok(()), "{age}");
    }
    for age in [0, 63, 65, 1000] {
        assert_eq!(set(age), refused, "{age}");
    }
}

/// A header may promise what it likes: nothing is allocated for what is not there.
#[test]
fn promises_cost_no_memory() {
    for (name, bytes) in samples_of_all() {
        for channels in [99, 1 << 20, 1 << 40, u64::MAX] {
            for body in [None, Some(u64::MAX), Some(1 << 40)] {
                let mut other = bytes.clone();
                other[22..30].copy_from_slice(&channels.to_le_bytes());
                if let Some(body) = body {
                    other[30..38].copy_from_slice(&body.to_le_bytes());
                }
                mend(&mut other);
                let mut result = Ok(());
                let used = measure(|| result = read(name, &other));
                assert!(result.is_err() && used.bytes_max < 100_000, "{name}, {channels}: {result:?}, {used:?}");
            }
        }
    }
}

#[test]
fn other_rules_kinds_and_lanes_are_refused_by_name() {
    let mut bytes = Vec::new();
    Bank::<RobustMean>::new(RobustMean::new(decay()), 1).unwrap().write_snapshot(&mut bytes).unwrap();
    let message = |error: Result<(), SnapshotError>| error.unwrap_err().to_string();
    let read = |rule: RobustMean| message(Bank::<RobustMean>::new(rule, 1).unwrap().read_snapshot(&bytes));
    let text = read(RobustMean::new(decay()).mean_faithful());
    assert_eq!(
        text,
        "the snapshot was made by RobustMean(gain 0.09427633573609331, clip 2.5, taper_from 3.5, reject 6.5, \
         scale_clip 2, patience 12, resolution 0, learns 0), not by RobustMean(gain 0.09427633573609331, clip 4, \
         taper_from 6, reject 12, scale_clip 2, patience 12, resolution 0, learns 0): it differs in clip, taper_from, \
         reject"
    );
    assert!(read(RobustMean::new(Decay::half_life(8.0).unwrap())).ends_with("it differs in gain"));
    assert!(read(RobustMean::new(decay()).patience(8).unwrap()).ends_with("it differs in patience"));
    assert!(read(RobustMean::new(decay()).resolution(1.0).unwrap()).ends_with("it differs in resolution"));
    assert!(read(RobustMean::new(decay()).resolution(Resolution::Learn).unwrap()).ends_with("it differs in learns"));
    assert!(read(in_time()).ends_with("it differs in gain, half_life_ns"));
    let cleaned = message(Bank::<CleanedEma>::new(CleanedEma::new(decay()), 1).unwrap().read_snapshot(&bytes));
    assert!(
        cleaned.contains("not by CleanedEma(gain 0.09427633573609331, reject 8, patience 10, resolution 0, learns 0)")
    );
    assert!(cleaned.ends_with("it differs in the rule"), "{cleaned}");
    let ema = message(Bank::<Ema>::new(Ema::new(decay()), 1).unwrap().read_snapshot(&bytes));
    assert!(ema.ends_with("not by Ema(gain 0.09427633573609331): it differs in the rule"), "{ema}");
    let single = message(Bank::<RobustMean, f32>::new(RobustMean::new(decay()), 1).unwrap().read_snapshot(&bytes));
    assert_eq!(single, "the snapshot is of a Bank of f64, not of a Bank of f32: read it into what it is of");
    let tracker = message(Tracker::<String>::new(RobustMean::new(decay())).unwrap().read_snapshot(&bytes));
    assert!(tracker.starts_with("the snapshot is of a Bank of f64, not of a Tracker of f64 with text for keys"));
    let mut keyed = Vec::new();
    Tracker::<u64>::new(RobustMean::new(decay())).unwrap().write_snapshot(&mut keyed, b"").unwrap();
    let key = message(Tracker::<String>::new(RobustMean::new(decay())).unwrap().read_snapshot(&keyed));
    assert!(key.contains("with numbers for keys, not of a Tracker of f64 with text for keys"), "{key}");
    let mut later = bytes;
    later[8] = 3;
    let mut bank = Bank::<RobustMean>::new(RobustMean::new(decay()), 1).unwrap();
    assert_eq!(bank.read_snapshot(&later), Err(SnapshotError::Format { found: 3, known: 2 }));
}

#[test]
fn a_note_has_its_bounds() {
    let tracker = Tracker::<Vec<u8>>::new(RobustMean::new(decay())).unwrap();
    assert!(tracker.write_snapshot(&mut Vec::new(), &vec![0; (1 << 19) + 1]).is_err());
    let mut bytes = Vec::new();
    tracker.write_snapshot(&mut bytes, &vec![9; 1 << 19]).unwrap();
    assert_eq!(SnapshotInfo::of(&bytes).unwrap().note.len(), 1 << 19);
}

/// Nothing that is counted on from a snapshot can overflow.
#[test]
fn counters_have_room() {
    let mut tracker = Tracker::<u64>::new(RobustMean::new(decay())).unwrap();
    tracker.update(&1, 1.0).unwrap();
    let mut bytes = Vec::new();
    tracker.write_snapshot(&mut bytes, b"").unwrap();
    // The samples of the one series, behind its four columns and its score; the first of the counters, before the clock.
    let body = bytes.len() - 4 - (4 * 8 + (8 + 4 * 8 + 4) + (4 + 8) + 10 * 8 + 17);
    for at in [body + 5 * 8, bytes.len() - 4 - 17 - 10 * 8] {
        let mut other = bytes.clone();
        assert_eq!(other[at..at + 8], 1_u64.to_le_bytes());
        for (count, is_refused) in [(u64::MAX / 2, false), (u64::MAX / 2 + 1, true), (u64::MAX, true)] {
            other[at..at + 8].copy_from_slice(&count.to_le_bytes());
            mend(&mut other);
            let result = Tracker::<u64>::new(RobustMean::new(decay())).unwrap().read_snapshot(&other);
            assert_eq!(matches!(result, Err(SnapshotError::Malformed { .. })), is_refused, "{result:?}");
        }
    }
}

/// The rows of late samples are there where one is not empty, and none is longer than those that are refused.
#[test]
fn rows_of_late_samples() {
    let new = || Tracker::<u64>::new(RobustMean::new(decay())).unwrap();
    let mut tracker = new();
    for (key, late) in [(1, 3), (2, 0), (3, 12)] {
        tracker.update_at(&key, 100, 1.0).unwrap();
        for _ in 0..late {
            tracker.update_at(&key, 99, 1.0).unwrap_err();
        }
    }
    let mut bytes = Vec::new();
    tracker.write_snapshot(&mut bytes, b"").unwrap();
    let rows = bytes.len() - 4 - 17 - 10 * 8 - 3 * (4 + 8) - 3;
    assert_eq!((bytes[20], &bytes[rows..rows + 3]), (2, &[3, 0, 12][..]));
    for (row, is_refused) in [([3, 0, 12], false), ([0, 0, 1], false), ([0, 0, 0], true), ([0, 13, 1], true)] {
        let mut other = bytes.clone();
        other[rows..rows + 3].copy_from_slice(&row);
        mend(&mut other);
        let mut read = new();
        let result = read.read_snapshot(&other);
        assert_eq!(matches!(result, Err(SnapshotError::Malformed { .. })), is_refused, "{result:?}");
        if row[2] == 12 {
            assert_eq!(read.update_at(&3, 98, 1.0).map(|seen| seen.accepted), Ok(true), "the thirteenth is taken");
        }
    }
    // Some series are written with theirs, and the others as if nothing had been late.
    for (key, mark) in [(1, 2), (2, 0)] {
        let mut some = Vec::new();
        tracker.write_series(&mut some, [&key], b"").unwrap();
        assert_eq!(some[20], mark);
        let mut other = new();
        assert_eq!(other.add_snapshot(&some).unwrap(), 1);
        let refused = (0..20).take_while(|_| other.update_at(&key, 99, 1.0).is_err()).count();
        assert_eq!(refused, if key == 1 { 9 } else { 12 });
    }
    // Format 1 had none.
    let mut first = bytes;
    (first[8], first[20]) = (1, 2);
    mend(&mut first);
    assert!(new().read_snapshot(&first).is_err());
}

/// Half of the resolution is what a scale is at least where it is used, and is never stored.
#[test]
fn the_resolution_is_not_stored() {
    let rule = RobustMean::new(decay()).resolution(2.0).unwrap();
    let mut bank = Bank::<RobustMean, f32>::new(rule, 1).unwrap();
    for _ in 0..10 {
        bank.update(&[1.0]).unwrap();
    }
    let bytes = bank_bytes(&bank);
    for (scale, used) in [(2.0_f32, 2.0), (0.99, 1.0), (1e-5, 1.0)] {
        bank.read_snapshot(&with_word(&bytes, [4, 1], [1, 0], scale.to_bits())).unwrap();
        assert_eq!(bank.reading(0).unwrap().scale, used);
        assert_eq!(bank.scales().collect::<Vec<_>>(), [used]);
    }
}

#[test]
fn only_trackers_have_notes() {
    let (_, bytes) = samples_of_all().swap_remove(0);
    let end = 16 + u32::from_le_bytes(bytes[12..16].try_into().unwrap()) as usize;
    let mut noted = bytes[..end - 8].to_vec();
    noted.extend(1_u64.to_le_bytes());
    noted.push(b'!');
    noted.extend(&bytes[end..]);
    noted[12..16].copy_from_slice(&u32::try_from(end - 16 + 1).unwrap().to_le_bytes());
    mend(&mut noted);
    assert_eq!(read("bank", &noted), Err(SnapshotError::Malformed { what: "only trackers have notes" }));
}
