//! Names from configurations and runs end up in paths and on terminals; both must be harmless.

use std::borrow::Cow;

pub(crate) use experiment::is_plain_name as is_plain;

/// `text` with everything that moves a cursor, changes a direction or cannot be seen written out as
/// an escape such as `\u{1b}`.
pub fn inert(text: &str) -> Cow<'_, str> {
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

/// Text of several lines, each [`inert`] and of at most 500 characters, `limit` characters in all.
pub(crate) fn inert_lines(text: &str, limit: usize) -> String {
    let mut safe = String::new();
    for line in text.lines() {
        if safe.len() >= limit {
            safe.push('…');
            break;
        }
        safe.push_str(&inert_short(line, 500.min(limit - safe.len()).max(2)));
        safe.push('\n');
    }
    safe
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
    fn active_characters_are_written_out() {
        assert_eq!(inert("rbi+fp é"), "rbi+fp é");
        assert_eq!(inert("\u{1b}[31mred\n\u{9b}\u{202e}"), "\\u{1b}[31mred\\n\\u{9b}\\u{202e}");
    }

    #[test]
    fn lines_stay_lines_and_are_cut_as_a_whole() {
        assert_eq!(inert_lines("a\r\n\u{1b}b\n", 100), "a\n\\u{1b}b\n");
        assert_eq!(inert_lines("abcdef\nghi\njkl", 8), "abcdef\ng…\n…");
    }

    #[test]
    fn long_text_is_cut_after_escaping() {
        assert_eq!(inert_short("abcdef", 6), "abcdef");
        assert_eq!(inert_short("abcdefg", 6), "abcde…");
        assert_eq!(inert_short("\u{1b}bcdef", 6), "\\u{1b…");
    }
}
