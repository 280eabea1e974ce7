//! Promise: a decay means what pandas and the optimisers mean by the same word, computed in `f64` and the same on every
//! platform.

use evenkeel::Decay;

/// `1 - 2^(-1/h)`, computed with 40 digits and rounded. A difference of one unit in the last place is what is left of
/// `expm1`.
#[test]
fn half_lives() {
    let expected = [
        (0.5, 0.75),
        (1.0, 0.5),
        (10.0, 0.066_967_008_463_192_58),
        (60.0, 0.011_485_979_647_103_864),
        (1440.0, 0.000_481_236_377_333_740_4),
        (1e5, 6.931_447_783_004_262e-6),
        (1e9, 6.931_471_803_197_188e-10),
    ];
    for (samples, gain) in expected {
        let computed = Decay::half_life(samples).unwrap().gain();
        assert!((computed / gain - 1.0).abs() <= f64::EPSILON, "half-life {samples}: {computed} is not {gain}");
    }
}

#[test]
fn the_other_words() {
    assert_eq!(Decay::span(19.0).unwrap().gain(), 0.1);
    assert_eq!(Decay::span(1.0).unwrap().gain(), 1.0);
    assert_eq!(Decay::com(9.0).unwrap().gain(), 0.1);
    assert_eq!(Decay::com(0.0).unwrap().gain(), 1.0);
    assert_eq!(Decay::alpha(0.25).unwrap().gain(), 0.25);
    assert_eq!(Decay::beta(0.75).unwrap().gain(), 0.25);
    // In f64, whatever the element type: in f32 this would be off by 1.7e-4.
    assert!((Decay::beta(0.9999).unwrap().gain() / 1e-4 - 1.0).abs() < 1e-11);
}

#[test]
fn windows() {
    assert_eq!(Decay::alpha(0.25).unwrap().window(), 4.0);
    assert!((Decay::beta(0.9).unwrap().window() - 10.0).abs() < 1e-12);
    assert!((Decay::half_life(60.0).unwrap().window() - 87.062_665_155_613_89).abs() < 1e-12);
}
