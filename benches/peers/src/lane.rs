//! What a peer may want of `f32` and `f64`.

use crate::common::competitor::{self, Loops};
use crate::contestant::Peer;
use crate::oracle;
use crate::peers::Windows;
use evenkeel::Real;
use num_traits::{Float, FromPrimitive};
#[cfg(feature = "polars")]
use polars::prelude::{NamedFrom, PlSmallStr, Series};
use std::ops::{AddAssign, SubAssign};

pub(crate) trait Lane: Real + Loops + oracle::Float + Float + FromPrimitive + AddAssign + SubAssign {
    /// How far from a plain loop in `f64`, relative to the value, the rounding of this type may lead an average.
    const TOLERANCE: f64;
    /// A column for polars.
    #[cfg(feature = "polars")]
    fn column(samples: &[Self]) -> Series;
    /// Hampel identifiers over windows of `N`, whose library wants another trait of a number.
    fn hampel<const N: usize>(channels: usize) -> Box<dyn Peer<Self>>;
    /// The location that the plain loop of `RobustMean` has reached.
    fn location(plain: &Self::RobustMean, channel: usize) -> Self;
}

macro_rules! lane {
    ($float:ident, $module:ident, $tolerance:literal) => {
        impl Lane for $float {
            const TOLERANCE: f64 = $tolerance;

            #[cfg(feature = "polars")]
            fn column(samples: &[Self]) -> Series {
                Series::new(PlSmallStr::EMPTY, samples)
            }

            fn hampel<const N: usize>(channels: usize) -> Box<dyn Peer<Self>> {
                Box::new(Windows::<Self, N>::new(channels))
            }

            fn location(plain: &competitor::$module::RobustMean, channel: usize) -> Self {
                plain.columns.location[channel]
            }
        }
    };
}
lane!(f32, single, 1e-5);
lane!(f64, double, 1e-11);
