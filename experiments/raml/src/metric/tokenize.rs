//! How sacreBLEU makes tokens of texts.

use std::sync::LazyLock;

use regex::Regex;

/// A way to make tokens of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tokenizer {
    /// At white space only.
    None,
    /// As mteval-v13a does, which WMT used.
    V13a,
    /// As mteval-v14 does for any language: at punctuation and symbols of Unicode.
    International,
}

impl Tokenizer {
    /// sacreBLEU's name of it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::V13a => "13a",
            Self::International => "intl",
        }
    }

    /// Replaces `out` by the text with white space between its tokens.
    pub fn tokenize(self, text: &str, out: &mut String) {
        out.clear();
        match self {
            Self::None => out.push_str(text),
            Self::V13a => v13a(text, out),
            Self::International => international(text, out),
        }
    }
}

/// Entities that mteval-v13a undoes, in its order.
const ENTITIES: [(&str, &str); 4] =
    [("&quot;", "\""), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">")];

fn v13a(text: &str, out: &mut String) {
    let text = text.trim_end_matches(super::parts);
    if !text.contains(|c| is_symbol(c) && c != ' ' || matches!(c, '.' | ',' | '-' | '\n')) {
        // Nothing is parted and nothing undone.
        out.push_str(text);
        return;
    }
    let unusual = text.contains(['&', '\n']) || text.contains("<skipped>");
    let plain = if unusual {
        let joined = text.replace("<skipped>", "").replace("-\n", "").replace('\n', " ");
        ENTITIES.iter().fold(joined, |text, (entity, sign)| text.replace(entity, sign))
    } else {
        text.to_owned()
    };
    let mut chars = Vec::with_capacity(2 * plain.len() + 2);
    let mut other = Vec::with_capacity(2 * plain.len() + 2);
    chars.push(' ');
    for c in plain.chars() {
        if is_symbol(c) { chars.extend([' ', c, ' ']) } else { chars.push(c) }
    }
    chars.push(' ');
    let stop = |c: char| c == '.' || c == ',';
    let digit = |c: char| c.is_ascii_digit();
    pairs(&chars, &mut other, |a, b| !digit(a) && stop(b), |a, b| [a, ' ', b, ' ']);
    pairs(&other, &mut chars, |a, b| stop(a) && !digit(b), |a, b| [' ', a, ' ', b]);
    pairs(&chars, &mut other, |a, b| digit(a) && b == '-', |a, b| [a, ' ', b, ' ']);
    out.extend(&other);
}

/// Whether mteval-v13a parts this from everything: ASCII but letters, digits, `'`, `,`, `-` and `.`.
fn is_symbol(c: char) -> bool {
    matches!(c, '{'..='~' | '['..='`' | ' '..='&' | '('..='+' | ':'..='@' | '/')
}

/// Rewrites pairs of neighbours from the left to the right; one that was rewritten takes part in no other.
fn pairs(
    from: &[char],
    to: &mut Vec<char>,
    found: impl Fn(char, char) -> bool,
    rewritten: impl Fn(char, char) -> [char; 4],
) {
    to.clear();
    let mut at = 0;
    while let Some(&a) = from.get(at) {
        match from.get(at + 1) {
            Some(&b) if found(a, b) => {
                to.extend(rewritten(a, b));
                at += 2;
            }
            _ => {
                to.push(a);
                at += 1;
            }
        }
    }
}

fn international(text: &str, out: &mut String) {
    static RULES: LazyLock<[(Regex, &str); 3]> = LazyLock::new(|| {
        [(r"(\P{N})(\p{P})", "$1 $2 "), (r"(\p{P})(\P{N})", " $1 $2"), (r"(\p{S})", " $1 ")]
            .map(|(rule, by)| (Regex::new(rule).expect("a regular expression of ours"), by))
    });
    let text = text.trim_end_matches(super::parts).to_owned();
    let parted =
        RULES.iter().fold(text, |text, (rule, by)| rule.replace_all(&text, *by).into_owned());
    out.push_str(&parted);
}

#[cfg(test)]
mod tests {
    use super::super::words;
    use super::*;

    fn tokens(tokenizer: Tokenizer, text: &str) -> Vec<String> {
        let mut out = String::new();
        tokenizer.tokenize(text, &mut out);
        words(&out).map(str::to_owned).collect()
    }

    #[test]
    fn v13a_parts_punctuation_but_not_within_numbers() {
        let found =
            tokens(Tokenizer::V13a, "He paid $1,000.50 (in 1990-95), &quot;it's&quot; said.");
        let wanted = [
            "He", "paid", "$", "1,000.50", "(", "in", "1990", "-", "95", ")", ",", "\"", "it's",
            "\"", "said", ".",
        ];
        assert_eq!(found, wanted);
        assert_eq!(tokens(Tokenizer::V13a, "a..b 3. .5"), ["a", ".", ".", "b", "3", ".", ".", "5"]);
    }

    #[test]
    fn international_parts_all_punctuation() {
        let found = tokens(Tokenizer::International, "«Où ?», 3,5 € 7.");
        assert_eq!(found, ["«", "Où", "?", "»", ",", "3,5", "€", "7."]);
        assert_eq!(tokens(Tokenizer::None, " a.\u{1f}b\u{a0}c "), ["a.", "b", "c"]);
    }
}
