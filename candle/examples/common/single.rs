//! The one rounding of all studies.

/// In the precision in which networks are trained.
pub(crate) fn single(value: f64) -> f32 {
    #[expect(clippy::cast_possible_truncation, reason = "this is the rounding that is meant")]
    let rounded = value as f32;
    rounded
}
