//! Dotted paths of keys, parsed and printed.

use std::fmt;

/// Keys from the root to a value, written with dots; a key with a dot is written in quotes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Path(Vec<String>);

impl Path {
    /// The path of no key: the root.
    pub fn root() -> Self {
        Self::default()
    }

    /// The keys.
    pub fn keys(&self) -> &[String] {
        &self.0
    }

    /// The path with one more key.
    #[must_use]
    pub fn join(&self, key: impl Into<String>) -> Self {
        let mut keys = self.0.clone();
        keys.push(key.into());
        Self(keys)
    }

    /// Reads the dotted form.
    ///
    /// # Errors
    /// What is wrong, and at which character from 0.
    pub fn parse(text: &str) -> Result<Self, (usize, &'static str)> {
        let mut keys = vec![String::new()];
        let mut quote = None;
        // Whether the last key has quotes, which make an empty one possible.
        let mut quoted = false;
        let mut escaped = false;
        for (at, c) in text.chars().enumerate() {
            let key = keys.last_mut().expect("there is always a last key");
            match (quote, c) {
                (Some(_), c) if escaped => {
                    key.push(c);
                    escaped = false;
                }
                (Some('"'), '\\') => escaped = true,
                (Some(open), c) if c == open => quote = None,
                (Some(_), c) => key.push(c),
                (None, '"' | '\'') => (quote, quoted) = (Some(c), true),
                (None, '.') if key.is_empty() && !quoted => {
                    return Err((at, "a key before the dot"));
                }
                (None, '.') => {
                    keys.push(String::new());
                    quoted = false;
                }
                (None, c) if c.is_whitespace() => return Err((at, "a key without spaces")),
                (None, c) => key.push(c),
            }
        }
        let end = text.chars().count();
        match (quote, keys.last()) {
            (Some(_), _) => Err((end, "a closing quote")),
            (None, Some(key)) if key.is_empty() && !quoted => Err((end, "a key")),
            _ => Ok(Self(keys)),
        }
    }
}

impl<S: Into<String>> FromIterator<S> for Path {
    fn from_iter<T: IntoIterator<Item = S>>(keys: T) -> Self {
        Self(keys.into_iter().map(Into::into).collect())
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, key) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(".")?;
            }
            let plain = |c: char| c.is_alphanumeric() || "_-+[]".contains(c);
            if !key.is_empty() && key.chars().all(plain) {
                f.write_str(key)?;
            } else {
                write!(f, "\"{}\"", key.replace('\\', "\\\\").replace('"', "\\\""))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_as_they_are_written() {
        for text in ["a", "a.b.c", r#"a."b.c".d"#, r#"a."\"\\".d"#, r#""".a"#, "λ.模型"] {
            assert_eq!(Path::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Path::parse("'a.b'").unwrap().keys(), ["a.b"]);
        assert_eq!(Path::parse("a..b"), Err((2, "a key before the dot")));
        assert_eq!(Path::parse("a."), Err((2, "a key")));
        assert_eq!(Path::parse("a.'b"), Err((4, "a closing quote")));
        assert_eq!(Path::parse("a b"), Err((1, "a key without spaces")));
    }
}
