use serde::{Deserialize, Deserializer, Serialize};

/// How the results of a sweep are to be shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Heading.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Parameters whose values make the rows.
    #[serde(default, deserialize_with = "one_or_many")]
    pub rows: Vec<String>,
    /// Parameters whose values make the columns.
    #[serde(default, deserialize_with = "one_or_many")]
    pub columns: Vec<String>,
    /// Final metric to show.
    pub value: String,
    /// Published numbers to show beside it, `<experiment>/<table>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<String>,
    /// A value that cells are to reach: a last row counts those of each column at it or better.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "finite")]
    pub passes: Option<f64>,
}

/// A number that is neither infinite nor NaN.
fn finite<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    match Option::<f64>::deserialize(deserializer)? {
        Some(value) if !value.is_finite() => {
            let found = serde::de::Unexpected::Float(value);
            Err(serde::de::Error::invalid_value(found, &"a finite number"))
        }
        value => Ok(value),
    }
}

/// A name, or a list of names.
fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    struct Names;

    impl<'de> serde::de::Visitor<'de> for Names {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a name or a list of names")
        }

        fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Vec<String>, E> {
            Ok(vec![name.to_owned()])
        }

        fn visit_seq<A: serde::de::SeqAccess<'de>>(
            self,
            mut names: A,
        ) -> Result<Vec<String>, A::Error> {
            let mut all = Vec::new();
            while let Some(name) = names.next_element()? {
                all.push(name);
            }
            Ok(all)
        }
    }

    deserializer.deserialize_any(Names)
}
