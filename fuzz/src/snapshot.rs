//! Target `snapshot`: any bytes to the readers of snapshots, as they are, with their checksums made right, and as changes of a
//! good one. Nothing panics, nothing is allocated for what is not there; what is read is written again byte for byte, and goes on
//! finite.

use crate::checksums::mend;
use crate::draw::Draw;
use crate::oracle::Float;
use evenkeel::{
    Bank, CleanedEma, ClippedEma, Decay, Ema, Estimator, Idle, Layer, LearningRate, Real, Resolution, RobustMean,
    SnapshotError, SnapshotInfo, Tracker,
};
use std::time::Duration;

pub fn check(bytes: &[u8]) {
    let mut draw = Draw::new(bytes);
    let (how, kind) = (draw.below(4), draw.below(8));
    let rest = bytes.get(2..).unwrap_or_default();
    let given = match how {
        0 => rest.to_vec(),
        1 => {
            let mut bytes = rest.to_vec();
            mend(&mut bytes);
            bytes
        }
        _ => changed(&mut draw, kind),
    };
    match kind {
        0 => bank::<RobustMean, f64>(counted(), &given),
        1 => bank::<RobustMean, f32>(in_time(), &given),
        2 => bank::<Ema, f32>(Ema::new(decay()), &given),
        3 => bank::<ClippedEma, f64>(ClippedEma::new(decay()), &given),
        4 => layer(&given),
        5 => tracker(&given),
        6 => bank::<CleanedEma, f64>(CleanedEma::new(decay()), &given),
        _ => bank::<CleanedEma, f32>(average(), &given),
    }
}

fn decay() -> Decay {
    Decay::half_life(7.0).expect("a good half-life")
}

fn counted() -> RobustMean {
    RobustMean::new(decay())
}

fn in_time() -> RobustMean {
    RobustMean::new(Decay::half_life_time(Duration::from_secs(60)).expect("a good half-life"))
}

/// In time, and learning its steps.
fn average() -> CleanedEma {
    let half_life = Decay::half_life_time(Duration::from_secs(60)).expect("a good half-life");
    CleanedEma::new(half_life).resolution(Resolution::Learn).expect("a good resolution")
}

fn new_bank<R: Estimator, T: Real>(rule: R, channels: usize) -> Bank<R, T> {
    Bank::new(rule, channels).expect("a good rule")
}

fn new_layer() -> Layer<LearningRate, f32> {
    Layer::new(LearningRate::new(1.0).expect("a good rate"), 3).expect("a good rule")
}

fn new_tracker() -> Tracker<String> {
    let learning = in_time().resolution(Resolution::Learn).expect("a good resolution");
    let tracker = Tracker::new(learning).expect("a good rule");
    tracker.max_idle(Idle::Time(Duration::from_secs(100)))
}

/// A good snapshot of this kind, with some of its bytes changed and its checksums made right again.
fn changed(draw: &mut Draw, kind: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let rows = draw.below(30);
    let written = match kind {
        0 => {
            let mut bank = new_bank::<_, f64>(counted(), 3);
            (0..rows).for_each(|row| bank.update(&[row as f64, f64::NAN, 5.0]).expect("a row"));
            bank.write_snapshot(&mut bytes)
        }
        1 => {
            let mut bank = new_bank::<_, f32>(in_time(), 3);
            let second = Duration::from_secs(1);
            (0..rows).for_each(|row| bank.update_after(second, &[row as f32, f32::NAN, 5.0]).expect("a row"));
            bank.write_snapshot(&mut bytes)
        }
        2 => {
            let mut bank = new_bank::<_, f32>(Ema::new(decay()), 3);
            (0..rows).for_each(|row| bank.update(&[row as f32, f32::NAN, 5.0]).expect("a row"));
            bank.write_snapshot(&mut bytes)
        }
        3 => {
            let mut bank = new_bank::<_, f64>(ClippedEma::new(decay()), 3);
            (0..rows).for_each(|row| bank.update(&[row as f64, f64::NAN, 5.0]).expect("a row"));
            bank.write_snapshot(&mut bytes)
        }
        4 => {
            let mut layer = new_layer();
            for row in 0..rows {
                layer.update(&[row as f32, 1.0, 2.0], &[0.5, -0.5, f32::NAN]).expect("a row");
            }
            layer.write_snapshot(&mut bytes)
        }
        6 => {
            let mut bank = new_bank::<_, f64>(CleanedEma::new(decay()), 3);
            (0..rows).for_each(|row| bank.update(&[row as f64, f64::NAN, 5.0]).expect("a row"));
            bank.write_snapshot(&mut bytes)
        }
        7 => {
            let mut bank = new_bank::<_, f32>(average(), 3);
            let second = Duration::from_secs(1);
            (0..rows).for_each(|row| bank.update_after(second, &[row as f32, f32::NAN, 5.5]).expect("a row"));
            bank.write_snapshot(&mut bytes)
        }
        _ => {
            let mut tracker = new_tracker();
            for row in 0..rows {
                let key = format!("{}", row % 5);
                tracker.update_at(key.as_str(), row as i64 * 1_000_000_000, row as f64 / 2.0).expect("memory");
            }
            tracker.write_snapshot(&mut bytes, b"note")
        }
    };
    written.expect("a vector takes anything");
    while !draw.is_empty() {
        let at = draw.below(256) * 256 + draw.below(256);
        let value = draw.byte();
        let length = bytes.len();
        match value % 8 {
            0 if draw.below(8) == 0 => bytes.truncate(at % length),
            1 if draw.below(8) == 0 => bytes.insert(at % length, value),
            _ => bytes[at % length] = value,
        }
        if bytes.is_empty() {
            break;
        }
    }
    mend(&mut bytes);
    bytes
}

/// A refusal has something to say; what is accepted is written again the same, if it is of the format that is written.
fn outcome(result: Result<Vec<u8>, SnapshotError>, given: &[u8]) -> bool {
    match result {
        Ok(again) => {
            // What is of format 1 is written as format 2.
            let is_first = SnapshotInfo::of(given).is_ok_and(|info| info.format == 1);
            assert!(is_first || again == given, "what is read is not what is written");
            true
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            false
        }
    }
}

fn bank<R: Estimator, T: Float>(rule: R, given: &[u8]) {
    let is_timed = SnapshotInfo::of(given)
        .is_ok_and(|info| info.rules.iter().any(|rule| rule.parameters.iter().any(|(name, _)| name == "half_life_ns")));
    let mut bank = new_bank::<R, T>(rule, 1);
    let read = bank.read_snapshot(given).map(|()| {
        let mut again = Vec::new();
        bank.write_snapshot(&mut again).expect("a vector takes anything");
        again
    });
    if outcome(read, given) && !is_timed {
        for sample in [T::ONE, T::LARGEST, T::ZERO, T::INFINITY, T::NAN, -T::LARGEST] {
            bank.update(&vec![sample; bank.len()]).expect("a row");
            for reading in bank.readings() {
                assert!(reading.location.finite() || reading.age == T::ZERO, "{reading:?}");
                assert!(reading.scale.finite() || reading.scale.nan(), "{reading:?}");
            }
        }
    }
}

fn layer(given: &[u8]) {
    let mut layer = new_layer();
    let read = layer.read_snapshot(given).map(|()| {
        let mut again = Vec::new();
        layer.write_snapshot(&mut again).expect("a vector takes anything");
        again
    });
    if outcome(read, given) {
        let mean = layer.update(&[1.0, f32::MAX, f32::NAN], &[f32::MAX, 1.0, 1.0]).expect("as many weights");
        assert!(mean.is_finite(), "{mean}");
    }
}

fn tracker(given: &[u8]) {
    // What series are idle by may be another thing than here, and is then written as that.
    let mut same = given.to_vec();
    if let Some(idle) = same.get_mut(20)
        && *idle == 0
    {
        *idle = 1;
        mend(&mut same);
    }
    let mut tracker = new_tracker();
    let note = SnapshotInfo::of(&same).map(|info| info.note).unwrap_or_default();
    let read = tracker.read_snapshot(&same).map(|()| {
        let mut again = Vec::new();
        tracker.write_snapshot(&mut again, &note).expect("a vector takes anything");
        again
    });
    if outcome(read, &same) {
        let keys: Vec<String> = tracker.iter().map(|(key, _)| key.clone()).collect();
        for (time, key) in (0..).zip(keys.iter().map(String::as_str).chain(["another"])) {
            let _ = tracker.update_at(key, time * 1_000_000_000, f64::MAX);
            let _ = tracker.update_at(key, i64::MAX, 1.0);
        }
        for (key, series) in tracker.iter() {
            assert!(series.location.is_finite() || series.location.is_nan(), "{key}: {series:?}");
        }
        let _ = Tracker::<u64>::new(in_time()).map(|mut other| other.add_snapshot(&same));
    }
}
