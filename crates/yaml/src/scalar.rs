//! Plain YAML scalars: which type a text has, and how a number is written.

use crate::Content;

/// Resolves a plain scalar by the YAML 1.2 core schema.
///
/// # Errors
/// A message for a number that no 64 bits can hold.
pub fn resolve(text: &str) -> Result<Content, String> {
    Ok(match text {
        "" | "~" | "null" | "Null" | "NULL" => Content::Null,
        "true" | "True" | "TRUE" => Content::Bool(true),
        "false" | "False" | "FALSE" => Content::Bool(false),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Content::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Content::Float(f64::NEG_INFINITY),
        ".nan" | ".NaN" | ".NAN" => Content::Float(f64::NAN),
        _ => return number(text),
    })
}

/// A number of 64 bits as YAML writes it.
pub fn float(value: f64) -> String {
    match value {
        f64::INFINITY => ".inf".into(),
        f64::NEG_INFINITY => "-.inf".into(),
        value if value.is_nan() => ".nan".into(),
        value => format!("{value:?}"),
    }
}

fn number(text: &str) -> Result<Content, String> {
    let radix = |digits: &str, radix| i128::from_str_radix(digits, radix);
    let all = |text: &str, allowed: fn(char) -> bool| !text.is_empty() && text.chars().all(allowed);
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let parsed =
        if let Some(hex) = text.strip_prefix("0x").filter(|h| all(h, |c| c.is_ascii_hexdigit())) {
            radix(hex, 16)
        } else if let Some(octal) = text.strip_prefix("0o").filter(|o| all(o, |c| c.is_digit(8))) {
            radix(octal, 8)
        } else if all(unsigned, |c| c.is_ascii_digit()) {
            text.parse()
        } else if is_float(unsigned) {
            let value: f64 = text.parse().map_err(|_| format!("{text} is no number"))?;
            if value.is_infinite() {
                return Err(format!("wanted a number of 64 bits, found {text}"));
            }
            return Ok(Content::Float(value));
        } else {
            return Ok(Content::Text(text.into()));
        };
    match parsed {
        Ok(value) if (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&value) => {
            Ok(Content::Int(value))
        }
        _ => Err(format!("wanted a number of 64 bits, found {text}")),
    }
}

/// `[0-9]* [. [0-9]*] [e [+-] [0-9]+]` with at least one digit before the exponent.
fn is_float(text: &str) -> bool {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty()) && exponent
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_follow_the_core_schema() {
        let int = |text: &str| matches!(resolve(text), Ok(Content::Int(_)));
        let float = |text: &str| matches!(resolve(text), Ok(Content::Float(_)));
        let text = |word: &str| resolve(word) == Ok(Content::Text(word.into()));
        for word in ["0", "-12", "+3", "0x1F", "0o17", "18446744073709551615"] {
            assert!(int(word), "{word}");
        }
        for word in ["1.5", "-.5", "1.", "1e-3", "6.02e+23", "1E3", ".inf", ".nan"] {
            assert!(float(word), "{word}");
        }
        for word in
            ["yes", "no", "on", "1_000", "1e", "0x", "1.2.3", "-", ".", "e3", "12:30", "0o9"]
        {
            assert!(text(word), "{word}");
        }
        assert_eq!(resolve("0x10"), Ok(Content::Int(16)));
        assert!(resolve("18446744073709551616").is_err());
        assert!(resolve("1e999").is_err());
    }
}
