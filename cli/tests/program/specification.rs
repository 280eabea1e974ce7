//! Location and scale are those of the specification, to the last bit.
//!
//! The oracle is a plain scalar loop over one series, written from the equations and sharing nothing with the library.

use crate::support::{noise, rows, stdout, track};
use std::fmt::Write;

const STRIKE_AT: f64 = 4.0;
/// So many samples of a series are its start.
const START: i64 = 5;
/// Strikes are counted in quarters: what one adds, and what any other sample takes back.
const STRIKE: i64 = 4;
const CALM: i64 = 5;
/// `2^-960`
const TINY: f64 = f64::from_bits(63 << 52);
const HALF_MAX: f64 = f64::MAX / 2.0;
const FIRST_SCALE: f64 = 1.0 / 1_048_576.0;

/// The constants of the specification in `f64`.
#[derive(Clone, Copy)]
struct Spec {
    alpha: f64,
    clip: f64,
    taper_from: f64,
    reject: f64,
    patience: i64,
    /// Half the resolution.
    floor: f64,
    /// The resolution is learnt.
    learns: bool,
}

impl Spec {
    fn robust(alpha: f64) -> Self {
        Self { alpha, clip: 2.5, taper_from: 3.5, reject: 6.5, patience: 12, floor: 0.0, learns: false }
    }

    fn mean_faithful(alpha: f64) -> Self {
        Self { clip: 4.0, taper_from: 6.0, reject: 12.0, ..Self::robust(alpha) }
    }

    /// The judge of a clean average.
    fn judge(self) -> Self {
        Self { alpha: self.alpha.max(0.1), patience: 10, ..self }
    }

    fn full(&self) -> f64 {
        1.0 / self.alpha
    }

    /// What is left of a residual.
    fn psi(&self, residual: f64, scale: f64) -> f64 {
        let (size, slope) = (residual.abs(), self.clip / (self.reject - self.taper_from));
        let kept = size.min(self.clip * scale).min(((self.reject * scale - size) * slope).max(0.0));
        if residual >= 0.0 { kept } else { -kept }
    }

    /// Age and gain after one more sample.
    fn older(&self, age: f64) -> (f64, f64) {
        let full = self.full();
        let counting = age == age.floor();
        if counting && age + 1.0 <= full {
            return (age + 1.0, 1.0 / (age + 1.0));
        }
        let mut weight = age + (1.0 - self.alpha * age);
        if counting {
            weight = weight.max((age + 1.0).min(full));
        }
        weight = weight.min((8.0 * full).max(1.0));
        if (weight - full).abs() <= 2.0_f64.powi(-23) {
            weight = full;
        }
        let gain = 1.0 / weight;
        (weight, if weight == full && gain < self.alpha { self.alpha } else { gain })
    }
}

/// What a sample was.
struct Verdict {
    score: f64,
    outlier: bool,
    reopened: bool,
}

impl Verdict {
    const NONE: Self = Self { score: f64::NAN, outlier: false, reopened: false };
}

/// One series.
#[derive(Clone, Copy, PartialEq)]
struct Robust {
    location: f64,
    scale: f64,
    last_strike: f64,
    strikes: i64,
    age: f64,
    /// The step is ten to minus this; 7 is none.
    exponent: i32,
}

impl Robust {
    const UNSEEN: Self = Self { location: f64::NAN, scale: 0.0, last_strike: 0.0, strikes: 0, age: 0.0, exponent: 0 };

    fn is_starting(&self, p: &Spec) -> bool {
        self.age == 0.0 || self.strikes > 4 * p.patience
    }

    /// The scale that judges.
    fn used(&self, p: &Spec) -> f64 {
        let floor = match self.exponent {
            _ if !p.learns => p.floor,
            7 => 0.0,
            exponent => 0.5 / 10.0_f64.powi(exponent),
        };
        self.scale.max(floor)
    }

    fn vote(&mut self, x: f64) {
        if self.exponent < 7 {
            let multiple = x.abs() * 10.0_f64.powi(self.exponent);
            let distance = (multiple - multiple.round_ties_even()).abs();
            self.exponent += i32::from(distance > 2.0_f64.powi(-40) * multiple);
        }
    }

    /// One sample. Nothing where it does not count.
    fn step(&mut self, p: &Spec, u: f64) -> Option<Verdict> {
        let (first, starting, patience) = (self.age == 0.0, self.is_starting(p), 4 * p.patience);
        if u.is_nan() || starting && u.is_infinite() {
            return None;
        }
        let x = u.clamp(-HALF_MAX, HALF_MAX);
        if first {
            *self =
                Self { location: x, scale: TINY, last_strike: x, strikes: patience + START - 1, age: 1.0, exponent: 0 };
            return Some(Verdict::NONE);
        }
        let (Self { location, scale, last_strike, strikes, age, .. }, used) = (*self, self.used(p));
        let residual = x - location;
        let size = residual.abs();
        let strike = size > STRIKE_AT * used;
        if starting {
            self.start(p, x, used);
            self.vote(x);
            return Some(Verdict::NONE);
        }
        let alive = scale > 2.0 * TINY.max(FIRST_SCALE * location.abs());
        let struck = if strike {
            (strikes + STRIKE).min(patience)
        } else {
            (strikes - if alive { CALM } else { STRIKE }).max(0)
        };
        let reach = 2.0 * (last_strike - location).abs().max(STRIKE_AT * used);
        let landed = if age <= 1.0 { x } else { (location + residual.clamp(-reach, reach)).clamp(-HALF_MAX, HALF_MAX) };
        let new_strike = if strike { landed } else { last_strike };
        let floored = |scale: f64, location: f64| scale.max(TINY.max(2.0_f64.powi(-40) * location.abs()));
        let reopened = struck >= patience && u.is_finite();
        if reopened {
            let young = age == age.floor() && age + 1.0 <= p.full();
            let growth = if age <= 1.0 {
                8.0
            } else if young {
                4.0
            } else {
                1.0
            };
            let mut scale = size.min(growth * used);
            if !alive {
                scale = scale.max(FIRST_SCALE * size);
            }
            self.location = median(new_strike, last_strike, location);
            self.scale = floored(scale, self.location);
            self.strikes = patience - if age <= 1.0 { STRIKE } else { patience.min(16) };
            self.age = 1.0;
        } else {
            let (new_age, gain) = p.older(age);
            self.location = (location + gain * p.psi(residual, used)).clamp(-HALF_MAX, HALF_MAX);
            self.scale = floored(scale + gain.min(0.5) * (size.min(2.0 * used) - scale), self.location);
            (self.strikes, self.age) = (struck, new_age);
        }
        self.last_strike = new_strike;
        if !strike {
            self.vote(x);
        }
        Some(Verdict { score: residual / used, outlier: strike, reopened })
    }

    /// One of the samples 2 to 5: a running median, and a scale from the nearest distances.
    fn start(&mut self, p: &Spec, x: f64, used: f64) {
        let Self { location, scale, last_strike, strikes, .. } = *self;
        let patience = 4 * p.patience;
        let (size, last) = ((x - location).abs(), (x - last_strike).abs());
        let number = (patience + START - strikes + 1) as f64;
        let near = 2.0 * size.min(last).min(HALF_MAX * 0.25);
        let cap = match number {
            2.0 => HALF_MAX,
            _ if used <= TINY => location.abs(),
            3.0 => used,
            _ => 8.0 * used,
        };
        let middle = median(x, last_strike, location);
        let scale = if near > TINY {
            (scale + (near.min(cap) - scale) / (number - 2.0).max(1.0)).min(32.0 * near)
        } else {
            scale.min(middle.abs().max(2.0 * size.max(last)))
        };
        let ends = strikes - 1 <= patience;
        let smallest = if ends { TINY.max(FIRST_SCALE * location.abs()) } else { TINY };
        self.age = if ends && scale > smallest { 3.0 } else { 1.0 };
        self.location = middle;
        self.scale = scale.max(smallest);
        self.last_strike = x;
        self.strikes = if ends { patience - STRIKE } else { strikes - 1 };
    }
}

fn median(a: f64, b: f64, c: f64) -> f64 {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    let middle = if high < c { high } else { c };
    if low > middle { low } else { middle }
}

/// An average as if the spikes had not been there.
#[derive(Clone, Copy)]
struct Cleaned {
    mean: f64,
    age: f64,
    pending: f64,
    judge: Robust,
}

impl Cleaned {
    const UNSEEN: Self = Self { mean: f64::NAN, age: 0.0, pending: 0.0, judge: Robust::UNSEEN };

    fn step(&mut self, p: &Spec, u: f64) -> Verdict {
        let (judge, before) = (p.judge(), self.judge);
        let Some(Verdict { score, reopened, .. }) = self.judge.step(&judge, u) else { return Verdict::NONE };
        if before.is_starting(&judge) {
            let is_done = !self.judge.is_starting(&judge);
            (self.mean, self.age, self.pending) = (self.judge.location, if is_done { 3.0 } else { 1.0 }, 0.0);
            return Verdict::NONE;
        }
        let x = u.clamp(-HALF_MAX, HALF_MAX);
        let outlier = (x - before.location).abs() > 8.0 * before.used(&judge) && !reopened;
        let (age, gain) = p.older(self.age);
        self.age = age;
        self.pending *= 1.0 - gain;
        if reopened {
            if age <= 8.0 || self.pending + gain > 0.5 {
                (self.mean, self.age, self.pending) = (self.judge.location, 1.0, 0.0);
                return Verdict { score, outlier, reopened };
            }
            self.mean += gain * (self.judge.location - self.mean);
            self.mean += self.pending * (self.judge.location - before.location);
            self.pending = 0.0;
        } else if outlier {
            self.mean += gain * (before.location - self.mean);
            self.pending += gain;
        } else {
            self.mean += gain * (x - self.mean);
            self.pending *= 1.0 - 0.1;
        }
        self.mean = self.mean.clamp(-HALF_MAX, HALF_MAX);
        Verdict { score, outlier, reopened }
    }
}

/// Any of them.
enum Channel {
    Robust(Robust),
    Cleaned(Cleaned),
}

impl Channel {
    /// One sample; location and scale after it, and what it was.
    fn step(&mut self, p: &Spec, u: f64) -> (f64, f64, Verdict) {
        let (location, judge, p, verdict) = match self {
            Self::Robust(robust) => {
                let verdict = robust.step(p, u).unwrap_or(Verdict::NONE);
                (robust.location, *robust, *p, verdict)
            }
            Self::Cleaned(cleaned) => {
                let verdict = cleaned.step(p, u);
                (cleaned.mean, cleaned.judge, p.judge(), verdict)
            }
        };
        let scale = if location.is_nan() { f64::NAN } else { judge.used(&p) };
        (location, scale, verdict)
    }
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
    // Recorded in ever finer steps, which only a series that begins with them can learn.
    if seed == 3 {
        for (index, sample) in samples.iter_mut().enumerate() {
            let steps = [1.0, 10.0, 100.0, 1e6][index / 110];
            *sample = (*sample * steps).round() / steps;
        }
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

fn agree(spec: &Spec, unseen: impl Fn() -> Channel, args: &[&str]) {
    let series: Vec<Vec<f64>> = (1..=3).map(story).collect();
    let mut input = "t,a,b,c\n".to_owned();
    for (row, ((a, b), c)) in series[0].iter().zip(&series[1]).zip(&series[2]).enumerate() {
        writeln!(input, "T{row},{a:e},{b:?},{c}").unwrap();
    }
    let alpha = spec.alpha.to_string();
    let run = track(input, &[&["--alpha", &alpha], args].concat()).success();
    let rows = rows(&stdout(&run));
    assert_eq!(rows.len(), 3 * series[0].len());
    let mut channels = [unseen(), unseen(), unseen()];
    let [mut outliers, mut reopenings] = [0; 2];
    for (index, row) in rows.iter().enumerate() {
        let (which, sample) = (index % 3, series[index % 3][index / 3]);
        let (location, scale, verdict) = channels[which].step(spec, sample);
        let expected = [sample, location, scale, verdict.score];
        let got = [row.value, row.location, row.scale, row.score];
        let same = expected.iter().zip(&got).all(|(a, b)| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan());
        assert!(same, "row {index}: expected {expected:?}, got {got:?}");
        assert_eq!(row.outlier, verdict.outlier, "row {index}");
        outliers += u32::from(verdict.outlier);
        reopenings += u32::from(verdict.reopened);
    }
    assert!(outliers > 50 && reopenings > 6, "few branches: {outliers} outliers, {reopenings} re-openings");
}

fn robust() -> Channel {
    Channel::Robust(Robust::UNSEEN)
}

fn cleaned() -> Channel {
    Channel::Cleaned(Cleaned::UNSEEN)
}

#[test]
fn robust_is_the_specification_to_the_bit() {
    let args = ["--preset", "robust", "--resolution", "none"];
    agree(&Spec::robust(0.01), robust, &args);
    agree(&Spec::robust(0.2), robust, &args);
    agree(&Spec { patience: 5, ..Spec::robust(0.03) }, robust, &[&args[..], &["--patience", "5"]].concat());
}

#[test]
fn mean_faithful_is_the_specification_to_the_bit() {
    agree(&Spec::mean_faithful(0.01), robust, &["--resolution", "none", "--preset", "mean"]);
}

#[test]
fn clean_is_the_specification_to_the_bit() {
    for alpha in [0.01, 0.2] {
        agree(&Spec::robust(alpha), cleaned, &["--preset", "clean", "--resolution", "none"]);
    }
}

#[test]
fn a_resolution_that_is_learnt_is_the_specification_to_the_bit() {
    for alpha in [0.01, 0.2] {
        let spec = Spec { learns: true, ..Spec::robust(alpha) };
        agree(&spec, cleaned, &[]);
        agree(&spec, robust, &["--preset", "robust"]);
        agree(&Spec { learns: true, ..Spec::mean_faithful(alpha) }, robust, &["--preset", "mean"]);
    }
}

#[test]
fn a_given_resolution_is_the_specification_to_the_bit() {
    let spec = Spec { floor: 0.25, ..Spec::robust(0.01) };
    agree(&spec, robust, &["--preset", "robust", "--resolution", "0.5"]);
    agree(&spec, cleaned, &["--resolution", "0.5"]);
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
