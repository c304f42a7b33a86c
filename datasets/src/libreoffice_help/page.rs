//! The paragraphs of one help page.

/// Id and text of every paragraph and heading that has an id of its own, in the order of the page.
///
/// A paragraph ends at its end tag or where the next one begins. What is inside `<script>` and `<style>`
/// is no text.
pub(super) fn paragraphs(page: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    // The element, the id and the text so far.
    let mut open: Option<(&str, &str, String)> = None;
    let mut rest = page;
    while let Some(start) = rest.find('<') {
        let (text, tag) = rest.split_at(start);
        if let Some((.., so_far)) = &mut open {
            so_far.push_str(text);
        }
        let (tag, after) = split_tag(tag);
        rest = after;
        let name = name(tag);
        if let Some(name) = name.strip_prefix('/') {
            if open.as_ref().is_some_and(|(element, ..)| *element == name) {
                found.extend(open.take().map(closed));
            }
            continue;
        }
        match name {
            "script" | "style" => {
                rest = after.find(&format!("</{name}")).map_or("", |end| &after[end..]);
            }
            "br" => open.iter_mut().for_each(|(.., text)| text.push(' ')),
            "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                found.extend(open.take().map(closed));
                let id = attribute(tag, "id").filter(|id| is_shared(id));
                open = id.map(|id| (name, id, String::new()));
            }
            _ => {}
        }
    }
    if let Some((.., text)) = &mut open {
        text.push_str(rest);
    }
    found.extend(open.map(closed));
    found
}

/// Whether an id comes from the authors, so that it is the same in all languages.
fn is_shared(id: &str) -> bool {
    id.starts_with("par_id") || id.starts_with("hd_id")
}

fn closed((_, id, text): (&str, &str, String)) -> (String, String) {
    let words: Vec<_> = text.split_whitespace().collect();
    (id.into(), decoded(&words.join(" ")))
}

/// A tag or comment without its angle brackets, and what follows it.
fn split_tag(text: &str) -> (&str, &str) {
    if let Some(comment) = text.strip_prefix("<!--") {
        return ("!", comment.split_once("-->").map_or("", |(_, after)| after));
    }
    let mut quote = None;
    for (at, c) in text.char_indices().skip(1) {
        match (c, quote) {
            ('>', None) => return (&text[1..at], &text[at + 1..]),
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            _ => {}
        }
    }
    ("", "")
}

/// The element's name, with a slash in front where it ends.
fn name(tag: &str) -> &str {
    let end = |c: char| c.is_whitespace();
    tag.split(end).next().unwrap_or_default().trim_end_matches('/')
}

/// The value of an attribute that is written in double quotes.
fn attribute<'a>(tag: &'a str, wanted: &str) -> Option<&'a str> {
    let mut rest = tag.split_once(char::is_whitespace)?.1;
    while let Some((name, after)) = rest.split_once("=\"") {
        let (value, next) = after.split_once('"')?;
        if name.trim() == wanted {
            return Some(value);
        }
        rest = next;
    }
    None
}

/// The text with its character references replaced; an unknown one stays as it is.
fn decoded(text: &str) -> String {
    let (mut plain, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find('&') {
        let (before, reference) = rest.split_at(at);
        plain.push_str(before);
        let known = reference.find(';').and_then(|end| Some((character(&reference[1..end])?, end)));
        match known {
            Some((c, end)) => {
                plain.push(c);
                rest = &reference[end + 1..];
            }
            None => {
                plain.push('&');
                rest = &reference[1..];
            }
        }
    }
    plain + rest
}

fn character(reference: &str) -> Option<char> {
    match reference {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some(' '),
        _ => {
            let number = reference.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(page: &str) -> Vec<(String, String)> {
        paragraphs(page)
    }

    #[test]
    fn paragraphs_with_ids_are_found_and_their_markup_dropped() {
        let page = "<html><head><script>if (a<b) '<p id=\"par_id0\">no</p>'</script></head>\n\
            <!-- <p id=\"par_id1\">no</p> --><p>no id</p><h1 id=\"hd_id2\" dir=\"auto\">A  <b>bold</b>\n\
            head</h1><p class=\"x > y\" id=\"par_id3\">one<br>two &lt;3 &amp; &#233;&#x41; &odd; a & b</p>\n\
            <p id=\"par_id4\">cut<p id=\"par_id5\"><img id=\"par_id6\" alt=\"a\"></p>\
            <p id=\"tabs\">no</p><p id=\"par_id7\">\u{a0}last";
        let wanted = [
            ("hd_id2", "A bold head"),
            ("par_id3", "one two <3 & éA &odd; a & b"),
            ("par_id4", "cut"),
            ("par_id5", ""),
            ("par_id7", "last"),
        ];
        let wanted: Vec<_> = wanted.map(|(id, text)| (id.to_owned(), text.to_owned())).into();
        assert_eq!(texts(page), wanted);
    }

    #[test]
    fn broken_markup_ends_quietly() {
        for page in
            ["<", "<p id=\"par_id1", "<p id=\"par_id1\">&", "<!--", "<script>", "</p>", "<é"]
        {
            let found = texts(page);
            assert!(found.len() <= 1, "{page}: {found:?}");
        }
        assert_eq!(
            texts("<p id=\"par_id1\">&#xd800;&;"),
            [("par_id1".into(), "&#xd800;&;".into())]
        );
    }
}
