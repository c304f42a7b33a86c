use std::fmt;
use std::iter::Peekable;
use std::vec::IntoIter;

use journal::RunSpec;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::scope::{RunScope, Scope};

/// An expression over a run's parameters and seed, as `--only` takes it, or over a point's
/// parameters, as `when` takes it:
///
/// ```text
/// regime in [2, 3] and (seed < 2 or not learner == "fp")
/// ```
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
    message: String,
}

impl OnlyError {
    /// The message without the argument that it came from.
    pub(crate) fn detail(&self) -> String {
        format!("column {} of the condition: {}", self.column, self.message)
    }
}

impl std::error::Error for OnlyError {}

impl fmt::Display for OnlyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { text, column, message } = self;
        write!(f, "argument `--only {text}`: column {column}: {message}")
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Expression {
    And(Box<Expression>, Box<Expression>),
    Or(Box<Expression>, Box<Expression>),
    Not(Box<Expression>),
    Compare { name: String, column: usize, comparison: Comparison, value: Value },
    In { name: String, column: usize, values: Vec<Value> },
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
        let tokens = tokens(text)?;
        let end = text.chars().count() + 1;
        let mut parser = Parser { text, end, tokens: tokens.into_iter().peekable() };
        let root = parser.or()?;
        match parser.tokens.next() {
            None => Ok(Self { text: text.into(), root }),
            Some(token) => Err(error(text, token.column, "`and`, `or` or the end", &token.text)),
        }
    }

    /// The expression as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it holds for a run.
    ///
    /// # Errors
    /// A name that is no parameter of the run.
    pub fn holds(&self, run: &RunSpec) -> Result<bool, OnlyError> {
        self.holds_in(&RunScope::new(run))
    }

    /// Whether it holds where names have the values of `scope`.
    pub(crate) fn holds_in(&self, scope: &dyn Scope) -> Result<bool, OnlyError> {
        self.evaluate(&self.root, scope)
    }

    fn evaluate(&self, expression: &Expression, scope: &dyn Scope) -> Result<bool, OnlyError> {
        let value = |name: &str, column| {
            let path = name.strip_prefix("params.").unwrap_or(name);
            scope.value(path).ok_or_else(|| {
                let wanted = format!("one of {}", scope.names().join(", "));
                error(&self.text, column, &wanted, name)
            })
        };
        Ok(match expression {
            Expression::And(a, b) => self.evaluate(a, scope)? && self.evaluate(b, scope)?,
            Expression::Or(a, b) => self.evaluate(a, scope)? || self.evaluate(b, scope)?,
            Expression::Not(a) => !self.evaluate(a, scope)?,
            Expression::Compare { name, column, comparison, value: wanted } => {
                comparison.holds(&value(name, *column)?, wanted)
            }
            Expression::In { name, column, values } => {
                let found = value(name, *column)?;
                values.iter().any(|wanted| same(&found, wanted))
            }
        })
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

/// Whether two values are equal, numbers by their value.
pub(crate) fn same(a: &Value, b: &Value) -> bool {
    match (a.as_f64(), b.as_f64()) {
        (Some(a), Some(b)) => a == b,
        _ => a == b,
    }
}

impl Comparison {
    fn holds(self, found: &Value, wanted: &Value) -> bool {
        let order = match (found, wanted) {
            (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
            _ => found.as_f64().zip(wanted.as_f64()).and_then(|(a, b)| a.partial_cmp(&b)),
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

#[derive(Debug, Clone, PartialEq)]
struct Token {
    text: String,
    column: usize,
    quoted: bool,
}

/// Splits into words, quoted strings and signs.
fn tokens(text: &str) -> Result<Vec<Token>, OnlyError> {
    let mut tokens = Vec::new();
    let mut rest = text.char_indices().zip(1..).map(|((_, c), column)| (c, column)).peekable();
    while let Some((c, column)) = rest.next() {
        let mut word = String::from(c);
        let mut quoted = false;
        match c {
            c if c.is_whitespace() => continue,
            '\'' | '"' => {
                quoted = true;
                word.clear();
                loop {
                    match rest.next() {
                        None => return Err(error(text, column, "a closing quote", "the end")),
                        Some((end, _)) if end == c => break,
                        Some((inner, _)) => word.push(inner),
                    }
                }
            }
            '=' | '!' | '<' | '>' => {
                if rest.next_if(|(next, _)| *next == '=').is_some() {
                    word.push('=');
                }
            }
            '(' | ')' | '[' | ']' | ',' => {}
            _ => {
                let in_word = |c: char| !c.is_whitespace() && !"()[],=!<>'\"".contains(c);
                while let Some((next, _)) = rest.next_if(|(next, _)| in_word(*next)) {
                    word.push(next);
                }
            }
        }
        tokens.push(Token { text: word, column, quoted });
    }
    Ok(tokens)
}

fn error(text: &str, column: usize, wanted: &str, found: &str) -> OnlyError {
    OnlyError { text: text.into(), column, message: format!("wanted {wanted}, found {found:?}") }
}

struct Parser<'a> {
    text: &'a str,
    end: usize,
    tokens: Peekable<IntoIter<Token>>,
}

impl Parser<'_> {
    fn or(&mut self) -> Result<Expression, OnlyError> {
        let mut left = self.and()?;
        while self.eat("or") {
            left = Expression::Or(Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Expression, OnlyError> {
        let mut left = self.not()?;
        while self.eat("and") {
            left = Expression::And(Box::new(left), Box::new(self.not()?));
        }
        Ok(left)
    }

    fn not(&mut self) -> Result<Expression, OnlyError> {
        if self.eat("not") {
            return Ok(Expression::Not(Box::new(self.not()?)));
        }
        if self.eat("(") {
            let inner = self.or()?;
            self.expect(")")?;
            return Ok(inner);
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Result<Expression, OnlyError> {
        let Token { text: name, column, quoted } = self.next("a parameter")?;
        if quoted || !name.starts_with(|c: char| c.is_alphabetic() || c == '_') {
            return Err(error(self.text, column, "a parameter", &name));
        }
        let sign = self.next("a comparison or `in`")?;
        let comparison = match sign.text.as_str() {
            "in" => return Ok(Expression::In { name, column, values: self.list()? }),
            "=" | "==" => Comparison::Equal,
            "!=" => Comparison::NotEqual,
            "<" => Comparison::Less,
            "<=" => Comparison::LessOrEqual,
            ">" => Comparison::Greater,
            ">=" => Comparison::GreaterOrEqual,
            other => {
                let wanted = "one of ==, !=, <, <=, >, >=, in";
                return Err(error(self.text, sign.column, wanted, other));
            }
        };
        Ok(Expression::Compare { name, column, comparison, value: self.value()? })
    }

    fn list(&mut self) -> Result<Vec<Value>, OnlyError> {
        self.expect("[")?;
        let mut values = vec![self.value()?];
        while self.eat(",") {
            values.push(self.value()?);
        }
        self.expect("]")?;
        Ok(values)
    }

    fn value(&mut self) -> Result<Value, OnlyError> {
        let token = self.next("a value")?;
        if !token.quoted && "()[],".contains(&token.text) {
            return Err(error(self.text, token.column, "a value", &token.text));
        }
        let bare = if token.quoted { None } else { serde_json::from_str(&token.text).ok() };
        Ok(bare.unwrap_or(Value::String(token.text)))
    }

    fn eat(&mut self, word: &str) -> bool {
        self.tokens.next_if(|token| !token.quoted && token.text == word).is_some()
    }

    fn expect(&mut self, word: &str) -> Result<(), OnlyError> {
        let token = self.next(&format!("`{word}`"))?;
        if token.text == word && !token.quoted {
            return Ok(());
        }
        Err(error(self.text, token.column, &format!("`{word}`"), &token.text))
    }

    fn next(&mut self, wanted: &str) -> Result<Token, OnlyError> {
        let end = self.end;
        self.tokens.next().ok_or_else(|| error(self.text, end, wanted, "the end"))
    }
}

#[cfg(test)]
mod tests {
    use experiment::{Device, RunId, SpecId};

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
            data: Default::default(),
        }
    }

    fn holds(text: &str) -> bool {
        let run = run(r#"{"regime":2,"learner":"rbi+fp","rate":0.5,"net":{"wide":true}}"#, 1);
        Only::parse(text).unwrap().holds(&run).unwrap()
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
        assert!(message("regime in [2").ends_with("column 13: wanted `]`, found \"the end\""));
        assert!(message("regime ~ 2").contains("column 8: wanted one of ==, !="));
        assert!(message("seed == 1 seed").contains("column 11: wanted `and`, `or` or the end"));
        assert!(message("learner == 'fp").contains("column 12: wanted a closing quote"));
        assert!(message("").contains("column 1: wanted a parameter"));
        let unknown = Only::parse("regimen == 1").unwrap().holds(&run(r#"{"regime":1}"#, 0));
        let unknown = unknown.unwrap_err().to_string();
        assert!(unknown.ends_with("column 1: wanted one of regime, seed, found \"regimen\""));
    }
}
