//! Groups have parameters of their own, and one learning rate that scales them all; a tensor of several names is one
//! tensor; a schedule is any function.

use candle_core::backprop::GradStore;
use candle_core::{DType, Device, Result, Tensor, Var};
use candle_nn::{Optimizer, VarMap};
use evenkeel_candle::{Error, Group, ParamsRobustSgm, RobustSgm, Schedule, named_vars};
use std::fs;

fn var(values: &[f64]) -> Result<Var> {
    Var::from_tensor(&Tensor::new(values, &Device::Cpu)?)
}

fn weights(var: &Var) -> Result<Vec<f64>> {
    var.flatten_all()?.to_vec1()
}

/// Gradients as a loss gives them: of `sum(w c)` it is `c`.
fn gradients(pairs: &[(&Var, &[f64])]) -> Result<GradStore> {
    let mut loss = Tensor::zeros((), DType::F64, &Device::Cpu)?;
    for (var, gradient) in pairs {
        loss = (loss + (var.as_tensor() * Tensor::new(*gradient, &Device::Cpu)?)?.sum_all()?)?;
    }
    loss.backward()
}

fn params() -> ParamsRobustSgm {
    ParamsRobustSgm { lr: 0.1, weight_decay: 0.5, ..Default::default() }
}

/// The parameters of the second group: no weight decay, a tenth of the rate.
fn slow() -> ParamsRobustSgm {
    ParamsRobustSgm { lr: 0.01, weight_decay: 0.0, mean_beta: None, ..params() }
}

fn named(name: &str, var: &Var) -> Vec<(String, Var)> {
    vec![(name.to_owned(), var.clone())]
}

/// Two groups, `weight` and `bias`.
fn two(weight: &Var, bias: &Var) -> std::result::Result<RobustSgm, Error> {
    RobustSgm::from_groups([
        Group { vars: named("weight", weight), params: params() },
        Group { vars: named("bias", bias), params: slow() },
    ])
}

/// A group is as an optimiser of its own.
#[test]
fn parameters_of_their_own() -> anyhow::Result<()> {
    let (weight, bias) = (var(&[1.0, -2.0, 0.5])?, var(&[0.3, 0.7])?);
    let (weight_alone, bias_alone) = (var(&[1.0, -2.0, 0.5])?, var(&[0.3, 0.7])?);
    let mut both = two(&weight, &bias)?;
    assert_eq!(both.groups(), [params(), slow()]);
    let mut alone = [RobustSgm::from_named(named("weight", &weight_alone), params())?, {
        RobustSgm::from_named(named("bias", &bias_alone), slow())?
    }];
    let step = |both: &mut RobustSgm, alone: &mut [RobustSgm; 2]| -> Result<()> {
        let (g, h) = (&[0.5, 0.25, -1.0][..], &[-0.5, 0.125][..]);
        both.step(&gradients(&[(&weight, g), (&bias, h)])?)?;
        alone[0].step(&gradients(&[(&weight_alone, g)])?)?;
        alone[1].step(&gradients(&[(&bias_alone, h)])?)
    };
    let same = || -> Result<()> {
        assert_eq!(weights(&weight)?, weights(&weight_alone)?);
        assert_eq!(weights(&bias)?, weights(&bias_alone)?);
        Ok(())
    };
    for _ in 0..5 {
        step(&mut both, &mut alone)?;
    }
    same()?;
    assert_ne!(weights(&bias)?, [0.3, 0.7]);

    // One learning rate for all: the largest is what is set, and the ratios stay.
    assert_eq!(both.learning_rate(), 0.1);
    both.set_learning_rate(0.4);
    alone[0].set_learning_rate(0.4);
    alone[1].set_learning_rate(0.01 * (0.4 / 0.1));
    step(&mut both, &mut alone)?;
    same()?;
    // 0 is no end of them.
    both.set_learning_rate(0.0);
    for one in &mut alone {
        one.set_learning_rate(0.0);
    }
    let before = weights(&weight)?;
    step(&mut both, &mut alone)?;
    assert_eq!(weights(&weight)?, before);
    both.set_learning_rate(0.1);
    assert_eq!(both.groups(), [params(), slow()]);
    alone[0].set_learning_rate(0.1);
    alone[1].set_learning_rate(0.01);
    step(&mut both, &mut alone)?;
    same()?;

    // One group anew.
    let other = ParamsRobustSgm { lr: 0.2, beta_smooth: None, ..slow() };
    both.set_group(1, other.clone())?;
    alone[1].set_params(other.clone())?;
    assert_eq!(both.learning_rate(), 0.2, "the largest");
    step(&mut both, &mut alone)?;
    same()?;
    let error = both.set_group(2, other.clone()).unwrap_err().to_string();
    assert_eq!(error, "there is no group 2: there are 2, counted from 0");
    assert!(both.set_group(0, ParamsRobustSgm { clip: 0.0, ..params() }).is_err());
    assert_eq!(both.groups(), [params(), other], "nothing was replaced");
    both.set_params(slow())?;
    assert_eq!(both.groups(), [slow(), slow()]);
    Ok(())
}

/// Groups that are saved, loaded and continued give the same bits, those that stand still included.
#[test]
fn groups_are_saved() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("state");
    let (weight, bias) = (var(&[1.0, -2.0, 0.5])?, var(&[0.3, 0.7])?);
    let train = |optimiser: &mut RobustSgm, weight: &Var, bias: &Var| -> Result<()> {
        for _ in 0..4 {
            optimiser.step(&gradients(&[(weight, &[0.5, 0.25, -1.0]), (bias, &[-0.5, 0.125])])?)?;
        }
        Ok(())
    };
    let mut whole = two(&weight, &bias)?;
    train(&mut whole, &weight, &bias)?;
    whole.set_learning_rate(0.0); // each goes on with the bound that it had
    train(&mut whole, &weight, &bias)?;
    whole.save(&path)?;

    let (again_weight, again_bias) = (var(&weights(&weight)?)?, var(&weights(&bias)?)?);
    let mut again = two(&again_weight, &again_bias)?;
    again.set_learning_rate(0.0);
    again.load(&path)?;
    for optimiser in [(&mut whole, &weight, &bias), (&mut again, &again_weight, &again_bias)] {
        let (optimiser, weight, bias) = optimiser;
        train(optimiser, weight, bias)?;
        optimiser.set_learning_rate(0.3);
        train(optimiser, weight, bias)?;
    }
    assert_eq!(weights(&weight)?, weights(&again_weight)?);
    assert_eq!(weights(&bias)?, weights(&again_bias)?);
    let (one, other) = (folder.path().join("one"), folder.path().join("other"));
    whole.save(&one)?;
    again.save(&other)?;
    assert!(fs::read(one)? == fs::read(other)?, "the whole state");

    // Without groups it goes on, too: they are parameters, and those are not in the file.
    let vars = [("weight".to_owned(), weight), ("bias".to_owned(), bias)];
    RobustSgm::from_named(vars, params())?.load(&path)?;
    Ok(())
}

#[test]
fn a_tensor_in_two_groups() -> anyhow::Result<()> {
    let weight = var(&[1.0])?;
    let twice = RobustSgm::from_groups([
        Group { vars: named("head", &weight), params: params() },
        Group { vars: named("embedding", &weight), params: slow() },
    ]);
    let error = twice.unwrap_err().to_string();
    assert_eq!(error, "tensor embedding is in another group too, as head: leave it in one of them");
    let error = two(&weight, &var(&[2.0])?)?.set_group(0, ParamsRobustSgm { lr: -1.0, ..params() }).unwrap_err();
    assert!(matches!(error, Error::Rate { lr } if lr == -1.0), "{error}");
    assert_eq!(RobustSgm::from_groups([])?.groups(), []);
    Ok(())
}

/// A tensor under two names is updated once, as one tensor, and its state is found under either.
#[test]
fn tied_weights() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("state");
    let (tied, alone) = (var(&[1.0, -2.0])?, var(&[1.0, -2.0])?);
    let map = VarMap::new();
    for name in ["head", "embedding"] {
        map.data().lock().unwrap().insert(name.to_owned(), tied.clone());
    }
    let mut one = RobustSgm::from_var_map(&map, params())?;
    assert_eq!(one.vars().map(|(name, _)| name).collect::<Vec<_>>(), ["embedding"]);
    assert_eq!(one.rates().len(), 1);
    let mut single = RobustSgm::from_named(named("embedding", &alone), params())?;
    for _ in 0..3 {
        one.step(&gradients(&[(&tied, &[0.5, 0.25])])?)?;
        single.step(&gradients(&[(&alone, &[0.5, 0.25])])?)?;
    }
    assert_eq!(weights(&tied)?, weights(&alone)?);
    one.save(&path)?;
    let bytes = fs::read(&path)?;
    single.save(&path)?;
    assert!(fs::read(&path)? == bytes, "one tensor under its first name");

    // In either order.
    let mut turned = named_vars(&map);
    turned.reverse();
    let mut again = RobustSgm::from_named(turned.clone(), params())?;
    again.load(&path)?;
    assert_eq!(again.rates().next(), Some(("head", single.rates().next().unwrap().1)));
    again.save(&path)?;
    one.load(&path)?;
    one.save(&path)?;
    assert!(fs::read(&path)? == bytes);

    // Two tensors are none that are tied, nor the other way round.
    let untied = [("head".to_owned(), tied.clone()), ("embedding".to_owned(), alone)];
    let mut untied = RobustSgm::from_named(untied, params())?;
    let error = untied.load(&path).unwrap_err().to_string();
    assert!(error.contains("does not fit these tensors: it has no head.square"), "{error}");
    untied.save(&path)?;
    let error = again.load(&path).unwrap_err().to_string();
    assert!(error.contains("it holds head and embedding each for itself, which are one tensor here"), "{error}");
    Ok(())
}

/// Beside the schedule of the parameters, and in the place of none.
#[test]
fn a_schedule_of_the_callers() -> anyhow::Result<()> {
    let (a, b, still) = (var(&[1.0, -2.0])?, var(&[1.0, -2.0])?, var(&[1.0, -2.0])?);
    let linear = Schedule::Linear { steps: 10 };
    let mut named_one = RobustSgm::new(vec![a.clone()], ParamsRobustSgm { schedule: linear, ..params() })?;
    let mut own = RobustSgm::new(vec![b.clone()], params())?;
    own.set_schedule(move |step| linear.factor(step));
    let mut both = RobustSgm::new(vec![still.clone()], ParamsRobustSgm { schedule: linear, ..params() })?;
    both.set_schedule(|step| if step <= 3 { 0.0 } else { 1.0 });
    for step in 0..6 {
        named_one.step(&gradients(&[(&a, &[0.5, 0.25])])?)?;
        own.step(&gradients(&[(&b, &[0.5, 0.25])])?)?;
        both.step(&gradients(&[(&still, &[0.5, 0.25])])?)?;
        assert_eq!(weights(&a)?, weights(&b)?);
        assert_eq!(weights(&still)? == [1.0, -2.0], step < 3, "after {} steps", step + 1);
    }
    assert!(format!("{own:?}").contains("Function(..)"));

    for factor in [-0.5, f64::NAN, f64::INFINITY] {
        own.set_schedule(move |_| factor);
        let error = own.step(&gradients(&[(&b, &[0.5, 0.25])])?).unwrap_err();
        let wanted =
            format!("the schedule returned {factor} for step 7: return a number that is at least 0 and finite");
        assert!(error.to_string().starts_with(&wanted), "{error}");
        assert_eq!((weights(&b)?, own.steps()), (weights(&a)?, 6), "nothing was changed");
    }
    Ok(())
}

#[test]
fn learning_rates_that_are_none() -> anyhow::Result<()> {
    let weight = var(&[1.0, -2.0])?;
    let store = gradients(&[(&weight, &[0.5, 0.25])])?;
    for lr in [-1.0, -1e-300, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let wanted = format!("the learning rate is {lr}: set one that is at least 0 and finite");
        let bad = ParamsRobustSgm { lr, ..params() };
        let error = RobustSgm::new(vec![weight.clone()], bad.clone()).unwrap_err().to_string();
        assert!(error.starts_with(&wanted), "{error}");
        let mut optimiser = RobustSgm::from_named(named("weight", &weight), params())?;
        assert_eq!(optimiser.set_params(bad).unwrap_err().to_string(), wanted);
        let error = optimiser.try_set_learning_rate(lr).unwrap_err();
        assert!(matches!(error, Error::Rate { .. }) && error.to_string() == wanted, "{error}");
        assert_eq!(optimiser.learning_rate(), 0.1, "the old one stays");
        optimiser.set_learning_rate(lr);
        let error = optimiser.step(&store).unwrap_err().to_string();
        assert!(error.starts_with(&wanted), "{error}");
        assert_eq!(weights(&weight)?, [1.0, -2.0], "nothing was changed");
    }
    // Whichever of the groups it comes to.
    let mut optimiser = two(&weight, &var(&[2.0])?)?;
    assert!(matches!(optimiser.try_set_learning_rate(-2.0), Err(Error::Rate { lr: -2.0 })));
    optimiser.try_set_learning_rate(0.2)?;
    assert_eq!(optimiser.groups().iter().map(|params| params.lr).collect::<Vec<_>>(), [0.2, 0.02]);
    Ok(())
}
