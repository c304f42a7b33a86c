//! What a program writes to a terminal, as pieces of text.

use vte::{Params, Parser, Perform};

/// How a piece of text ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// By a line feed, or because nothing follows.
    Line,
    /// By something that lets the cursor go back, so that what follows takes its place.
    Rewritten,
    /// Not yet, but there is no room for more of it.
    Not,
}

/// Who reads the text.
pub(crate) trait Reader {
    /// Takes in a piece; one that did not end yet may be shortened to what has to be seen again
    /// together with what follows. A piece that was rewritten by nothing ends once more, empty.
    fn read(&mut self, text: &mut String, end: End);
}

/// Bytes as a terminal would understand them: escape sequences are no text, and a carriage return
/// ends a piece of it as a line feed does.
pub(crate) struct Screen {
    parser: Parser,
    line: Line,
}

#[derive(Default)]
struct Line {
    text: String,
    /// Nothing was printed since the text was read.
    seen: bool,
    /// The cursor went back and nothing was printed since.
    back: bool,
    /// A part of the piece was read.
    parted: bool,
    longest: usize,
}

impl Screen {
    /// A screen that keeps about `longest` bytes of a piece.
    pub(crate) fn new(longest: usize) -> Self {
        Self { parser: Parser::new(), line: Line { longest, ..Line::default() } }
    }

    /// Takes in bytes as they come.
    pub(crate) fn write(&mut self, bytes: &[u8], reader: &mut impl Reader) {
        self.parser.advance(&mut Writing { line: &mut self.line, reader }, bytes);
    }

    /// Nothing follows.
    pub(crate) fn close(&mut self, reader: &mut impl Reader) {
        Writing { line: &mut self.line, reader }.end(End::Line);
    }
}

struct Writing<'a, R> {
    line: &'a mut Line,
    reader: &'a mut R,
}

impl<R: Reader> Writing<'_, R> {
    fn push(&mut self, c: char) {
        let line = &mut *self.line;
        (line.seen, line.back) = (false, false);
        line.text.push(c);
        if line.text.len() >= line.longest {
            self.reader.read(&mut line.text, End::Not);
            line.parted = true;
        }
    }

    fn end(&mut self, end: End) {
        let line = &mut *self.line;
        if line.seen {
            line.text.clear();
        }
        if !line.text.is_empty() || line.parted || (end == End::Line && line.back) {
            self.reader.read(&mut line.text, end);
        }
        line.text.clear();
        (line.seen, line.back, line.parted) = (false, end == End::Rewritten, false);
    }

    fn rub_out(&mut self) {
        let line = &mut *self.line;
        if !line.seen && !line.text.is_empty() {
            // It is to be read before something else stands there.
            self.reader.read(&mut line.text.clone(), End::Rewritten);
        }
        line.text.pop();
        (line.seen, line.back) = (true, true);
    }
}

impl<R: Reader> Perform for Writing<'_, R> {
    fn print(&mut self, c: char) {
        self.push(c);
    }

    fn execute(&mut self, byte: u8) {
        match byte {
            b'\t' => self.push('\t'),
            b'\n' | 0x0b | 0x0c => self.end(End::Line),
            b'\r' => self.end(End::Rewritten),
            0x08 => self.rub_out(),
            _ => {}
        }
    }

    fn csi_dispatch(&mut self, parameters: &Params, _: &[u8], _: bool, action: char) {
        let first = parameters.iter().next().and_then(|group| group.first()).copied().unwrap_or(0);
        match action {
            // Forward: a gap.
            'C' | 'a' => self.push(' '),
            'I' => self.push('\t'),
            // The cursor goes elsewhere.
            'A' | 'B' | 'D'..='H' | '`' | 'd'..='f' | 'u' => self.end(End::Rewritten),
            // What was written goes away.
            'J' | 'K' if first > 0 => self.end(End::Rewritten),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Pieces(Vec<(String, End)>);

    impl Reader for Pieces {
        fn read(&mut self, text: &mut String, end: End) {
            self.0.push((text.clone(), end));
            if end == End::Not {
                text.clear();
            }
        }
    }

    /// The same pieces in whatever portions the bytes come.
    fn pieces(bytes: &[u8]) -> Vec<(String, End)> {
        let read = |portion: usize| {
            let (mut screen, mut pieces) = (Screen::new(10), Pieces::default());
            bytes.chunks(portion).for_each(|bytes| screen.write(bytes, &mut pieces));
            screen.close(&mut pieces);
            pieces.0
        };
        let whole = read(bytes.len());
        assert_eq!(whole, read(1));
        whole
    }

    fn texts(bytes: &[u8]) -> Vec<String> {
        pieces(bytes).into_iter().map(|(text, _)| text).collect()
    }

    #[test]
    fn lines_and_returns_end_pieces() {
        use End::{Line, Rewritten};
        let piece = |text: &str, end| (text.to_owned(), end);
        assert_eq!(pieces(b"a\n\nb"), [piece("a", Line), piece("b", Line)]);
        assert_eq!(
            pieces(b"1%\r2%\rdone\n"),
            [piece("1%", Rewritten), piece("2%", Rewritten), piece("done", Line)]
        );
        // What Windows ends a line with rewrites nothing.
        assert_eq!(pieces(b"a\r\n"), [piece("a", Rewritten), piece("", Line)]);
    }

    #[test]
    fn escape_sequences_are_no_text() {
        assert_eq!(texts(b"\x1b[1;32mloss\x1b[0m: 1\x1b[K\n"), ["loss: 1"]);
        assert_eq!(texts(b"\x1b]0;title\x07x\x1b]8;;http://a\x1b\\y"), ["xy"]);
        assert_eq!(texts(b"0.1\x1b[1G2 of 3"), ["0.1", "2 of 3"]);
        assert_eq!(texts(b"a\x1b[2Kb\x1b[3Cc\td\x1b[Ke"), ["a", "b c\tde"]);
        assert_eq!(texts("é\u{feff}".as_bytes()), ["é\u{feff}"]);
        assert_eq!(texts(b"a\xffb"), ["a\u{fffd}b"]);
    }

    #[test]
    fn what_is_rubbed_out_was_read_before() {
        assert_eq!(texts(b"x 0.1\x08\x08\x080.2\n"), ["x 0.1", "x 0.2"]);
        assert_eq!(texts(b"x 0.1\x08\x08\x08\n"), ["x 0.1", ""]);
        assert_eq!(texts(b"ab\x08\x08\x08\x08\rcd\n"), ["ab", "cd"]);
    }

    #[test]
    fn a_long_piece_is_read_in_parts() {
        use End::{Line, Not};
        let parts = pieces(b"0123456789abc");
        assert_eq!(parts, [("0123456789".to_owned(), Not), ("abc".to_owned(), Line)]);
    }
}
