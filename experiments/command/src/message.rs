use serde_json::{Map, Value};

/// What a program says about itself.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Message {
    /// Values at a step.
    Values {
        step: u64,
        values: Vec<(String, f64)>,
    },
    /// A value that counts as final unless another follows.
    Last {
        step: u64,
        metric: String,
        value: f64,
    },
    Final(Vec<(String, f64)>),
    Progress(u64, u64),
    Row {
        table: String,
        row: Value,
    },
    Artifact(String),
    Checkpoint,
}

impl Message {
    /// A line of the metrics descriptor.
    pub(crate) fn parse(line: &str) -> Result<Self, String> {
        let wrong = |wanted: &str| {
            let shown: String = line.chars().take(200).collect();
            format!("wanted {wanted}, found {shown:?}")
        };
        let parsed = serde_json::from_str(line).or_else(|_| serde_json::from_str(&quoted(line)));
        let Ok(Value::Object(mut object)) = parsed else { return Err(wrong("a JSON object")) };
        let message = match object.keys().map(String::as_str).collect::<Vec<_>>()[..] {
            ["final"] => object["final"].as_object().and_then(numbers).map(Self::Final),
            ["progress"] => match object["progress"].as_array().map(Vec::as_slice) {
                Some([done, total]) => done
                    .as_u64()
                    .zip(total.as_u64())
                    .map(|(done, total)| Self::Progress(done, total)),
                _ => None,
            },
            ["artifact"] => object["artifact"].as_str().map(|path| Self::Artifact(path.into())),
            ["checkpoint"] => (object["checkpoint"] == true).then_some(Self::Checkpoint),
            ["row", "table"] | ["table", "row"] => {
                let row = object["row"].is_object().then(|| object["row"].take());
                object["table"]
                    .as_str()
                    .zip(row)
                    .map(|(table, row)| Self::Row { table: table.into(), row })
            }
            _ => match object.remove("step") {
                None => {
                    return Err(wrong(
                        "one of step, final, progress, table with row, artifact, checkpoint",
                    ));
                }
                Some(step) => step
                    .as_u64()
                    .zip(numbers(&object))
                    .map(|(step, values)| Self::Values { step, values }),
            },
        };
        message.ok_or_else(|| {
            wrong(
                "a step of 0 or more, numbers, a [done, total], a row that is an object or a path",
            )
        })
    }
}

fn numbers(object: &Map<String, Value>) -> Option<Vec<(String, f64)>> {
    let number = |value: &Value| match value.as_str() {
        Some("NaN") => Some(f64::NAN),
        Some("Infinity") => Some(f64::INFINITY),
        Some("-Infinity") => Some(f64::NEG_INFINITY),
        _ => value.as_f64(),
    };
    object.iter().map(|(name, value)| Some((name.clone(), number(value)?))).collect()
}

/// `NaN` and `Infinity`, which Python writes and JSON does not have, as text.
fn quoted(line: &str) -> String {
    let (mut text, mut rest, mut inside) = (String::new(), line, false);
    while let Some(c) = rest.chars().next() {
        let word = ["NaN", "Infinity", "-Infinity"].into_iter().find(|word| rest.starts_with(word));
        let taken = match (inside, word, c) {
            (false, Some(word), _) => {
                text.extend(["\"", word, "\""]);
                rest = &rest[word.len()..];
                continue;
            }
            (true, _, '\\') => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
            (_, _, '"') => {
                inside = !inside;
                1
            }
            _ => c.len_utf8(),
        };
        text.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_messages() {
        let parse = |line| Message::parse(line).unwrap();
        let values = vec![("loss".into(), 0.5)];
        assert_eq!(parse(r#"{"step": 3, "loss": 0.5}"#), Message::Values { step: 3, values });
        assert_eq!(parse(r#"{"final": {"a": 1}}"#), Message::Final(vec![("a".into(), 1.0)]));
        assert_eq!(parse(r#"{"progress": [3, 10]}"#), Message::Progress(3, 10));
        assert_eq!(parse(r#"{"checkpoint": true}"#), Message::Checkpoint);
        assert_eq!(parse(r#"{"artifact": "a/b"}"#), Message::Artifact("a/b".into()));
        let row = serde_json::json!({"said": "NaN \" NaN"});
        let line = r#"{"table": "t", "row": {"said": "NaN \" NaN"}}"#;
        assert_eq!(parse(line), Message::Row { table: "t".into(), row });
    }

    #[test]
    fn what_python_writes_for_no_number_is_read() {
        let Message::Final(values) =
            Message::parse(r#"{"final": {"a\"NaN": NaN, "b": -Infinity}}"#).unwrap()
        else {
            panic!("no final")
        };
        assert!(values[0].1.is_nan() && values[0].0 == "a\"NaN");
        assert_eq!(values[1].1, f64::NEG_INFINITY);
    }

    #[test]
    fn junk_is_refused_in_words() {
        let refused = |line| Message::parse(line).unwrap_err();
        assert_eq!(refused("oh no"), "wanted a JSON object, found \"oh no\"");
        assert!(refused(r#"{"loss": 1}"#).contains("one of step, final"));
        assert!(refused(r#"{"step": -1, "loss": 1}"#).contains("a step of 0 or more"));
        assert!(refused(r#"{"table": "t", "row": 3}"#).contains("a row that is an object"));
    }
}
