//! Names from configurations and runs end up in paths and on terminals; both must be harmless.

use std::borrow::Cow;

/// Whether `name` can be a file or folder name everywhere: 1 to 64 letters, digits, `_` and `-`,
/// the first of them no `-`.
pub(crate) fn is_plain(name: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    (1..=64).contains(&name.len()) && name.bytes().all(fits) && !name.starts_with('-')
}

/// `text` with everything that moves a cursor, changes a direction or cannot be seen written out as
/// an escape such as `\u{1b}`.
pub(crate) fn inert(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_active) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_active(c) { safe.extend(c.escape_default()) } else { safe.push(c) }
    }
    Cow::Owned(safe)
}

/// [`inert`] text of at most `limit` characters, the last being `…` where something was cut.
pub(crate) fn inert_short(text: &str, limit: usize) -> String {
    // Escapes only lengthen, so the first `limit + 1` characters decide.
    let head: String = text.chars().take(limit + 1).collect();
    let safe = inert(&head);
    if safe.chars().count() <= limit {
        return safe.into_owned();
    }
    safe.chars().take(limit - 1).chain(['…']).collect()
}

/// The most similar of some names, if any is similar.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let most = 1 + name.chars().count() / 3;
    let distance = |known: &'a str| (strsim::damerau_levenshtein(known, name), known);
    let (distance, nearest) = known.map(distance).min_by_key(|(distance, _)| *distance)?;
    (distance <= most).then_some(nearest)
}

fn is_active(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_harmless_names_are_plain() {
        for name in ["dialog", "rank-pooling", "A_1"] {
            assert!(is_plain(name), "{name}");
        }
        let long = "x".repeat(65);
        for name in ["", "..", "a/b", "a.parquet", "-x", "a b", "é", "a\n", &long] {
            assert!(!is_plain(name), "{name:?}");
        }
    }

    #[test]
    fn active_characters_are_written_out() {
        assert_eq!(inert("rbi+fp é"), "rbi+fp é");
        assert_eq!(inert("\u{1b}[31mred\n\u{9b}\u{202e}"), "\\u{1b}[31mred\\n\\u{9b}\\u{202e}");
    }

    #[test]
    fn long_text_is_cut_after_escaping() {
        assert_eq!(inert_short("abcdef", 6), "abcdef");
        assert_eq!(inert_short("abcdefg", 6), "abcde…");
        assert_eq!(inert_short("\u{1b}bcdef", 6), "\\u{1b…");
    }
}
