//! Location and scale are those of the specification, to the last bit.
//!
//! The oracle is a plain scalar loop over one series, written from the equations and sharing nothing with the library.

use crate::support::{noise, rows, stdout, track};
use std::fmt::Write;

/// The constants of the specification in `f64`.
struct Spec {
    alpha: f64,
    clip: f64,
    /// `None` keeps psi flat.
    reject: Option<f64>,
    scale_clip: f64,
    patience: f64,
    floor: f64,
}

const TAPER_FROM: f64 = 5.0;
const STRIKE_AT: f64 = 4.0;
const REGROW: f64 = 8.0;

impl Spec {
    fn robust(alpha: f64) -> Self {
        let floor = 2_f64.powi(-960);
        Self { alpha, clip: 2.0, reject: Some(8.0), scale_clip: 2.0, patience: 12.0, floor }
    }

    fn mean_faithful(alpha: f64) -> Self {
        Self { clip: 3.0, reject: None, scale_clip: 3.0, ..Self::robust(alpha) }
    }
}

/// One series.
#[derive(Clone, Copy)]
struct Channel {
    location: f64,
    scale: f64,
    last_strike: f64,
    strikes: f64,
    age: f64,
}

impl Channel {
    const UNSEEN: Self = Self { location: f64::NAN, scale: 0.0, last_strike: 0.0, strikes: 0.0, age: 0.0 };

    /// One sample; the score it had and whether it was an outlier.
    fn step(&mut self, p: &Spec, u: f64) -> (f64, bool) {
        let half_max = f64::MAX / 2.0;
        let finite = u.abs() <= half_max + half_max;
        let first = self.age == 0.0;
        if u.is_nan() || (first && !finite) {
            return (f64::NAN, false);
        }
        let x = u.clamp(-half_max, half_max);
        let residual = x - self.location;
        let size = residual.abs();
        let strike = size > STRIKE_AT * self.scale;
        let score = if first { f64::NAN } else { residual / self.scale };
        let struck = if strike { (self.strikes + 1.0).min(p.patience) } else { (self.strikes - 1.0).max(0.0) };
        let (location, scale) = if first || (struck >= p.patience && finite) {
            let opened = if first {
                (x, 2_f64.powi(-20) * x.abs())
            } else {
                let cap = if self.age <= 1.0 { REGROW * self.scale } else { self.scale };
                (median(x, self.last_strike, self.location), size.min(cap))
            };
            (self.strikes, self.age) = (p.patience - 1.0, 1.0);
            opened
        } else {
            self.age = (self.age + 1.0).min(1.0 / p.alpha);
            let gain = (1.0 / self.age).max(p.alpha);
            let mut kept = size.min(p.clip * self.scale);
            if let Some(reject) = p.reject {
                let slope = p.clip / (reject - TAPER_FROM);
                kept = kept.min(((reject * self.scale - size) * slope).max(0.0));
            }
            let signed = if residual >= 0.0 { kept } else { -kept };
            let grow = size.min(p.scale_clip * self.scale);
            self.strikes = struck;
            (self.location + gain * signed, self.scale + gain * (grow - self.scale))
        };
        self.location = location;
        self.scale = scale.max((2_f64.powi(-40) * location.abs()).max(p.floor));
        if first || strike {
            self.last_strike = x;
        }
        (score, strike && !first)
    }
}

fn median(a: f64, b: f64, c: f64) -> f64 {
    let mut three = [a, b, c];
    three.sort_by(f64::total_cmp);
    three[1]
}

/// Noise, spikes, both infinities, missing samples, level shifts, a constant stretch and huge values.
fn story(seed: u64) -> Vec<f64> {
    let mut noise = noise(seed);
    let mut samples = vec![f64::NAN, f64::INFINITY, 1e6];
    for (level, spread, length) in
        [(10.0, 1.0, 120), (60.0, 0.5, 60), (60.0, 0.0, 40), (-3.0, 0.01, 60), (-3.0, 5.0, 60), (0.1, 1e-3, 60)]
    {
        samples.extend(noise.by_ref().take(length).map(|number| level + spread * number));
    }
    for (index, sample) in samples.iter_mut().enumerate().skip(30) {
        match index % 37 {
            5 => *sample += 1e6,
            11 => *sample = f64::NAN,
            17 if index % 2 == 0 => *sample = f64::INFINITY,
            17 => *sample = f64::NEG_INFINITY,
            23 if index % 3 == 0 => *sample = f64::MAX,
            _ => {}
        }
    }
    samples
}

fn agree(spec: &Spec, args: &[&str]) {
    let series: Vec<Vec<f64>> = (1..=3).map(story).collect();
    let mut input = "t,a,b,c\n".to_owned();
    for (row, ((a, b), c)) in series[0].iter().zip(&series[1]).zip(&series[2]).enumerate() {
        writeln!(input, "T{row},{a:e},{b:?},{c}").unwrap();
    }
    let alpha = spec.alpha.to_string();
    let run = track(input, &[&["--alpha", &alpha], args].concat()).success();
    let rows = rows(&stdout(&run));
    assert_eq!(rows.len(), 3 * series[0].len());
    let mut channels = [Channel::UNSEEN; 3];
    let mut outliers = 0;
    for (index, row) in rows.iter().enumerate() {
        let (which, sample) = (index % 3, series[index % 3][index / 3]);
        let (score, outlier) = channels[which].step(spec, sample);
        let Channel { location, scale, .. } = channels[which];
        let expected = [sample, location, if location.is_nan() { f64::NAN } else { scale }, score];
        let got = [row.value, row.location, row.scale, row.score];
        let same = expected.iter().zip(&got).all(|(a, b)| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan());
        assert!(same, "row {index}: expected {expected:?}, got {got:?}");
        assert_eq!(row.outlier, outlier, "row {index}");
        outliers += u32::from(outlier);
    }
    assert!(outliers > 50, "the story visits few branches: {outliers} outliers");
}

#[test]
fn robust_is_the_specification_to_the_bit() {
    agree(&Spec::robust(0.01), &["--resolution", "none"]);
    agree(&Spec::robust(0.2), &["--resolution", "none"]);
    agree(&Spec { patience: 5.0, ..Spec::robust(0.03) }, &["--resolution", "none", "--patience", "5"]);
}

#[test]
fn mean_faithful_is_the_specification_to_the_bit() {
    agree(&Spec::mean_faithful(0.01), &["--resolution", "none", "--preset", "mean"]);
}

#[test]
fn a_given_resolution_is_the_specification_to_the_bit() {
    agree(&Spec { floor: 0.25, ..Spec::robust(0.01) }, &["--resolution", "0.5"]);
}

#[test]
fn printed_numbers_read_back_to_the_same_bits() {
    let mut bits = 42_u64;
    let numbers: Vec<f64> = std::iter::repeat_with(|| {
        bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from_bits(bits)
    })
    .filter(|number| number.is_finite())
    .take(2000)
    .chain([0.0, -0.0, 5e-324, f64::MIN_POSITIVE, f64::MAX, -f64::MAX, 0.1 + 0.2])
    .collect();
    let input: String = numbers.iter().fold("a\n".to_owned(), |text, number| format!("{text}{number:e}\n"));
    for format in ["csv", "ndjson"] {
        let run = track(input.clone(), &["--output-format", format]).success();
        let values: Vec<f64> = if format == "csv" {
            rows(&stdout(&run)).iter().map(|row| row.value).collect()
        } else {
            let value = |line| serde_json::from_str::<serde_json::Value>(line).unwrap()["value"].as_f64().unwrap();
            stdout(&run).lines().map(value).collect()
        };
        assert_eq!(values.len(), numbers.len());
        for (read, number) in values.iter().zip(&numbers) {
            assert_eq!(read.to_bits(), number.to_bits(), "{number:e} in {format}");
        }
    }
}
