//! A step is that of the library's layer to the bit, in place, whatever the learning rate and the gradient are.

use burn::grad_clipping::GradientClippingConfig;
use burn::module::{Module, Param, ParamGroup};
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::{DType, Device, Element, FloatDType, Tensor};
use common::{Net, SHAPE, Stream, WEIGHTS, bits, expected, found};
use evenkeel::{Decay, LearningRate, Real, WeightDecay};
use evenkeel_burn::{Error, RobustSgmConfig};

mod common;

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

fn as_the_layer<T: Real + Element>() {
    let config = RobustSgmConfig::new().with_weight_decay(0.01).with_mean_beta(None);
    let falling = |step: usize| 0.03 / (step as f64 + 1.0);
    assert_eq!(
        bits(&found::<T>(&config, falling, 150)),
        bits(&expected::<T>(rule(1.0), |step, mean| falling(step) * mean, 150))
    );

    // A learning rate that is a power of two is the bound of the rule, and nothing is rounded.
    let lr = 1.0 / 64.0;
    assert_eq!(bits(&found::<T>(&config, |_| lr, 150)), bits(&expected::<T>(rule(lr), |_, mean| mean, 150)));

    // The smoothed mean, by another formula.
    let config = config.with_mean_beta(Some(0.1));
    let mut average = Average { value: 0.0, steps: 0 };
    let smoothed = |step: usize, mean: f64| falling(step) * average.next(mean);
    let (found, expected) = (found::<T>(&config, falling, 150), expected::<T>(rule(1.0), smoothed, 150));
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
        let zero = |step: usize, mean: f64| if step < 20 { 0.0 } else { 0.01 * mean };
        let start = Stream::new().weights::<f32>();
        assert_eq!(bits(&found::<f32>(&config, lr, 20)), bits(&start), "{none}");
        assert_eq!(bits(&found::<f32>(&config, lr, 40)), bits(&expected::<f32>(rule(1.0), zero, 40)), "{none}");
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
        new().with_clip(Some(0.0)),
        new().with_clip(Some(f64::NAN)),
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
