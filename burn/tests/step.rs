//! A step is that of the library's layer to the bit, in place, whatever the learning rate and the gradient are.

use burn::config::Config;
use burn::grad_clipping::GradientClippingConfig;
use burn::module::{Module, Param, ParamGroup};
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::{DType, Device, Element, FloatDType, Tensor, TensorData};
use evenkeel::{Bound, Decay, Layer, LearningRate, Real, WeightDecay};
use evenkeel_burn::{Error, RobustSgmConfig};

const SHAPE: [usize; 2] = [37, 29];
const WEIGHTS: usize = SHAPE[0] * SHAPE[1];

#[derive(Module, Debug)]
struct Net {
    weight: Param<Tensor<2>>,
    bias: Param<Tensor<1>>,
}

impl Net {
    fn new<T: Element>(weights: Vec<T>, bias: Vec<T>) -> Self {
        let (device, shape) = (Device::flex().autodiff(), [bias.len()]);
        Self {
            weight: Param::from_tensor(Tensor::from_data(TensorData::new(weights, SHAPE), (&device, T::dtype()))),
            bias: Param::from_tensor(Tensor::from_data(TensorData::new(bias, shape), (&device, T::dtype()))),
        }
    }

    fn weights<T: Element>(&self) -> Vec<T> {
        self.weight.val().into_data().try_into_vec().unwrap()
    }

    fn step<T: Element>(self, optimiser: &mut ModuleOptimizer, lr: f64, gradient: Vec<T>) -> Self {
        let mut gradients = GradientsParams::new();
        let data = TensorData::new(gradient, SHAPE);
        gradients.register(self.weight.id, Tensor::<2>::from_data(data, (&Device::flex(), T::dtype())));
        optimiser.step(lr, self, gradients)
    }
}

/// Weights and gradients that hold everything that may come.
struct Stream(fastrand::Rng);

impl Stream {
    fn weights<T: Real>(&mut self) -> Vec<T> {
        (0..WEIGHTS).map(|_| T::from_f64(self.0.f64() - 0.5)).collect()
    }

    fn gradient<T: Real>(&mut self) -> Vec<T> {
        let draw = |rng: &mut fastrand::Rng| match rng.u32(0..100) {
            0 => f64::NAN,
            1 => f64::INFINITY,
            2 => -1e20,
            3 => 0.0,
            4 => 1e-42,
            _ => rng.f64() - 0.4,
        };
        (0..WEIGHTS).map(|_| T::from_f64(draw(&mut self.0))).collect()
    }
}

fn rule(mu: f64) -> LearningRate {
    let decay = |beta| Decay::beta(beta).unwrap();
    LearningRate::new(mu).unwrap().smoothing(Some(decay(0.9))).weight_decay(WeightDecay::Decoupled(0.01)).unwrap()
}

/// The average of layer means, bias-corrected in the plain way.
struct Average {
    value: f64,
    steps: i32,
}

impl Average {
    fn next(&mut self, mean: f64) -> f64 {
        self.steps += 1;
        let gain = 0.9 / (1.0 - 0.1_f64.powi(self.steps));
        self.value += gain * (mean - self.value);
        self.value
    }
}

/// The weights after steps of the library's layer, with a factor of the rate.
fn expected<T: Real>(rule: LearningRate, factor: impl Fn(usize) -> f64, smooth: bool, steps: usize) -> Vec<T> {
    let mut stream = Stream(fastrand::Rng::with_seed(7));
    let mut weights = stream.weights::<T>();
    let mut layer = Layer::<LearningRate, T>::new(rule, WEIGHTS).unwrap();
    let mut average = Average { value: 0.0, steps: 0 };
    for step in 0..steps {
        let rate = |mean: T| {
            let mean = if smooth { average.next(mean.to_f64()) } else { mean.to_f64() };
            T::from_f64(factor(step) * mean)
        };
        layer.descend(&mut weights, &stream.gradient::<T>(), rate).unwrap();
    }
    weights
}

fn found<T: Real + Element>(config: &RobustSgmConfig, lr: impl Fn(usize) -> f64, steps: usize) -> Vec<T> {
    let mut stream = Stream(fastrand::Rng::with_seed(7));
    let mut net = Net::new(stream.weights::<T>(), vec![T::default()]);
    let mut optimiser = config.init().unwrap();
    for step in 0..steps {
        net = net.step(&mut optimiser, lr(step), stream.gradient::<T>());
    }
    net.weights()
}

fn bits<T: Real>(weights: &[T]) -> Vec<u64> {
    weights.iter().map(|weight| weight.to_f64().to_bits()).collect()
}

fn as_the_layer<T: Real + Element>() {
    let config = RobustSgmConfig::new().with_weight_decay(0.01).with_mean_beta(None);
    let falling = |step: usize| 0.03 / (step as f64 + 1.0);
    assert_eq!(bits(&found::<T>(&config, falling, 150)), bits(&expected::<T>(rule(1.0), falling, false, 150)));

    // A learning rate that is a power of two is the bound of the rule, and nothing is rounded.
    let lr = 1.0 / 64.0;
    assert_eq!(bits(&found::<T>(&config, |_| lr, 150)), bits(&expected::<T>(rule(lr), |_| 1.0, false, 150)));

    // The smoothed mean, by another formula.
    let config = config.with_mean_beta(Some(0.1));
    let (found, expected) = (found::<T>(&config, falling, 150), expected::<T>(rule(1.0), falling, true, 150));
    for (found, expected) in found.iter().zip(&expected) {
        let (found, expected) = (found.to_f64(), expected.to_f64());
        assert!((found - expected).abs() <= 1e-6 * (1.0 + expected.abs()), "{found} {expected}");
    }
    assert!(found.iter().all(|weight| weight.to_f64().is_finite()));
}

#[test]
fn as_the_layer_to_the_bit_in_f32() {
    as_the_layer::<f32>();
}

#[test]
fn as_the_layer_to_the_bit_in_f64() {
    as_the_layer::<f64>();
}

#[test]
fn a_rate_that_is_none_lets_weights_stand_and_the_state_go_on() {
    let config = RobustSgmConfig::new().with_weight_decay(0.01).with_mean_beta(None);
    for none in [0.0, -0.1, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let lr = |step: usize| if step < 20 { none } else { 0.01 };
        let zero = |step: usize| if step < 20 { 0.0 } else { 0.01 };
        let start = Stream(fastrand::Rng::with_seed(7)).weights::<f32>();
        assert_eq!(bits(&found::<f32>(&config, lr, 20)), bits(&start), "{none}");
        assert_eq!(bits(&found::<f32>(&config, lr, 40)), bits(&expected::<f32>(rule(1.0), zero, false, 40)), "{none}");
    }
}

#[test]
fn a_gradient_that_is_none_leaves_its_weight_alone() {
    let mut net = Net::new(vec![0.5_f32; WEIGHTS], vec![0.0]);
    let mut optimiser = RobustSgmConfig::new().init().unwrap();
    for _ in 0..30 {
        let mut gradient = vec![1.0_f32; WEIGHTS];
        gradient[3] = f32::NAN;
        gradient[4] = f32::INFINITY;
        net = net.step(&mut optimiser, 0.1, gradient);
    }
    let weights = net.weights::<f32>();
    assert_eq!(weights[3], 0.5);
    assert!(weights[4].is_finite() && weights[5] < 0.45, "{} {}", weights[4], weights[5]);
    assert_eq!(net.bias.val().into_data().as_slice::<f32>().unwrap(), [0.0], "it has no gradient");
}

#[test]
fn short_floats_are_computed_in_f32_and_rounded() {
    for dtype in [FloatDType::F16, FloatDType::BF16] {
        let net = Net::new(vec![0.5_f32; WEIGHTS], vec![0.0]);
        let weight = Param::from_tensor(net.weight.val().inner().cast(dtype).autodiff());
        let mut net = Net { weight, ..net };
        let mut plain = Net::new(vec![0.5_f32; WEIGHTS], vec![0.0]);
        let [mut optimiser, mut other] = [(); 2].map(|()| RobustSgmConfig::new().init().unwrap());
        let mut gradients = GradientsParams::new();
        let gradient = Tensor::<2>::full(SHAPE, 0.25, &Device::flex());
        gradients.register(net.weight.id, gradient.cast(dtype));
        net = optimiser.step(64.0, net, gradients);
        plain = plain.step(&mut other, 64.0, vec![0.25_f32; WEIGHTS]);
        let expected = plain.weight.val().cast(dtype).into_data();
        assert_eq!(net.weight.val().dtype(), DType::from(dtype));
        assert_eq!(net.weight.val().into_data(), expected);
        assert!(expected.iter::<f32>().all(|weight| weight < 0.45), "it has moved");
    }
}

#[test]
fn nothing_is_copied_unless_somebody_else_has_it() {
    #[derive(Module, Debug)]
    struct Large {
        weight: Param<Tensor<1>>,
    }
    let weights: usize = 1 << 18;
    let bytes = 4 * weights as u64;
    let device = Device::flex().autodiff();
    let mut net = Large { weight: Param::from_tensor(Tensor::ones([weights], &device)) };
    let mut optimiser = RobustSgmConfig::new().init().unwrap();
    let mut step = |net: Large, held: bool| {
        let mut gradients = GradientsParams::new();
        gradients.register(net.weight.id, Tensor::<1>::ones([weights], &Device::flex()));
        let other = held.then(|| net.clone());
        let mut net = Some(net);
        let used = allocation_counter::measure(|| net = net.take().map(|net| optimiser.step(0.01, net, gradients)));
        drop(other);
        (net.unwrap(), used.bytes_total)
    };
    net = step(net, false).0; // makes the state
    let (net, alone) = step(net, false);
    assert!(alone < bytes / 8, "{alone} of {bytes}");
    let (net, shared) = step(net, true);
    assert!(shared >= bytes, "{shared} of {bytes}: the measure sees a copy");
    assert!(net.weight.val().is_require_grad());
}

#[test]
fn a_gradient_that_does_not_fit_is_left_out() {
    let net = Net::new(vec![0.5_f32; WEIGHTS], vec![0.0]);
    let mut gradients = GradientsParams::new();
    gradients.register(net.weight.id, Tensor::<2>::ones([2, 3], &Device::flex()));
    gradients.register(net.bias.id, Tensor::<1>::ones([1], &Device::flex()));
    let net = RobustSgmConfig::new().init().unwrap().step(0.1, net, gradients);
    assert_eq!(net.weights::<f32>(), [0.5; WEIGHTS]);
    assert!(net.bias.val().into_data().as_slice::<f32>().unwrap()[0] <= 0.0);
}

#[test]
fn a_tensor_without_weights_makes_a_step() {
    let net = Net::new(vec![0.5_f32; WEIGHTS], vec![]);
    let mut gradients = GradientsParams::new();
    gradients.register(net.bias.id, Tensor::<1>::zeros([0], &Device::flex()));
    let mut optimiser = RobustSgmConfig::new().init().unwrap();
    let net = optimiser.step(0.1, net, gradients);
    assert_eq!(net.bias.val().dims(), [0]);
    assert_eq!(optimiser.to_record().len(), 5, "its columns");
}

#[test]
fn groups_have_parameters_of_their_own() {
    let decayed = RobustSgmConfig::new().with_weight_decay(0.5);
    let bare = RobustSgmConfig::new().build().unwrap();
    let step = |mut optimiser: ModuleOptimizer| {
        let net = Net::new(vec![0.5_f32; WEIGHTS], vec![0.5; 3]);
        let mut gradients = GradientsParams::new();
        gradients.register(net.weight.id, Tensor::<2>::ones(SHAPE, &Device::flex()));
        gradients.register(net.bias.id, Tensor::<1>::ones([3], &Device::flex()));
        let net = optimiser.step(0.1, net, gradients);
        (net.weights::<f32>()[0], net.bias.val().into_data().as_slice::<f32>().unwrap()[0])
    };
    let (all, with) = (decayed.init().unwrap(), decayed.init().unwrap());
    let with = with.with_group(ParamGroup::from_predicate("bias"), bare, None);
    let ((weight, bias), (same, bare)) = (step(all), step(with));
    assert_eq!(weight, same);
    assert!(bias < bare && bare < 0.5, "{bias} {bare}");
}

#[test]
fn parameters_out_of_range_are_errors() {
    let new = RobustSgmConfig::new;
    let wrong = [
        new().with_beta(1.5),
        new().with_beta_scale(-0.1),
        new().with_beta_norm(1.0),
        new().with_beta_smooth(Some(f64::NAN)),
        new().with_clip(0.0),
        new().with_epsilon(-1.0),
        new().with_weight_decay(f64::INFINITY),
        new().with_mean_beta(Some(2.0)),
        new().with_beta(1.0 - 1e-12),
    ];
    for config in wrong {
        let error = config.init().err().unwrap_or_else(|| panic!("{config}"));
        assert!(matches!(error, Error::Parameter(_)), "{error}");
    }
}

#[test]
fn parameters_reach_the_rule() {
    let config = RobustSgmConfig::new()
        .with_beta(0.99)
        .with_beta_scale(0.95)
        .with_beta_norm(0.9)
        .with_beta_smooth(None)
        .with_clip(2.5)
        .with_bound_by_mu(true)
        .with_epsilon(1e-3)
        .with_weight_decay(0.5)
        .with_coupled(true)
        .with_mean_beta(None);
    let decay = |beta| Decay::beta(beta).unwrap();
    let rule = LearningRate::new(1.0).unwrap().decay(decay(0.99)).scale_decay(decay(0.95)).norm_decay(decay(0.9));
    let rule = rule.clip(2.5).unwrap().bound(Bound::Mu).epsilon(1e-3).unwrap();
    let rule = rule.weight_decay(WeightDecay::Coupled(0.5)).unwrap();
    assert_eq!(bits(&found::<f32>(&config, |_| 0.1, 60)), bits(&expected::<f32>(rule, |_| 0.1, false, 60)));
}

#[test]
fn gradients_are_clipped_where_that_is_set() {
    let after = |config: RobustSgmConfig, gradient: f32| {
        let net = Net::new(vec![0.5_f32; WEIGHTS], vec![0.0]);
        let mut optimiser = config.with_epsilon(1.0).init().unwrap();
        net.step(&mut optimiser, 1.0, vec![gradient; WEIGHTS]).weights::<f32>()
    };
    let clipped = RobustSgmConfig::new().with_grad_clipping(Some(GradientClippingConfig::Value(0.125)));
    assert_eq!(after(clipped, 1.0), after(RobustSgmConfig::new(), 0.125));
    assert_ne!(after(RobustSgmConfig::new(), 1.0), after(RobustSgmConfig::new(), 0.125));
}

#[test]
fn parameters_survive_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("optimiser.json");
    let config = RobustSgmConfig::new().with_beta_smooth(None).with_coupled(true).with_weight_decay(0.1);
    config.save(&path).unwrap();
    assert_eq!(RobustSgmConfig::load(&path).unwrap().to_string(), config.to_string());
}
