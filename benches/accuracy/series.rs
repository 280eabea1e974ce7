//! The signals: what each sample is, and what an estimate of the location is held against.
//!
//! The truth is, for noise about a level, that level, whatever is added to some samples: the centre of a symmetric
//! distribution, the mean of a skewed one. Where the level moves (drift, sinusoid, shifts) it is the level at that
//! sample, without the noise. For the autoregression it is the mean of the process, 0.

use crate::random::Random;
use evenkeel::Resolution;

/// A sample and the truth beside it.
pub(crate) struct Sample {
    pub(crate) value: f64,
    pub(crate) truth: f64,
}

/// One channel: the sample at each time, drawn one after the other.
type Channel = Box<dyn FnMut(usize, &mut Random) -> Sample>;

/// A kind of signal, of which there are many independent channels.
pub(crate) struct Series {
    pub(crate) name: String,
    /// The variance of the noise, without outliers: a plain average's error on it is the unit of the row. For the
    /// skewed distributions and the counts it is their variance; for the tails it is that of the Gaussian they are
    /// compared with.
    pub(crate) variance: f64,
    /// The number of channels, as a multiple of that of other rows: the Gaussian is what everything is compared with.
    pub(crate) weight: usize,
    /// The variance of a sample is infinite, and so is the mean squared error of whatever a sample moves without bound.
    pub(crate) endless: bool,
    /// The step in which the signal is recorded, as the library's estimators know it.
    pub(crate) resolution: Resolution,
    start: Box<dyn Fn(&mut Random) -> Channel>,
}

impl Series {
    /// A channel of its own.
    pub(crate) fn channel(&self, random: &mut Random) -> Channel {
        (self.start)(random)
    }

    fn new<C>(name: impl Into<String>, start: impl Fn(&mut Random) -> C + 'static) -> Self
    where
        C: FnMut(usize, &mut Random) -> Sample + 'static,
    {
        let start = Box::new(move |random: &mut Random| -> Channel { Box::new(start(random)) });
        Self { name: name.into(), variance: 1.0, weight: 1, endless: false, resolution: Resolution::default(), start }
    }

    /// Independent samples of one distribution.
    fn independent(
        name: impl Into<String>,
        (truth, variance): (f64, f64),
        draw: impl Fn(&mut Random) -> f64 + Copy + 'static,
    ) -> Self {
        let start = move |_: &mut Random| move |_, random: &mut Random| Sample { value: draw(random), truth };
        Self { variance, ..Self::new(name, start) }
    }

    /// Gaussian noise, to a share of which something is added. The first 200 samples of a channel are clean: a cold
    /// start among outliers is another question.
    fn contaminated(
        name: impl Into<String>,
        share: f64,
        outlier: impl Fn(&mut Random) -> f64 + Copy + 'static,
    ) -> Self {
        Self::new(name, move |_: &mut Random| {
            move |t, random: &mut Random| {
                let noise = random.gauss();
                let hit = t >= 200 && random.chance(share);
                Sample { value: if hit { noise + outlier(random) } else { noise }, truth: 0.0 }
            }
        })
    }

    /// Gaussian noise about a level that moves: a function of the time and of a phase from 0 to 1, drawn for each
    /// channel.
    fn moving(name: impl Into<String>, level: impl Fn(f64, f64) -> f64 + Copy + 'static) -> Self {
        Self::new(name, move |random: &mut Random| {
            let phase = random.unit();
            move |t, random: &mut Random| {
                let truth = level(t as f64, phase);
                Sample { value: truth + random.gauss(), truth }
            }
        })
    }
}

/// All rows of the table, in order.
pub(crate) fn all() -> Vec<Series> {
    let mut all = tails();
    for sides in ["one side", "both sides"] {
        let signed = sides == "both sides";
        for (size, label) in [(10.0, "10"), (100.0, "100"), (1e6, "1e6")] {
            for percent in [1, 5, 10, 20] {
                let name = format!("{percent}% at {}{label} sigma", if signed { "±" } else { "+" });
                let outlier = move |random: &mut Random| if signed && random.chance(0.5) { -size } else { size };
                all.push(Series::contaminated(name, f64::from(percent) / 100.0, outlier));
            }
        }
    }
    all.extend(weak_spots());
    all.extend(bursts());
    all.extend(moving());
    all.extend(skewed());
    all
}

fn tails() -> Vec<Series> {
    let symmetric = (0.0, 1.0);
    let mut tails = vec![
        Series { weight: 4, ..Series::independent("Gaussian", symmetric, Random::gauss) },
        // Of variance 1, as the Gaussian.
        Series::independent("Laplace", symmetric, |random| {
            let size = random.exponential() / std::f64::consts::SQRT_2;
            if random.chance(0.5) { -size } else { size }
        }),
    ];
    for (name, freedom) in
        [("Student t, 3 df", 3.0), ("Student t, 2 df", 2.0), ("Student t, 1.5 df", 1.5), ("Cauchy", 1.0)]
    {
        let row = Series::independent(name, symmetric, move |random| student(random, freedom));
        tails.push(Series { endless: freedom <= 2.0, ..row });
    }
    tails
}

/// Contamination that is near, that is much, or that is a fault of the sign.
fn weak_spots() -> Vec<Series> {
    vec![
        Series::contaminated("15% at +6 sigma", 0.15, |_| 6.0),
        Series::contaminated("20% at +7 sigma", 0.20, |_| 7.0),
        Series::contaminated("25% at +30 sigma", 0.25, |_| 30.0),
        Series::contaminated("30% at +30 sigma", 0.30, |_| 30.0),
        Series::contaminated("35% at +30 sigma", 0.35, |_| 30.0),
        Series::new("10% with the sign flipped, level 5", |_: &mut Random| {
            |t, random: &mut Random| {
                let value = 5.0 + random.gauss();
                let flipped = t >= 200 && random.chance(0.10);
                Sample { value: if flipped { -value } else { value }, truth: 5.0 }
            }
        }),
    ]
}

/// Eight outliers in a row, 2% of the samples: at equal distances, or anywhere.
fn bursts() -> Vec<Series> {
    let burst = |name, begins: fn(usize, &mut Random) -> bool| {
        Series::new(name, move |random: &mut Random| {
            let (phase, mut left) = (random.below(400), 0);
            move |t, random: &mut Random| {
                let noise = random.gauss();
                if left == 0 && begins(t + phase, random) && t >= 200 {
                    left = 8;
                }
                let value = if left > 0 { noise + 1e6 } else { noise };
                left -= i32::from(left > 0);
                Sample { value, truth: 0.0 }
            }
        })
    };
    vec![
        burst("bursts of eight at +1e6 sigma, every 400", |t, _| t % 400 == 0),
        burst("bursts of eight at +1e6 sigma, at random", |_, random| random.chance(1.0 / 393.0)),
    ]
}

fn moving() -> Vec<Series> {
    use std::f64::consts::TAU;
    let mut rows = vec![
        Series::moving("drift of 0.001 sigma a sample", |t, _| 0.001 * t),
        Series::moving("drift of 0.01 sigma a sample", |t, _| 0.01 * t),
        Series::moving("sinusoid, ±1 sigma, period 1000", |t, phase| libm::sin(TAU * (t / 1000.0 + phase))),
        Series::moving("sinusoid, ±10 sigma, period 1000", |t, phase| 10.0 * libm::sin(TAU * (t / 1000.0 + phase))),
        Series::new("autoregression, 0.9", |random: &mut Random| {
            // Of variance 1, from its stationary distribution on.
            let mut value = random.gauss();
            move |_, random: &mut Random| {
                value = 0.9 * value + (1.0_f64 - 0.81).sqrt() * random.gauss();
                Sample { value, truth: 0.0 }
            }
        }),
    ];
    for (size, label) in [(3.0, "3"), (5.0, "5"), (20.0, "20")] {
        let level = move |t: f64, _| if t % 4000.0 < 2000.0 { 0.0 } else { size };
        rows.push(Series::moving(format!("level ±{label} sigma every 2000"), level));
    }
    let mean_of = |name, high: f64, part: f64, period: f64| {
        Series::new(name, move |random: &mut Random| {
            let phase = random.unit() * period;
            move |t, random: &mut Random| {
                let level = if (t as f64 + phase) % period < part * period { high } else { 0.0 };
                Sample { value: level + random.gauss(), truth: part * high }
            }
        })
    };
    rows.push(mean_of("two levels 5 sigma apart, 20 samples each", 5.0, 0.5, 40.0));
    rows.push(mean_of("eight of every 100 at +20 sigma, and meant", 20.0, 0.08, 100.0));
    for (length, every) in [(50.0, 500.0), (200.0, 2000.0)] {
        let name = format!("stuck for {length} of every {every}");
        rows.push(Series::new(name, move |random: &mut Random| {
            // The sensor repeats its last reading for a while, then goes on.
            let (phase, mut last) = (random.unit() * every, random.gauss());
            move |t, random: &mut Random| {
                let noise = random.gauss();
                if (t as f64 + phase) % every >= length {
                    last = noise;
                }
                Sample { value: last, truth: 0.0 }
            }
        }));
    }
    rows
}

/// Skewed distributions and counts, against their mean.
fn skewed() -> Vec<Series> {
    let mean = libm::exp(0.125);
    let variance = mean * mean * libm::expm1(0.25);
    let mut rows = vec![
        Series::independent("lognormal 0.5", (mean, variance), |random| libm::exp(0.5 * random.gauss())),
        Series::independent("exponential", (1.0, 1.0), Random::exponential),
    ];
    for (mean, known, resolution) in [
        (0.1, "", Resolution::default()),
        (0.1, ", resolution 1", Resolution::Step(1.0)),
        (0.1, ", resolution learnt", Resolution::Learn),
        (3.0, "", Resolution::default()),
    ] {
        let row =
            Series::independent(format!("Poisson {mean}{known}"), (mean, mean), move |random| random.poisson(mean));
        rows.push(Series { resolution, ..row });
    }
    rows
}

/// Student's t with any degrees of freedom, by Bailey's polar method (1994).
fn student(random: &mut Random, freedom: f64) -> f64 {
    loop {
        let (u, v) = (random.between(-1.0, 1.0), random.between(-1.0, 1.0));
        let w = u * u + v * v;
        if w > 0.0 && w < 1.0 {
            return u * (freedom * (libm::pow(w, -2.0 / freedom) - 1.0) / w).sqrt();
        }
    }
}

/// Stops the program unless `student` is what it is called, where its distribution has a simple form.
pub(crate) fn check(random: &mut Random) {
    let draws = 100_000;
    // The shares within 1 of the centre; for many degrees that of the Gaussian.
    for (freedom, share) in [(1.0, 0.5), (2.0, 1.0 / 3.0_f64.sqrt()), (1e4, 0.682_69)] {
        let within = (0..draws).filter(|_| student(random, freedom).abs() < 1.0).count() as f64 / f64::from(draws);
        assert!((within - share).abs() < 0.008, "{freedom} degrees of freedom: {within} of the samples are within 1");
    }
}
