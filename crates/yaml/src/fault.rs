//! What is wrong with a value, in the words of a document.

use std::fmt;

use serde::de::{self, Unexpected};

use crate::nearest::hint;
use crate::scalar;

/// A message; the [`Trace`](crate::Trace) knows the place.
#[derive(Debug)]
pub struct Fault(pub(crate) String);

impl std::error::Error for Fault {}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, wanted: &dyn de::Expected) -> Self {
        Self(format!("wanted {}, found {}", wanted_words(wanted), found_words(found)))
    }

    fn invalid_value(found: Unexpected<'_>, wanted: &dyn de::Expected) -> Self {
        Self::invalid_type(found, wanted)
    }

    fn invalid_length(found: usize, wanted: &dyn de::Expected) -> Self {
        Self(format!("wanted {wanted}, found {found} values"))
    }

    fn unknown_variant(found: &str, known: &'static [&'static str]) -> Self {
        Self(format!("unknown value {found:?}{}", hint(found, known.iter().copied())))
    }

    fn unknown_field(found: &str, known: &'static [&'static str]) -> Self {
        Self(format!("unknown key `{found}`{}", hint(found, known.iter().copied())))
    }

    fn missing_field(field: &'static str) -> Self {
        Self(missing(field))
    }
}

/// What is said of a key that is not there.
pub(crate) fn missing(field: &str) -> String {
    format!("key `{field}` is missing")
}

/// What a Rust type is called in a document.
fn wanted_words(wanted: &dyn de::Expected) -> String {
    let text = wanted.to_string();
    let words = match text.as_str() {
        "f32" | "f64" => "a number",
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" | "u128" | "usize" => "a whole number, 0 or more",
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => "a whole number",
        "a boolean" => "true or false",
        "a string" | "a borrowed string" | "string" => "text",
        "a sequence" => "a list",
        text if text.starts_with("struct ") => "a map",
        text if text.starts_with("enum ") || text == "variant identifier" => "one of its names",
        text => text,
    };
    words.into()
}

fn found_words(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Bool(value) => value.to_string(),
        Unexpected::Unsigned(value) => value.to_string(),
        Unexpected::Signed(value) => value.to_string(),
        Unexpected::Float(value) => scalar::float(value),
        Unexpected::Str(text) => format!("{text:?}"),
        Unexpected::Unit | Unexpected::Option => "nothing".into(),
        Unexpected::Seq => "a list".into(),
        Unexpected::Map => "a map".into(),
        other => other.to_string(),
    }
}
