//! The guards over tensors are those over slices; losses that are none leave the gradient finite; a run with guards that
//! is saved, loaded and continued gives the same bits.

use candle_core::backprop::GradStore;
use candle_core::{DType, Device, Result, Tensor, Var};
use candle_nn::Optimizer;
use evenkeel::{Decay, GradientGuard, LossGuard, sum_of_squares};
use evenkeel_candle::{ParamsRobustSgm, RobustSgm, guard_gradients, norm, weigh, weighted_mean};

fn losses_guard() -> LossGuard {
    LossGuard::new(Decay::half_life(160.0).unwrap()).unwrap().squared()
}

fn gradient_guard() -> GradientGuard {
    GradientGuard::new(Decay::half_life(50.0).unwrap()).unwrap()
}

/// Squared errors of the size of one, of which the tenth is a wild one where `wild` says so.
fn some_losses(count: usize, step: usize, wild: bool) -> Vec<f64> {
    let mut losses: Vec<f64> = (0..count).map(|i| 0.5 + ((step * 7 + i * 5) % 11) as f64 / 10.0).collect();
    if wild {
        losses[9] = 1e4;
    }
    losses
}

/// Any shape, type and layout: what the guard of the library makes of the same numbers.
#[test]
fn weights_of_losses() -> anyhow::Result<()> {
    for dtype in [DType::F32, DType::F64] {
        let (mut over_tensors, mut over_slices) = (losses_guard(), losses_guard());
        for step in 0..10 {
            let losses = some_losses(40, step, step > 4);
            let tensor = Tensor::from_vec(losses.clone(), (4, 10), &Device::Cpu)?.to_dtype(dtype)?;
            // The numbers in another order in memory, and in the middle of a storage.
            let tensor = match step % 3 {
                0 => tensor,
                1 => tensor.t()?.contiguous()?.t()?,
                _ => Tensor::cat(&[&tensor, &tensor, &tensor], 0)?.narrow(0, 4, 4)?,
            };
            let found = weigh(&mut over_tensors, &tensor)?;
            assert_eq!((found.dtype(), found.dims()), (dtype, &[4, 10][..]));
            let mut expected = vec![0.0_f64; 40];
            let losses: Vec<f64> = tensor.to_dtype(DType::F64)?.flatten_all()?.to_vec1()?;
            over_slices.weigh(&losses, &mut expected)?;
            let found: Vec<f64> = found.to_dtype(DType::F64)?.flatten_all()?.to_vec1()?;
            for (found, expected) in found.iter().zip(&expected) {
                assert!((found - expected).abs() < 1e-6, "{found}, not {expected}");
            }
            assert_eq!(found[9], if step > 4 { 0.0 } else { 1.0 });
        }
        assert!(over_tensors.weighed_down() >= 5);
    }
    let halves = Tensor::zeros(3, DType::F16, &Device::Cpu)?;
    let error = weigh(&mut losses_guard(), &halves).unwrap_err().to_string();
    assert!(error.starts_with("the losses are F16: give them to the guard as f32 or f64"), "{error}");
    Ok(())
}

/// A linear model of examples, of which one is not to be had: its label, or one of its numbers.
#[test]
fn examples_that_are_none() -> anyhow::Result<()> {
    let w = Var::from_tensor(&Tensor::new(&[[0.5_f64], [0.25]], &Device::Cpu)?)?;
    let (x, y) = ([[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]], [[5.0], [11.0], [19.0]]);
    let losses = |x: &Tensor, y: &Tensor| -> Result<Tensor> { (x.matmul(&w)? - y)?.sqr() };
    let gradient = |loss: &Tensor| -> Result<Vec<f64>> {
        loss.backward()?.get(w.as_tensor()).map_or(Ok(vec![]), |g| g.flatten_all()?.to_vec1())
    };
    let mean = |x: &Tensor, y: &Tensor, guard: &mut LossGuard| -> Result<Tensor> {
        weighted_mean(guard, &losses(x, y)?, |kept| losses(&x.index_select(kept, 0)?, &y.index_select(kept, 0)?))
    };
    // By hand: two examples of three.
    let expected = {
        let (x, y) = (Tensor::new(&[x[0], x[2]], &Device::Cpu)?, Tensor::new(&[y[0], y[2]], &Device::Cpu)?);
        gradient(&(losses(&x, &y)?.sum_all()? / 3.0)?)?
    };
    for (bad_x, bad_y) in [(4.0, f64::NAN), (4.0, f64::INFINITY), (f64::NAN, 11.0), (f64::NEG_INFINITY, 11.0)] {
        let (mut bad, mut label) = (x, y);
        (bad[1][1], label[1][0]) = (bad_x, bad_y);
        let (x, y) = (Tensor::new(&bad, &Device::Cpu)?, Tensor::new(&label, &Device::Cpu)?);
        let mut guard = losses_guard();
        let found = gradient(&mean(&x, &y, &mut guard)?)?;
        assert_eq!(guard.invalid(), 1);
        assert!(found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?}, not {expected:?}");
        // What it is there for: neither a weight of 0 nor a selection keeps it out.
        let all = losses(&x, &y)?;
        let weights = weigh(&mut losses_guard(), &all)?;
        let times = gradient(&(&all * &weights)?.mean_all()?)?;
        let chosen = gradient(&weights.ne(0.0)?.where_cond(&all, &all.zeros_like()?)?.mean_all()?)?;
        assert!(times.iter().chain(&chosen).any(|g| g.is_nan()), "{times:?} {chosen:?}");
    }
    let (x, y) = (Tensor::new(&x, &Device::Cpu)?, Tensor::new(&y, &Device::Cpu)?);
    // Where all are sound they are computed once.
    let all = losses(&x, &y)?;
    let once = weighted_mean(&mut losses_guard(), &all, |_| candle_core::bail!("there is no need"))?;
    assert_eq!(once.to_scalar::<f64>()?, all.mean_all()?.to_scalar::<f64>()?);
    // None at all.
    let nothing = (y * f64::NAN)?;
    let none = mean(&x, &nothing, &mut losses_guard())?;
    assert_eq!((none.to_scalar::<f64>()?, gradient(&none)?), (0.0, vec![]));
    Ok(())
}

/// A wild loss of a guard that is seeded moves nothing.
#[test]
fn a_wild_loss() -> anyhow::Result<()> {
    let w = Var::from_tensor(&Tensor::ones(40, DType::F64, &Device::Cpu)?)?;
    let mut guard = losses_guard();
    for step in 0..5 {
        let losses = (w.as_tensor() * Tensor::new(some_losses(40, step, step > 0), &Device::Cpu)?)?;
        let gradients = weighted_mean(&mut guard, &losses, |_| candle_core::bail!("all are sound"))?.backward()?;
        let gradient: Vec<f64> = gradients.get(w.as_tensor()).expect("it is there").to_vec1()?;
        assert_eq!(gradient[9] == 0.0, step > 0, "step {step}");
        assert!((gradient[8] - some_losses(40, step, false)[8] / 40.0).abs() < 1e-12);
    }
    Ok(())
}

/// Variables and their gradients, which are these multiples of what they always are.
fn store(vars: &[Var], times: f64) -> Result<GradStore> {
    let mut store = vars[0].sqr()?.sum_all()?.backward()?;
    for (index, var) in vars.iter().enumerate() {
        let numbers: Vec<f64> = (0..var.elem_count()).map(|i| times * ((i + index) % 5) as f64).collect();
        store.insert(var.as_tensor(), Tensor::from_vec(numbers, var.dims(), &Device::Cpu)?.to_dtype(var.dtype())?);
    }
    Ok(store)
}

fn vars() -> Result<Vec<Var>> {
    [(3, DType::F32), (500, DType::F64), (70, DType::F32), (1, DType::F16), (5000, DType::F32)]
        .into_iter()
        .map(|(count, dtype)| Var::from_tensor(&Tensor::ones(count, dtype, &Device::Cpu)?))
        .collect()
}

#[test]
fn norms() -> anyhow::Result<()> {
    let vars = vars()?;
    let store = store(&vars, 0.1)?;
    let found = norm(&store, &vars)?;
    let mut expected = 0.0;
    for var in &vars {
        let gradient = store.get(var.as_tensor()).expect("it is there");
        expected += sum_of_squares(&gradient.to_dtype(DType::F64)?.to_vec1::<f64>()?);
    }
    assert!((found / expected.sqrt() - 1.0).abs() < 1e-14, "{found}");
    // In any order and however often, the same bits.
    for turn in 0..vars.len() {
        let turned = vars[turn..].iter().chain(&vars);
        assert_eq!(norm(&store, turned)?.to_bits(), found.to_bits());
    }
    // A view of it, and nothing.
    let tall = Var::from_tensor(&Tensor::ones((3, 2), DType::F32, &Device::Cpu)?)?;
    let mut other = tall.sqr()?.sum_all()?.backward()?;
    other.insert(tall.as_tensor(), Tensor::new(&[[3.0_f32, 0.0, 0.0], [0.0, 4.0, 0.0]], &Device::Cpu)?.t()?);
    assert_eq!(norm(&other, [&tall])?, 5.0);
    assert_eq!(norm(&other, &vars)?, 0.0);
    Ok(())
}

/// What passes is not touched, what is large is scaled, what is wild is taken out.
#[test]
fn gradients_are_guarded() -> anyhow::Result<()> {
    let vars = vars()?;
    let first = |store: &GradStore| -> Result<Option<Vec<f64>>> {
        store.get(vars[1].as_tensor()).map(Tensor::to_vec1).transpose()
    };
    let mut guard = gradient_guard();
    for _ in 0..30 {
        let mut gradients = store(&vars, 0.1)?;
        let before = gradients.get(vars[0].as_tensor()).expect("it is there").id();
        assert_eq!(guard_gradients(&mut guard, &mut gradients, &vars)?, 1.0);
        assert_eq!(gradients.get(vars[0].as_tensor()).expect("it is there").id(), before, "the same tensor");
    }
    let mut gradients = store(&vars, 0.25)?;
    let twice = vars.iter().chain(&vars[..2]); // a tensor that is named twice is scaled once
    let factor = guard_gradients(&mut guard, &mut gradients, twice)?;
    assert!((factor - 0.8).abs() < 1e-3, "held at twice the usual size: {factor}");
    let expected: Vec<f64> = (0..500).map(|i| 0.25 * f64::from((i + 1) % 5) * factor).collect();
    assert_eq!(first(&gradients)?, Some(expected));
    for wild in [1e3, f64::NAN, f64::INFINITY] {
        let mut gradients = store(&vars, wild)?;
        assert_eq!(guard_gradients(&mut guard, &mut gradients, &vars)?, 0.0);
        assert!(vars.iter().all(|var| gradients.get(var.as_tensor()).is_none()));
        // A step all the same moves nothing.
        let mut optimiser = RobustSgm::new(vec![vars[1].clone()], ParamsRobustSgm::default())?;
        optimiser.step(&gradients)?;
        assert!(vars[1].to_vec1::<f64>()?.iter().all(|&w| w == 1.0));
    }
    assert_eq!((guard.skips(), guard.skips_in_a_row()), (3, 3));
    Ok(())
}

/// A linear model, its optimiser and both guards.
struct Training {
    w: Var,
    optimiser: RobustSgm,
    losses: LossGuard,
    gradients: GradientGuard,
}

impl Training {
    fn new(w: &Tensor) -> anyhow::Result<Self> {
        let w = Var::from_tensor(w)?;
        let optimiser = RobustSgm::new(vec![w.clone()], ParamsRobustSgm { lr: 0.01, ..Default::default() })?;
        Ok(Self { w, optimiser, losses: losses_guard(), gradients: gradient_guard() })
    }

    /// Steps with a label that is wrong, one that is none, and a spike now and then.
    fn run(&mut self, steps: std::ops::Range<usize>) -> anyhow::Result<()> {
        for step in steps {
            let noise = |i: usize| ((step * 31 + i * 17) % 23) as f32 / 23.0 - 0.5;
            let mut y: Vec<f32> = (0..16).map(|i| noise(2 * i) - 2.0 * noise(2 * i + 1) + 0.1 * noise(i + 7)).collect();
            y[3] += if step % 3 == 0 { 100.0 } else { 0.0 };
            y[5] = if step % 5 == 0 { f32::NAN } else { y[5] };
            let x = Tensor::from_vec((0..32).map(noise).collect(), (16, 2), &Device::Cpu)?;
            let y = Tensor::from_vec(y, (16, 1), &Device::Cpu)?;
            let losses = |x: &Tensor, y: &Tensor| -> Result<Tensor> { (x.matmul(&self.w)? - y)?.sqr() };
            let spike = if step % 20 == 19 { 1e3 } else { 1.0 };
            let loss = weighted_mean(&mut self.losses, &losses(&x, &y)?, |kept| {
                losses(&x.index_select(kept, 0)?, &y.index_select(kept, 0)?)
            })?;
            let mut gradients = (loss * spike)?.backward()?;
            if guard_gradients(&mut self.gradients, &mut gradients, [&self.w])? > 0.0 {
                self.optimiser.step(&gradients)?;
            }
        }
        Ok(())
    }

    fn bits(&self) -> Result<Vec<u32>> {
        Ok(self.w.flatten_all()?.to_vec1::<f32>()?.into_iter().map(f32::to_bits).collect())
    }
}

#[test]
fn saved_and_continued_with_guards() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let state = folder.path().join("state");
    let start = Tensor::new(&[[0.3_f32], [-0.2]], &Device::Cpu)?;
    let mut whole = Training::new(&start)?;
    whole.run(0..100)?;
    assert!(whole.losses.invalid() == 20 && whole.losses.weighed_down() > 20, "{:?}", whole.losses);
    assert!(whole.gradients.skips() >= 3, "{:?}", whole.gradients);

    for middle in [1, 50] {
        let mut first = Training::new(&start)?;
        first.run(0..middle)?;
        first.optimiser.save(&state)?;
        let (mut losses, mut gradients) = (Vec::new(), Vec::new());
        first.losses.write_snapshot(&mut losses)?;
        first.gradients.write_snapshot(&mut gradients)?;

        let mut second = Training::new(&first.w.as_tensor().copy()?)?;
        second.optimiser.load(&state)?;
        second.losses.read_snapshot(&losses)?;
        second.gradients.read_snapshot(&gradients)?;
        second.run(middle..100)?;
        assert_eq!(second.bits()?, whole.bits()?);
        assert_eq!(second.losses.weighed_down(), whole.losses.weighed_down());
        assert_eq!(second.gradients.skips(), whole.gradients.skips());

        // Without what the guards had learnt it is another run.
        let mut third = Training::new(&first.w.as_tensor().copy()?)?;
        third.optimiser.load(&state)?;
        third.run(middle..100)?;
        assert_ne!(third.losses.invalid(), whole.losses.invalid());
    }
    Ok(())
}
