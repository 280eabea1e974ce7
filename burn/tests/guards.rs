//! The guards over burn's tensors are those of the library on slices, and keep what is no number out of the weights.

use burn::module::{Module, Param};
use burn::optim::{GradientsParams, SgdConfig};
use burn::tensor::{DType, Device, Element, FloatDType, Int, Tensor, TensorData};
use evenkeel::{Decay, GradientGuard, GradientGuards, LossGuard, Real, sum_of_squares};
use evenkeel_burn::{Error, guard_each_gradient, guard_gradients, norm, weigh, weighted_mean};

fn half_life(samples: f64) -> Decay {
    Decay::half_life(samples).unwrap()
}

/// Losses of a batch, of which one is far off and one is none from the second batch on.
fn batch<T: Real>(step: usize) -> Vec<T> {
    let wrong = |i: usize| match i {
        5 if step > 1 => 1e4,
        9 if step > 1 => f64::NAN,
        _ => 1.0 + ((step + i) * 37 % 11) as f64 / 10.0,
    };
    (0..24).map(|i| T::from_f64(wrong(i))).collect()
}

fn weights_of<T: Real + Element>() {
    let (mut guard, mut plain) = [(); 2].map(|()| LossGuard::new(half_life(1600.0)).unwrap().squared()).into();
    for step in 0..20 {
        let losses = batch::<T>(step);
        let mut expected = vec![T::default(); losses.len()];
        plain.weigh(&losses, &mut expected).unwrap();
        let tensor = Tensor::<2>::from_data(TensorData::new(losses, [4, 6]), (&Device::flex().autodiff(), T::dtype()));
        let weights = weigh(&mut guard, &tensor.require_grad()).unwrap();
        assert_eq!((weights.dims(), weights.dtype(), weights.is_autodiff()), ([4, 6], T::dtype(), false));
        assert_eq!(weights.into_data().try_into_vec::<T>().unwrap(), expected);
        if step > 1 {
            assert_eq!([expected[5], expected[9], expected[10]].map(Real::to_f64), [0.0, 0.0, 1.0]);
        }
    }
    assert_eq!((guard.invalid(), guard.weighed_down()), (18, 18));
}

#[test]
fn weights_are_those_of_the_library() {
    weights_of::<f32>();
    weights_of::<f64>();
}

#[test]
fn weights_of_short_floats_are_of_their_type() {
    let mut guard = LossGuard::new(half_life(1600.0)).unwrap();
    for dtype in [FloatDType::F16, FloatDType::BF16] {
        let losses = Tensor::<1>::from_floats([1.0, f32::NAN, 0.5], &Device::flex()).cast(dtype);
        let weights = weigh(&mut guard, &losses).unwrap();
        assert_eq!(weights.dtype(), DType::from(dtype));
        assert_eq!(weights.into_data().iter::<f32>().collect::<Vec<_>>(), [1.0, 0.0, 1.0]);
    }
}

/// One linear unit; the loss of each example is a squared error.
struct Unit {
    w: Tensor<1>,
    x: Tensor<1>,
    y: Tensor<1>,
}

impl Unit {
    fn new(targets: Vec<f32>) -> Self {
        let (device, count) = (Device::flex().autodiff(), targets.len());
        Self {
            w: Tensor::from_floats([2.0], &device).require_grad(),
            x: Tensor::arange(1..1 + i64::try_from(count).unwrap(), &device).float(),
            y: Tensor::from_data(TensorData::new(targets, [count]), &device),
        }
    }

    fn losses(&self, kept: Option<&Tensor<1, Int>>) -> Tensor<1> {
        let [x, y] = [&self.x, &self.y].map(|all| match kept {
            Some(kept) => all.clone().select(0, kept.clone()),
            None => all.clone(),
        });
        (x * self.w.clone() - y).square()
    }

    /// The loss and its gradient, and whether losses were computed anew.
    fn mean(&self, guard: &mut LossGuard) -> Option<(f32, f32, bool)> {
        let mut anew = false;
        let again = |kept: Tensor<1, Int>| {
            anew = true;
            self.losses(Some(&kept))
        };
        let loss = weighted_mean(guard, self.losses(None), again).unwrap()?;
        let gradient = self.w.grad(&loss.backward()).unwrap();
        Some((loss.into_scalar(), gradient.into_scalar(), anew))
    }
}

#[test]
fn losses_that_are_none_stay_out_of_the_gradient() {
    let guard = || LossGuard::new(half_life(1600.0)).unwrap().squared();
    // Losses 1, 4, 9 and gradients -2, -8, -18 of weight 1.
    let (loss, gradient, anew) = Unit::new(vec![3.0, 6.0, 9.0]).mean(&mut guard()).unwrap();
    assert_eq!((loss, anew), (14.0 / 3.0, false));
    assert!((gradient + 28.0 / 3.0).abs() < 1e-5, "{gradient}");
    for none in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30] {
        let mut guard = guard();
        let (loss, gradient, anew) = Unit::new(vec![3.0, none, 9.0]).mean(&mut guard).unwrap();
        assert_eq!((guard.invalid(), anew), (1, true));
        assert!((loss - 10.0 / 3.0).abs() < 1e-5 && (gradient + 20.0 / 3.0).abs() < 1e-5, "{loss} {gradient}");
        assert!(Unit::new(vec![none; 3]).mean(&mut guard).is_none());
    }
    assert!(Unit::new(vec![]).mean(&mut guard()).is_none());
}

#[test]
fn a_wrong_label_does_not_count() {
    let mut guard = LossGuard::new(half_life(1600.0)).unwrap().squared();
    let targets: Vec<f32> = (1..=40_u8).map(|i| 2.0 * f32::from(i) + f32::from(i % 5)).collect();
    let clean = Unit::new(targets.clone()).mean(&mut guard).unwrap();
    let mut wrong = targets;
    wrong[0] = 1e6;
    let (loss, gradient, anew) = Unit::new(wrong).mean(&mut guard).unwrap();
    assert!(!anew && guard.weighed_down() == 1);
    assert!(
        (loss / clean.0 - 1.0).abs() < 0.02 && (gradient / clean.1 - 1.0).abs() < 0.02,
        "{loss} {gradient} {clean:?}"
    );
}

#[test]
fn losses_computed_anew_are_one_for_each() {
    let unit = Unit::new(vec![3.0, f32::NAN, 9.0]);
    let mut guard = LossGuard::new(half_life(1600.0)).unwrap();
    let error = weighted_mean(&mut guard, unit.losses(None), |_| unit.losses(None)).unwrap_err();
    assert!(matches!(error, Error::Again { got: 3, expected: 2 }), "{error}");
}

#[derive(Module, Debug)]
struct Net {
    first: Param<Tensor<2>>,
    second: Param<Tensor<1>>,
    tied: Param<Tensor<1>>,
    without: Param<Tensor<1>>,
}

const FIRST: [usize; 2] = [70, 90];

fn net() -> Net {
    let device = Device::flex().autodiff();
    let ones = |count| Param::from_tensor(Tensor::<1>::ones([count], &device));
    let second = ones(3);
    Net { first: Param::from_tensor(Tensor::ones(FIRST, &device)), tied: second.clone(), second, without: ones(2) }
}

fn first() -> Vec<f32> {
    (0..FIRST[0] * FIRST[1]).map(|i| (i * 37 % 101) as f32 / 101.0 - 0.4).collect()
}

fn gradients(net: &Net, factor: f64) -> GradientsParams {
    let (mut gradients, device) = (GradientsParams::new(), Device::flex());
    let data = Tensor::<2>::from_data(TensorData::new(first(), FIRST), &device);
    gradients.register(net.first.id, data.mul_scalar(factor));
    let second = TensorData::from([3.0, 4.0, 12.0]);
    gradients.register(net.second.id, Tensor::<1>::from_data(second, (&device, DType::F64)).mul_scalar(factor));
    gradients
}

fn expected() -> f64 {
    (sum_of_squares(&first()) + 169.0).sqrt()
}

#[test]
fn a_norm_is_that_of_each_tensor_once() {
    let net = net();
    let mut gradients = gradients(&net, 1.0);
    assert_eq!(norm(&mut gradients, &net).unwrap().to_bits(), expected().to_bits());
    assert_eq!(gradients.len(), 2);
    assert_eq!(gradients.get::<2>(net.first.id).unwrap().into_data(), TensorData::new(first(), FIRST));
    assert_eq!(gradients.get::<1>(net.second.id).unwrap().dtype(), DType::F64);
    assert_eq!(norm(&mut GradientsParams::new(), &net).unwrap(), 0.0);
    // The squares of short floats are made in f32: that of 3e4 is no f16.
    let (device, mut gradients) = (Device::flex(), GradientsParams::new());
    let short = Tensor::<1>::from_floats([3e4, 4e4, 0.0], &device).cast(FloatDType::F16);
    gradients.register(net.second.id, short.clone());
    assert!((norm(&mut gradients, &net).unwrap() - 5e4).abs() < 50.0);
    assert_eq!(gradients.get::<1>(net.second.id).unwrap().into_data(), short.into_data());
    // A gradient that does not lie one element after the other.
    let turned = Tensor::<2>::from_data(TensorData::new(first(), [FIRST[1], FIRST[0]]), &device).transpose();
    gradients.register(net.first.id, turned.clone());
    norm(&mut gradients, &net).unwrap();
    assert_eq!(gradients.get::<2>(net.first.id).unwrap().into_data(), turned.into_data());
}

#[test]
fn a_norm_does_not_depend_on_the_order() {
    #[derive(Module, Debug)]
    struct Several {
        weights: Vec<Param<Tensor<1>>>,
    }
    let (device, mut gradients) = (Device::flex(), GradientsParams::new());
    // Squares of 2^56 and, four times, of half of what its last bit is worth.
    let sizes = [2.0_f64.powi(28), 8.0_f64.sqrt(), 8.0_f64.sqrt(), 8.0_f64.sqrt(), 8.0_f64.sqrt()];
    let mut weights = Vec::new();
    for size in sizes {
        let param = Param::from_tensor(Tensor::<1>::ones([1], &device.clone().autodiff()));
        gradients.register(param.id, Tensor::<1>::from_data(TensorData::from([size]), (&device, DType::F64)));
        weights.push(param);
    }
    let forwards = norm(&mut gradients, &Several { weights: weights.clone() }).unwrap();
    weights.reverse();
    let backwards = norm(&mut gradients, &Several { weights }).unwrap();
    assert!(forwards > sizes[0]);
    assert_eq!(forwards.to_bits(), backwards.to_bits());
}

#[test]
fn nothing_is_copied_for_a_norm() {
    let net = net();
    let mut gradients = gradients(&net, 1.0);
    let used = allocation_counter::measure(|| assert!(norm(&mut gradients, &net).is_ok()));
    let bytes = 4 * (FIRST[0] * FIRST[1]) as u64;
    assert!(used.bytes_total < bytes / 4, "{} of {bytes}", used.bytes_total);
}

#[test]
fn a_spike_is_held_or_skipped() {
    let (net, mut guard) = (net(), GradientGuard::new(half_life(50.0)).unwrap());
    for _ in 0..20 {
        let mut calm = gradients(&net, 1.0);
        assert_eq!(guard_gradients(&mut guard, &mut calm, &net).unwrap(), 1.0);
        assert_eq!(calm.get::<2>(net.first.id).unwrap().into_data(), TensorData::new(first(), FIRST));
    }
    let mut raised = gradients(&net, 3.0);
    let factor = guard_gradients(&mut guard, &mut raised, &net).unwrap();
    assert!((factor - 2.0 / 3.0).abs() < 1e-3, "{factor}");
    assert!((norm(&mut raised, &net).unwrap() / (2.0 * expected()) - 1.0).abs() < 1e-3, "held at twice the usual size");
    for spike in [1e6, f64::NAN, f64::INFINITY] {
        let mut spike = gradients(&net, spike);
        assert_eq!(guard_gradients(&mut guard, &mut spike, &net).unwrap(), 0.0);
        assert!(spike.is_empty());
        let moved = SgdConfig::new().init().step(0.1, net.clone(), spike);
        assert_eq!(moved.first.val().into_data(), net.first.val().into_data());
    }
    assert_eq!(guard.skips(), 3);
}

#[test]
fn each_tensor_has_a_guard_of_its_own() {
    let (net, mut guards) = (net(), GradientGuards::new(half_life(50.0), 3).unwrap());
    for _ in 0..20 {
        let factors = guard_each_gradient(&mut guards, &mut gradients(&net, 1.0), &net).unwrap();
        assert_eq!(factors, [1.0; 3]);
    }
    assert!((guards.reading(1).unwrap().location - 13.0_f64.ln()).abs() < 1e-12, "the logarithm of the norm");
    let mut spike = gradients(&net, 1.0);
    let second = spike.remove::<1>(net.second.id).unwrap();
    spike.register(net.second.id, second.mul_scalar(1e6));
    let factors = guard_each_gradient(&mut guards, &mut spike, &net).unwrap();
    assert_eq!(factors, [1.0, 0.0, 1.0]);
    assert!(spike.get::<1>(net.second.id).is_none());
    assert_eq!(spike.get::<2>(net.first.id).unwrap().into_data(), TensorData::new(first(), FIRST));
    assert_eq!(guards.reading(2).unwrap().age, 0.0, "nothing is learnt where there is no gradient");

    let mut other = GradientGuards::new(half_life(50.0), 2).unwrap();
    let error = guard_each_gradient(&mut other, &mut spike, &net).unwrap_err();
    assert!(matches!(error, Error::Guard(_)), "{error}");
}
