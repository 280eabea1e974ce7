//! A step is what the equations say, in place, for every kind of tensor; what cannot be trained is an error that names
//! it.

use candle_core::backprop::GradStore;
use candle_core::{DType, Device, Result, Tensor, Var};
use candle_nn::{AdamW, Optimizer, ParamsAdamW, VarMap};
use evenkeel_candle::{Bound, Correlated, Decoupling, Floor, ParamsRobustSgm, RobustSgm, Schedule, Scope};

/// Numbers that look random, from -1 to 1.
fn noise(count: usize, seed: u64) -> Vec<f64> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from(u32::try_from(state >> 33).unwrap()) / f64::from(1_u32 << 30) - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// Gradients as a loss gives them: of `sum(w c)` it is `c`.
fn gradients(pairs: &[(&Var, &Tensor)]) -> Result<GradStore> {
    let mut loss = Tensor::zeros((), DType::F64, &Device::Cpu)?;
    for (var, gradient) in pairs {
        loss = (loss + (var.as_tensor() * *gradient)?.sum_all()?.to_dtype(DType::F64)?)?;
    }
    loss.backward()
}

/// The equations of the documentation as they stand, in `f64`, one tensor.
#[derive(Default)]
struct Plain {
    w: Vec<f64>,
    v: Vec<f64>,
    m: Vec<f64>,
    u_hat: Vec<f64>,
    s: Vec<f64>,
    a: Vec<f64>,
    mean: f64,
    t: i32,
}

impl Plain {
    fn new(w: &[f64]) -> Self {
        let zeros = vec![0.0; w.len()];
        Self {
            w: w.to_vec(),
            v: zeros.clone(),
            m: zeros.clone(),
            u_hat: zeros.clone(),
            s: zeros.clone(),
            a: zeros,
            ..Self::default()
        }
    }

    #[allow(clippy::many_single_char_names)] // those of the equations
    fn step(&mut self, p: &ParamsRobustSgm, gradient: &[f64]) {
        self.t += 1;
        let t = self.t;
        let (coupled, decoupled) = match p.decoupling {
            Decoupling::Coupled => (p.weight_decay, 0.0),
            Decoupling::Decoupled => (0.0, p.weight_decay),
        };
        let (mut directions, mut products, mut norms) = (Vec::new(), Vec::new(), Vec::new());
        for (i, gradient) in gradient.iter().enumerate() {
            let w = self.w[i];
            let g = gradient + coupled * w;
            self.v[i] = p.beta_norm * self.v[i] + (1.0 - p.beta_norm) * g * g;
            let d = (self.v[i] / (1.0 - p.beta_norm.powi(t))).sqrt() + p.eps;
            let beta = p.beta_smooth.unwrap_or(0.0);
            self.m[i] = beta * self.m[i] + (1.0 - beta) * g;
            let direction = self.m[i] / (1.0 - beta.powi(t)) / d + decoupled * w;
            products.push(w * if p.correlated == Correlated::Step { direction } else { g / d });
            directions.push(direction);
            norms.push(d);
        }
        let size = products.iter().map(|u| u.abs()).sum::<f64>() / products.len() as f64;
        let mut sum = 0.0;
        for (i, &u) in products.iter().enumerate() {
            let w = self.w[i];
            let size = if p.scale_scope == Scope::Layer { size } else { u.abs() };
            self.u_hat[i] = p.beta_scale * self.u_hat[i] + (1.0 - p.beta_scale) * size;
            let psi = u.signum() * u.abs().min(p.clip * self.u_hat[i]);
            self.s[i] = p.beta * self.s[i] + (1.0 - p.beta) * w * w;
            let s_bar = 1.0 + self.s[i];
            self.a[i] = p.beta * self.a[i] + p.lr / s_bar * psi;
            let bound = if p.bound == Bound::Mu { p.lr } else { p.lr * s_bar };
            let least = if p.floor == Floor::Norm { p.lr * norms[i] / s_bar } else { 0.0 };
            sum += self.a[i].abs().min(bound).max(least);
        }
        let mean = sum / self.w.len() as f64;
        let beta = p.mean_beta.unwrap_or(0.0);
        let correction = if p.mean_corrected { 1.0 - beta.powi(t) } else { 1.0 };
        self.mean += (1.0 - beta) / correction * (mean - self.mean);
        let x = std::f64::consts::PI * (f64::from(t - 1) / 40.0).min(1.0);
        let factor = if p.schedule == Schedule::Constant { 1.0 } else { f64::midpoint(1.0, x.cos()) };
        for (w, direction) in self.w.iter_mut().zip(directions) {
            *w -= factor * self.mean * direction;
        }
    }
}

fn configurations() -> Vec<ParamsRobustSgm> {
    let p = ParamsRobustSgm { lr: 0.05, ..Default::default() };
    vec![
        p.clone(),
        ParamsRobustSgm { beta: 0.9, beta_scale: 0.5, beta_norm: 0.9, clip: 1.5, ..p.clone() },
        ParamsRobustSgm { bound: Bound::Mu, beta_smooth: None, mean_beta: None, eps: 1e-3, ..p.clone() },
        ParamsRobustSgm { weight_decay: 0.1, decoupling: Decoupling::Coupled, mean_beta: Some(0.9), ..p.clone() },
        ParamsRobustSgm { weight_decay: 0.1, schedule: Schedule::RaisedCosine { steps: 40 }, ..p.clone() },
        ParamsRobustSgm { weight_decay: 0.1, ..p.clone() }.as_published(),
        ParamsRobustSgm { scale_scope: Scope::Layer, clip: 1.5, beta_scale: 0.5, ..p.clone() },
        ParamsRobustSgm { floor: Floor::Norm, bound: Bound::Mu, ..p.clone() },
        ParamsRobustSgm { correlated: Correlated::Step, mean_corrected: false, mean_beta: Some(0.9), ..p },
    ]
}

#[test]
fn the_equations() -> Result<()> {
    for params in configurations() {
        let start = noise(35, 1);
        let var = Var::from_tensor(&Tensor::from_vec(start.clone(), (5, 7), &Device::Cpu)?)?;
        let mut optimiser = RobustSgm::new(vec![var.clone()], params.clone())?;
        let mut plain = Plain::new(&start);
        for step in 0..50 {
            let gradient = noise(35, 100 + step);
            let tensor = Tensor::from_vec(gradient.clone(), (5, 7), &Device::Cpu)?;
            optimiser.step(&gradients(&[(&var, &tensor)])?)?;
            plain.step(&params, &gradient);
            let found = var.flatten_all()?.to_vec1::<f64>()?;
            for (found, expected) in found.iter().zip(&plain.w) {
                assert!(
                    (found - expected).abs() < 1e-11 * (1.0 + expected.abs()),
                    "{found}, not {expected}: {params:?}"
                );
            }
            let (_, rate) = optimiser.rates().next().unwrap();
            assert!((rate - plain.mean).abs() < 1e-12, "{rate}, not {}", plain.mean);
        }
        let moved = var.flatten_all()?.to_vec1::<f64>()?.iter().zip(&start).map(|(a, b)| (a - b).abs()).sum::<f64>();
        assert!(moved > 0.1, "it moved: {moved}");
    }
    Ok(())
}

/// Tensors of many sizes and both types, updated together, are what they are alone; those without a gradient stay.
#[test]
fn many_tensors_are_each_as_alone() -> Result<()> {
    let sizes = [1, 3, 1000, 4097, 200_000, 70_000, 2];
    let make = |index: usize, size: usize| -> Result<Var> {
        let dtype = if index.is_multiple_of(2) { DType::F32 } else { DType::F64 };
        Var::from_tensor(&Tensor::from_vec(noise(size, index as u64), size, &Device::Cpu)?.to_dtype(dtype)?)
    };
    let both: Vec<[Var; 2]> =
        sizes.iter().enumerate().map(|(i, &n)| Ok([make(i, n)?, make(i, n)?])).collect::<Result<_>>()?;
    let together: Vec<Var> = both.iter().map(|[var, _]| var.clone()).collect();
    let idle = Var::from_tensor(&Tensor::new(&[1.5_f32, 2.5], &Device::Cpu)?)?;
    let whole = Var::from_tensor(&Tensor::new(&[7_u32], &Device::Cpu)?)?;
    let all: Vec<Var> = together.iter().cloned().chain([idle.clone(), whole]).collect();
    let mut one = RobustSgm::new(all, ParamsRobustSgm::default())?;
    assert_eq!(one.vars().len(), sizes.len() + 1, "whole numbers are not trained");
    let alone = both.iter().map(|[_, var]| RobustSgm::new(vec![var.clone()], ParamsRobustSgm::default()));
    let mut alone = alone.collect::<Result<Vec<_>>>()?;
    for step in 0..3 {
        let gradients_of = |index: usize| -> Result<Tensor> {
            let values = noise(sizes[index], 1000 * step + index as u64);
            Tensor::from_vec(values, sizes[index], &Device::Cpu)?.to_dtype(together[index].dtype())
        };
        let tensors = (0..sizes.len()).map(gradients_of).collect::<Result<Vec<_>>>()?;
        let pairs: Vec<_> = together.iter().zip(&tensors).collect();
        one.step(&gradients(&pairs)?)?;
        for ((optimiser, [_, var]), tensor) in alone.iter_mut().zip(&both).zip(&tensors) {
            optimiser.step(&gradients(&[(var, tensor)])?)?;
        }
    }
    for [a, b] in &both {
        let bits = |var: &Var| -> Result<Vec<u64>> {
            Ok(var.to_dtype(DType::F64)?.to_vec1::<f64>()?.into_iter().map(f64::to_bits).collect())
        };
        assert_eq!(bits(a)?, bits(b)?);
    }
    assert_eq!(idle.to_vec1::<f32>()?, [1.5, 2.5]);
    Ok(())
}

/// NaN leaves a weight alone, an infinity leaves everything finite.
#[test]
fn gradients_that_are_none() -> Result<()> {
    let var = Var::from_tensor(&Tensor::new(&[1.0_f32, -2.0, 3.0], &Device::Cpu)?)?;
    let mut optimiser = RobustSgm::new(vec![var.clone()], ParamsRobustSgm::default())?;
    for _ in 0..10 {
        let gradient = Tensor::new(&[f32::NAN, f32::INFINITY, 0.5], &Device::Cpu)?;
        // The product with an infinity must not reach the loss as NaN in the gradient: the gradient is the constant.
        optimiser.step(&gradients(&[(&var, &gradient)])?)?;
    }
    let [untouched, finite, moved] = var.to_vec1::<f32>()?[..] else { panic!("three weights") };
    assert_eq!(untouched, 1.0);
    assert!(finite.is_finite() && moved < 3.0);
    Ok(())
}

/// One gradient of 1e20: its weight stands still until the norm has forgotten it, some 80 memories of the norm, and then
/// goes on. candle's `AdamW` squares it to an infinity, which nothing ever decays.
#[test]
fn one_huge_gradient() -> Result<()> {
    let start = || Var::from_tensor(&Tensor::new(&[1.0_f32, 1.0], &Device::Cpu)?);
    let (ours, candles) = (start()?, start()?);
    let params = ParamsRobustSgm { lr: 1e-3, beta: 0.99, beta_norm: 0.9, ..Default::default() };
    let mut robust = RobustSgm::new(vec![ours.clone()], params)?;
    let params = ParamsAdamW { lr: 1e-5, beta2: 0.9, weight_decay: 0.0, ..Default::default() };
    let mut adam = AdamW::new(vec![candles.clone()], params)?;
    let now = || -> Result<[Vec<f32>; 2]> { Ok([ours.to_vec1()?, candles.to_vec1()?]) };
    let mut run = |first: f32, steps: u32| -> Result<()> {
        let gradient = Tensor::new(&[first, 1.0], &Device::Cpu)?;
        for _ in 0..steps {
            robust.step(&gradients(&[(&ours, &gradient)])?)?;
            adam.step(&gradients(&[(&candles, &gradient)])?)?;
        }
        Ok(())
    };
    run(1.0, 20)?;
    let before = now()?;
    run(1e20, 1)?;
    run(1.0, 100)?;
    let soon = now()?;
    // 33 rates at the most, and then nothing; the other weight goes on.
    assert!((soon[0][0] - before[0][0]).abs() < 33.0 * 2e-3, "{before:?}, {soon:?}");
    assert!(soon[0][1] < before[0][1]);
    run(1.0, 900)?;
    let later = now()?;
    run(1.0, 100)?;
    let end = now()?;
    assert!(end[0][0] < later[0][0], "ours goes on: {later:?}, {end:?}");
    assert!(end[1][1] < later[1][1], "so does the other weight of candle's");
    assert_eq!(end[1][0], soon[1][0], "but not that one");
    Ok(())
}

/// A gradient that is not contiguous is the same as one that is; so is a variable that begins within its storage.
#[test]
fn layouts() -> Result<()> {
    let start = Tensor::from_vec(noise(12, 5), (3, 4), &Device::Cpu)?;
    let a = Var::from_tensor(&start)?;
    let b = Var::from_tensor(&Tensor::from_vec(noise(20, 5), (5, 4), &Device::Cpu)?.narrow(0, 0, 3)?)?;
    let gradient = Tensor::from_vec(noise(12, 6), (4, 3), &Device::Cpu)?;
    let mut optimisers = [&a, &b].map(|var| RobustSgm::new(vec![var.clone()], ParamsRobustSgm::default()).unwrap());
    let mut store = gradients(&[(&a, &gradient.t()?.contiguous()?)])?;
    optimisers[0].step(&store)?;
    store.insert(b.as_tensor(), gradient.t()?);
    optimisers[1].step(&store)?;
    assert_eq!(a.to_vec2::<f64>()?, b.to_vec2::<f64>()?);
    assert_ne!(a.to_vec2::<f64>()?, start.to_vec2::<f64>()?);
    Ok(())
}

#[test]
fn learning_rates_of_the_caller() -> Result<()> {
    let var = Var::from_tensor(&Tensor::new(&[1.0_f64, -2.0], &Device::Cpu)?)?;
    let gradient = Tensor::new(&[0.5_f64, 0.25], &Device::Cpu)?;
    let store = gradients(&[(&var, &gradient)])?;
    let mut optimiser = RobustSgm::new(vec![var.clone()], ParamsRobustSgm { lr: 0.0, ..Default::default() })?;
    optimiser.step(&store)?;
    assert_eq!(var.to_vec1::<f64>()?, [1.0, -2.0], "a rate of 0 stands still");
    optimiser.set_learning_rate(0.1);
    optimiser.step(&store)?;
    let moved = var.to_vec1::<f64>()?;
    assert!(moved[0] < 1.0);
    optimiser.set_learning_rate(-1.0);
    let said = optimiser.step(&store).unwrap_err().to_string();
    assert!(said.contains("the learning rate is -1: set one that is at least 0 and finite"), "{said}");
    assert_eq!(var.to_vec1::<f64>()?, moved, "nothing was changed");
    optimiser.set_learning_rate(0.2);
    optimiser.step(&store)?;
    assert_eq!((optimiser.learning_rate(), optimiser.steps()), (0.2, 3));
    Ok(())
}

#[test]
fn what_cannot_be_trained_is_named() -> Result<()> {
    let half = Var::from_tensor(&Tensor::zeros(3, DType::F16, &Device::Cpu)?)?;
    let error = RobustSgm::from_named([("layer.1".to_owned(), half)], ParamsRobustSgm::default()).unwrap_err();
    assert_eq!(error.to_string(), "tensor layer.1 is F16: train it as f32 or f64");
    let var = Var::from_tensor(&Tensor::zeros((2, 3), DType::F32, &Device::Cpu)?)?;
    let other = Var::from_tensor(&Tensor::zeros((2, 3), DType::F32, &Device::Cpu)?)?;
    let named = [("bad".to_owned(), var.clone()), ("bad".to_owned(), other)];
    let error = RobustSgm::from_named(named, ParamsRobustSgm::default()).unwrap_err();
    assert_eq!(error.to_string(), "the name bad is there twice: give every tensor a name of its own");
    let flipped = Var::from_tensor(&var.as_tensor().t()?)?;
    if !flipped.is_contiguous() {
        let error = RobustSgm::from_named([("t".to_owned(), flipped)], ParamsRobustSgm::default()).unwrap_err();
        assert!(error.to_string().starts_with("tensor t is not contiguous"), "{error}");
    }
    for params in [
        ParamsRobustSgm { lr: f64::NAN, ..Default::default() },
        ParamsRobustSgm { beta: 1.0, ..Default::default() },
        ParamsRobustSgm { mean_beta: Some(-0.1), ..Default::default() },
        ParamsRobustSgm { eps: 0.0, ..Default::default() },
        ParamsRobustSgm { weight_decay: -1.0, ..Default::default() },
    ] {
        assert!(RobustSgm::new(vec![var.clone()], params.clone()).is_err(), "{params:?}");
    }

    let map = VarMap::new();
    map.data().lock().unwrap().insert("w".to_owned(), var.clone());
    let mut optimiser = RobustSgm::from_var_map(&map, ParamsRobustSgm::default()).unwrap();
    let mut store = gradients(&[(&var, &Tensor::ones((2, 3), DType::F32, &Device::Cpu)?)])?;
    store.insert(var.as_tensor(), Tensor::ones((3, 2), DType::F32, &Device::Cpu)?);
    let said = optimiser.step(&store).unwrap_err().to_string();
    assert!(said.contains("tensor w: its gradient is F32 [3, 2], but the tensor is F32 [2, 3]"), "{said}");
    Ok(())
}

/// The gradient of `w^2 / 2` may be `w` itself.
#[test]
fn a_gradient_that_is_the_variable() -> Result<()> {
    let start = Tensor::from_vec(noise(30, 3), 30, &Device::Cpu)?;
    let (a, b) = (Var::from_tensor(&start)?, Var::from_tensor(&start)?);
    let mut optimisers = [&a, &b].map(|var| RobustSgm::new(vec![var.clone()], ParamsRobustSgm::default()).unwrap());
    for _ in 0..3 {
        let mut store = a.sqr()?.sum_all()?.backward()?;
        store.insert(a.as_tensor(), a.as_tensor().clone());
        optimisers[0].step(&store)?;
        store.insert(b.as_tensor(), b.as_tensor().copy()?);
        optimisers[1].step(&store)?;
    }
    assert_eq!(a.to_vec1::<f64>()?, b.to_vec1::<f64>()?);
    assert_ne!(a.to_vec1::<f64>()?, start.to_vec1::<f64>()?);
    Ok(())
}

/// What the types of the tensors cannot carry is refused, and the old parameters stay.
#[test]
fn parameters_that_do_not_fit() -> Result<()> {
    let single = Var::from_tensor(&Tensor::new(&[1.0_f32], &Device::Cpu)?)?;
    let double = Var::from_tensor(&Tensor::new(&[1.0_f64], &Device::Cpu)?)?;
    let mut optimiser = RobustSgm::new(vec![double.clone(), single.clone()], ParamsRobustSgm::default())?;
    let error = optimiser.set_params(ParamsRobustSgm { eps: 1e-60, ..Default::default() }).unwrap_err();
    assert!(error.to_string().starts_with("tensor 1: epsilon must be"), "{error}");
    assert_eq!(optimiser.params(), &ParamsRobustSgm::default());
    let ones = (Tensor::new(&[1.0_f64], &Device::Cpu)?, Tensor::new(&[1.0_f32], &Device::Cpu)?);
    optimiser.step(&gradients(&[(&double, &ones.0), (&single, &ones.1)])?)?;
    assert!(double.to_vec1::<f64>()?[0] < 1.0 && single.to_vec1::<f32>()?[0] < 1.0);
    Ok(())
}

/// Steps of large tensors while the threads of the pool, and of another one, read them: nobody waits for ever.
#[test]
fn steps_while_others_read() -> Result<()> {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc::channel;
    use std::time::Duration;

    for inside in [false, true] {
        let var = Var::from_tensor(&Tensor::zeros(400_000, DType::F32, &Device::Cpu)?)?;
        let gradient = Tensor::ones(400_000, DType::F32, &Device::Cpu)?;
        let pool = Arc::new(rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap());
        let stop = Arc::new(AtomicBool::new(false));
        let reader = {
            let (pool, stop, var) = (Arc::clone(&pool), Arc::clone(&stop), var.clone());
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let part = || var.narrow(0, 10, 100).and_then(|part| part.sum_all()).unwrap();
                    pool.install(|| rayon::join(part, part));
                    rayon::join(part, part);
                }
            })
        };
        let (done, wait) = channel();
        std::thread::spawn(move || {
            let mut optimiser = RobustSgm::new(vec![var.clone()], ParamsRobustSgm::default()).unwrap();
            let store = gradients(&[(&var, &gradient)]).unwrap();
            for _ in 0..100 {
                if inside {
                    pool.install(|| optimiser.step(&store)).unwrap();
                } else {
                    optimiser.step(&store).unwrap();
                }
            }
            done.send(optimiser.steps()).unwrap();
        });
        assert_eq!(wait.recv_timeout(Duration::from_mins(1)), Ok(100), "a hundred steps take no minute");
        stop.store(true, Ordering::Relaxed);
        reader.join().unwrap();
    }
    Ok(())
}
