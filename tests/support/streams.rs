//! Rules and hostile streams from a seed, the same on every platform.

use super::random::Random;
use crate::oracle::{Float, Parameters, Spec, Specification, cleaned};
use evenkeel::{CleanedEma, ColumnsOf, Decay, Resolution, RobustMean, Scored};

/// A rule whose columns can be anybody's slices.
pub(crate) trait Slices<T: Float>: Scored {
    /// One slice for each column, in order.
    fn slices<'a>(columns: impl IntoIterator<Item = &'a mut [T]>) -> ColumnsOf<Self, &'a mut [T]>
    where
        T: 'a;
}

macro_rules! slices {
    ($($rule:ident),*) => {
        $(impl<T: Float> Slices<T> for $rule {
            fn slices<'a>(columns: impl IntoIterator<Item = &'a mut [T]>) -> ColumnsOf<Self, &'a mut [T]>
            where
                T: 'a,
            {
                let mut columns = columns.into_iter();
                core::array::from_fn(|_| columns.next().expect("a slice for each column"))
            }
        })*
    };
}
slices!(RobustMean, CleanedEma);

/// A specification whose parameters can be drawn.
pub(crate) trait Drawn<T: Float>: Specification<T, Rule: Slices<T>> {
    /// Whether the location is an average that a judge cleans, and follows as averages do.
    const IS_AVERAGE: bool;

    /// A rule that a builder accepts, with every parameter anywhere in its range, and its specification. `half_life` is
    /// in samples.
    fn drawn(random: &mut Random, half_life: f64) -> (Self::Rule, Self);
    /// A rule of which nothing is drawn. The patience is in strikes; `None` is the rule's own.
    fn with(decay: Decay, patience: Option<u32>, resolution: Resolution) -> (Self::Rule, Self);

    /// The rule without a resolution.
    fn without_resolution(rule: Self::Rule) -> Self::Rule;
    /// The presets with this gain.
    fn presets(alpha: f64) -> Vec<(Self::Rule, Self)>;

    /// With this gain, and nothing else out of the ordinary.
    fn plain(alpha: f64) -> (Self::Rule, Self) {
        Self::with(Decay::alpha(alpha).expect("in range"), None, Resolution::default())
    }
}

impl<T: Float> Drawn<T> for Spec<T> {
    const IS_AVERAGE: bool = false;

    fn drawn(random: &mut Random, half_life: f64) -> (RobustMean, Self) {
        let (rule, p) = random.rule_of(half_life);
        (rule, Spec::new(&p))
    }
    fn with(decay: Decay, patience: Option<u32>, resolution: Resolution) -> (RobustMean, Self) {
        let mut p = Parameters { half_life: decay.in_time(), ..Parameters::new(decay.gain()) };
        (p.resolution, p.learns) = in_words(resolution);
        p.patience = patience.unwrap_or(p.patience);
        let rule = RobustMean::new(decay).patience(p.patience).and_then(|rule| rule.resolution(resolution));
        (rule.expect("in range"), Spec::new(&p))
    }
    fn without_resolution(rule: RobustMean) -> RobustMean {
        rule.resolution(0.0).expect("in range")
    }
    fn presets(alpha: f64) -> Vec<(RobustMean, Self)> {
        let decay = Decay::alpha(alpha).expect("in range");
        let faithful = Parameters::new(alpha).mean_faithful();
        let huber = Parameters { reject: f64::INFINITY, ..Parameters::new(alpha) };
        vec![
            Self::plain(alpha),
            Self::with(decay, None, Resolution::Learn),
            (RobustMean::new(decay).mean_faithful(), Spec::new(&faithful)),
            (RobustMean::new(decay).reject_nothing(), Spec::new(&huber)),
        ]
    }
}

impl<T: Float> Drawn<T> for cleaned::Spec<T> {
    const IS_AVERAGE: bool = true;

    fn drawn(random: &mut Random, half_life: f64) -> (CleanedEma, Self) {
        let mut p = cleaned::Parameters::new(gain_of(half_life));
        let mut rule = CleanedEma::new(Decay::half_life(half_life).expect("above 0"));
        if random.chance(0.25) {
            return (rule, cleaned::Spec::new(&p));
        }
        if random.chance(0.5) {
            p.reject = random.between(0.5, 20.0);
            rule = rule.reject(p.reject).expect("in range");
        }
        if random.chance(0.5) {
            p.patience = random.patience();
            rule = rule.patience(p.patience).expect("in range");
        }
        let resolution = random.resolution();
        (p.resolution, p.learns) = in_words(resolution);
        (rule.resolution(resolution).expect("in range"), cleaned::Spec::new(&p))
    }
    fn with(decay: Decay, patience: Option<u32>, resolution: Resolution) -> (CleanedEma, Self) {
        let mut p = cleaned::Parameters { half_life: decay.in_time(), ..cleaned::Parameters::new(decay.gain()) };
        (p.resolution, p.learns) = in_words(resolution);
        p.patience = patience.unwrap_or(p.patience);
        let rule = CleanedEma::new(decay).patience(p.patience).and_then(|rule| rule.resolution(resolution));
        (rule.expect("in range"), cleaned::Spec::new(&p))
    }
    fn without_resolution(rule: CleanedEma) -> CleanedEma {
        rule.resolution(0.0).expect("in range")
    }
    fn presets(alpha: f64) -> Vec<(CleanedEma, Self)> {
        let decay = Decay::alpha(alpha).expect("in range");
        vec![Self::plain(alpha), Self::with(decay, None, Resolution::Learn)]
    }
}

fn gain_of(half_life: f64) -> f64 {
    -libm::expm1(-core::f64::consts::LN_2 / half_life)
}

/// The step that is given, and whether it is learnt.
fn in_words(resolution: Resolution) -> (f64, bool) {
    match resolution {
        Resolution::Step(step) => (step, false),
        Resolution::Learn => (0.0, true),
    }
}

impl Random {
    /// A half-life in samples: from one that forgets nearly all at once to a long one.
    pub(crate) fn half_life(&mut self) -> f64 {
        libm::pow(10.0, self.between(-1.3, 5.0))
    }

    /// A robust mean that its builders accept, and the same for the oracle.
    pub(crate) fn rule(&mut self) -> (RobustMean, Parameters) {
        let half_life = self.half_life();
        self.rule_of(half_life)
    }

    /// A robust mean with a given memory.
    pub(crate) fn rule_of(&mut self, half_life: f64) -> (RobustMean, Parameters) {
        let mut p = Parameters::new(gain_of(half_life));
        let mut rule = RobustMean::new(Decay::half_life(half_life).expect("above 0"));
        if self.chance(0.2) {
            return (rule, p);
        }
        if self.chance(0.2) {
            return (rule.mean_faithful(), p.mean_faithful());
        }
        if self.chance(0.5) {
            p.clip = self.between(0.25, 9.0);
            rule = rule.clip(p.clip).expect("in range");
        }
        if self.chance(0.5) {
            p.taper_from = self.between(0.5, 9.0);
            p.reject = p.taper_from + self.between(0.01, 5.0);
            rule = rule.reject(p.taper_from, p.reject).expect("in range");
        } else if self.chance(0.3) {
            p.reject = f64::INFINITY;
            rule = rule.reject_nothing();
        }
        if self.chance(0.5) {
            p.scale_clip = self.between(1.01, 6.0);
            rule = rule.scale_clip(p.scale_clip).expect("in range");
        }
        if self.chance(0.5) {
            p.patience = self.patience();
            rule = rule.patience(p.patience).expect("in range");
        }
        let resolution = self.resolution();
        (p.resolution, p.learns) = in_words(resolution);
        (rule.resolution(resolution).expect("in range"), p)
    }

    fn patience(&mut self) -> u32 {
        [1, 2, 3, 4, 5, 8, 30, 63][self.below(8)]
    }

    fn resolution(&mut self) -> Resolution {
        match self.below(10) {
            0..=4 => Resolution::default(),
            5..=7 => Resolution::Learn,
            _ => Resolution::Step([1.0, 0.001, 1e-30, 1e6, 1e30][self.below(5)]),
        }
    }

    /// Rows of samples that visit everything: noise, constants, shifts, spikes, gaps, infinities, zeros of both signs,
    /// subnormal and the largest numbers.
    ///
    /// The weather is common to all channels, so that whole vectors are calm at times; within a storm each channel has
    /// its own.
    pub(crate) fn hostile<T: Float>(&mut self, rows: usize, channels: usize) -> Vec<T> {
        let mut levels: Vec<f64> = (0..channels).map(|_| self.gauss() * 100.0).collect();
        let mut widths: Vec<f64> = (0..channels).map(|_| libm::pow(10.0, self.between(-4.0, 3.0))).collect();
        let (mut left, mut storm, mut gaps) = (0, 0.0, 0.0);
        let mut samples = Vec::with_capacity(rows * channels);
        for _ in 0..rows {
            if left == 0 {
                left = 5 + self.below(60);
                storm = [0.0, 0.0, 0.02, 0.2, 0.9][self.below(5)];
                gaps = [0.0, 0.0, 0.3][self.below(3)];
                for (level, width) in levels.iter_mut().zip(&mut widths) {
                    match self.below(10) {
                        0 => *level += *width * self.between(-30.0, 30.0),
                        1 => *level = *level * 1e3 + 1.0,
                        2 => *width = 0.0,
                        3 => *width = libm::pow(10.0, self.between(-6.0, 6.0)),
                        4 => *level = 0.0,
                        _ => {}
                    }
                }
            }
            left -= 1;
            for (&level, &width) in levels.iter().zip(&widths) {
                let sample = if self.chance(gaps) {
                    T::NAN
                } else if self.chance(storm) {
                    self.thunder(level, width)
                } else {
                    T::from_f64(level + width * self.gauss())
                };
                samples.push(sample);
            }
        }
        samples
    }

    /// A stream most of whose channels are recorded in steps, finer ones after a while.
    pub(crate) fn recorded<T: Float>(&mut self, rows: usize, channels: usize) -> Vec<T> {
        let mut samples = self.hostile::<T>(rows, channels);
        let mut steps: Vec<f64> = (0..channels).map(|_| [0.0, 1.0, 1.0, 1.0, 0.1][self.below(5)]).collect();
        for row in samples.chunks_mut(channels) {
            for (sample, step) in row.iter_mut().zip(&mut steps) {
                if self.chance(0.01) {
                    *step /= 10.0;
                }
                let number = sample.to_f64();
                if *step > 1e-9 && number.abs() < 1e9 {
                    *sample = T::from_f64((number / *step).round() * *step);
                }
            }
        }
        samples
    }

    /// One sample of the worst kinds.
    fn thunder<T: Float>(&mut self, level: f64, width: f64) -> T {
        let plain = match self.below(16) {
            0 => T::NAN,
            1 => T::INFINITY,
            2 | 3 => T::LARGEST,
            4 => T::LARGEST / T::from_f64(2.0),
            5 => T::LARGEST / T::from_f64(3.0),
            6 | 7 => T::ZERO,
            8 => T::SUBNORMAL,
            9 => T::from_word(1),
            10 => T::from_f64(level),
            11 => T::from_f64(self.between(0.0, 5.0).floor()),
            12 => T::from_f64(level + width * self.between(0.0, 10.0)),
            13 => T::from_f64(libm::pow(10.0, self.between(-40.0, 37.0))),
            14 => T::from_f64(level + width * 1e6),
            _ => T::from_f64(1e30),
        };
        if self.chance(0.5) { -plain } else { plain }
    }
}
