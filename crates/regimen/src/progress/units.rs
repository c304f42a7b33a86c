//! Numbers as people say them.

/// A whole number with its thousands apart: `6,980`.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A rate in two or three digits that say something: `6,980 steps/s`, `1.2 runs/s`, `9 epochs/min`.
pub(crate) fn rate(per_second: f64, unit: &str) -> String {
    let (number, per) = match per_second {
        fast if fast >= 1.0 => (fast, "s"),
        slow if slow * 60.0 >= 1.0 => (slow * 60.0, "min"),
        slower => (slower * 3600.0, "h"),
    };
    let number = if number < 9.95 { format!("{number:.1}") } else { thousands(rounded(number)) };
    format!("{number} {unit}/{per}")
}

/// To three digits: the next ones change with every look.
fn rounded(number: f64) -> u64 {
    let unit = 10_f64.powf((number.log10().floor() - 2.0).max(0.0));
    // A number beyond u64 saturates.
    ((number / unit).round() * unit) as u64
}

/// A time in its two largest units: `12s`, `3m 20s`, `1h 05m`, `2d 3h`.
pub(crate) fn span(seconds: f64) -> String {
    // A number beyond u64 saturates.
    let seconds = seconds.round() as u64;
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..600 => format!("{minutes}m {:02}s", seconds % 60),
        600..3600 => format!("{minutes}m"),
        3600..86_400 => format!("{hours}h {:02}m", minutes % 60),
        _ if days < 1000 => format!("{days}d {}h", hours % 24),
        _ => "years".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_have_digits_that_say_something() {
        let steps = |per_second| rate(per_second, "steps");
        assert_eq!(steps(6976.6564), "6,980 steps/s");
        assert_eq!(steps(3_162_813.2), "3,160,000 steps/s");
        assert_eq!(steps(12.34), "12 steps/s");
        assert_eq!(steps(1.26), "1.3 steps/s");
        assert_eq!(steps(0.15), "9.0 steps/min");
        assert_eq!(steps(0.001), "3.6 steps/h");
        assert_eq!(steps(0.0), "0.0 steps/h");
    }

    #[test]
    fn spans_have_two_units() {
        let all = [0.4, 12.0, 59.6, 200.0, 725.0, 3900.0, 90_000.0, 1e12, f64::INFINITY];
        let texts = all.map(span);
        let wanted = ["0s", "12s", "1m 00s", "3m 20s", "12m", "1h 05m", "1d 1h", "years", "years"];
        assert_eq!(texts, wanted);
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!([0, 999, 1000, 1_234_567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
    }
}
