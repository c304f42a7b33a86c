//! How our number stands beside the published one.

use serde::Serialize;

use super::Theirs;

/// The gap between our mean and the published number, beside the spread of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Agreement {
    /// Within our standard deviation, their spread and half a unit of the last digit printed, taken
    /// together.
    Agrees,
    /// Beyond that.
    Differs,
    /// Beyond what theirs alone would explain, and one run of ours has no spread.
    Unknown,
}

impl Agreement {
    pub(super) fn of(gap: f64, deviation: Option<f64>, theirs: &Theirs) -> Self {
        let reach = theirs.spread.unwrap_or(0.0) + theirs.rounding() + deviation.unwrap_or(0.0);
        if gap.abs() <= reach {
            Self::Agrees
        } else if deviation.is_some() {
            Self::Differs
        } else {
            Self::Unknown
        }
    }

    /// As it stands in tables.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Agrees => "agrees",
            Self::Differs => "differs",
            Self::Unknown => "too few seeds",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spreads_and_the_last_digit_count() {
        let theirs = |printed: &str, spread| Theirs {
            value: printed.parse().unwrap(),
            printed: printed.into(),
            spread,
            source: "Paper".into(),
            confidence: "verified".into(),
        };
        let of = Agreement::of;
        // 0.5 for the digit, 0.3 of ours, 1 of theirs.
        assert_eq!(of(-0.8, Some(0.3), &theirs("100", None)), Agreement::Agrees);
        assert_eq!(of(-0.9, Some(0.3), &theirs("100", None)), Agreement::Differs);
        assert_eq!(of(1.7, Some(0.3), &theirs("100", Some(1.0))), Agreement::Agrees);
        assert_eq!(of(0.4, None, &theirs("100", None)), Agreement::Agrees);
        assert_eq!(of(0.6, None, &theirs("100", None)), Agreement::Unknown);
        assert_eq!(of(f64::NAN, Some(0.3), &theirs("100", None)), Agreement::Differs);
    }
}
