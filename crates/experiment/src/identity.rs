//! Identifiers of requests and runs: hashes of canonical JSON.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

macro_rules! id {
    ($name:ident, $doc:literal) => {
        #[doc = $doc]
        #[doc = ""]
        #[doc = "128 bits of SHA-256, written as 32 lowercase hexadecimal digits."]
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(into = "String", try_from = "String")]
        pub struct $name([u8; 16]);

        impl $name {
            /// Hash of a canonical text.
            pub fn of(canonical: &str) -> Self {
                let digest = Sha256::digest(canonical.as_bytes());
                let mut bytes = [0; 16];
                bytes.copy_from_slice(&digest[..16]);
                Self(bytes)
            }

            /// The first ten digits, for people.
            pub fn short(&self) -> String {
                self.to_string()[..10].to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                text.parse()
            }
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                let wrong = || format!("wanted 32 hexadecimal digits, found {text:?}");
                if text.len() != 32 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
                    return Err(wrong());
                }
                let mut bytes = [0; 16];
                for (byte, at) in bytes.iter_mut().zip((0..32).step_by(2)) {
                    *byte = u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| wrong())?;
                }
                Ok(Self(bytes))
            }
        }
    };
}

id!(SpecId, "What was asked for: experiment, canonical parameters, seed.");
id!(RunId, "What will be computed: a `SpecId` with versions, data checksums and device class.");

/// Class of device a run is computed on; part of [`RunId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Device {
    /// The processor.
    #[default]
    Cpu,
    /// A graphics processor of NVIDIA.
    Cuda,
}

impl Device {
    /// Every class there is.
    pub const ALL: [Self; 2] = [Self::Cpu, Self::Cuda];
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
        })
    }
}

/// Whether `name` can be a file or folder name everywhere: 1 to 64 letters, digits, `_` and `-`,
/// the first of them no `-`.
pub fn is_plain_name(name: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    (1..=64).contains(&name.len()) && name.bytes().all(fits) && !name.starts_with('-')
}

/// JSON with object keys sorted and no spaces, whatever features serde_json was built with.
pub fn canonical_json(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort_unstable();
            let fields: Vec<String> = keys
                .into_iter()
                .map(|key| format!("{}:{}", Value::from(key.as_str()), canonical_json(&map[key])))
                .collect();
            format!("{{{}}}", fields.join(","))
        }
        Value::Array(items) => {
            format!("[{}]", items.iter().map(canonical_json).collect::<Vec<_>>().join(","))
        }
        scalar => scalar.to_string(),
    }
}

/// `value` without the fields that equal `default`, at any depth of objects.
pub fn without_defaults(value: &Value, default: &Value) -> Value {
    let (Value::Object(fields), Value::Object(defaults)) = (value, default) else {
        return value.clone();
    };
    let kept: Map<String, Value> = fields
        .iter()
        .filter(|(key, field)| defaults.get(*key) != Some(field))
        .map(|(key, field)| match defaults.get(key) {
            Some(default) => (key.clone(), without_defaults(field, default)),
            None => (key.clone(), field.clone()),
        })
        .collect();
    Value::Object(kept)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn identity_ignores_key_order_and_defaults() {
        let default = json!({"a": 1, "b": {"c": 2.0, "d": "x"}});
        let value: Value = serde_json::from_str(r#"{"b": {"d": "y", "c": 2.0}, "a": 1}"#).unwrap();
        assert_eq!(canonical_json(&without_defaults(&value, &default)), r#"{"b":{"d":"y"}}"#);
    }

    #[test]
    fn ids_are_read_back_from_their_text() {
        let id = RunId::of("x");
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!("zz".parse::<RunId>().unwrap_err().contains("32 hexadecimal digits"));
    }

    #[test]
    fn only_harmless_names_are_plain() {
        for name in ["dialog", "rank-pooling", "A_1"] {
            assert!(is_plain_name(name), "{name}");
        }
        let long = "x".repeat(65);
        for name in ["", "..", "a/b", "a.parquet", "-x", "a b", "é", "a\n", &long] {
            assert!(!is_plain_name(name), "{name:?}");
        }
    }
}
