//! quick
use evenkeel::*;
fn num(v: &serde_json::Value) -> f64 {
    match v {
        serde_json::Value::String(s) => match s.as_str() {
            "NaN" => f64::NAN,
            "Inf" => f64::INFINITY,
            _ => f64::NEG_INFINITY,
        },
        v => v.as_f64().unwrap(),
    }
}
fn check<T: Real>(name: &str, rule: RobustMean, v: &serde_json::Value) {
    let input: Vec<f64> = v["input"].as_array().unwrap().iter().map(num).collect();
    for backend in Backend::available() {
        for n in [1usize, 7, 16, 33] {
            let mut bank = Bank::<RobustMean, T>::new(rule, n).unwrap().with_backend(backend).unwrap();
            let rows = v[format!("{name}_float{}", T::NAME[1..].parse::<u32>().unwrap())].as_array().unwrap();
            for (i, (u, row)) in input.iter().zip(rows).enumerate() {
                bank.update(&vec![T::from_f64(*u); n]).unwrap();
                for c in 0..n {
                    let r = bank.reading(c).unwrap();
                    assert_eq!(
                        bank.locations()[c].to_word(),
                        T::from_f64(num(&row[0])).to_word(),
                        "{backend:?} {name} row {i} loc {:?} {:?}",
                        bank.locations()[c],
                        row
                    );
                    assert_eq!(
                        bank.scales()[c].to_word(),
                        T::from_f64(num(&row[1])).to_word(),
                        "{backend:?} {name} row {i} scale"
                    );
                    assert_eq!(r.age.to_f64(), num(&row[4]));
                }
            }
        }
    }
}
#[test]
fn all() {
    let v: serde_json::Value = serde_json::from_str(include_str!("robust_mean.json")).unwrap();
    let d = RobustMean::new(Decay::alpha(0.01).unwrap());
    check::<f64>("default", d, &v);
    check::<f32>("default", d, &v);
    check::<f64>("huber", d.mean_faithful(), &v);
    check::<f32>("huber", d.mean_faithful(), &v);
    check::<f64>("resolution_1", d.resolution(1.0).unwrap(), &v);
    check::<f32>("resolution_1", d.resolution(1.0).unwrap(), &v);
}
