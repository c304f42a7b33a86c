//! Parses the JSON lines that a program writes to the metrics descriptor.

use serde_json::{Map, Value};

use crate::output::LONGEST_MESSAGE;

/// How much of a refused line is shown.
const SHOWN: usize = 200;

/// What a program says about itself.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Message {
    /// Values at a step.
    Values {
        step: u64,
        values: Vec<(String, f64)>,
    },
    /// Final values; `None` where it is said that there is none.
    Final(Vec<(String, Option<f64>)>),
    Progress(u64, u64),
    Row {
        table: String,
        row: Value,
    },
    Artifact(String),
    Checkpoint,
}

/// The keys of lines that are no values.
const KINDS: &str = "one of step, final, progress, table with row, artifact, checkpoint";

impl Message {
    /// A line of the metrics descriptor; an error shows what is wrong with it, and it.
    pub(crate) fn parse(line: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(line);
        let message = match text {
            Ok(text) => Self::of(text),
            Err(error) => {
                let at = error.valid_up_to();
                Err(format!("wanted UTF-8, found byte 0x{:02x} at column {}", line[at], at + 1))
            }
        };
        message.map_err(|why| format!("{why}\n  {}", shown(&String::from_utf8_lossy(line))))
    }

    fn of(line: &str) -> Result<Self, String> {
        let parsed = serde_json::from_str(line).or_else(|_| serde_json::from_str(&quoted(line)));
        let mut object = match parsed {
            Ok(Value::Object(object)) => object,
            Ok(other) => return Err(format!("wanted a JSON object, found {}", kind(&other))),
            Err(error) => return Err(format!("wanted a JSON object: {error}")),
        };
        match object.keys().map(String::as_str).collect::<Vec<_>>()[..] {
            ["final"] => {
                let values = object["final"].as_object();
                let values = values.ok_or_else(|| wrong("final", "an object", &object["final"]))?;
                numbers(values).map(Self::Final)
            }
            ["progress"] => progress(&object["progress"]),
            ["artifact"] => match object["artifact"].as_str() {
                Some(path) => Ok(Self::Artifact(path.into())),
                None => Err(wrong("artifact", "a path", &object["artifact"])),
            },
            ["checkpoint"] if object["checkpoint"] == true => Ok(Self::Checkpoint),
            ["checkpoint"] => Err(wrong("checkpoint", "true", &object["checkpoint"])),
            ["row", "table"] | ["table", "row"] => row(&mut object),
            _ => values(object),
        }
    }

    /// A line that was too long to be kept.
    pub(crate) fn too_long() -> String {
        format!("wanted a line of at most {LONGEST_MESSAGE} bytes, found a longer one")
    }
}

fn values(mut object: Map<String, Value>) -> Result<Message, String> {
    let Some(step) = object.remove("step") else {
        let keys: Vec<&str> = object.keys().map(String::as_str).take(8).collect();
        let found = if keys.is_empty() { "none".into() } else { keys.join(", ") };
        return Err(format!("wanted {KINDS}, found {found}"));
    };
    let step = whole(&step).ok_or_else(|| wrong("step", "a whole number of 0 or more", &step))?;
    let values = numbers(&object)?.into_iter();
    let values = values.filter_map(|(metric, value)| Some((metric, value?))).collect();
    Ok(Message::Values { step, values })
}

fn progress(value: &Value) -> Result<Message, String> {
    let parts = value.as_array().map(Vec::as_slice);
    let Some([done, total]) = parts else { return Err(wrong("progress", "[done, total]", value)) };
    match (whole(done), whole(total)) {
        (Some(done), Some(total)) => Ok(Message::Progress(done, total)),
        _ => Err(wrong("progress", "two whole numbers of 0 or more", value)),
    }
}

fn row(object: &mut Map<String, Value>) -> Result<Message, String> {
    let Some(table) = object["table"].as_str().map(str::to_owned) else {
        return Err(wrong("table", "the name of a table", &object["table"]));
    };
    experiment::table_name(&table).map_err(|why| format!("table: {why}"))?;
    if !object["row"].is_object() {
        return Err(wrong("row", "an object", &object["row"]));
    }
    Ok(Message::Row { table, row: object["row"].take() })
}

/// A whole number, also one that was written with a point.
fn whole(value: &Value) -> Option<u64> {
    let exact =
        |number: &f64| number.fract() == 0.0 && (0.0..=9_007_199_254_740_992.0).contains(number);
    value.as_u64().or_else(|| value.as_f64().filter(exact).map(|number| number as u64))
}

/// The values of metrics: truth values are 1 and 0, and null is none.
fn numbers(object: &Map<String, Value>) -> Result<Vec<(String, Option<f64>)>, String> {
    let number = |(name, value): (&String, &Value)| {
        let number = match value {
            Value::Null => None,
            Value::Bool(holds) => Some(f64::from(u8::from(*holds))),
            Value::String(text) if text == "NaN" => Some(f64::NAN),
            Value::String(text) if text == "Infinity" => Some(f64::INFINITY),
            Value::String(text) if text == "-Infinity" => Some(f64::NEG_INFINITY),
            other => Some(other.as_f64().ok_or_else(|| wrong(name, "a number", other))?),
        };
        Ok((name.clone(), number))
    };
    object.iter().map(number).collect()
}

fn wrong(key: &str, wanted: &str, found: &Value) -> String {
    format!("{}: wanted {wanted}, found {}", shown(key), kind(found))
}

/// A value as it was written, or what it is where that would be long.
fn kind(value: &Value) -> String {
    match value {
        Value::Object(_) => "an object".into(),
        Value::Array(_) => "a list".into(),
        other => shown(&other.to_string()),
    }
}

/// Text from outside, cut, with what could disturb a terminal made visible.
fn shown(text: &str) -> String {
    let mut safe = String::new();
    for (count, c) in text.chars().enumerate() {
        if count == SHOWN {
            safe.push('…');
            break;
        }
        if c.is_control() { safe.extend(c.escape_default()) } else { safe.push(c) }
    }
    safe
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

    fn parse(line: &str) -> Message {
        Message::parse(line.as_bytes()).unwrap()
    }

    /// Why a line is refused, without the line.
    fn refused(line: &str) -> String {
        let why = Message::parse(line.as_bytes()).unwrap_err();
        let (why, shown) = why.split_once("\n  ").unwrap();
        assert_eq!(shown, line);
        why.into()
    }

    #[test]
    fn lines_become_messages() {
        let values = vec![("loss".into(), 0.5)];
        assert_eq!(parse(r#"{"step": 3, "loss": 0.5}"#), Message::Values { step: 3, values });
        assert_eq!(parse(r#"{"final": {"a": 1}}"#), Message::Final(vec![("a".into(), Some(1.0))]));
        assert_eq!(parse(r#"{"progress": [3, 10]}"#), Message::Progress(3, 10));
        assert_eq!(parse(r#"{"checkpoint": true}"#), Message::Checkpoint);
        assert_eq!(parse(r#"{"artifact": "a/b"}"#), Message::Artifact("a/b".into()));
        let row = serde_json::json!({"said": "NaN \" NaN"});
        let line = r#"{"table": "t", "row": {"said": "NaN \" NaN"}}"#;
        assert_eq!(parse(line), Message::Row { table: "t".into(), row });
    }

    #[test]
    fn numbers_are_read_as_their_writers_mean_them() {
        let line = r#"{"step": 2.0, "ok": true, "off": false, "later": null, "n": 1e3}"#;
        let values = [("n", 1000.0), ("off", 0.0), ("ok", 1.0)];
        let values = values.map(|(name, value)| (name.to_owned(), value)).into();
        assert_eq!(parse(line), Message::Values { step: 2, values });
        let none = vec![("loss".to_owned(), None)];
        assert_eq!(parse(r#"{"final": {"loss": null}}"#), Message::Final(none));
        assert_eq!(parse(r#"{"progress": [1.0, 4.0]}"#), Message::Progress(1, 4));
    }

    #[test]
    fn what_python_writes_for_no_number_is_read() {
        let Message::Final(values) = parse(r#"{"final": {"a\"NaN": NaN, "b": -Infinity}}"#) else {
            panic!("no final")
        };
        assert!(values[0].1.unwrap().is_nan() && values[0].0 == "a\"NaN");
        assert_eq!(values[1].1, Some(f64::NEG_INFINITY));
    }

    #[test]
    fn junk_is_refused_with_the_key_and_the_line() {
        assert!(refused("oh no").starts_with("wanted a JSON object: expected value at line 1"));
        assert_eq!(refused("[1]"), "wanted a JSON object, found a list");
        let wanted = "wanted one of step, final, progress, table with row, artifact, checkpoint";
        assert_eq!(refused(r#"{"loss": 1, "a": 2}"#), format!("{wanted}, found a, loss"));
        let wanted = "step: wanted a whole number of 0 or more, found";
        assert_eq!(refused(r#"{"step": -1, "loss": 1}"#), format!("{wanted} -1"));
        assert_eq!(refused(r#"{"step": 1.5, "loss": 1}"#), format!("{wanted} 1.5"));
        let nested = r#"{"step": 1, "loss": {"train": 0.5, "val": 0.6}}"#;
        assert_eq!(refused(nested), "loss: wanted a number, found an object");
        let text = r#"{"final": {"accuracy": "90%"}}"#;
        assert_eq!(refused(text), r#"accuracy: wanted a number, found "90%""#);
        assert_eq!(refused(r#"{"final": 3}"#), "final: wanted an object, found 3");
        assert_eq!(refused(r#"{"progress": [1]}"#), "progress: wanted [done, total], found a list");
        assert_eq!(refused(r#"{"checkpoint": 1}"#), "checkpoint: wanted true, found 1");
        assert_eq!(refused(r#"{"artifact": 1}"#), "artifact: wanted a path, found 1");
        assert_eq!(refused(r#"{"table": "t", "row": 3}"#), "row: wanted an object, found 3");
        for name in ["runs", "metrics", "../x", "", &"x".repeat(300)] {
            let line = serde_json::json!({"table": name, "row": {"a": 1}}).to_string();
            let why = Message::parse(line.as_bytes()).unwrap_err();
            assert!(why.starts_with("table: wanted the name of a table (1 to 64"), "{why}");
        }
    }

    #[test]
    fn lines_that_are_not_utf8_are_refused() {
        let why = Message::parse(b"{\"step\": 1, \"lo\xffss\": 1}").unwrap_err();
        let wanted =
            "wanted UTF-8, found byte 0xff at column 16\n  {\"step\": 1, \"lo\u{fffd}ss\": 1}";
        assert_eq!(why, wanted);
        let why = Message::parse(b"\x1b[1m no").unwrap_err();
        assert!(why.ends_with("\n  \\u{1b}[1m no"), "{why}");
    }
}
