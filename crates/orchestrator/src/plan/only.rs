//! Boolean expressions over parameters and seed, as `--only` and `when` take them.

mod parse;

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt;

use experiment::{RunId, free_form};
use journal::RunSpec;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::scope::{RunScope, Scope, paths};
use crate::config::{Node, Span, hint};

/// An expression over a run's parameters and seed, as `--only` takes it, or over a point's
/// parameters, as `when` takes it:
///
/// ```text
/// regime in [2, 3] and (seed < 2 or not learner == "fp")
/// ```
///
/// After `in` stands a list, or the name of one: `64 in layers`.
#[derive(Debug, Clone, PartialEq)]
pub struct Only {
    text: String,
    root: Expression,
}

/// What is wrong with an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnlyError {
    text: String,
    column: usize,
    /// Characters that it is about.
    len: usize,
    message: String,
}

impl OnlyError {
    /// The message without the argument that it came from.
    pub(crate) fn detail(&self) -> String {
        format!("column {} of the condition: {}", self.column, self.message)
    }

    /// Where it stands in a file, for a condition that is written there on one line.
    pub(crate) fn place(&self, condition: &Node) -> Span {
        let whole = &condition.span;
        let Some(written) = whole.written() else { return whole.clone() };
        let Some(before) = written.find(&self.text) else { return whole.clone() };
        let before = written[..before].chars().count();
        Span { column: whole.column + before + self.column - 1, len: self.len, ..whole.clone() }
    }
}

impl std::error::Error for OnlyError {}

impl fmt::Display for OnlyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { text, column, message, .. } = self;
        let shown: String = text.chars().take(200).collect();
        let more = if text.chars().nth(200).is_some() { " …" } else { "" };
        write!(f, "argument `--only {shown}{more}`: column {column}: {message}")
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Expression {
    And(Vec<Expression>),
    Or(Vec<Expression>),
    Not(Box<Expression>),
    Compare {
        name: Name,
        comparison: Comparison,
        value: Operand,
    },
    In {
        name: Name,
        values: Vec<Operand>,
    },
    /// A value is in the list that a name stands for.
    Holds {
        value: Operand,
        name: Name,
    },
}

/// What a name is compared with.
#[derive(Debug, Clone, PartialEq)]
enum Operand {
    Value(Value),
    /// What another name stands for.
    Name(Name),
}

/// A parameter as it is written in an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) text: String,
    column: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Only {
    /// Parses an expression.
    ///
    /// # Errors
    /// What was wanted and found, with its column.
    pub fn parse(text: &str) -> Result<Self, OnlyError> {
        Ok(Self { text: text.into(), root: parse::expression(text, None)? })
    }

    /// Parses an expression over two things, in which words that begin with `prefix` are names of the
    /// second one, wherever they stand.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub(crate) fn parse_beside(text: &str, prefix: &str) -> Result<Self, OnlyError> {
        Ok(Self { text: text.into(), root: parse::expression(text, Some(prefix))? })
    }

    /// The expression as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Those of some runs for which it holds.
    ///
    /// # Errors
    /// A name that none of them has.
    pub fn choose<'a>(
        &self,
        runs: impl Iterator<Item = &'a RunSpec> + Clone,
    ) -> Result<BTreeSet<RunId>, OnlyError> {
        let mut unseen = self.names();
        let mut chosen = BTreeSet::new();
        let mut any = false;
        for run in runs.clone() {
            any = true;
            let scope = RunScope::new(run);
            unseen.retain(|name| scope.value(&name.text).is_none());
            if self.holds_in(&scope) {
                chosen.insert(run.run);
            }
        }
        match unseen.first().filter(|_| any) {
            None => Ok(chosen),
            Some(name) => {
                let mut names: BTreeSet<String> =
                    runs.flat_map(|run| paths(RunScope::new(run).params())).collect();
                names.insert("seed".into());
                Err(self.unknown(name, names.iter().map(String::as_str)))
            }
        }
    }

    /// Whether it holds where names have the values of `scope`; of a name without a value, only `!=`
    /// does.
    pub(crate) fn holds_in(&self, scope: &dyn Scope) -> bool {
        self.root.holds(scope)
    }

    /// The names in it, in the order they stand.
    pub(crate) fn names(&self) -> Vec<&Name> {
        let mut names = Vec::new();
        self.root.collect(&mut names);
        names
    }

    /// What is wrong with a name that nothing has.
    pub(crate) fn unknown<'a>(
        &self,
        name: &Name,
        known: impl Iterator<Item = &'a str>,
    ) -> OnlyError {
        self.mistaken(name, &hint(&name.text, known))
    }

    /// The same with a hint.
    pub(crate) fn mistaken(&self, name: &Name, hint: &str) -> OnlyError {
        let message = format!("nothing is called `{}`{hint}", name.text);
        let len = name.text.chars().count();
        OnlyError { text: self.text.clone(), column: name.column, len, message }
    }
}

impl Serialize for Only {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.text.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Only {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(|error| serde::de::Error::custom(error.detail()))
    }
}

impl Expression {
    fn holds(&self, scope: &dyn Scope) -> bool {
        match self {
            Self::And(all) => all.iter().all(|one| one.holds(scope)),
            Self::Or(all) => all.iter().any(|one| one.holds(scope)),
            Self::Not(one) => !one.holds(scope),
            Self::Compare { name, comparison, value } => {
                match (scope.value(&name.text), value.in_scope(scope)) {
                    (Some(found), Some(wanted)) => comparison.holds(&found, &wanted),
                    _ => *comparison == Comparison::NotEqual,
                }
            }
            Self::In { name, values } => scope.value(&name.text).is_some_and(|found| {
                let mut values = values.iter().filter_map(|value| value.in_scope(scope));
                values.any(|wanted| same(&found, &wanted))
            }),
            Self::Holds { value, name } => match (value.in_scope(scope), scope.value(&name.text)) {
                (Some(wanted), Some(Value::Array(items))) => {
                    items.iter().any(|item| same(item, &wanted))
                }
                _ => false,
            },
        }
    }

    fn collect<'a>(&'a self, names: &mut Vec<&'a Name>) {
        match self {
            Self::And(all) | Self::Or(all) => all.iter().for_each(|one| one.collect(names)),
            Self::Not(one) => one.collect(names),
            Self::Compare { name, value, .. } => {
                names.push(name);
                names.extend(value.name());
            }
            Self::In { name, values } => {
                names.push(name);
                names.extend(values.iter().filter_map(Operand::name));
            }
            Self::Holds { value, name } => {
                names.extend(value.name());
                names.push(name);
            }
        }
    }
}

impl Operand {
    fn name(&self) -> Option<&Name> {
        match self {
            Self::Name(name) => Some(name),
            Self::Value(_) => None,
        }
    }

    fn in_scope(&self, scope: &dyn Scope) -> Option<Cow<'_, Value>> {
        match self {
            Self::Value(value) => Some(Cow::Borrowed(value)),
            Self::Name(name) => scope.value(&name.text).map(Cow::Owned),
        }
    }
}

/// Whether two values are the same, numbers by their value, NaN the same as NaN.
pub(crate) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(_), Value::Number(_)) => order(a, b) == Some(Ordering::Equal),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        _ => a == b,
    }
}

/// The order of two numbers, whole ones to the last digit.
pub(super) fn order(a: &Value, b: &Value) -> Option<Ordering> {
    let whole =
        |value: &Value| value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from));
    match (whole(a), whole(b)) {
        (Some(a), Some(b)) => Some(a.cmp(&b)),
        _ => free_form::as_number(a)?.partial_cmp(&free_form::as_number(b)?),
    }
}

impl Comparison {
    fn holds(self, found: &Value, wanted: &Value) -> bool {
        let order = match (found, wanted) {
            (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
            _ => order(found, wanted),
        };
        match self {
            Self::Equal => same(found, wanted),
            Self::NotEqual => !same(found, wanted),
            Self::Less => order.is_some_and(|order| order.is_lt()),
            Self::LessOrEqual => order.is_some_and(|order| order.is_le()),
            Self::Greater => order.is_some_and(|order| order.is_gt()),
            Self::GreaterOrEqual => order.is_some_and(|order| order.is_ge()),
        }
    }
}

#[cfg(test)]
mod tests {
    use experiment::{Device, SpecId};

    use super::*;

    fn run(params: &str, seed: u64) -> RunSpec {
        RunSpec {
            run: RunId::of(params),
            spec: SpecId::of(params),
            experiment: "e".into(),
            experiment_version: 1,
            params: params.into(),
            seed,
            sweep: "s".into(),
            device: Device::Cpu,
            threads: 1,
            engine: None,
            data: Default::default(),
            needs: Default::default(),
        }
    }

    fn holds(text: &str) -> bool {
        let run = run(
            r#"{"regime":2,"learner":"rbi+fp","rate":0.5,"net":{"wide":true},"none":null,
                "big":18446744073709551615,"clip":{"$numberDouble":"Infinity"},
                "values":{"a.b":1,"lr":0.1,"layers":[32,64],"words":["64","two"],"nan":{"$numberDouble":"NaN"}}}"#,
            1,
        );
        Only::parse(text).unwrap().holds_in(&RunScope::new(&run))
    }

    #[test]
    fn comparisons_and_logic_hold_as_they_read() {
        for text in [
            "regime in [2,3] and seed < 2",
            "regime == 2.0 and rate>=0.5 and not seed>1",
            "learner == rbi+fp",
            "learner in ['fp', \"rbi+fp\"]",
            "net.wide == true and params.regime != 3",
            "regime == 9 or (seed == 1 and rate <= 0.5)",
            "not regime == 9 and seed = 1",
            "clip == .inf and clip > 1e300 and not clip == \"inf\" and not clip == \".inf\"",
            "values.nan == .nan and nan != 1 and not nan < 1",
            "none == null and none == ~ and not none == \"null\"",
            "big == 18446744073709551615 and big != 18446744073709551614",
            "values.a.b == 1 and lr == 1e-1 and values.lr > .09",
            "64 in layers and 64.0 in values.layers and not 65 in layers and '64' in words",
            "two in words and not 64 in words and not regime in words and not 2 in regime",
            "missing != 1 and not missing == 1 and not missing in [1] and not missing < 1",
        ] {
            assert!(holds(text), "{text}");
        }
        for text in ["regime == '2'", "seed > 1", "learner < a", "not (regime == 2 or seed == 9)"] {
            assert!(!holds(text), "{text}");
        }
    }

    #[test]
    fn mistakes_are_shown_with_their_column() {
        let message = |text| Only::parse(text).unwrap_err().to_string();
        let end =
            "argument `--only regime`: column 7: wanted a comparison or `in`, found \"the end\"";
        assert_eq!(message("regime"), end);
        let after = "column 11: wanted a list or the name of one, found";
        assert!(message("regime in ]").ends_with(&format!("{after} \"]\"")));
        assert!(message("regime in 2").ends_with(&format!("{after} \"2\"")));
        assert!(message("regime in [2").ends_with("column 13: wanted `]`, found \"the end\""));
        assert!(message("regime ~ 2").contains("column 8: wanted one of ==, !="));
        assert!(message("seed == 1 seed").contains("column 11: wanted `and`, `or` or the end"));
        assert!(message("learner == 'fp").contains("column 12: wanted a closing quote"));
        assert!(message("").contains("column 1: wanted a parameter"));
        let only = Only::parse("seed > 1 or regimen == 1").unwrap();
        let unknown = only.unknown(only.names()[1], ["regime", "seed"].into_iter()).to_string();
        assert!(
            unknown.ends_with("column 13: nothing is called `regimen`; did you mean `regime`?"),
            "{unknown}"
        );
    }

    #[test]
    fn a_condition_may_be_long_but_not_deep() {
        let long = vec!["regime == 2"; 100_000];
        assert!(holds(&long.join(" and ")) && holds(&long.join(" or ")));
        for (open, close) in [("(", ")"), ("not ", ""), ("not (", ")")] {
            let nested = |depth| format!("{}seed < 2{}", open.repeat(depth), close.repeat(depth));
            assert!(Only::parse(&nested(32)).is_ok());
            let deep = Only::parse(&nested(100_000)).unwrap_err().to_string();
            assert!(deep.contains("wanted at most 64 brackets"), "{}", &deep[..300]);
        }
    }
}
