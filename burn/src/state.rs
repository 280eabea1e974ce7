//! [`RobustSgmState`]: the state of one tensor, and its part in burn's records.
//!
//! | entry | type | shape |
//! |---|---|---|
//! | `square`, `scale`, `norm`, `average`, `smoothed` | the tensor's, `f32` where that has less | the tensor's |
//! | `steps` | a whole number | the updates of the tensor |
//! | `mean`, `gain` | `f64` | the smoothed layer mean, and its gain at the last step |

use burn::optim::{RecordState, StateSink, StateSource};
use burn::tensor::{DType, Device, Element, TensorData};
use burn_pack::Scalar;
use evenkeel::{ChannelsError, Layer, LearningRate, Real};

/// The state columns of the rule, in its order.
const COLUMNS: [&str; 5] = ["square", "scale", "norm", "average", "smoothed"];

/// The state of one tensor under [`RobustSgm`](crate::RobustSgm): five numbers per weight in aligned columns, in main memory
/// whatever the tensor's device. A record holds a copy of them, and loading one makes another; a step makes none.
#[derive(Clone, Debug)]
pub struct RobustSgmState<const D: usize> {
    shape: [usize; D],
    pub(crate) layer: Precise,
    pub(crate) mean: Mean,
}

/// The columns of a tensor, in the type that it is computed in.
#[derive(Clone, Debug)]
pub(crate) enum Precise {
    F32(Layer<LearningRate, f32>),
    F64(Layer<LearningRate, f64>),
}

/// A type that tensors are computed in.
pub(crate) trait Weight: Real + Element {
    fn precise(layer: Layer<LearningRate, Self>) -> Precise;
    /// The layer, if it is of this type.
    fn layer(of: &mut Precise) -> Option<&mut Layer<LearningRate, Self>>;
}

macro_rules! weight {
    ($($float:ident $variant:ident),*) => {
        $(impl Weight for $float {
            fn precise(layer: Layer<LearningRate, Self>) -> Precise {
                Precise::$variant(layer)
            }
            fn layer(of: &mut Precise) -> Option<&mut Layer<LearningRate, Self>> {
                if let Precise::$variant(layer) = of { Some(layer) } else { None }
            }
        })*
    };
}
weight!(f32 F32, f64 F64);

/// The smoothed layer mean, an average: `value += gain (mean - value)`. With bias correction `gain = (1 - beta) / (1 -
/// beta^t)`, which is 1 at first and then `gain / (gain + beta)`; without, it is `1 - beta`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Mean {
    value: f64,
    /// The gain of the last update; 0 before the first.
    gain: f64,
}

/// The decay of the smoothed layer mean, 0 for none, and whether it is bias-corrected.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Smoothing {
    pub(crate) beta: f64,
    pub(crate) corrected: bool,
}

impl Mean {
    pub(crate) fn smooth(&mut self, mean: f64, Smoothing { beta, corrected }: Smoothing) -> f64 {
        self.gain = match (self.gain, corrected) {
            (_, false) => 1.0 - beta,
            (0.0, true) => 1.0,
            (gain, true) => gain / (gain + beta),
        };
        self.value = if self.gain >= 1.0 { mean } else { self.value + self.gain * (mean - self.value) };
        self.value
    }

    /// A mean that some training can have come to.
    fn restored(value: f64, gain: f64) -> Option<Self> {
        ((0.0..f64::INFINITY).contains(&value) && (0.0..=1.0).contains(&gain)).then_some(Self { value, gain })
    }
}

impl<const D: usize> RobustSgmState<D> {
    /// The state of a tensor that has seen nothing.
    pub(crate) fn new<T: Weight>(rule: LearningRate, shape: [usize; D]) -> Result<Self, ChannelsError> {
        let layer = T::precise(Layer::new(rule, shape.iter().product())?);
        Ok(Self { shape, layer, mean: Mean::default() })
    }

    /// Whether this is the state of a tensor of such a shape that is computed in `T`.
    pub(crate) fn fits<T: Weight>(&mut self, shape: [usize; D]) -> bool {
        self.shape == shape && T::layer(&mut self.layer).is_some()
    }

    /// The number of steps that the tensor has made.
    #[must_use]
    pub fn steps(&self) -> u64 {
        match &self.layer {
            Precise::F32(layer) => layer.steps(),
            Precise::F64(layer) => layer.steps(),
        }
    }

    fn columns<T: Weight>(&self, layer: &Layer<LearningRate, T>, prefix: &str, out: &mut StateSink) {
        for (column, what) in layer.state().into_iter().zip(COLUMNS) {
            out.push_tensor(prefix, what, TensorData::new(column.to_vec(), self.shape));
        }
    }

    /// The state whose columns are these, or nothing if no training can have come to them.
    fn restored<T: Weight>(columns: &[TensorData; 5], steps: u64, mean: Mean) -> Option<Self> {
        let first = columns.first()?.shape();
        if columns.iter().any(|column| column.shape() != first) {
            return None;
        }
        let shape: [usize; D] = first.as_slice().try_into().ok()?;
        let mut slices = [[].as_slice(); 5];
        let vectors: Vec<Vec<T>> = columns.iter().map(TensorData::try_to_vec).collect::<Result<_, _>>().ok()?;
        for (index, (slice, column)) in slices.iter_mut().zip(&vectors).enumerate() {
            // The square of a weight that has seen no gradient is -1; the scale and the norm are averages of magnitudes.
            let possible = |number: &T| {
                let number = number.to_f64();
                number.is_finite() && (index > 2 || number >= 0.0 || (index == 0 && number == -1.0))
            };
            if !column.iter().all(possible) {
                return None;
            }
            *slice = column;
        }
        // The optimiser sets its own rule at the next step.
        let mut layer = Layer::new(LearningRate::new(1.0).ok()?, shape.iter().product()).ok()?;
        layer.restore(slices, steps).ok()?;
        Some(Self { shape, layer: T::precise(layer), mean })
    }
}

impl<const D: usize> RecordState for RobustSgmState<D> {
    fn state_flatten(&self, prefix: &str, out: &mut StateSink) {
        match &self.layer {
            Precise::F32(layer) => self.columns(layer, prefix, out),
            Precise::F64(layer) => self.columns(layer, prefix, out),
        }
        out.push_scalar(prefix, "steps", Scalar::from(self.steps()));
        out.push_scalar(prefix, "mean", Scalar::from(self.mean.value));
        out.push_scalar(prefix, "gain", Scalar::from(self.mean.gain));
    }

    /// Reads the state from a record, in the type that it was saved in. A record that is damaged, or of another optimiser, gives
    /// nothing, and burn lets that tensor begin anew.
    fn state_unflatten(prefix: &str, source: &mut StateSource, _device: &Device) -> Option<Self> {
        let mut column = |index: usize| source.take_tensor(prefix, COLUMNS.get(index)?);
        let columns = [column(0)?, column(1)?, column(2)?, column(3)?, column(4)?];
        let steps = u64::try_from(source.take_scalar(prefix, "steps")?).ok()?;
        let value = f64::try_from(source.take_scalar(prefix, "mean")?).ok()?;
        let gain = f64::try_from(source.take_scalar(prefix, "gain")?).ok()?;
        let mean = Mean::restored(value, gain)?;
        match columns.first()?.dtype() {
            DType::F32 => Self::restored::<f32>(&columns, steps, mean),
            DType::F64 => Self::restored::<f64>(&columns, steps, mean),
            _ => None,
        }
    }
}
