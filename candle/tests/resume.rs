//! A run that is saved, loaded and continued gives the same bits as one that was not; a file that does not fit, or was
//! damaged in any way, is an error that says so and changes nothing.

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::{Optimizer, VarBuilder, VarMap};
use evenkeel_candle::{Error, ParamsRobustSgm, RobustSgm, Schedule};
use std::fs;
use std::path::Path;

/// A small network with known weights.
fn model() -> Result<VarMap> {
    let map = VarMap::new();
    let build = VarBuilder::from_varmap(&map, DType::F32, &Device::Cpu);
    for (name, shape) in [("first.weight", (4, 3)), ("second.weight", (1, 4))] {
        let tensor = build.get_with_hints(shape, name, candle_nn::Init::Const(0.0))?;
        let weights: Vec<f32> = (0..tensor.elem_count()).map(|i| ((i * 37 % 11) as f32 - 5.0) / 10.0).collect();
        map.data().lock().unwrap()[name].set(&Tensor::from_vec(weights, shape, &Device::Cpu)?)?;
    }
    let offset = build.to_dtype(DType::F64).get_with_hints(2, "offset", candle_nn::Init::Const(0.5))?;
    assert_eq!(offset.dtype(), DType::F64);
    Ok(map)
}

fn loss(map: &VarMap, step: u32) -> Result<Tensor> {
    let data = map.data().lock().unwrap();
    let x: Vec<f32> = (0..15).map(|i| ((i * 29 + step * 7) % 13) as f32 / 13.0 - 0.5).collect();
    let x = Tensor::from_vec(x, (5, 3), &Device::Cpu)?;
    let hidden = x.matmul(&data["first.weight"].t()?)?.tanh()?;
    let out = (hidden.matmul(&data["second.weight"].t()?)? - 1.0)?.sqr()?.sum_all()?.to_dtype(DType::F64)?;
    out + data["offset"].sqr()?.sum_all()?
}

fn params() -> ParamsRobustSgm {
    ParamsRobustSgm {
        lr: 0.02,
        weight_decay: 0.01,
        schedule: Schedule::RaisedCosine { steps: 80 },
        ..Default::default()
    }
}

fn train(map: &VarMap, optimiser: &mut RobustSgm, steps: std::ops::Range<u32>) -> Result<()> {
    steps.into_iter().try_for_each(|step| optimiser.backward_step(&loss(map, step)?))
}

fn bits(map: &VarMap) -> Result<Vec<u64>> {
    let data = map.data().lock().unwrap();
    let mut names: Vec<_> = data.keys().collect();
    names.sort();
    let mut bits = Vec::new();
    for name in names {
        bits.extend(data[name].flatten_all()?.to_dtype(DType::F64)?.to_vec1::<f64>()?.into_iter().map(f64::to_bits));
    }
    Ok(bits)
}

#[test]
fn saved_loaded_and_continued() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (state, weights) = (folder.path().join("state.safetensors"), folder.path().join("weights.safetensors"));
    let whole = model()?;
    let mut optimiser = RobustSgm::from_var_map(&whole, params())?;
    train(&whole, &mut optimiser, 0..60)?;

    let first = model()?;
    let mut optimiser = RobustSgm::from_var_map(&first, params())?;
    train(&first, &mut optimiser, 0..25)?;
    optimiser.save(&state)?;
    first.save(&weights)?;
    assert_eq!(fs::read_dir(folder.path())?.count(), 2, "nothing is left beside the files");

    let mut second = model()?;
    second.load(&weights)?;
    let mut optimiser = RobustSgm::from_var_map(&second, params())?;
    optimiser.load(&state)?;
    assert_eq!(optimiser.steps(), 25);
    train(&second, &mut optimiser, 25..60)?;
    assert_eq!(bits(&second)?, bits(&whole)?);

    // Without the state it is another run.
    let mut third = model()?;
    third.load(&weights)?;
    let mut optimiser = RobustSgm::from_var_map(&third, params())?;
    train(&third, &mut optimiser, 25..60)?;
    assert_ne!(bits(&third)?, bits(&whole)?);
    Ok(())
}

/// A saved state, the optimiser that saved it, and its model.
fn saved(path: &Path) -> anyhow::Result<(VarMap, RobustSgm)> {
    let map = model()?;
    let mut optimiser = RobustSgm::from_var_map(&map, params())?;
    train(&map, &mut optimiser, 0..7)?;
    optimiser.save(path)?;
    Ok((map, optimiser))
}

#[test]
fn damaged_files() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (path, bad) = (folder.path().join("state"), folder.path().join("bad"));
    let (map, mut optimiser) = saved(&path)?;
    let bytes = fs::read(&path)?;
    let untouched = |optimiser: &RobustSgm| {
        optimiser.save(&path).unwrap();
        fs::read(&path).unwrap() == bytes
    };
    for length in 0..bytes.len() {
        fs::write(&bad, &bytes[..length])?;
        let error = optimiser.load(&bad).unwrap_err();
        assert!(matches!(error, Error::Format { .. }), "cut to {length}: {error}");
        assert!(error.to_string().contains("bad is no state of this optimiser"), "{error}");
    }
    assert!(untouched(&optimiser));
    // Any byte may be any other: an error, or numbers that a state may hold. Never a panic, and never half of it.
    let mut refused = 0;
    for index in 0..bytes.len() {
        for flip in [0xff, 0x01, 0x80] {
            let mut changed = bytes.clone();
            changed[index] ^= flip;
            fs::write(&bad, &changed)?;
            let mut other = RobustSgm::from_var_map(&map, params())?;
            if other.load(&bad).is_ok() {
                assert!(index > 8, "the length of the header was changed");
            } else {
                refused += 1;
                assert_eq!(other.steps(), 0);
                assert!(other.rates().all(|(_, rate)| rate == 0.0));
            }
        }
    }
    assert!(refused > 1000, "{refused}");
    for (number, what) in [(f32::NAN, "NaN"), (f32::INFINITY, "inf"), (-0.5, "-0.5")] {
        let mut changed = bytes.clone();
        // The first numbers in the file are 64-bit, then come squares, scales and norms, none of which is negative.
        let view = safetensors::SafeTensors::deserialize(&bytes)?;
        let data = view.tensor("first.weight.scale")?.data();
        let at = bytes.windows(data.len()).position(|window| window == data).expect("it is there");
        changed[at..at + 4].copy_from_slice(&number.to_le_bytes());
        fs::write(&bad, &changed)?;
        let error = optimiser.load(&bad).unwrap_err().to_string();
        assert!(error.contains(&format!("first.weight.scale holds {what}, which no state does")), "{error}");
    }
    assert!(untouched(&optimiser));
    let error = optimiser.load(folder.path().join("nowhere")).unwrap_err();
    assert!(matches!(&error, Error::File { .. }) && error.to_string().contains("nowhere"), "{error}");
    let error = optimiser.save(folder.path().join("no/where")).unwrap_err();
    assert!(error.to_string().contains("where"), "{error}");
    Ok(())
}

#[test]
fn files_of_other_tensors() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("state");
    let (map, _) = saved(&path)?;
    let vars = |keep: &dyn Fn(&str) -> Option<(String, candle_core::Shape)>| -> Result<RobustSgm> {
        let data = map.data().lock().unwrap();
        let mut named = Vec::new();
        for (name, var) in data.iter() {
            if let Some((name, shape)) = keep(name) {
                named.push((name, candle_core::Var::from_tensor(&var.as_tensor().copy()?.reshape(shape)?)?));
            }
        }
        Ok(RobustSgm::from_named(named, params())?)
    };
    let shape = |name: &str| map.data().lock().unwrap()[name].shape().clone();
    let shapes: std::collections::HashMap<String, candle_core::Shape> =
        ["first.weight", "second.weight", "offset"].map(|name| (name.to_owned(), shape(name))).into();
    let same = |name: &str| Some((name.to_owned(), shapes[name].clone()));

    let load = |keep: &dyn Fn(&str) -> Option<(String, candle_core::Shape)>| vars(keep).unwrap().load(&path);
    load(&same)?;
    let error = load(&|name| if name == "offset" { None } else { same(name) }).unwrap_err().to_string();
    assert!(error.contains("it holds offset.") && error.contains("which no tensor here has"), "{error}");
    let error = load(&|name| same(name).map(|(name, shape)| (format!("{name}x"), shape))).unwrap_err();
    assert!(matches!(error, Error::Fit { .. }), "{error}");
    let turned = |name: &str| {
        if name == "first.weight" { Some((name.to_owned(), (3, 4).into())) } else { same(name) }
    };
    let error = load(&turned).unwrap_err().to_string();
    assert!(error.contains("first.weight.square is F32 [4, 3] there and F32 [3, 4] here"), "{error}");

    // One tensor more than the file knows.
    let data = map.data().lock().unwrap();
    let extra = candle_core::Var::from_tensor(&Tensor::new(&[1.0_f32], &Device::Cpu)?)?;
    let named = data.iter().map(|(name, var)| (name.clone(), var.clone())).chain([("zz".to_owned(), extra)]);
    let error = RobustSgm::from_named(named, params())?.load(&path).unwrap_err().to_string();
    assert!(error.contains("it has no zz.square"), "{error}");

    // Weights are no state.
    drop(data);
    let weights = folder.path().join("weights");
    map.save(&weights)?;
    let error = RobustSgm::from_var_map(&map, params())?.load(&weights).unwrap_err().to_string();
    assert!(error.contains("it does not say what it is"), "{error}");
    Ok(())
}

/// Two tensors of as many weights whose shapes have been exchanged, in any column: an error that names the tensor, from
/// the state and from candle's weights.
#[test]
fn exchanged_shapes() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (path, weights) = (folder.path().join("state"), folder.path().join("weights.safetensors"));
    let map = |shapes: [(usize, usize); 2]| -> Result<VarMap> {
        let map = VarMap::new();
        for (name, shape) in ["a", "b"].into_iter().zip(shapes) {
            let var = candle_core::Var::from_tensor(&Tensor::ones(shape, DType::F32, &Device::Cpu)?)?;
            map.data().lock().unwrap().insert(name.to_owned(), var);
        }
        Ok(map)
    };
    let here = map([(2, 3), (3, 2)])?;
    let mut optimiser = RobustSgm::from_var_map(&here, params())?;
    optimiser.save(&path)?;
    here.save(&weights)?;
    let mut there = map([(3, 2), (2, 3)])?;
    let error = RobustSgm::from_var_map(&there, params())?.load(&path).unwrap_err().to_string();
    assert!(error.contains("a.square is F32 [2, 3] there and F32 [3, 2] here"), "{error}");
    let error = there.load(&weights).unwrap_err().to_string();
    assert!(error.contains("error setting a ") || error.contains("error setting b "), "{error}");

    // One entry alone.
    let bytes = fs::read(&path)?;
    let (_, about) = safetensors::SafeTensors::read_metadata(&bytes)?;
    let file = safetensors::SafeTensors::deserialize(&bytes)?;
    for column in ["square", "scale", "norm", "average", "smoothed"] {
        let wrong = format!("b.{column}");
        let views = file.tensors().into_iter().map(|(name, view)| {
            let mut shape = view.shape().to_vec();
            if name == wrong {
                shape.reverse();
            }
            let view = safetensors::tensor::TensorView::new(view.dtype(), shape, view.data()).unwrap();
            (name, view)
        });
        fs::write(&path, safetensors::serialize(views.collect::<Vec<_>>(), about.metadata().clone())?)?;
        let error = optimiser.load(&path).unwrap_err().to_string();
        assert!(error.contains(&format!("{wrong} is F32 [2, 3] there and F32 [3, 2] here")), "{error}");
    }
    Ok(())
}

/// A rate of 0 at the time of saving is no exception.
#[test]
fn saved_while_standing_still() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (state, weights) = (folder.path().join("state"), folder.path().join("weights.safetensors"));
    let finish = |map: &VarMap, optimiser: &mut RobustSgm| -> Result<()> {
        train(map, optimiser, 6..20)?;
        optimiser.set_learning_rate(0.1);
        train(map, optimiser, 20..30)
    };
    let whole = model()?;
    let mut optimiser = RobustSgm::from_var_map(&whole, ParamsRobustSgm { lr: 0.07, ..params() })?;
    train(&whole, &mut optimiser, 0..5)?;
    optimiser.set_learning_rate(0.0);
    train(&whole, &mut optimiser, 5..6)?;
    optimiser.save(&state)?;
    whole.save(&weights)?;
    let params = optimiser.params().clone();
    finish(&whole, &mut optimiser)?;

    let mut second = model()?;
    second.load(&weights)?;
    let mut optimiser = RobustSgm::from_var_map(&second, params)?;
    optimiser.load(&state)?;
    finish(&second, &mut optimiser)?;
    assert_eq!(bits(&second)?, bits(&whole)?);
    Ok(())
}

/// Numbers that no run could have left behind.
#[test]
fn impossible_counts_and_rates() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("state");
    let (map, mut optimiser) = saved(&path)?;
    let bytes = fs::read(&path)?;
    let header = 8 + usize::try_from(u64::from_le_bytes(bytes[..8].try_into()?))?;
    let file = safetensors::SafeTensors::deserialize(&bytes)?;
    let place = |name: &str| {
        let data = file.tensor(name).unwrap().data().as_ptr().addr();
        data - bytes.as_ptr().addr()
    };
    for (name, number, what) in [
        ("first.weight.steps", 8_u64.to_le_bytes(), "first.weight.steps is 8, more than the 7 of the optimiser"),
        ("first.weight.rate", 1e300_f64.to_le_bytes(), "first.weight.rate is 1"),
        ("offset.rate", f64::NAN.to_le_bytes(), "offset.rate is NaN"),
        ("offset.rate", (-1.0_f64).to_le_bytes(), "offset.rate is -1"),
    ] {
        let at = place(name);
        assert!(at >= header);
        let mut changed = bytes.clone();
        changed[at..at + 8].copy_from_slice(&number);
        fs::write(&path, &changed)?;
        let error = optimiser.load(&path).unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    }
    drop(map);
    Ok(())
}
