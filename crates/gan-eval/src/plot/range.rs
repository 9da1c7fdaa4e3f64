//! The part of an axis that is shown, and the round numbers in it.

use super::Scale;
use super::text::number;

/// About as many intervals between ticks.
const INTERVALS: f64 = 6.0;
/// The part of the data's span that is added at each end.
const MARGIN: f64 = 0.06;
/// The largest value that can be shown, so that no arithmetic overflows.
const LARGEST: f64 = 1e100;

/// From the least value shown to the greatest; powers of ten of a logarithmic scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Range {
    scale: Scale,
    low: f64,
    high: f64,
}

/// Whether a value has a place on an axis.
pub(super) fn is_shown(scale: Scale, value: f64) -> bool {
    let least = match scale {
        Scale::Linear => -LARGEST,
        Scale::Log => 1.0 / LARGEST,
    };
    (least..=LARGEST).contains(&value)
}

impl Range {
    /// Somewhat more than all `values` that are shown; [0, 1] or [1, 10] of none.
    pub(super) fn of(scale: Scale, values: impl Iterator<Item = f64>) -> Self {
        let values = values.filter(|value| is_shown(scale, *value));
        let places = values.map(|value| place(scale, value));
        let ends = places.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), place| {
            (low.min(place), high.max(place))
        });
        let (low, high) = if ends.0 > ends.1 { (0.0, 1.0) } else { ends };
        // Values that are equal, or differ by less than a tick's digits can tell.
        let least_span = match scale {
            Scale::Linear if low == 0.0 && high == 0.0 => 1.0,
            Scale::Linear => 1e-6 * low.abs().max(high.abs()),
            Scale::Log => 1e-6,
        };
        let margin = if high - low < least_span {
            match scale {
                Scale::Linear if high == 0.0 => 1.0,
                Scale::Linear => 0.1 * high.abs(),
                Scale::Log => 0.2,
            }
        } else {
            MARGIN * (high - low)
        };
        Self {
            scale,
            low: low - margin,
            high: high + margin,
        }
    }

    /// Where a value lies, from 0 at the low end to 1 at the high end; ends for values beyond them.
    pub(super) fn share(&self, value: f64) -> f64 {
        let share = (place(self.scale, value) - self.low) / (self.high - self.low);
        // The logarithm of an error bar's negative end is no number.
        if share.is_nan() {
            0.0
        } else {
            share.clamp(0.0, 1.0)
        }
    }

    /// Whether a value lies in the range.
    pub(super) fn holds(&self, value: f64) -> bool {
        is_shown(self.scale, value) && (self.low..=self.high).contains(&place(self.scale, value))
    }

    /// Round numbers in the range, and how they are written.
    pub(super) fn ticks(&self) -> Vec<(f64, String)> {
        if self.scale == Scale::Linear {
            return linear(self.low, self.high);
        }
        let decades = self.high - self.low;
        let ticks = match decades {
            narrow if narrow < 0.7 => linear(10_f64.powf(self.low), 10_f64.powf(self.high)),
            medium if medium < 2.5 => self.decades(1, &[1.0, 2.0, 5.0]),
            wide => self.decades((wide / INTERVALS).ceil() as i32, &[1.0]),
        };
        ticks.into_iter().filter(|(tick, _)| *tick > 0.0).collect()
    }

    /// Multiples of every `every`th power of ten.
    fn decades(&self, every: i32, multiples: &[f64]) -> Vec<(f64, String)> {
        let (first, last) = (self.low.floor() as i32, self.high.ceil() as i32);
        let powers = (first..=last).filter(|power| power.rem_euclid(every) == 0);
        let ticks = powers.flat_map(|power| multiples.iter().map(move |m| (m * ten(power), power)));
        let inside = ticks.filter(|(tick, _)| (self.low..=self.high).contains(&tick.log10()));
        inside
            .map(|(tick, power)| (tick, number(tick, power)))
            .collect()
    }
}

/// Multiples of 1, 2 or 5 times a power of ten.
fn linear(low: f64, high: f64) -> Vec<(f64, String)> {
    let step = (high - low) / INTERVALS;
    let power = step.log10().floor() as i32;
    let rounds = [1.0, 2.0, 5.0].map(|multiple| (multiple * ten(power), power));
    let round = rounds.into_iter().find(|(round, _)| *round >= step);
    let (step, power) = round.unwrap_or((ten(power + 1), power + 1));
    let (first, last) = ((low / step).ceil() as i64, (high / step).floor() as i64);
    let ticks = (first..=last).map(|k| k as f64 * step);
    ticks.map(|tick| (tick, number(tick, power))).collect()
}

fn place(scale: Scale, value: f64) -> f64 {
    match scale {
        Scale::Linear => value,
        Scale::Log => value.log10(),
    }
}

/// A power of ten, of a negative exponent as a quotient, which is the nearest number to it.
fn ten(power: i32) -> f64 {
    if power < 0 {
        1.0 / 10_f64.powi(-power)
    } else {
        10_f64.powi(power)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(scale: Scale, values: &[f64]) -> Vec<String> {
        let range = Range::of(scale, values.iter().copied());
        range.ticks().into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn ticks_are_round_and_inside() {
        use Scale::{Linear, Log};
        for (scale, values, expected) in [
            (Linear, &[0.0, 1.0][..], "0 0.2 0.4 0.6 0.8 1"),
            (Linear, &[-3.0, 12.0], "0 5 10"),
            (Linear, &[5.75, 11.5], "6 8 10"),
            (
                Linear,
                &[0.000_31, 0.000_36],
                "0.00031 0.00032 0.00033 0.00034 0.00035 0.00036",
            ),
            (Linear, &[1000.0, 9000.0], "2,000 4,000 6,000 8,000"),
            (Linear, &[0.0, 4e9], "0 1e9 2e9 3e9 4e9"),
            (Log, &[0.02, 3.0], "0.02 0.05 0.1 0.2 0.5 1 2"),
            (Log, &[1e-3, 1e6], "0.01 1 100 10,000 1e6"),
            (Log, &[2.0, 3.0], "2 2.2 2.4 2.6 2.8 3"),
        ] {
            assert_eq!(ticks(scale, values).join(" "), expected, "{values:?}");
        }
    }

    #[test]
    fn equal_values_lie_in_the_middle() {
        for scale in [Scale::Linear, Scale::Log] {
            for value in [1e-9, 0.3, 7.0, 1e12, 1e99] {
                let range = Range::of(scale, [value, value].into_iter());
                assert!((range.share(value) - 0.5).abs() < 1e-6, "{value} {scale:?}");
                assert!(!range.ticks().is_empty(), "{value} {scale:?}");
            }
        }
        for value in [0.0, -2.0] {
            let range = Range::of(Scale::Linear, [value].into_iter());
            assert!((range.share(value) - 0.5).abs() < 1e-12);
        }
    }

    #[test]
    fn what_has_no_place_is_not_shown() {
        for value in [f64::NAN, f64::INFINITY, -1e300] {
            assert!(!is_shown(Scale::Linear, value));
        }
        assert!(is_shown(Scale::Linear, 0.0) && !is_shown(Scale::Log, 0.0));
        assert!(!is_shown(Scale::Log, -1.0));
        let range = Range::of(Scale::Log, [f64::NAN, -1.0, 1.0, 100.0].into_iter());
        assert_eq!((range.share(-1.0), range.share(10.0)), (0.0, 0.5));
        assert!(!Range::of(Scale::Log, [].into_iter()).ticks().is_empty());
    }
}
