//! What is learned from at a temperature: draws around a few references, as a table and as a picture.

use std::fmt::Write;

use experiment::{Error, Run};
use serde::Serialize;

use crate::corpus::Corpus;
use crate::targets::Targets;

/// The table of draws.
const TABLE: &str = "samples";
/// The picture of them, which reports show.
const PICTURE: &str = "samples.svg";
/// References, and draws around each.
const REFERENCES: usize = 4;
const DRAWS: u64 = 4;

/// A draw around a reference.
#[derive(Debug, Serialize)]
struct Row<'a> {
    sentence: usize,
    source: &'a str,
    reference: &'a str,
    target: &'a str,
    edits: usize,
}

/// Draws targets around the first test references and keeps them.
pub(crate) fn report(targets: &Targets, corpus: &Corpus, run: &mut Run<'_>) -> Result<(), Error> {
    let stream = run.stream("samples");
    let mut lines = Vec::new();
    let pairs = corpus.test.pairs.iter().enumerate();
    let known = pairs.map(|(at, pair)| (at, pair, corpus.pieces.encode(&pair.target)));
    let known = known.filter(|(_, _, reference)| targets.knows(reference));
    for (sentence, pair, reference) in known.take(REFERENCES) {
        lines.extend([pair.source.clone(), pair.target.clone()]);
        for index in 0..DRAWS {
            let mut rng = stream.rng(DRAWS * sentence as u64 + index);
            let mut target = Vec::new();
            let edits = targets.draw_any(&reference, &mut rng, &mut target);
            let edits = edits.map_err(|e| Error::other("drawing a sample (`max_edits`)", e))?;
            let target = corpus.pieces.decode(&target);
            let row = Row {
                sentence,
                source: &pair.source,
                reference: &pair.target,
                target: &target,
                edits,
            };
            run.table(TABLE, &row)?;
            lines.push(format!("{edits:>3}  {target}"));
        }
    }
    run.artifact(PICTURE, picture(&lines).as_bytes())
}

/// Lines of text as a picture: of each group the source, the reference and draws with their edits.
fn picture(lines: &[String]) -> String {
    const LINE: usize = 18;
    /// Characters of a line that are shown.
    const MOST: usize = 110;
    let group = 2 + DRAWS as usize;
    let height = LINE * (lines.len() + lines.len() / group + 1);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 860 {height}\" \
         font-family=\"monospace\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    for (at, line) in lines.iter().enumerate() {
        let (y, within) = (LINE * (at + at / group + 1), at % group);
        let weight = if within == 1 { "bold" } else { "normal" };
        let mut shown: String = line.chars().take(MOST).collect();
        if shown.len() < line.len() {
            shown.push('…');
        }
        let shown = shown.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        writeln!(
            svg,
            "<text x=\"12\" y=\"{y}\" font-weight=\"{weight}\" xml:space=\"preserve\">{shown}</text>"
        )
        .expect("a string takes any text");
    }
    svg + "</svg>\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_have_every_line_and_no_markup_of_it() {
        let lines = ["a < b & c", "x", "  0  x", "  1  y", "  1  z", "  2  u"].map(String::from);
        let svg = picture(&[&lines[..], &["a".repeat(200)]].concat());
        assert!(svg.contains(">a &lt; b &amp; c</text>"), "{svg}");
        assert!(svg.contains("y=\"36\" font-weight=\"bold\" xml:space=\"preserve\">x</text>"));
        assert_eq!(svg.matches("<text ").count(), 7);
        assert!(svg.contains(&format!(
            "y=\"144\" font-weight=\"normal\" xml:space=\"preserve\">{}…<",
            "a".repeat(110)
        )));
    }
}
