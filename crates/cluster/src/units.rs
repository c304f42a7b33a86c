//! Sizes and times as profiles write them, and as schedulers want them.

use std::time::Duration;

use serde::{Deserialize, Deserializer, de::Error};

const SIZES: &[(&str, u64)] = &[
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
];
const TIMES: &[(&str, u64)] = &[("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)];

/// A whole number with a unit, in the smallest unit.
fn quantity(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let at = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(at);
    let (_, scale) = units.iter().find(|(known, _)| *known == unit.trim())?;
    number.parse::<u64>().ok()?.checked_mul(*scale).filter(|quantity| *quantity > 0)
}

fn read<'de, D: Deserializer<'de>>(
    from: D,
    units: &[(&str, u64)],
    wanted: &str,
) -> Result<Option<u64>, D::Error> {
    let Some(text) = Option::<String>::deserialize(from)? else { return Ok(None) };
    let wrong = || D::Error::custom(format!("wanted {wanted}, found {text:?}"));
    quantity(&text, units).map(Some).ok_or_else(wrong)
}

/// Reads a size such as `8GiB`, in bytes.
pub(crate) fn size<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    read(from, SIZES, "a size above 0 such as 512MiB or 8GiB")
}

/// Reads a time such as `90m`.
pub(crate) fn time<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    Ok(read(from, TIMES, "a time above 0 such as 90s, 30m, 4h or 2d")?.map(Duration::from_secs))
}

/// Whole mebibytes that hold so many bytes.
pub(crate) fn mebibytes(bytes: u64) -> u64 {
    bytes.div_ceil(1 << 20)
}

/// `D-HH:MM:SS`, rounded up to a whole second.
pub(crate) fn days(time: Duration) -> String {
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    format!("{days}-{:02}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60)
}

/// `HH:MM:SS`, hours without bound.
pub(crate) fn hours(time: Duration) -> String {
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_have_units() {
        assert_eq!(quantity("8GiB", SIZES), Some(8 << 30));
        assert_eq!(quantity("200 MB", SIZES), Some(200_000_000));
        assert_eq!(quantity("90m", TIMES), Some(5400));
        for wrong in ["8", "GiB", "0s", "-1h", "1.5h", "1h30m", "", "99999999999999999TiB"] {
            assert_eq!(quantity(wrong, SIZES).or(quantity(wrong, TIMES)), None, "{wrong}");
        }
    }

    #[test]
    fn times_are_written_as_schedulers_read_them() {
        assert_eq!(days(Duration::from_secs(90)), "0-00:01:30");
        assert_eq!(days(Duration::from_millis(86_400_500)), "1-00:00:01");
        assert_eq!(hours(Duration::from_secs(100_000)), "27:46:40");
        assert_eq!(mebibytes((1 << 20) + 1), 2);
    }
}
