//! Promise: state survives. What is restored goes on to the bit, on any backend; what is damaged, cut, of another rule or of
//! another kind is an error that says so and changes nothing; and what was once written is read for ever (`golden.rs`).

use crate::{oracle, support};
use allocation_counter::measure;
use core::ops::Range;
use core::time::Duration;
use evenkeel::{
    Bank, ClippedEma, Decay, Ema, Estimator, Idle, Layer, LayerRule, LearningRate, Numerator, Overflow,
    RelaxedNumerator, RobustMean, SnapshotError, SnapshotInfo, SnapshotKind, Tracker,
};
use oracle::Float;
use support::checksums::mend;
use support::random::Random;
use support::{both_types, every_backend};

fn decay() -> Decay {
    Decay::half_life(7.0).unwrap()
}

fn in_time() -> RobustMean {
    RobustMean::new(Decay::half_life_time(Duration::from_secs(60)).unwrap())
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

fn tracker_bytes<T: Float>(tracker: &Tracker<String, RobustMean, T>) -> Vec<u8> {
    let mut bytes = Vec::new();
    tracker.write_snapshot(&mut bytes, b"a note").unwrap();
    bytes
}

const CHANNELS: usize = 75;

/// Written at any time, on any backend, and gone on with on any other.
fn one_bank<R: Estimator + Copy, T: Float>(rule: R) {
    let block = Random::new(50).hostile::<T>(60, CHANNELS);
    let mut whole = Bank::<R, T>::new(rule, CHANNELS).unwrap();
    for at in [0, 1, 2, 13, 40] {
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
    one_bank::<_, T>(Ema::new(decay()));
    one_bank::<_, T>(ClippedEma::new(decay()));
}

fn a_bank_in_time_goes_on<T: Float>() {
    let block = Random::new(51).hostile::<T>(60, CHANNELS);
    let feed = |bank: &mut Bank<RobustMean, T>, rows: Range<usize>| {
        for row in rows {
            let elapsed = Duration::from_millis(100 * row as u64);
            bank.update_after(elapsed, &block[row * CHANNELS..][..CHANNELS]).unwrap();
        }
    };
    let mut bank = Bank::<RobustMean, T>::new(in_time(), CHANNELS).unwrap();
    feed(&mut bank, 0..20);
    let mut restored = Bank::<RobustMean, T>::new(in_time(), 0).unwrap();
    restored.read_snapshot(&bank_bytes(&bank)).unwrap();
    feed(&mut bank, 20..60);
    feed(&mut restored, 20..60);
    assert!(bank_bytes(&bank) == bank_bytes(&restored), "the silence of each channel is remembered");
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
}

/// A tracker with everything that it can have, and a stream for it.
fn tracker<T: Float>() -> Tracker<String, RobustMean, T> {
    let whole = in_time().resolution(1.0).unwrap();
    let tracker = Tracker::<String, RobustMean, T>::new(in_time()).unwrap().whole_numbers(whole).unwrap();
    tracker.max_series(20, Overflow::Evict).max_idle(Idle::Time(Duration::from_secs(100)))
}

fn feed<T: Float>(tracker: &mut Tracker<String, RobustMean, T>, rounds: Range<i64>) -> Vec<String> {
    let mut answers = Vec::new();
    for round in rounds {
        let mut random = Random::new(7000 + round.cast_unsigned());
        let key = format!("series {}", round / 100 + i64::try_from(random.below(25)).unwrap());
        let time = round * 1_000_000_000 - if random.below(20) == 0 { 30_000_000_000 } else { 0 };
        let sample =
            if random.below(3) == 0 { random.hostile::<T>(1, 1)[0] } else { T::from_f64(random.gauss().round()) };
        answers.push(format!("{:?}", tracker.update_at(key.as_str(), time, sample)));
    }
    answers
}

fn trackers_go_on<T: Float>() {
    for at in [0, 1, 30, 500, 1234] {
        let mut tracker = tracker::<T>();
        feed(&mut tracker, 0..at);
        let bytes = tracker_bytes(&tracker);
        let info = SnapshotInfo::of(&bytes).unwrap();
        assert_eq!((info.kind, info.channels), (SnapshotKind::Tracker, tracker.len() as u64));
        assert_eq!((info.note.as_slice(), info.rules.len(), info.lane), (&b"a note"[..], 2, T::NAME));
        let mut restored = self::tracker::<T>();
        restored.update_at("left behind", 5, T::ONE).unwrap();
        restored.read_snapshot(&bytes).unwrap();
        assert!(tracker_bytes(&restored) == bytes, "what is read is what is written");
        assert_eq!(restored.counters(), tracker.counters());
        assert!(restored.iter().map(|(key, _)| key).eq(tracker.iter().map(|(key, _)| key)), "order");
        assert_eq!(feed(&mut tracker, at..2000), feed(&mut restored, at..2000), "from {at}");
        assert!(tracker_bytes(&restored) == tracker_bytes(&tracker), "gone on to the bit");
    }
}

/// Some series go to another process, and both together are the one that had them all.
fn series_are_moved<T: Float>() {
    let rule = RobustMean::new(decay());
    let new = || Tracker::<String, RobustMean, T>::new(rule).unwrap();
    let (mut all, mut rest, mut moved) = (new(), new(), new());
    let names: Vec<String> = (0..30).map(|n| format!("series {n}")).collect();
    let samples = Random::new(53).hostile::<T>(40, names.len());
    let feed = |tracker: &mut Tracker<String, RobustMean, T>, rows: Range<usize>, only_known: bool| {
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

/// A small snapshot of each kind.
fn samples_of_all() -> Vec<(&'static str, Vec<u8>)> {
    let mut bank = Bank::<RobustMean, f32>::new(RobustMean::new(decay()), 3).unwrap();
    bank.update(&[1.0, f32::NAN, 3.0]).unwrap();
    let mut timed = Bank::<RobustMean>::new(in_time(), 2).unwrap();
    timed.update_after(Duration::ZERO, &[1.0, f64::NAN]).unwrap();
    let mut layer = Layer::<LearningRate>::new(LearningRate::new(1.0).unwrap(), 2).unwrap();
    layer.update(&[1.0, 2.0], &[0.5, -0.5]).unwrap();
    let mut tracker = tracker::<f64>();
    feed(&mut tracker, 0..5);
    vec![
        ("bank", bank_bytes(&bank)),
        ("timed", bank_bytes(&timed)),
        ("layer", layer_bytes(&layer)),
        ("tracker", tracker_bytes(&tracker)),
    ]
}

/// Reads as what it is, into something that has state already, and looks that an error leaves that alone.
fn read(name: &str, bytes: &[u8]) -> Result<(), SnapshotError> {
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
        _ => {
            let mut tracker = tracker::<f64>();
            tracker.update_at("left alone", 5, 1.0).unwrap();
            let before = tracker_bytes(&tracker);
            (tracker.read_snapshot(bytes), before, tracker_bytes(&tracker))
        }
    };
    assert!(result.is_ok() || before == after, "{name}: {result:?} and yet something changed");
    result
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
            if (name, at) == ("tracker", 20) {
                continue; // what series were idle by may be something else than here
            }
            for value in [0, 1, 0x7f, 0x80, 0xff, random.below(256)] {
                let mut other = bytes.clone();
                other[at] = u8::try_from(value).unwrap();
                mend(&mut other);
                let again = match name {
                    "bank" => {
                        let mut bank = Bank::<RobustMean, f32>::new(RobustMean::new(decay()), 0).unwrap();
                        bank.read_snapshot(&other).map(|()| bank_bytes(&bank))
                    }
                    "timed" => {
                        let mut bank = Bank::<RobustMean>::new(in_time(), 0).unwrap();
                        bank.read_snapshot(&other).map(|()| bank_bytes(&bank))
                    }
                    "layer" => {
                        let mut layer = Layer::<LearningRate>::new(LearningRate::new(1.0).unwrap(), 2).unwrap();
                        layer.read_snapshot(&other).map(|()| layer_bytes(&layer))
                    }
                    _ => {
                        let mut tracker = tracker::<f64>();
                        let note = SnapshotInfo::of(&other).map(|info| info.note).unwrap_or_default();
                        let read = tracker.read_snapshot(&other);
                        read.map(|()| {
                            let mut again = Vec::new();
                            tracker.write_snapshot(&mut again, &note).unwrap();
                            again
                        })
                    }
                };
                match again {
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

/// States that no samples lead to are refused, each by its channel.
#[test]
fn impossible_states_are_refused() {
    let (_, bytes) = samples_of_all().swap_remove(0);
    let columns = bytes.len() - 4 - 4 * 3 * 4;
    let set = |column: usize, channel: usize, word: u32| {
        let mut other = bytes.clone();
        let at = columns + 4 * (3 * column + channel);
        other[at..at + 4].copy_from_slice(&word.to_le_bytes());
        mend(&mut other);
        read("bank", &other)
    };
    let number = f32::to_bits;
    let refused = |channel| Err(SnapshotError::State { channel, rule: "RobustMean" });
    assert_eq!(set(0, 0, number(0.5)), Ok(()), "another location is as good");
    assert_eq!(set(0, 0, number(1.5)), refused(0), "its scale is below its part of that");
    assert_eq!(set(3, 0, 1 << 23), refused(0), "a strike without a sample");
    assert_eq!(set(0, 0, number(f32::NAN)), refused(0));
    assert_eq!(set(0, 2, number(f32::INFINITY)), refused(2));
    assert_eq!(set(0, 2, number(f32::MAX)), refused(2));
    assert_eq!(set(0, 1, number(0.0)), refused(1), "a location without a sample");
    assert_eq!(set(1, 0, number(0.0)), refused(0), "a scale below its floor");
    assert_eq!(set(1, 0, number(-1.0)), refused(0));
    assert_eq!(set(1, 0, number(f32::NAN)), refused(0));
    assert_eq!(set(2, 0, number(f32::NEG_INFINITY)), refused(0));
    assert_eq!(set(3, 0, 0), refused(0), "a state without an age");
    assert_eq!(set(3, 0, (12 << 23) + 11), Ok(()));
    assert_eq!(set(3, 0, (13 << 23) + 11), refused(0), "more strikes than patience");
    assert_eq!(set(3, 0, 12), refused(0), "older than the memory is long");
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
        "the snapshot was made by RobustMean(gain 0.09427633573609331, clip 2, taper_from 5, reject 8, scale_clip 2, \
         patience 12, resolution 0), not by RobustMean(gain 0.09427633573609331, clip 3, taper_from inf, reject inf, \
         scale_clip 3, patience 12, resolution 0): it differs in clip, taper_from, reject, scale_clip"
    );
    assert!(read(RobustMean::new(Decay::half_life(8.0).unwrap())).ends_with("it differs in gain"));
    assert!(read(RobustMean::new(decay()).patience(8).unwrap()).ends_with("it differs in patience"));
    assert!(read(RobustMean::new(decay()).resolution(1.0).unwrap()).ends_with("it differs in resolution"));
    assert!(read(in_time()).ends_with("it differs in gain, half_life_ns"));
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
    let whole = Tracker::<u64>::new(RobustMean::new(decay())).unwrap().whole_numbers(RobustMean::new(decay()));
    let whole = message(whole.unwrap().read_snapshot(&keyed));
    assert!(whole.ends_with("it differs in a rule of its own for whole numbers"), "{whole}");
    let mut later = bytes;
    later[8] = 2;
    let mut bank = Bank::<RobustMean>::new(RobustMean::new(decay()), 1).unwrap();
    assert_eq!(bank.read_snapshot(&later), Err(SnapshotError::Format { found: 2, known: 1 }));
}

#[test]
fn a_note_has_its_bounds() {
    let tracker = Tracker::<Vec<u8>>::new(RobustMean::new(decay())).unwrap();
    assert!(tracker.write_snapshot(&mut Vec::new(), &vec![0; (1 << 19) + 1]).is_err());
    let mut bytes = Vec::new();
    tracker.write_snapshot(&mut bytes, &vec![9; 1 << 19]).unwrap();
    assert_eq!(SnapshotInfo::of(&bytes).unwrap().note.len(), 1 << 19);
}

/// A rule for whole numbers is the other one with another resolution, coarser or finer.
#[test]
fn whole_numbers_are_of_the_same_rule() {
    let rule = RobustMean::new(decay());
    let with = |whole| Tracker::<u64>::new(rule).unwrap().whole_numbers(whole);
    for (other, differs) in [
        (RobustMean::new(Decay::half_life(600.0).unwrap()), "gain"),
        (rule.patience(20).unwrap(), "patience"),
        (in_time(), "half_life_ns, gain"),
    ] {
        let error = with(other).unwrap_err().to_string();
        assert!(error.contains(&format!("differs in {differs}:")), "{error}");
    }
    for (plain, whole) in [(0.0, 1.0), (2.0, 1.0)] {
        let (plain, whole) = (rule.resolution(plain).unwrap(), rule.resolution(whole).unwrap());
        let new = || Tracker::<u64>::new(plain).unwrap().whole_numbers(whole).unwrap();
        let mut tracker = new();
        for sample in [7.0, 7.0, 8.0, 7.0] {
            tracker.update(&1, sample).unwrap();
            tracker.update(&2, sample + 0.5).unwrap();
        }
        let mut bytes = Vec::new();
        tracker.write_snapshot(&mut bytes, b"").unwrap();
        new().read_snapshot(&bytes).unwrap();
    }
}

/// Nothing that is counted on from a snapshot can overflow.
#[test]
fn counters_have_room() {
    let mut tracker = Tracker::<u64>::new(RobustMean::new(decay())).unwrap();
    tracker.update(&1, 1.0).unwrap();
    let mut bytes = Vec::new();
    tracker.write_snapshot(&mut bytes, b"").unwrap();
    // The samples of the one series, behind its four columns and its score; the first of the counters, before the clock.
    let body = bytes.len() - 4 - (4 * 8 + (8 + 4 * 8 + 4 + 1) + (4 + 8) + 10 * 8 + 17);
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

/// The scale is at least half the resolution.
#[test]
fn a_scale_below_the_floor_is_refused() {
    let mut bank = Bank::<RobustMean, f32>::new(RobustMean::new(decay()).resolution(2.0).unwrap(), 1).unwrap();
    bank.update(&[1.0]).unwrap();
    let mut bytes = bank_bytes(&bank);
    let scale = bytes.len() - 4 - 3 * 4;
    assert_eq!(bytes[scale..scale + 4], 1.0_f32.to_le_bytes());
    for (value, expected) in [(2.0_f32, Ok(())), (0.99, Err(SnapshotError::State { channel: 0, rule: "RobustMean" }))] {
        bytes[scale..scale + 4].copy_from_slice(&value.to_le_bytes());
        mend(&mut bytes);
        assert_eq!(bank.read_snapshot(&bytes), expected, "{value}");
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
