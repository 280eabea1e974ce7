//! A run that is saved, loaded and continued gives the same bits as one that was not; a state that does not fit, or was
//! damaged, is left out, and that tensor begins anew.

use burn::config::Config;
use burn::module::{Module, Param, ParamId};
use burn::nn::{Linear, LinearConfig};
use burn::optim::{GradientsParams, ModuleOptimizer, OptimizerRecord, RecordState, StateSink, StateSource};
use burn::store::ModuleRecord;
use burn::tensor::{DType, Device, FloatDType, Tensor, TensorData, activation::tanh};
use evenkeel_burn::{Bound, Correlated, Floor, RobustSgmConfig, RobustSgmState, Scope};
use std::ops::Range;

#[derive(Module, Debug)]
struct Net {
    first: Linear,
    second: Linear,
}

fn cast<const D: usize>(param: &Param<Tensor<D>>, dtype: FloatDType) -> Param<Tensor<D>> {
    Param::from_tensor(param.val().inner().cast(dtype).autodiff())
}

impl Net {
    fn new(dtype: FloatDType) -> Self {
        let device = Device::flex().autodiff();
        let linear = |inputs, outputs| {
            let Linear { weight, bias } = LinearConfig::new(inputs, outputs).init(&device);
            Linear { weight: cast(&weight, dtype), bias: bias.map(|bias| cast(&bias, dtype)) }
        };
        Self { first: linear(3, 4), second: linear(4, 1) }
    }

    fn loss(&self, step: usize) -> Tensor<1> {
        let dtype = self.first.weight.val().dtype();
        let x: Vec<f64> = (0..15).map(|i| ((i * 29 + step * 7) % 13) as f64 / 13.0 - 0.5).collect();
        let x = Tensor::<2>::from_data(TensorData::new(x, [5, 3]), (&Device::flex().autodiff(), dtype));
        (self.second.forward(tanh(self.first.forward(x))) - 1.0).square().mean()
    }

    fn train(mut self, optimiser: &mut ModuleOptimizer, steps: Range<usize>) -> Self {
        for step in steps {
            let gradients = GradientsParams::from_grads(self.loss(step).backward(), &self);
            self = optimiser.step(0.02 / (1.0 + step as f64 / 20.0), self, gradients);
        }
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let Self { first, second } = self;
        let mut bytes = Vec::new();
        for linear in [first, second] {
            bytes.extend_from_slice(linear.weight.val().into_data().as_bytes());
            bytes.extend_from_slice(linear.bias.as_ref().unwrap().val().into_data().as_bytes());
        }
        bytes
    }
}

fn new() -> ModuleOptimizer {
    RobustSgmConfig::new().with_weight_decay(0.01).init().unwrap()
}

/// The defaults, the published step, and the options of the text one after the other.
fn configs() -> Vec<RobustSgmConfig> {
    let new = || RobustSgmConfig::new().with_weight_decay(0.01);
    vec![
        new(),
        new().as_published(),
        new().with_bound(Bound::Mu).with_clip(None),
        new().with_bound(Bound::MuTimesScale),
        new().with_scale_scope(Scope::Layer),
        new().with_correlated(Correlated::Step),
        new().with_floor(Floor::Norm),
        new().with_mean_corrected(false).with_mean_beta(Some(0.9)),
        new().with_mean_beta(None).with_beta_smooth(None).with_coupled(true),
    ]
}

fn saved_loaded_and_continued(dtype: FloatDType) {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (parameters, state, weights) = (path("optimiser.json"), path("state.bpk"), path("weights.bpk"));
    let start = Net::new(dtype);
    for config in configs() {
        let whole = start.clone().train(&mut config.init().unwrap(), 0..40);

        let mut optimiser = config.init().unwrap();
        let first = start.clone().train(&mut optimiser, 0..15);
        config.save(&parameters).unwrap();
        optimiser.save(&state).unwrap();
        first.into_record().save(&weights).unwrap();

        let new = || RobustSgmConfig::load(&parameters).unwrap().init().unwrap();
        let load = || Net::new(FloatDType::F32).load_record(ModuleRecord::load(&weights).unwrap());
        let second = load().train(&mut new().load(&state).unwrap(), 15..40);
        assert_eq!(second.first.weight.val().dtype(), DType::from(dtype));
        assert_eq!(second.bytes(), whole.bytes(), "{config}");

        // Without the state it is another run.
        assert_ne!(load().train(&mut new(), 15..40).bytes(), whole.bytes(), "{config}");
    }
}

#[test]
fn saved_loaded_and_continued_in_f32() {
    saved_loaded_and_continued(FloatDType::F32);
}

#[test]
fn saved_loaded_and_continued_in_f64() {
    saved_loaded_and_continued(FloatDType::F64);
}

#[derive(Module, Debug)]
struct One {
    weight: Param<Tensor<1>>,
}

fn one(id: ParamId, weights: usize) -> One {
    let weight = Tensor::full([weights], 0.5, &Device::flex().autodiff());
    One { weight: Param::initialized(id, weight.require_grad()) }
}

fn step(net: One, optimiser: &mut ModuleOptimizer) -> One {
    let mut gradients = GradientsParams::new();
    gradients.register(net.weight.id, Tensor::<1>::ones(net.weight.val().dims(), &Device::flex()));
    optimiser.step(0.1, net, gradients)
}

#[test]
fn the_state_of_another_shape_begins_anew() {
    let id = ParamId::new();
    let mut optimiser = new();
    (0..9).fold(one(id, 4), |net, _| step(net, &mut optimiser));
    let record = |optimiser: &ModuleOptimizer| OptimizerRecord::from_bytes(optimiser.into_bytes().unwrap()).unwrap();
    let after = |mut optimiser: ModuleOptimizer, weights: usize| {
        step(one(id, weights), &mut optimiser).weight.val().into_data()
    };
    assert_ne!(after(new().load_record(record(&optimiser)), 4), after(new(), 4));
    assert_eq!(after(new().load_record(record(&optimiser)), 6), after(new(), 6));
}

/// What a state of two weights looks like in a record.
fn plain() -> StateSink {
    let mut sink = StateSink::default();
    for name in ["square", "scale", "norm", "average", "smoothed"] {
        sink.push_tensor("p", name, TensorData::from([0.5_f32, 0.25]));
    }
    sink.push_scalar("p", "steps", 7_u64.into());
    sink.push_scalar("p", "mean", 0.25_f64.into());
    sink.push_scalar("p", "gain", 0.9_f64.into());
    sink
}

fn source(sink: StateSink) -> StateSource {
    let mut source = StateSource::new(sink.scalars.into_iter().collect());
    for (name, data) in sink.tensors {
        source.insert_tensor(name, data);
    }
    source
}

fn restored<const D: usize>(sink: StateSink) -> Option<RobustSgmState<D>> {
    RobustSgmState::state_unflatten("p", &mut source(sink), &Device::flex())
}

#[test]
fn a_state_comes_back_as_it_was_written() {
    let (written, mut read, state) = (plain(), StateSink::default(), restored::<1>(plain()).unwrap());
    state.state_flatten("p", &mut read);
    assert_eq!(read.tensors, written.tensors);
    assert_eq!(format!("{:?}", read.scalars), format!("{:?}", written.scalars));
    assert_eq!(state.steps(), 7);
}

#[test]
fn a_damaged_state_is_none() {
    assert!(restored::<1>(plain()).is_some());
    assert!(restored::<2>(plain()).is_none(), "of another rank");
    let with = |change: &dyn Fn(&mut StateSink)| {
        let mut sink = plain();
        change(&mut sink);
        restored::<1>(sink)
    };
    for column in 0..5 {
        for wrong in [f32::NAN, f32::INFINITY] {
            assert!(with(&|sink| sink.tensors[column].1 = TensorData::from([wrong, 0.25])).is_none(), "{column}");
        }
        assert!(with(&|sink| sink.tensors[column].1 = TensorData::from([0.5_f32])).is_none(), "{column}");
        assert!(with(&|sink| sink.tensors[column].1 = TensorData::from([0.5_f64, 0.25])).is_none(), "{column}");
        assert!(with(&|sink| drop(sink.tensors.remove(column))).is_none(), "{column}");
        let below = with(&|sink| sink.tensors[column].1 = TensorData::from([-0.5_f32, 0.25]));
        assert_eq!(below.is_some(), column > 2, "{column}");
    }
    assert!(with(&|sink| sink.tensors[0].1 = TensorData::from([-1.0_f32, 0.25])).is_some(), "it has seen no gradient");
    for scalar in 0..3 {
        assert!(with(&|sink| drop(sink.scalars.remove(scalar))).is_none(), "{scalar}");
    }
    for (scalar, wrong) in [(1, f64::NAN), (1, -0.5), (1, f64::INFINITY), (2, 1.5), (2, f64::NAN)] {
        assert!(with(&|sink| sink.scalars[scalar].1 = wrong.into()).is_none(), "{scalar} {wrong}");
    }
}
