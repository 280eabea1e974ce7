//! A logarithmic axis.

/// What is more than so many times the least is drawn at the edge: one run astray must not flatten the rest.
const MOST: f64 = 5.0;
/// Marks it has, if it can.
const MARKS: usize = 4;

/// From 0 at the lower edge to 1 at the upper one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Axis {
    low: f64,
    high: f64,
}

impl Axis {
    /// An axis with some room around what it must hold, which is above zero.
    pub(crate) fn new(low: f64, high: f64) -> Self {
        let high = high.min(low * MOST);
        let room = (high / low).powf(0.06).max(1.02);
        Self { low: low / room, high: high * room }
    }

    /// Where a value is; at the edge if it is beyond.
    pub(crate) fn place(&self, value: f64) -> f64 {
        ((value / self.low).ln() / (self.high / self.low).ln()).clamp(0.0, 1.0)
    }

    /// Values that have a mark, and how they are written: powers of ten, and as many of their multiples as it takes.
    pub(crate) fn ticks(&self) -> Vec<(f64, String)> {
        let finer: [&[u32]; 4] = [&[10], &[10, 30], &[10, 20, 50], &[10, 15, 20, 30, 40, 50, 60, 70, 80, 90]];
        let ticks = finer.map(|multiples| self.multiples(multiples));
        let [.., most] = &ticks;
        ticks.iter().find(|ticks| ticks.len() >= MARKS).unwrap_or(most).clone()
    }

    /// The multiples, in tenths, of all powers of ten between the edges.
    fn multiples(&self, tenths: &[u32]) -> Vec<(f64, String)> {
        let values = (-6..=12).flat_map(|power| tenths.iter().map(move |tenths| (power, *tenths)));
        let values = values.map(|(power, tenths)| (f64::from(tenths) * 10_f64.powi(power - 1), power, tenths));
        let inside = values.filter(|(value, ..)| (self.low..=self.high).contains(value));
        let label = |value: f64, power: i32, tenths: u32| {
            if power >= 4 {
                return format!("{value:e}");
            }
            // A value such as 1.5 has one digit more than its power of ten.
            let decimals = usize::try_from(i32::from(!tenths.is_multiple_of(10)) - power).unwrap_or(0);
            format!("{value:.decimals$}")
        };
        inside.map(|(value, power, tenths)| (value, label(value, power, tenths))).collect()
    }
}
