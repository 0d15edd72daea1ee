//! The axis of a chart.

/// Ratio of the largest to the smallest value from which on the scale is logarithmic.
const LOG_RATIO: f64 = 4.0;

/// Approximate number of ticks.
const TICKS: f64 = 6.0;

/// One axis of a chart: its range and scale.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    pub(super) log: bool,
}

impl Axis {
    /// Returns an axis from the smallest to the largest value.
    pub(super) fn exact(values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = span(values);
        let (low, high) = if low < high {
            (low, high)
        } else {
            (low - 1.0, high + 1.0)
        };
        Self {
            low,
            high,
            log: false,
        }
    }

    /// Returns an axis with some padding at both ends; logarithmic if all values are positive and far apart.
    pub(super) fn padded(values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = span(values);
        if low > 0.0 && high / low >= LOG_RATIO {
            let padding = (high / low).powf(0.04);
            return Self {
                low: low / padding,
                high: high * padding,
                log: true,
            };
        }
        let size = if high > low {
            high - low
        } else {
            high.abs().max(1.0)
        };
        Self {
            low: low - 0.04 * size,
            high: high + 0.04 * size,
            log: false,
        }
    }

    /// Returns the position of a value, 0 at the low end and 1 at the high end.
    pub(super) fn position(&self, value: f64) -> f64 {
        let scaled = |value: f64| if self.log { value.ln() } else { value };
        (scaled(value) - scaled(self.low)) / (scaled(self.high) - scaled(self.low))
    }

    /// Returns the ticks in rising order, with their labels.
    pub(super) fn ticks(&self) -> Vec<(f64, String)> {
        if self.log {
            self.log_ticks()
        } else {
            self.linear_ticks()
        }
    }

    fn linear_ticks(&self) -> Vec<(f64, String)> {
        let rough = (self.high - self.low) / TICKS;
        let exponent = rough.log10().floor() as i32;
        let step = [1.0, 2.0, 5.0, 10.0].map(|digit| digit * ten_to(exponent));
        let step = step
            .into_iter()
            .find(|step| *step >= rough)
            .unwrap_or(rough);
        let decimals = usize::try_from(-(step.log10() + 1e-9).floor() as i32).unwrap_or(0);
        let first = (self.low / step).ceil() as i64;
        let last = (self.high / step).floor() as i64;
        (first..=last)
            .map(|i| (i as f64 * step, format!("{:.decimals$}", i as f64 * step)))
            .collect()
    }

    fn log_ticks(&self) -> Vec<(f64, String)> {
        let decades = self.low.log10().floor() as i32..=self.high.log10().ceil() as i32;
        let digits: &[f64] = match (self.high / self.low).log10() {
            wide if wide > 3.0 => &[1.0],
            middle if middle > 1.5 => &[1.0, 3.0],
            narrow if narrow > 0.9 => &[1.0, 2.0, 5.0],
            _ => &[1.0, 1.5, 2.0, 3.0, 5.0, 7.0],
        };
        let ticks =
            decades.flat_map(|decade| digits.iter().map(move |digit| digit * ten_to(decade)));
        ticks
            .filter(|tick| (self.low..=self.high).contains(tick))
            .map(|tick| (tick, log_text(tick)))
            .collect()
    }
}

/// Returns the float nearest to a power of ten; a product of tens may be off by rounding.
fn ten_to(exponent: i32) -> f64 {
    format!("1e{exponent}").parse().unwrap_or(f64::MIN_POSITIVE)
}

fn log_text(tick: f64) -> String {
    // Removes the rounding error of the product of digit and power.
    let rounded: f64 = format!("{tick:.3e}").parse().unwrap_or(tick);
    if (1e-4..1e6).contains(&rounded) {
        rounded.to_string()
    } else {
        format!("{rounded:e}")
    }
}

fn span(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(axis: Axis) -> String {
        axis.ticks()
            .into_iter()
            .map(|(_, text)| text)
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn ticks_are_round_and_lie_within() {
        assert_eq!(
            texts(Axis::exact([10.0, 300.0].into_iter())),
            "50 100 150 200 250 300"
        );
        assert_eq!(
            texts(Axis::exact([0.0, 700.0].into_iter())),
            "0 200 400 600"
        );
        assert_eq!(
            texts(Axis::exact([1.0, 1.0].into_iter())),
            "0.0 0.5 1.0 1.5 2.0"
        );
        assert_eq!(
            texts(Axis::padded([7.31, 7.42].into_iter())),
            "7.32 7.34 7.36 7.38 7.40 7.42"
        );
        assert_eq!(
            texts(Axis::padded([-0.002, 0.0011].into_iter())),
            "-0.002 -0.001 0.000 0.001"
        );
        assert_eq!(
            texts(Axis::padded([5.0].into_iter())),
            "4.8 4.9 5.0 5.1 5.2"
        );
    }

    #[test]
    fn numbers_far_apart_get_a_logarithm() {
        let axis = Axis::padded([0.002, 0.9].into_iter());
        assert!(axis.log);
        assert_eq!(texts(axis), "0.003 0.01 0.03 0.1 0.3 1");
        assert_eq!(
            texts(Axis::padded([1e-7, 3.0].into_iter())),
            "1e-7 1e-6 1e-5 0.0001 0.001 0.01 0.1 1"
        );
        assert_eq!(texts(Axis::padded([2.0, 41.0].into_iter())), "2 5 10 20");
        assert_eq!(
            texts(Axis::padded([7.1, 29.2].into_iter())),
            "7 10 15 20 30"
        );
        assert!(
            (axis.position(0.002) - axis.position(0.004) + axis.position(0.4) - axis.position(0.2))
                .abs()
                < 1e-12
        );
    }

    #[test]
    fn a_share_is_from_zero_to_one() {
        let axis = Axis::exact([10.0, 300.0].into_iter());
        assert_eq!(
            [10.0, 155.0, 300.0].map(|value| axis.position(value)),
            [0.0, 0.5, 1.0]
        );
        assert!(
            !Axis::padded([0.0, 500.0].into_iter()).log
                && !Axis::padded([10.0, 39.0].into_iter()).log
                && !Axis::padded([-1.0, 500.0].into_iter()).log
        );
    }
}
