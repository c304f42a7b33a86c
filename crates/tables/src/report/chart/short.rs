//! Numbers for the page's script.

use serde::{Serialize, Serializer};

/// A number with five significant digits in JSON, which has none that are not finite: these are
/// `"inf"`, `"-inf"` and null.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Short(pub(crate) f64);

impl Serialize for Short {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(value) = *self;
        if value.is_nan() {
            return serializer.serialize_none();
        }
        if value.is_infinite() {
            return serializer.serialize_str(if value > 0.0 { "inf" } else { "-inf" });
        }
        let rounded = format!("{value:.4e}").parse().unwrap_or(value);
        if rounded == rounded.trunc() && rounded.abs() < 1e9 {
            return serializer.serialize_i64(rounded as i64);
        }
        serializer.serialize_f64(rounded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_json_are_short() {
        let text = |value: f64| serde_json::to_string(&Short(value)).unwrap();
        let texts = [1.0 / 3.0, 45.0, 1.23456789e-7, f64::NAN, f64::INFINITY].map(text);
        assert_eq!(texts, ["0.33333", "45", "1.2346e-7", "null", "\"inf\""]);
    }
}
