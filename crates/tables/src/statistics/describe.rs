//! Mean, standard deviation, median and quantiles.

/// Arithmetic mean; `None` for an empty slice.
pub fn mean(values: &[f64]) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let n = values.len() as f64;
    let sum = values.iter().sum::<f64>();
    if sum.is_finite() || !values.iter().all(|value| value.is_finite()) {
        return Some(sum / n);
    }
    // The sum is beyond all numbers, the mean is not.
    Some(values.iter().map(|value| value / n).sum())
}

/// Standard deviation with n - 1; none of fewer than two values.
pub fn deviation(values: &[f64]) -> Option<f64> {
    if values.len() < 2 {
        return None;
    }
    let of = |values: &[f64]| {
        let mean = mean(values)?;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Some((squares / (values.len() - 1) as f64).sqrt())
    };
    let deviation = of(values)?;
    if deviation.is_finite() || !values.iter().all(|value| value.is_finite()) {
        return Some(deviation);
    }
    // Squares of huge values are beyond all numbers, those of their ratios are not.
    let largest = values.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
    let ratios: Vec<f64> = values.iter().map(|value| value / largest).collect();
    Some(of(&ratios)? * largest)
}

/// The middle value, or the mean of the two middle ones; none of nothing.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    quantile(&sorted, 0.5)
}

/// The `q` quantile of sorted values, linear between neighbours; none of nothing.
pub(crate) fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let at = q * sorted.len().checked_sub(1)? as f64;
    let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    // Equal neighbours may be infinite, where a difference is none.
    let gap = high - low;
    Some(if low == high {
        low
    } else if gap.is_finite() || !(low.is_finite() && high.is_finite()) {
        low + gap * at.fract()
    } else {
        low * (1.0 - at.fract()) + high * at.fract()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_by_hand() {
        let values = [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0];
        assert_eq!(mean(&values), Some(5.0));
        assert_eq!(deviation(&values), Some((32.0_f64 / 7.0).sqrt()));
        assert_eq!(deviation(&[3.0, 3.0]), Some(0.0));
        assert_eq!((mean(&[]), deviation(&[1.0]), median(&[])), (None, None, None));
        assert_eq!(median(&values), Some(4.5));
        assert_eq!(median(&[9.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(quantile(&[0.0, 10.0], 0.25), Some(2.5));
    }

    #[test]
    fn huge_values_have_a_mean_and_a_deviation() {
        assert_eq!(mean(&[1e308, 1e308]), Some(1e308));
        assert_eq!(mean(&[1e308, -1e308, 1e308, -1e308]), Some(0.0));
        assert_eq!(deviation(&[1e308, 1e308]), Some(0.0));
        let spread = deviation(&[1e300, 3e300]).unwrap();
        assert!((spread / 2e300 - 0.5_f64.sqrt()).abs() < 1e-12, "{spread}");
        assert_eq!(mean(&[f64::INFINITY, 1.0]), Some(f64::INFINITY));
        assert!(deviation(&[f64::NAN, 1e300]).unwrap().is_nan());
        assert_eq!(median(&[1e308, 1e308]), Some(1e308));
        assert_eq!(quantile(&[-1.5e308, 1.5e308], 0.5), Some(0.0));
    }
}
