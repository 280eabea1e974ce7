//! Target `cleaned_ema`: as `robust_mean`, of the other rule that judges its samples.

use crate::draw::Draw;
use crate::oracle::cleaned::Spec;
use crate::robust_mean::check_as;

pub fn check(bytes: &[u8]) {
    let mut draw = Draw::new(bytes);
    if draw.flag() { check_as::<f32, Spec<f32>>(&mut draw) } else { check_as::<f64, Spec<f64>>(&mut draw) }
}
