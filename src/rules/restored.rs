//! Rules made of the parameters that a snapshot names.

use super::{CleanedEma, Resolution, RobustMean};
use crate::decay::Decay;
use core::time::Duration;

/// The parameters of a snapshot, by name.
struct Parameters<'a>(&'a [(String, f64)]);

impl Parameters<'_> {
    fn value(&self, name: &str) -> Option<f64> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| *value)
    }

    fn decay(&self) -> Option<Decay> {
        let Some(nanoseconds) = self.value("half_life_ns") else { return Decay::alpha(self.value("gain")?).ok() };
        // More than five centuries are no half-life that anybody has given.
        Decay::half_life_time(Duration::try_from_secs_f64(nanoseconds / 1e9).ok()?).ok()?;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // it ends at the ends of u64
        let nanoseconds = nanoseconds as u64;
        Decay::half_life_time(Duration::from_nanos(nanoseconds)).ok()
    }

    fn patience(&self) -> Option<u32> {
        let patience = self.value("patience")?;
        (1..=RobustMean::MOST_PATIENCE).find(|&known| f64::from(known) == patience)
    }

    fn resolution(&self) -> Option<Resolution> {
        Some(if self.value("learns")? == 0.0 { Resolution::Step(self.value("resolution")?) } else { Resolution::Learn })
    }
}

/// The robust mean with these parameters.
pub(super) fn robust_mean(parameters: &[(String, f64)]) -> Option<RobustMean> {
    let parameters = Parameters(parameters);
    let rule = RobustMean::new(parameters.decay()?).clip(parameters.value("clip")?).ok()?;
    let (from, at) = (parameters.value("taper_from")?, parameters.value("reject")?);
    let rule = if at == f64::INFINITY { rule.reject_nothing() } else { rule.reject(from, at).ok()? };
    let rule = rule.scale_clip(parameters.value("scale_clip")?).ok()?;
    rule.patience(parameters.patience()?).ok()?.resolution(parameters.resolution()?).ok()
}

/// The cleaned average with these parameters.
pub(super) fn cleaned_ema(parameters: &[(String, f64)]) -> Option<CleanedEma> {
    let parameters = Parameters(parameters);
    let rule = CleanedEma::new(parameters.decay()?).reject(parameters.value("reject")?).ok()?;
    rule.patience(parameters.patience()?).ok()?.resolution(parameters.resolution()?).ok()
}
