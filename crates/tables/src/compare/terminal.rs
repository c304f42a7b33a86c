//! A table as lines of a terminal.

use textwrap::{Options, WordSplitter};

use super::{
    block::Drawing,
    format::Terminal,
    layout::{Arranged, arrange},
    lines,
    sheet::Sheet,
};

/// Narrower than this nothing is laid out.
const NARROWEST: usize = 20;

/// The table, each line ending in a line break.
pub(super) fn text(sheet: &Sheet, terminal: Terminal) -> String {
    let limit = terminal.limit();
    let form = |text: String| if terminal.ascii { ascii(&text) } else { text };
    let sheet = if terminal.ascii { &sheet.map(&ascii) } else { sheet };
    let Arranged { measured, blocks } = arrange(sheet, limit, &form);
    let mut out = Page { text: String::new(), limit };
    if let Some(title) = &sheet.title {
        out.paragraph(title);
    }
    out.paragraph(&form(sheet.caption(measured.detail)));
    match &blocks {
        Some(blocks) => {
            let drawings: Vec<Drawing<'_>> =
                blocks.iter().map(|block| Drawing::new(&measured, block, terminal.ascii)).collect();
            let width = drawings.iter().map(Drawing::width).max().unwrap_or(0);
            for (at, drawing) in drawings.iter().enumerate() {
                let title = drawing.title();
                // One rule between blocks is enough.
                let above = at == 0 || title.is_some();
                title.iter().for_each(|title| out.paragraph(title));
                drawing.lines(width, above).iter().for_each(|line| out.line(line));
            }
        }
        None => lines::paragraphs(&measured).for_each(|cell| out.paragraph(&cell)),
    }
    let dropped = sheet.dropped(measured.detail);
    if let [before @ .., last] = dropped.as_slice() {
        let before = if before.is_empty() { String::new() } else { before.join(", ") + " and " };
        out.paragraph(&format!(
            "without {before}{last}, which do not fit {limit} columns; --wide shows them"
        ));
    }
    sheet.notes(measured.detail).for_each(|note| out.paragraph(note));
    out.text
}

/// Text as it can be shown where there is ASCII only.
fn ascii(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '±' => plain.push_str("+-"),
            '†' => plain.push('~'),
            '→' => plain.push_str("->"),
            '…' => plain.push_str("..."),
            c => plain.push(c),
        }
    }
    plain
}

impl Terminal {
    /// Text with its long lines broken, each going on with an indent.
    pub fn fold(self, text: &str) -> String {
        let mut page = Page { text: String::new(), limit: self.limit() };
        text.lines().for_each(|line| page.paragraph(line));
        page.text
    }

    fn limit(self) -> usize {
        self.width.map_or(usize::MAX, |width| width.max(NARROWEST))
    }
}

struct Page {
    text: String,
    limit: usize,
}

impl Page {
    fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    /// Lines that go on with an indent.
    fn paragraph(&mut self, text: &str) {
        if self.limit == usize::MAX {
            return self.line(text);
        }
        let options = Options::new(self.limit)
            .subsequent_indent("  ")
            .word_splitter(WordSplitter::NoHyphenation);
        for line in textwrap::wrap(text, options) {
            self.line(&line);
        }
    }
}
