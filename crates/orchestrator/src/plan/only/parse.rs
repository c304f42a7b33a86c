//! Conditions as they are written.

use std::iter::Peekable;
use std::vec::IntoIter;

use serde_json::Value;

use super::{Comparison, Expression, Name, OnlyError, Operand};
use crate::config::{ToJson, resolve_scalar};

/// Brackets and `not` inside each other at most.
const DEEPEST: usize = 64;

/// Reads a whole text, in which words that begin with `prefix` are names.
///
/// # Errors
/// What was wanted and found, with its column.
pub(super) fn expression(text: &str, prefix: Option<&str>) -> Result<Expression, OnlyError> {
    let tokens = tokens(text)?;
    let end = text.chars().count() + 1;
    let tokens = tokens.into_iter().peekable();
    let mut parser = Parser { text, prefix, end, depth: 0, tokens };
    let root = parser.or()?;
    match parser.tokens.next() {
        None => Ok(root),
        Some(token) => Err(error(text, token.column, "`and`, `or` or the end", &token.text)),
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
    let message = format!("wanted {wanted}, found {found:?}");
    OnlyError { text: text.into(), column, len: found.chars().count().max(1), message }
}

struct Parser<'a> {
    text: &'a str,
    prefix: Option<&'a str>,
    end: usize,
    depth: usize,
    tokens: Peekable<IntoIter<Token>>,
}

impl Parser<'_> {
    fn or(&mut self) -> Result<Expression, OnlyError> {
        self.chain("or", Expression::Or, Self::and)
    }

    fn and(&mut self) -> Result<Expression, OnlyError> {
        self.chain("and", Expression::And, Self::not)
    }

    fn chain(
        &mut self,
        word: &str,
        all: fn(Vec<Expression>) -> Expression,
        part: fn(&mut Self) -> Result<Expression, OnlyError>,
    ) -> Result<Expression, OnlyError> {
        let mut parts = vec![part(self)?];
        while self.eat(word) {
            parts.push(part(self)?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { all(parts) })
    }

    fn not(&mut self) -> Result<Expression, OnlyError> {
        let column = self.tokens.peek().map_or(self.end, |token| token.column);
        let not = self.eat("not");
        if !not && !self.eat("(") {
            return self.comparison();
        }
        self.depth += 1;
        if self.depth > DEEPEST {
            let message = format!("wanted at most {DEEPEST} brackets and `not` inside each other");
            return Err(OnlyError { text: self.text.into(), column, len: 1, message });
        }
        let inner = if not {
            Expression::Not(Box::new(self.not()?))
        } else {
            let inner = self.or()?;
            self.expect(")")?;
            inner
        };
        self.depth -= 1;
        Ok(inner)
    }

    fn comparison(&mut self) -> Result<Expression, OnlyError> {
        let first = self.next("a parameter")?;
        if self.eat("in") {
            if self.tokens.peek().is_some_and(|token| !token.quoted && token.text == "[") {
                let name = self.name(first, "a parameter")?;
                return Ok(Expression::In { name, values: self.list()? });
            }
            let wanted = "a list or the name of one";
            let list = self.next(wanted)?;
            return Ok(Expression::Holds {
                name: self.name(list, wanted)?,
                value: self.operand(first)?,
            });
        }
        let name = self.name(first, "a parameter")?;
        let sign = self.next("a comparison or `in`")?;
        let comparison = match sign.text.as_str() {
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
        Ok(Expression::Compare { name, comparison, value: self.value()? })
    }

    fn name(&self, token: Token, wanted: &str) -> Result<Name, OnlyError> {
        let Token { text, column, quoted } = token;
        if quoted || !text.starts_with(|c: char| c.is_alphabetic() || c == '_') {
            return Err(error(self.text, column, wanted, &text));
        }
        Ok(Name { text, column })
    }

    fn list(&mut self) -> Result<Vec<Operand>, OnlyError> {
        self.expect("[")?;
        let mut values = vec![self.value()?];
        while self.eat(",") {
            values.push(self.value()?);
        }
        self.expect("]")?;
        Ok(values)
    }

    fn value(&mut self) -> Result<Operand, OnlyError> {
        let token = self.next("a value")?;
        self.operand(token)
    }

    fn operand(&self, token: Token) -> Result<Operand, OnlyError> {
        if !token.quoted && "()[],".contains(&token.text) {
            return Err(error(self.text, token.column, "a value", &token.text));
        }
        if token.quoted {
            return Ok(Operand::Value(Value::String(token.text)));
        }
        if self.prefix.is_some_and(|prefix| token.text.starts_with(prefix)) {
            return Ok(Operand::Name(Name { text: token.text, column: token.column }));
        }
        // A bare word is what it is in a configuration.
        let content = resolve_scalar(&token.text).map_err(|message| {
            let (column, len) = (token.column, token.text.chars().count());
            OnlyError { text: self.text.into(), column, len, message }
        })?;
        Ok(Operand::Value(content.to_json()))
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
