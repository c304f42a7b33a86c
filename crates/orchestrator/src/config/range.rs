//! Evenly spaced numbers: `0..10`, `0..=1 step 0.1`, `{ range: [start, stop, step] }`.

use super::axis::wrong;
use super::{ConfigError, Content, Node, Path, float_text, resolve_scalar};

/// Values of a list that is not worth to be written as a range.
const LONG: usize = 24;

/// Values of a range at most.
const MOST_VALUES: i128 = 1_000_000;

const WANTED: &str = "a range of numbers such as `0..10` or `0..=1 step 0.1`";

/// The numbers of a range; nothing where the value is written in neither form of a range.
///
/// `a..b` leaves b out, `a..=b` takes it in, and the map leaves its stop out.
pub(super) fn read(node: &Node, path: &Path) -> Result<Option<Vec<Node>>, ConfigError> {
    let (start, stop, step, inclusive) = match &node.content {
        Content::Text(text) => {
            let (bounds, step) = text.split_once(" step ").unwrap_or((text, "1"));
            let Some((start, stop)) = bounds.split_once("..") else { return Ok(None) };
            let (stop, inclusive) = match stop.strip_prefix('=') {
                Some(stop) => (stop, true),
                None => (stop, false),
            };
            let number = |text: &str| resolve_scalar(text.trim()).unwrap_or(Content::Null);
            (number(start), number(stop), number(step), inclusive)
        }
        Content::Map(entries) => match entries.as_slice() {
            [(key, list)] if key.text == "range" => match &list.content {
                Content::Seq(items) if items.len() == 2 || items.len() == 3 => {
                    let step = items.get(2).map_or(Content::Int(1), |step| step.content.clone());
                    (items[0].content.clone(), items[1].content.clone(), step, false)
                }
                _ => return Err(wrong(list, path.join("range"), "[start, stop, step]")),
            },
            _ => return Ok(None),
        },
        _ => return Ok(None),
    };
    let fail = |message: String| ConfigError::new(&node.span, path.clone(), message);
    let place = |content| Node { content, span: node.span.clone() };
    if let (Content::Int(start), Content::Int(stop), Content::Int(step)) = (&start, &stop, &step) {
        if *step == 0 {
            return Err(fail("wanted a step other than 0, found 0".into()));
        }
        let past = i128::from(inclusive) * step.signum();
        let count = (stop + past - start + step - step.signum()) / step;
        let count = checked(count).map_err(fail)?;
        return Ok(Some((0..count).map(|at| place(Content::Int(start + at * step))).collect()));
    }
    let (Some(start), Some(stop), Some(step)) = (number(&start), number(&stop), number(&step))
    else {
        return Err(wrong(node, path.clone(), WANTED));
    };
    let steps = (stop - start) / step;
    if !steps.is_finite() {
        return Err(fail("wanted a step other than 0 between finite numbers".into()));
    }
    // A stop that rounding misses by a hair is met.
    let count = if inclusive { (steps + 1e-9).floor() + 1.0 } else { (steps - 1e-9).ceil() };
    #[expect(clippy::cast_possible_truncation, reason = "out of range saturates and is refused")]
    let count = checked(count as i128).map_err(fail)?;
    #[expect(clippy::cast_precision_loss, reason = "at most MOST_VALUES")]
    let value = |at: i128| Content::Float(rounded(start + at as f64 * step, 12));
    Ok(Some((0..count).map(|at| place(value(at))).collect()))
}

/// A list of numbers as the range that has them, where it is a long one.
pub(crate) fn text(values: &[&Content]) -> Option<String> {
    let [Some(first), Some(second), Some(last)] = [values.first(), values.get(1), values.last()]
    else {
        return None;
    };
    let (first, step, last) = match (first, second, last) {
        _ if values.len() <= LONG => return None,
        (Content::Int(first), Content::Int(second), Content::Int(last)) => {
            (first.to_string(), (second - first).to_string(), last.to_string())
        }
        (Content::Float(first), Content::Float(second), Content::Float(last)) => {
            let step = rounded(second - first, 12);
            (float_text(*first), float_text(step), float_text(*last))
        }
        _ => return None,
    };
    let step = if step == "1" { String::new() } else { format!(" step {step}") };
    let text = format!("{first}..={last}{step}");
    let node = Node::made(Content::Text(text.clone()));
    let same = |(one, other): (&&Content, &Node)| match (one, &other.content) {
        (Content::Float(one), Content::Float(other)) => one.to_bits() == other.to_bits(),
        (one, other) => *one == other,
    };
    let again = read(&node, &Path::root()).ok()??;
    let is_same = again.len() == values.len() && values.iter().zip(&again).all(same);
    is_same.then_some(text)
}

fn checked(count: i128) -> Result<i128, String> {
    match count {
        ..=0 => Err("wanted at least one value, found none".into()),
        1..=MOST_VALUES => Ok(count),
        _ => Err(format!("wanted at most {MOST_VALUES} values, found {count}")),
    }
}

/// The nearest number of so many decimal digits.
pub(super) fn rounded(value: f64, digits: usize) -> f64 {
    format!("{value:.*e}", digits - 1).parse().unwrap_or(value)
}

/// A finite number.
pub(super) fn number(content: &Content) -> Option<f64> {
    match content {
        #[expect(clippy::cast_precision_loss, reason = "what an f64 can hold of it")]
        Content::Int(value) => Some(*value as f64),
        Content::Float(value) if value.is_finite() => Some(*value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{Origin, Source};
    use super::*;

    fn values(text: &str) -> String {
        let source = Arc::new(Source { origin: Origin::Argument, text: text.into() });
        let node = yaml::parse(&source, text, 0).unwrap();
        match read(&node, &Path::root()) {
            Ok(None) => "none".into(),
            Ok(Some(values)) => values.iter().map(Node::describe).collect::<Vec<_>>().join(" "),
            Err(error) => error.message,
        }
    }

    #[test]
    fn ranges_by_hand() {
        assert_eq!(values("0..4"), "0 1 2 3");
        assert_eq!(values("0..=4"), "0 1 2 3 4");
        assert_eq!(values("0..10 step 3"), "0 3 6 9");
        assert_eq!(values("0..9 step 3"), "0 3 6");
        assert_eq!(values("0..=9 step 3"), "0 3 6 9");
        assert_eq!(values("4..0 step -2"), "4 2");
        assert_eq!(values("4..=0 step -2"), "4 2 0");
        assert_eq!(values("-2..1"), "-2 -1 0");
        assert_eq!(values("0..0.5 step 0.1"), "0.0 0.1 0.2 0.3 0.4");
        assert_eq!(values("0..=0.3 step 0.1"), "0.0 0.1 0.2 0.3");
        assert_eq!(values("{ range: [0, 10, 5] }"), "0 5");
        assert_eq!(values("{ range: [1, 3] }"), "1 2");
    }

    #[test]
    fn what_is_no_range_is_said() {
        assert_eq!(values("learner"), "none");
        assert_eq!(values("[1, 2]"), "none");
        assert_eq!(values("3..3"), "wanted at least one value, found none");
        assert_eq!(values("3..1"), "wanted at least one value, found none");
        assert_eq!(values("3..4 step 0"), "wanted a step other than 0, found 0");
        assert!(values("0..1 step 0.0").starts_with("wanted a step other than 0"));
        assert!(values("0..2000000").starts_with("wanted at most 1000000 values"));
        assert!(values("a..b").starts_with("wanted a range of numbers"));
        assert!(values("{ range: 3 }").starts_with("wanted [start, stop, step]"));
    }
}
